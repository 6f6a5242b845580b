"""The codec beside the classical ones, at equal bytes and without loss.

For each rate r, in bits for every level of a picture, each codec gets floor(r levels / 8) bytes a
file, headers included, and gives the best picture it can (`codec.rivals`, `codec.budgets`). With
small pictures of one size all are also put on one sheet, which is how the Convolutional DRAW paper
(2016, Figs 4 and 12) compares: it spares the classical codecs their headers. underdraw has both,
too; its sheet is one file whose tiles are the pictures (`codec.tiles`).

underdraw has two rows of each: zero variance takes what is not stored from the prior's mean, full
variance samples it.
"""

import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from underdraw.codec.container import parse
from underdraw.codec.decoding import How, picture_of, pictures_of
from underdraw.codec.encoding import compress_all
from underdraw.codec.errors import CodecError, NoRoom
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture
from underdraw.codec.measures import psnr, ssim
from underdraw.codec.rivals import (
    RIVALS,
    CannotCode,
    Coded,
    Rival,
    Sheet,
    best_within,
    lossless_bytes,
    sheet_of,
)
from underdraw.codec.together import drawn
from underdraw.codec.usual import MAX_PIXELS
from underdraw.codec.wishes import Wish, twin_for
from underdraw.likelihoods import WINDOW
from underdraw.plot import labelled_sheet

OURS = "underdraw"
FULL = "underdraw, full variance"
VARIANCES = {OURS: 0.0, FULL: 1.0}
"""The temperature of what is not stored, for each of our rows."""
SHEET = 100
"""Pictures on a sheet, at most."""
SHOWN = 192
"""Sides of what is shown of a large picture, pixels."""

Levels = UInt8[np.ndarray, "_ _ _"]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """What one codec made of the pictures."""

    codec: str
    """Its name."""
    method: str
    """"files", "sheet" or "lossless"."""
    rate: float | None
    """Bits for every level that it was given; None without loss."""
    met: int
    """Pictures for which there is so small a file; the others are left out of what follows."""
    bytes: float | None
    """Mean length of a file."""
    bits_per_dim: float | None
    """Mean bits for every level."""
    psnr: float | None = None
    """Mean PSNR, dB."""
    ssim: float | None = None
    """Mean SSIM; None if scikit-image is missing or the pictures are too small."""
    shown: list[Levels | None] = field(default_factory=list, repr=False)
    """The pictures, None where there is none."""


def row(
    codec: str,
    method: str,
    rate: float | None,
    pictures: Sequence[Picture],
    made: Sequence[tuple[float, Levels] | None],
) -> Row:
    """Means over the pictures for which there are bytes and levels."""
    got = [(p.levels, *m) for p, m in zip(pictures, made, strict=True) if m is not None]
    lossy, shown = method != "lossless", [None if m is None else m[1] for m in made]
    small = min(min(p.size) for p in pictures) < WINDOW
    scored = lossy and not small and importlib.util.find_spec("skimage") is not None
    return Row(
        codec, method, rate, len(got),
        mean([size for _, size, _ in got]),
        mean([8 * size / a.size for a, size, _ in got]),
        mean([psnr(a, b) for a, _, b in got if lossy]),
        mean([ssim(a, b) for a, _, b in got if scored]),
        shown,
    )  # fmt: skip


def mean(values: Sequence[float]) -> float | None:
    """The mean, if there are any."""
    return float(np.mean(values)) if values else None


def there(say: Say) -> list[Rival]:
    """The rivals that are installed; says what is missing."""
    for rival in RIVALS.values():
        if rival.missing:
            say(f"{rival.name} is left out: it needs {rival.missing}")
    return [rival for rival in RIVALS.values() if not rival.missing]


def at_rate(
    model: Twin | str | None,
    pictures: Sequence[Picture],
    rate: float,
    say: Say = lambda text: None,
    max_pixels: int = MAX_PIXELS,
) -> list[Row]:
    """Rows of all codecs at one rate: files, and sheets if the pictures are alike.

    Args:
        model: underdraw's; if None, the one that serves this rate.
        pictures: what to code.
        rate: bits for every level.
        say: takes a line for each codec that is missing, and one if there are too many for a sheet.
        max_pixels: that may be drawn for a picture, or for a sheet.

    Raises:
        CodecError: there are no pictures, or one cannot be coded.
    """
    if not pictures:
        raise CodecError("there are no pictures to compare")
    twin = twin_for(Wish(bits_per_dim=rate), model)
    if len(pictures) > SHEET:
        say(f"there are no sheets: one holds {SHEET} pictures, and these are {len(pictures)}")
    rows = ours(twin, pictures, rate, max_pixels)
    rows += theirs(there(say), pictures, rate, max_pixels)
    return sorted(rows, key=lambda one: one.method)


def ours(
    twin: Twin, pictures: Sequence[Picture], rate: float, max_pixels: int = MAX_PIXELS
) -> list[Row]:
    """Rows of underdraw, of zero and of full variance."""
    files = _files(twin, pictures, rate, max_pixels)
    rows = []
    for name, temperature in VARIANCES.items():
        made = _shown(twin, files, temperature, max_pixels)
        rows.append(row(name, "files", rate, pictures, made))
    return rows + ours_on_a_sheet(twin, pictures, rate, max_pixels)


def ours_on_a_sheet(
    twin: Twin, pictures: Sequence[Picture], rate: float, max_pixels: int = MAX_PIXELS
) -> list[Row]:
    """The rows of one file with all pictures as its tiles, if they are alike and it has room."""
    sheet, tile, rows = _sheet(pictures), pictures[0].size, list[Row]()
    if sheet is None or drawn(twin, sheet.picture.size, tile) > max_pixels:
        return rows
    bits = 8 * max(_room(pictures, rate), 1)
    wish = Wish(bits_per_dim=bits / sheet.picture.levels.size, tile=tile)
    try:
        (content,) = compress_all([sheet.picture], twin, wish, max_pixels)
    except NoRoom:
        return rows
    for name, temperature in VARIANCES.items():
        how = How(temperature=temperature, most=max_pixels)
        again = picture_of(*parse(content, max_pixels), twin, how)
        coded = Coded(content, again.levels)
        rows.append(row(name, "sheet", rate, pictures, _shared(sheet, coded)))
    return rows


def _files(
    twin: Twin, pictures: Sequence[Picture], rate: float, max_pixels: int
) -> list[bytes | None]:
    """Files within the rate, None where the header alone needs more."""
    try:
        return list(compress_all(pictures, twin, Wish(bits_per_dim=rate), max_pixels))
    except NoRoom:
        if len(pictures) == 1:
            return [None]
    return [_files(twin, [picture], rate, max_pixels)[0] for picture in pictures]


def _shown(
    twin: Twin, files: Sequence[bytes | None], temperature: float, max_pixels: int
) -> list[tuple[float, Levels] | None]:
    """What files take and decode to, None where there is none."""
    there = [parse(content, max_pixels) for content in files if content is not None]
    found = iter(pictures_of(there, twin, How(temperature=temperature, most=max_pixels)))
    return [None if f is None else (float(len(f)), next(found).levels) for f in files]


def theirs(
    rivals: Sequence[Rival], pictures: Sequence[Picture], rate: float, max_pixels: int = MAX_PIXELS
) -> list[Row]:
    """Rows of the classical codecs."""
    rows, lossy = [], [rival for rival in rivals if rival.lossy is not None]
    for rival in lossy:
        made = [best_within(rival, p, int(rate * p.levels.size / 8)) for p in pictures]
        found = [None if m is None else (float(len(m.content)), m.levels) for m in made]
        rows.append(row(rival.name, "files", rate, pictures, found))
    sheet = _sheet(pictures)
    if sheet is None or math.prod(sheet.picture.size) > max_pixels:
        return rows
    for rival in lossy:
        coded = best_within(rival, sheet.picture, _room(pictures, rate))
        rows.append(row(rival.name, "sheet", rate, pictures, _shared(sheet, coded)))
    return rows


def _sheet(pictures: Sequence[Picture]) -> Sheet | None:
    """All on one sheet, if they are alike and not too many; its bytes are shared out."""
    alike = len({picture.levels.shape for picture in pictures}) == 1
    return sheet_of(pictures) if 1 < len(pictures) <= SHEET and alike else None


def _room(pictures: Sequence[Picture], rate: float) -> int:
    """Bytes for the sheet."""
    return int(rate * sum(p.levels.size for p in pictures) / 8)


def _shared(sheet: Sheet, coded: Coded | None) -> list[tuple[float, Levels] | None]:
    if coded is None:
        return [None] * sheet.count
    return [(len(coded.content) / sheet.count, a) for a in sheet.cut(coded.levels)]


def without_loss(
    model: Twin | str | None,
    pictures: Sequence[Picture],
    say: Say = lambda text: None,
    max_pixels: int = MAX_PIXELS,
) -> list[Row]:
    """Rows of all codecs that lose nothing, one file for each picture; see `at_rate`."""
    files = compress_all(pictures, model, Wish(lossless=True), max_pixels)
    made: dict[str, list[tuple[float, Levels] | None]] = {
        OURS: [(float(len(f)), p.levels) for f, p in zip(files, pictures, strict=True)]
    }
    for rival in there(say):
        if rival.lossless is not None:
            made[rival.name] = [_without_loss(rival, picture) for picture in pictures]
    return [row(name, "lossless", None, pictures, found) for name, found in made.items()]


def _without_loss(rival: Rival, picture: Picture) -> tuple[float, Levels] | None:
    """What a lossless file takes; None where there can be none."""
    try:
        return float(lossless_bytes(rival, picture)), picture.levels
    except CannotCode:
        return None


def picture_of_rows(
    pictures: Sequence[Picture], rows: Sequence[Row], names: Sequence[str]
) -> Image.Image:
    """The pictures, and below them what each codec made of them; what is missing is left empty.

    Of pictures that differ in size, or are large, the middle is shown.
    """
    sides = [min(*(p.size[axis] for p in pictures), SHOWN) for axis in (0, 1)]
    lines = [[middle(p.levels, sides) for p in pictures]]
    lines += [[middle(a, sides) for a in one.shown] for one in rows]
    words = ["original", *(f"{one.codec}, {one.method}\n{told(one)}" for one in rows)]
    title = f"At most {rows[0].rate} bits for every level"
    return labelled_sheet(torch.stack([torch.stack(line) for line in lines]), title, names, words)


def told(one: Row) -> str:
    """A row's figures, briefly."""
    likeness = "" if one.psnr is None else f", {one.psnr:.1f} dB"
    part = "" if one.met == len(one.shown) else f", {one.met} of {len(one.shown)}"
    return f"{one.bytes:.0f} bytes{likeness}{part}" if one.met else "needs more bytes"


def middle(levels: Levels | None, sides: Sequence[int]) -> Tensor:
    """The middle of a picture as a model has it, (3, *sides); not a number where there is none."""
    if levels is None:
        return torch.full((3, *sides), math.nan)
    top, left = ((levels.shape[i + 1] - side) // 2 for i, side in enumerate(sides))
    part = torch.from_numpy(levels[:, top : top + sides[0], left : left + sides[1]])
    return ((part.float() + 0.5) / 256).expand(3, -1, -1)

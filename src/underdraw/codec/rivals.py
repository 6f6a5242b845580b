"""The classical codecs, each at its best: what the codec is compared with.

lossless bytes       the file as small as the format makes it
best within          the best picture whose file has at most so many bytes: quality is found by
                     bisection, for each way to store colours, and the highest PSNR wins

Every byte of a file counts, headers too. JPEG 2000 and JPEG XL go without their containers, the
smallest form that still opens. Small pictures drown in headers, so that the Convolutional DRAW
paper (2016) puts 100 of them on one sheet of 320 x 320 and divides; `Sheet` does that.
"""

import importlib
import importlib.util
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image, features

from underdraw.codec.errors import CodecError
from underdraw.codec.image import Picture, from_array, to_pillow
from underdraw.codec.measures import psnr

Options = dict[str, Any]
HALVINGS = 12
"""Where quality is not a whole number, it is found to 2^-HALVINGS of its range."""


class CannotCode(CodecError):
    """A codec that is there does not take a picture, for its size as a rule."""


class Coded(NamedTuple):
    """A file, and the levels (C, H, W) that it decodes to."""

    content: bytes
    levels: UInt8[np.ndarray, "c h w"]


@dataclass(frozen=True)
class Rival:
    """One classical codec.

    Attributes:
        name: what people call it.
        form: what Pillow calls it.
        feature: of Pillow, or the module of a plugin, that it needs.
        lossless: options of a lossless file; None if there is no such thing.
        lossy: options of a lossy file by quality 0 (worst) to 100; None if there is no such thing.
        ways: further options to try, all of them.
        whole: whether quality is a whole number.
    """

    name: str
    form: str
    feature: str
    lossless: Options | None
    lossy: Callable[[float], Options] | None
    ways: Sequence[Options] = ({},)
    whole: bool = True

    @property
    def missing(self) -> str | None:
        """What must be installed to have this codec; None if it is there."""
        if self.feature in features.modules or self.feature in features.codecs:
            return None if features.check(self.feature) else f"a Pillow with {self.feature}"
        if importlib.util.find_spec(self.feature) is None:
            return "pip install 'underdraw[jxl]'"
        importlib.import_module(self.feature)  # registers its format
        return None


def jpeg(quality: float) -> Options:
    """0 would mean 75 to Pillow."""
    return {"quality": max(1, round(quality)), "optimize": True}


def jpeg2000(quality: float) -> Options:
    """100 keeps half the bytes, 0 a thousandth."""
    rate = 2.0 * 500 ** (1 - quality / 100)
    return {"quality_mode": "rates", "quality_layers": [rate], "irreversible": True}


FULL_OR_HALF = ({"subsampling": "4:2:0"}, {"subsampling": "4:4:4"})
RIVALS = {
    rival.name: rival
    for rival in (
        Rival("PNG", "PNG", "zlib", {"optimize": True}, None),
        Rival("JPEG", "JPEG", "jpg", None, jpeg, FULL_OR_HALF),
        Rival(
            "JPEG 2000", "JPEG2000", "jpg_2000",
            {"irreversible": False, "no_jp2": True}, jpeg2000, ({"no_jp2": True},), whole=False,
        ),
        Rival(
            "WebP", "WEBP", "webp",
            {"lossless": True, "quality": 100, "method": 6, "exact": True},
            lambda q: {"quality": round(q), "method": 6},
        ),
        Rival(
            "AVIF", "AVIF", "avif",
            None, lambda q: {"quality": round(q), "speed": 4}, FULL_OR_HALF,
        ),
        Rival(
            "JPEG XL", "JXL", "pillow_jxl",
            {"lossless": True, "effort": 9, "num_threads": 1},
            lambda q: {"quality": round(q), "effort": 7, "num_threads": 1},
        ),
    )
}  # fmt: skip
"""The codecs by name. AVIF's lossless mode is left out: through Pillow it is not exact."""


def encode(rival: Rival, picture: Picture, options: Options) -> Coded:
    """A file of the picture's colours, and what it decodes to.

    Raises:
        CannotCode: the codec fails.
        CodecError: it is missing.
    """
    if rival.missing:
        raise CodecError(f"{rival.name} needs {rival.missing}")
    out = io.BytesIO()
    try:
        to_pillow(Picture(picture.levels)).save(out, format=rival.form, **options)
        with Image.open(io.BytesIO(out.getvalue())) as image:
            mode = "L" if len(picture.levels) == 1 else "RGB"
            planes = np.array(image.convert(mode), np.uint8)
    except (OSError, ValueError, RuntimeError) as error:
        height, width = picture.size
        raise CannotCode(f"{rival.name} cannot code {width} x {height}: {error}") from error
    return Coded(out.getvalue(), from_array(planes, planes.size).levels)


def lossless_bytes(rival: Rival, picture: Picture) -> int:
    """Bytes of the smallest lossless file.

    Raises:
        CannotCode: the codec fails.
        CodecError: it has no lossless mode, is missing, or was not lossless.
    """
    if rival.lossless is None:
        raise CodecError(f"{rival.name} has no lossless mode")
    coded = encode(rival, picture, rival.lossless)
    if not np.array_equal(coded.levels, picture.levels):
        raise CodecError(f"{rival.name} did not give back what it was given")
    return len(coded.content)


def best_within(rival: Rival, picture: Picture, budget: int) -> Coded | None:
    """The best file of at most `budget` bytes; None if even the worst quality needs more, or fails.

    Raises:
        CodecError: the codec has no lossy mode or is missing.
    """
    if rival.lossy is None:
        raise CodecError(f"{rival.name} has no lossy mode")
    found = [_within(rival, picture, budget, way) for way in rival.ways]
    there = [coded for coded in found if coded is not None]
    return max(there, key=lambda coded: psnr(coded.levels, picture.levels), default=None)


def _within(rival: Rival, picture: Picture, budget: int, way: Options) -> Coded | None:
    """Bisection over quality, for one way to store colours."""
    assert rival.lossy is not None
    step = 1 if rival.whole else 100 * 2**-HALVINGS
    best, low, high = None, 0, round(100 / step)
    middle = low  # the worst first: most rivals fail at the lowest rates
    while low <= high:
        try:
            coded = encode(rival, picture, {**rival.lossy(float(middle * step)), **way})
        except CannotCode:
            return best
        if len(coded.content) <= budget:
            best, low = coded, middle + 1
        elif best is None:
            return None
        else:
            high = middle - 1
        middle = (low + high) // 2
    return best


class Sheet(NamedTuple):
    """Pictures of one size on one sheet, row by row, without gaps.

    Attributes:
        picture: the sheet.
        count: pictures on it.
        columns: pictures in a row of it.
    """

    picture: Picture
    count: int
    columns: int

    def cut(self, levels: UInt8[np.ndarray, "c h w"]) -> list[UInt8[np.ndarray, "c y x"]]:
        """The pictures, from the levels of a sheet."""
        rows = -(-self.count // self.columns)
        lines = [
            tile for row in np.split(levels, rows, 1) for tile in np.split(row, self.columns, 2)
        ]
        return lines[: self.count]


def sheet_of(pictures: Sequence[Picture], columns: int = 10) -> Sheet:
    """All pictures on one sheet; what is left empty is black.

    Raises:
        CodecError: there are none, or they differ in size or in channels.
    """
    shapes = {picture.levels.shape for picture in pictures}
    if len(shapes) != 1:
        raise CodecError(f"a sheet needs pictures of one shape, got {sorted(shapes)}")
    columns = min(columns, len(pictures))
    tiles = [picture.levels for picture in pictures]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[i : i + columns], 2) for i in range(0, len(tiles), columns)]
    return Sheet(Picture(np.concatenate(rows, 1)), len(pictures), columns)

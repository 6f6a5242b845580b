"""Which model compresses, and which one a file was written with."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from underdraw.codec import exact, room
from underdraw.codec.container import names
from underdraw.codec.errors import CodecError, more_than
from underdraw.codec.exact import Twin
from underdraw.codec.usual import MAX_PIXELS

DEFAULT = "convdraw_photo"
"""The model that compresses without loss, unless another is named."""


class Rung(NamedTuple):
    """What makes lossy files from a quality, or from a rate, on.

    Attributes:
        model: a name, without a version.
        quality: from which on it serves, 0 to 100.
        bits_per_dim: from which on it serves budgets.
        steps: how many are stored, by quality; all if None.
        powers: of the slopes at this quality and where the next rung begins; if None, those of the
            model's own scale from 0 to 100.
    """

    model: str
    quality: float
    bits_per_dim: float
    steps: int | None = None
    powers: tuple[int, int] | None = None


LADDER = (
    Rung("convdraw_photo_least", 0.0, 0.0, None, (3, -93)),
    Rung("convdraw_photo_low", 10.0, 0.075, None, (-61, -141)),
    Rung("convdraw_photo_mid", 30.0, 0.17, None, (3, -125)),
    Rung(DEFAULT, 70.0, 1.0, 5, (-53, -77)),
    Rung(DEFAULT, 75.0, 1.9, 6, (-53, -77)),
    Rung(DEFAULT, 80.0, 2.3, 7, (-53, -77)),
    Rung(DEFAULT, 85.0, 2.6, None, (-53, -125)),
)
"""Chosen on validation images; see docs/codec.md."""


def serving(quality: float, bits_per_dim: float | None = None) -> Rung:
    """The rung of `LADDER` that serves this rate, or this quality if there is none."""
    fits = [
        rung
        for rung in LADDER
        if (quality >= rung.quality if bits_per_dim is None else bits_per_dim >= rung.bits_per_dim)
    ]
    return fits[-1] if fits else LADDER[0]


def slope(rung: Rung, quality: float) -> int:
    """The power of the slope of a quality on a rung that has powers."""
    assert rung.powers is not None
    above = [other.quality for other in LADDER if other.quality > rung.quality]
    share = (quality - rung.quality) / (min(above, default=100.0) - rung.quality)
    first, last = rung.powers
    return round(first + (last - first) * share)


@contextmanager
def model_errors() -> Iterator[None]:
    """Say what is wrong with a model as an error of the codec."""
    try:
        yield
    except exact.ModelError as error:
        raise CodecError(str(error)) from error


@lru_cache(maxsize=4)
def _load(folder: Path) -> Twin:
    return exact.load(folder)


def twin_named(model: str | Path | Twin) -> Twin:
    """The exact model of a name or folder; kept in memory for the next call.

    Raises:
        CodecError: there is none, or it is damaged.
    """
    if isinstance(model, Twin):
        return model
    with model_errors():
        return _load(exact.locate(model).resolve())


def twin_of(name: bytes, model: str | Path | Twin | None = None) -> Twin:
    """The model that a header names by its hash, among those that ship or `model` alone.

    Raises:
        CodecError: none has this hash, or several have.
    """
    if model is not None:
        twin = twin_named(model)
        if not names(twin.hash, name):
            raise CodecError(f"the file needs the model {name.hex()}, not {twin.hash.hex()}")
        return twin
    with model_errors():
        known = {folder: exact.describe(folder)["hash"] for folder in exact.shipped().values()}
    fitting = [folder for folder, code in known.items() if names(bytes.fromhex(code), name)]
    if len(fitting) != 1:
        there = ", ".join(exact.shipped()) or "none"
        count = "no" if not fitting else "more than one"
        raise CodecError(f"{count} shipped model has the hash {name.hex()} (there are: {there})")
    return twin_named(fitting[0])


def unique(twin: Twin) -> bool:
    """Whether 2 bytes of the hash tell the model from all that ship."""
    codes = [exact.describe(folder)["hash"] for folder in exact.shipped().values()]
    return all(code == twin.hash.hex() or code[:4] != twin.hash.hex()[:4] for code in codes)


def fit(
    twin: Twin,
    channels: int,
    size: tuple[int, int],
    most: int = MAX_PIXELS,
    images: int = 1,
    around: int = 0,
) -> None:
    """Refuse pictures that the model does not draw, or that take too much.

    Args:
        twin: the model.
        channels: of the pictures.
        size: height and width of each.
        most: pixels that may be drawn for all of them; sides are made multiples of the stride.
        images: how many they are.
        around: pixels at each side that the edges of many small ones cost.

    Raises:
        NoMemory: one of them takes more memory than there is.
        CodecError: saying why.
    """
    if channels not in (1, twin.shape[0]):
        raise CodecError(f"has {channels} channels, the model draws {twin.shape[0]}")
    try:
        height, width = twin.drawn_size(size)
    except ValueError as error:
        raise CodecError(str(error)) from error
    height, width = height + 2 * around, width + 2 * around
    if height * width * images > most:
        times = f"{images} times " if images > 1 else ""
        raise CodecError(f"is drawn as {times}{width} x {height}: {more_than(most)}")
    room.check(height, width)

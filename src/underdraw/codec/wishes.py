"""What kind of file is wanted, and with which model, slope and steps it is made."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, SupportsFloat, SupportsIndex

from underdraw.codec import lossy
from underdraw.codec.errors import CodecError, real_number, whole_number
from underdraw.codec.exact import Twin
from underdraw.codec.library import DEFAULT, serving, slope, twin_named
from underdraw.latent import Size

QUALITY = 75.0
"""The quality of lossy files, unless something else is asked for."""


class Wish(NamedTuple):
    """What kind of file is wanted; at most one of `quality` and `bits_per_dim` says how small.

    Attributes:
        lossless: every level is kept.
        steps: of the model, the first so many are stored; all if None.
        quality: 0 to 100.
        bits_per_dim: bits of the whole file for every level of the picture, at most.
        tile: height and width of the tiles, pixels, that the picture is cut into, each a story of
            its own: for sheets of small pictures.
    """

    lossless: bool = False
    steps: SupportsIndex | None = None
    quality: SupportsFloat | None = None
    bits_per_dim: SupportsFloat | None = None
    tile: Size | None = None

    def check(self) -> None:
        """Refuse wishes that exclude each other.

        Raises:
            CodecError: naming them.
        """
        asked = [
            name
            for name, value in self._asdict().items()
            if value is not None and value is not False
        ]
        if (self.lossless and len(asked) > 1) or {"quality", "bits_per_dim"} <= set(asked):
            raise CodecError(f"{' and '.join(asked)} exclude each other")
        if self.quality is not None:
            check_quality(self.quality)
        if self.steps is not None:
            whole_number("steps", self.steps)
        if self.tile is not None:
            check_tile(self.tile)
        if self.bits_per_dim is not None:
            check_rate(self.bits_per_dim)

    def tile_of(self, size: Size) -> Size | None:
        """The tiles of a picture, none larger than it; none at all where one would do."""
        if self.tile is None:
            return None
        tile = min(size[0], int(self.tile[0])), min(size[1], int(self.tile[1]))
        return None if tile == size else tile


USUAL = Wish()


def twin_for(wish: Wish, model: str | Path | Twin | None = None) -> Twin:
    """The exact model of that name or folder; if None, the one that serves such wishes.

    Raises:
        CodecError: there is none, or it is damaged.
    """
    if model is not None:
        return twin_named(model)
    return twin_named(DEFAULT if wish.lossless else serving(*asked(wish)).model)


def asked(wish: Wish) -> tuple[float, float | None]:
    """The quality, and the rate if one is wanted instead."""
    quality, rate = wish.quality, wish.bits_per_dim
    quality = QUALITY if quality is None else real_number("quality", quality)
    return quality, None if rate is None else real_number("bits_per_dim", rate)


def check_tile(tile: object) -> None:
    """Refuse what is no height and width of a tile.

    Raises:
        CodecError: naming it.
    """
    sides = tile if isinstance(tile, Sequence) else ()
    if len(sides) != 2 or not all(isinstance(side, SupportsIndex) for side in sides):
        raise CodecError(f"tile must be two whole numbers, height and width, got {tile!r}")
    if min(sides) < 1:
        raise CodecError(f"no tile has height {sides[0]} and width {sides[1]}")


def check_rate(rate: object) -> None:
    """Refuse rates that no file can have.

    Raises:
        CodecError: naming it.
    """
    if not 0 < real_number("bits_per_dim", rate) < 64:
        raise CodecError(f"bits_per_dim must be above 0 and below 64, got {rate}")


def check_quality(quality: object) -> None:
    """Refuse qualities outside 0..100.

    Raises:
        CodecError: naming it.
    """
    if not 0 <= real_number("quality", quality) <= 100:
        raise CodecError(f"quality must be in 0..100, got {quality}")


def power_of(twin: Twin, quality: float) -> int:
    """The power of the slope of a quality in 0..100, for this model.

    Raises:
        CodecError: it is outside.
    """
    check_quality(quality)
    coarse, fine = twin.powers
    return min(max(round(coarse + (fine - coarse) * quality / 100), lossy.FINEST), lossy.COARSEST)


class Setting(NamedTuple):
    """What a wish comes to: the power of the slope, and how many steps are stored."""

    power: int
    steps: int


def setting(twin: Twin, wish: Wish, named: bool) -> Setting:
    """How a model makes a file; its steps alone matter where there is no slope.

    Args:
        twin: the model.
        wish: its steps have the last word.
        named: the model was asked for by name and not chosen by the quality, which then is on that
            model's own scale.

    Raises:
        CodecError: the model has not so many steps, or the quality is none.
    """
    quality, rate = asked(wish)
    power, steps = power_of(twin, quality), wish.steps
    if not (named or wish.lossless) and rate is None:
        rung = serving(quality)
        if rung.powers is not None:
            power = slope(rung, quality)
        steps = rung.steps if steps is None else steps
    return Setting(power, lossy.steps_of(twin, steps))

"""Pictures of one size go through the model together; what is stored does not depend on it."""

from collections.abc import Sequence
from math import prod

from underdraw.codec.exact import Twin
from underdraw.codec.library import fit
from underdraw.codec.tiles import tiling
from underdraw.latent import Size

TOGETHER = 1 << 19
"""Pixels that are drawn for pictures of one size that are coded at once, or one picture."""


def few(twin: Twin, size: Size, group: Sequence[int]) -> list[Sequence[int]]:
    """Pictures of one size, as many at a time as are drawn together."""
    few = max(TOGETHER // prod(twin.drawn_size(size)), 1)
    return [group[i : i + few] for i in range(0, len(group), few)]


def fit_tiles(twin: Twin, channels: int, size: Size, tile: Size | None, most: int) -> None:
    """Refuse a picture, or a sheet of tiles, that the model draws none like or is too large.

    Raises:
        CodecError: it is.
    """
    if tile is None:
        fit(twin, channels, size, most)
    else:
        fit(twin, channels, tile, most, prod(tiling(size, tile)), around=twin.stride)

"""Pictures of one size go through the model together; what is stored does not depend on it."""

from collections.abc import Sequence
from math import prod

from underdraw.codec.exact import Twin
from underdraw.codec.library import fit
from underdraw.codec.tiles import tiling
from underdraw.latent import Size

TOGETHER = 1 << 19
"""Pixels that are drawn for pictures of one size that are coded at once, or one picture."""


def drawn(twin: Twin, size: Size, tile: Size | None = None) -> int:
    """Pixels that are drawn for a picture, or for all its tiles and what their edges cost."""
    if tile is None:
        return prod(twin.drawn_size(size))
    sides = (side + 2 * twin.stride for side in twin.drawn_size(tile))
    return prod(tiling(size, tile)) * prod(sides)


def few(
    twin: Twin, size: Size, group: Sequence[int], tile: Size | None = None, most: int = TOGETHER
) -> list[Sequence[int]]:
    """Pictures of one size and tile, as many at a time as are drawn together.

    Args:
        twin: the model.
        size: height and width of each.
        group: the pictures.
        tile: height and width of the tiles that they are made of, if they are.
        most: pixels that may be drawn for them at once, unless it is one; `TOGETHER` at most.
    """
    few = max(min(TOGETHER, most) // drawn(twin, size, tile), 1)
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

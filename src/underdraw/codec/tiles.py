"""Tiles of one size that a picture is made of, each a story of its own, all in one stream.

On a sheet of small pictures what stands on one tells nothing of the next, and the edges between
them would have to be told. A picture that is no whole number of tiles is continued to the right and
below by its last columns and rows. Tiles count row by row.
"""

from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from underdraw.codec.coder import Grid
from underdraw.codec.errors import Whole
from underdraw.latent import Size


def tiling(size: Size, tile: Size) -> Size:
    """Rows and columns of tiles."""
    return -(-size[0] // tile[0]), -(-size[1] // tile[1])


def cut(levels: UInt8[np.ndarray, "b c h w"], tile: Size) -> UInt8[np.ndarray, "n c y x"]:
    """The tiles of all pictures, those of one after those of another."""
    count, channels, *size = levels.shape
    rows, columns = tiling((size[0], size[1]), tile)
    more = [(0, n * side - have) for n, side, have in zip((rows, columns), tile, size, strict=True)]
    padded = np.pad(levels, ((0, 0), (0, 0), *more), "edge")
    parts = padded.reshape(count, channels, rows, tile[0], columns, tile[1])
    return np.ascontiguousarray(parts.transpose(0, 2, 4, 1, 3, 5).reshape(-1, channels, *tile))


def laid(tiles: UInt8[np.ndarray, "n c y x"], size: Size) -> UInt8[np.ndarray, "b c h w"]:
    """Pictures of that size, from their tiles."""
    channels, *tile = tiles.shape[1:]
    rows, columns = tiling(size, (tile[0], tile[1]))
    parts = tiles.reshape(-1, rows, columns, channels, *tile).transpose(0, 3, 1, 4, 2, 5)
    whole = parts.reshape(len(parts), channels, rows * tile[0], columns * tile[1])
    return np.ascontiguousarray(whole[:, :, : size[0], : size[1]])


def woven(values: Whole, count: int) -> Whole:
    """What stories (N, maps, h, w) have, stream by stream: (count, maps, N / count, h, w)."""
    parts = values.reshape(count, -1, *values.shape[1:])
    return parts.swapaxes(1, 2)


def woven_grid(grid: Grid, count: int) -> Grid:
    """The same of grids."""
    parts = (part.reshape(grid.shape) for part in (grid.delta, grid.mean, grid.scale))
    return Grid(*(woven(part, count) for part in parts))


def apart(values: NDArray[Any]) -> NDArray[Any]:
    """Undo `woven`: (N, maps, h, w)."""
    parts = values.swapaxes(1, 2)
    return parts.reshape(-1, *parts.shape[2:])

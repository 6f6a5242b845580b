"""Coding whole numbers k under Gaussians on grids.

A call codes one vector, N values, in this order:

    for each h from 128 down to 2, for those of that h (see `grid`), in the order they stand in:
        the symbols u
        the j lower digits of k, where j > 0; see `digits`
        tails: the bit length l of e + 1, less 1, in 5 bits, where u is 0 or 2 h
        tails: the l lower digits of e + 1 there

so that those that tell most come first. With `tails`, the cells at the ends of a row say that k is
beyond: e = c_0 - h - c for the lower and e = c - c_0 - h for the upper one, e >= 0 and below
2^31. Without, they are cells as the others are, and other cells cannot be coded: bits-back takes
latents from the posterior in this way, where a tail would now and then give a wild one.

What a stream does not hold any more is the cell of the mean; of a symbol that was read whose digits
are missing, the digits are 1 0 0 ... and e is 0.

Several vectors, one for each of several coders, are coded side by side: the bytes are the same, the
tables are made once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from underdraw.codec.coder.digits import Reader, Writer, even, read_even
from underdraw.codec.coder.grid import LIMIT, Grid, by_half
from underdraw.codec.coder.words import Intervals, join
from underdraw.codec.errors import CodecError, Whole, whole

LENGTH = 5  # bits that say how many follow, of a number beyond a row
_CELLS = 1 << 17  # of rows made at a time


class Read(NamedTuple):
    """What was read.

    Attributes:
        k: whole numbers, int64, the shape of the grid.
        read: which of them the stream holds; the others are nearest to the mean.
    """

    k: Whole
    read: NDArray[np.bool_]


def put_gaussians(writers: Sequence[Writer], k: Any, grid: Grid, tails: bool = True) -> None:  # noqa: ANN401
    """Write k, whole numbers of the grid's shape (B, ...), one writer for each of the B.

    Raises:
        CodecError: a number cannot be coded, or there are not B writers.
    """
    for writer, symbols in zip(writers, intervals(len(writers), k, grid, tails), strict=True):
        writer.put(symbols)


def intervals(count: int, k: Any, grid: Grid, tails: bool = True) -> list[Intervals]:  # noqa: ANN401
    """The symbols of each of `count` vectors, in the order of coding; raises as `put_gaussians`."""
    values = whole("k", k, 1 - LIMIT, LIMIT - 1)
    if values.shape != grid.shape:
        raise CodecError(f"k has shape {values.shape}, its grid {grid.shape}")
    values, length = values.reshape(-1), _length(count, grid)
    offset = (values >> grid.shift) - grid.centre + grid.half
    u = np.clip(offset, 0, 2 * grid.half)
    if not tails and (u != offset).any():
        raise CodecError(f"k={values[u != offset][0]} is too far from the mean to be coded")
    window = grid.intervals(u)
    escaped = (u == 0) | (u == 2 * grid.half) if tails else np.zeros(len(u), dtype=bool)
    spans = [slice(i * length, (i + 1) * length) for i in range(count)]
    return [_sequence(window, values, offset, escaped, grid, span) for span in spans]


def _length(count: int, grid: Grid) -> int:
    if count < 1 or len(grid) % count or (count > 1 and grid.shape[0] != count):
        raise CodecError(f"{count} coders for a grid of shape {grid.shape}")
    return len(grid) // count


def _sequence(
    window: Intervals, k: Whole, offset: Whole, escaped: NDArray[np.bool_], grid: Grid, span: slice
) -> Intervals:
    """One vector's symbols in the order of coding."""
    half, shift = grid.half[span], grid.shift[span]
    symbols = Intervals(window.low[span], window.mass[span])
    if not shift.any() and not escaped[span].any():
        if (half == half[:1]).all():
            return symbols
        order = np.argsort(-half, kind="stable")
        return Intervals(symbols.low[order], symbols.mass[order])
    parts = [Intervals(*np.zeros((2, 0), dtype=np.int64))]
    for h, at in by_half(half):
        parts.append(Intervals(symbols.low[at], symbols.mass[at]))
        parts += even(k[span][at] & (np.left_shift(1, shift[at]) - 1), shift[at])
        parts += _beyond(offset[span][at][escaped[span][at]], h)
    return join(parts)


def _beyond(offset: Whole, half: int) -> list[Intervals]:
    """How far symbols lie beyond the ends of their rows."""
    number = np.where(offset <= 0, -offset, offset - 2 * half) + 1
    length = np.frexp(number.astype(np.float64))[1].astype(np.int64) - 1
    return [*even(length, np.full_like(length, LENGTH)), *even(number - (1 << length), length)]


def get_gaussians(readers: Sequence[Reader], grid: Grid, tails: bool = True) -> Read:
    """Read numbers of the grid's shape (B, ...), one reader for each of the B.

    Raises:
        CodecError: there are not B readers, a number is too large, or a stack has run dry.
    """
    length = _length(len(readers), grid)
    k, read = grid.nearest.copy(), np.zeros(len(grid), dtype=bool)
    for _, at in by_half(grid.half):
        ends = np.searchsorted(at, length * np.arange(1, len(readers) + 1))
        _read_class(readers, grid, at, ends, (k, read), tails)
    if (np.abs(k) >= LIMIT).any():
        raise CodecError(f"k={k[np.abs(k) >= LIMIT][0]} is no number that could have been coded")
    return Read(k.reshape(grid.shape), read.reshape(grid.shape))


def _read_class(
    readers: Sequence[Reader], grid: Grid, at: Whole, ends: Whole, out: Read | tuple, tails: bool
) -> None:
    """Read those symbols, at places `at`, whose rows have one length, for every reader."""
    k, read = out
    part = grid[at]
    u = _read_rows(readers, part, ends)
    known = u >= 0
    cell = part.centre - part.half + u
    plain = not part.shift.any() and not (tails and ((u == 0) | (u == 2 * part.half)).any())
    if not plain:
        cell = _read_rest(readers, part, ends, (u, cell), tails)
    k[at] = np.where(known, cell, k[at])
    read[at] = known


def _read_rows(readers: Sequence[Reader], part: Grid, ends: Whole) -> Whole:
    """The symbols u, -1 where the stream has ended."""
    u = np.full(len(part), -1, dtype=np.int64)
    chunk = _CELLS // (2 * int(part.half[0]) + 1)
    for base in range(0, len(part), chunk):
        rows = part[base : base + chunk].rows()
        stops = np.clip(ends - base, 0, len(rows)).tolist()
        for reader, first, stop in zip(readers, [0, *stops[:-1]], stops, strict=True):
            if first < stop:
                found = reader.rows(rows[first:stop])
                u[base + first : base + first + len(found)] = found
    return u


def _read_rest(
    readers: Sequence[Reader], part: Grid, ends: Whole, found: tuple[Whole, Whole], tails: bool
) -> Whole:
    """The numbers k of symbols u in their cells: lower digits, and what lies beyond the ends."""
    u, cell = found
    k = np.empty_like(cell)
    for reader, first, stop in zip(readers, [0, *ends[:-1]], ends, strict=True):
        span = slice(int(first), int(stop))
        shift = np.where(u[span] >= 0, part.shift[span], 0)
        lower = read_even(reader, shift)
        if tails:
            cell[span] += _read_beyond(reader, u[span], part.half[span])
        k[span] = (cell[span] << shift) + lower
    return k


def _read_beyond(reader: Reader, u: Whole, half: Whole) -> Whole:
    """How far the cells of symbols u lie beyond those at the ends of their rows."""
    beyond = np.zeros_like(u)
    at = np.flatnonzero((u == 0) | (u == 2 * half))
    if len(at):
        length = read_even(reader, np.full(len(at), LENGTH, dtype=np.int64), middle=False)
        number = (1 << length) + read_even(reader, length)
        beyond[at] = np.where(u[at] == 0, 1 - number, number - 1)
    return beyond

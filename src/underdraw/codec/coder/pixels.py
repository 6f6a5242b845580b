"""Coding 8-bit levels under Gaussians: 256 cells, the tails folded into the first and the last.

Level b is the cell [b w, (b + 1) w), w units wide; t_b is T at b w from the mean for 0 < b < 256,
t_0 = 0 and t_256 = F = 2^24 - 2^9. A level is coded in two symbols, a = floor(b / 16) and
b - 16 a, each out of 16:

    first     C_i = t_(16 i) + 32 i
    second    C_i = floor(F (t_(16 a + i) - t_(16 a)) / (t_(16 a + 16) - t_(16 a))) + 32 i,
              or (F / 16 + 32) i where the divisor is 0

In each of them no symbol costs more than 19 bits. A picture is coded in runs of 4096 levels: the
first symbols of a run, then the second ones.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from underdraw.codec.coder.digits import Reader, Writer
from underdraw.codec.coder.grid import MAX_MEAN
from underdraw.codec.coder.words import Intervals, Rows
from underdraw.codec.errors import CodecError, Whole, whole
from underdraw.codec.tables import FREE, RESERVE, SCALES, Ruler

LEVELS = 256
RUN = 4096
_SPLIT = 16
_LEAST = RESERVE // _SPLIT


class Cells:
    """Gaussians of some pixels.

    Args:
        mean: in units, (B, ...), |mean| <= 2^40.
        scale: class, 0 .. 1023, the same shape.
        width: units to a level.

    Raises:
        CodecError: a number is outside of its range, or shapes differ.
    """

    def __init__(self, mean: Any, scale: Any, width: int) -> None:  # noqa: ANN401
        mean = whole("mean", mean, -MAX_MEAN, MAX_MEAN)
        scale = whole("scale", scale, 0, SCALES - 1)
        if mean.shape != scale.shape:
            raise CodecError(f"mean has shape {mean.shape}, scale {scale.shape}")
        self.width = int(whole("width", width, 1, 1 << 24))
        self.shape = mean.shape
        self.twice, self.scale = 2 * mean.reshape(-1), scale.reshape(-1)

    def __len__(self) -> int:
        return len(self.scale)

    def run(self, span: slice) -> "Run":
        """Some of the pixels."""
        return Run(self.twice[span], self.scale[span], self.width)


class Run:
    """Pixels that are coded together; `twice` is twice the mean, (N,)."""

    def __init__(self, twice: Whole, scale: Whole, width: int) -> None:
        self.twice, self.width, self.ruler = twice, width, Ruler(scale)

    def _below(self, b: Whole) -> Whole:
        """t_b."""
        mass = self.ruler.cdf(2 * self.width * b - self.twice)
        return np.where(b <= 0, 0, np.where(b >= LEVELS, FREE, mass))

    def intervals(self, b: Whole) -> list[Intervals]:
        """The first and the second symbols of levels b (N,)."""
        a, i = b // _SPLIT, b % _SPLIT
        low, high = self._below(a * _SPLIT), self._below((a + 1) * _SPLIT)
        ends = [self._within(i + k, self._below(b + k), low, high) for k in (0, 1)]
        first = Intervals(low + _LEAST * a, high - low + _LEAST)
        return [first, Intervals(ends[0], ends[1] - ends[0])]

    @staticmethod
    def _within(i: Whole, mass: Whole, low: Whole, high: Whole) -> Whole:
        """C_i of second symbols, from t at them, at their first and behind their last."""
        divisor = high - low
        share = FREE * (mass - low) // np.maximum(divisor, 1)
        return np.where(divisor == 0, FREE // _SPLIT * i, share) + _LEAST * i

    def first_rows(self) -> Rows:
        """Rows of mass - 1 of the first symbols, (N, 16)."""
        step = 2 * self.width * _SPLIT
        edges = self.ruler.ladder(step - self.twice, step, _SPLIT - 1)
        return _differences(edges, 0, FREE, _LEAST - 1)

    def second_rows(self, a: Whole) -> Rows:
        """Rows of mass - 1 of the second symbols, (N', 16), for the first N' first symbols."""
        step, count = 2 * self.width, len(a)
        start = step * _SPLIT * a - self.twice[:count]
        edges = self.ruler.ladder(start, step, _SPLIT + 1).astype(np.int64)
        edges[a == 0, 0], edges[a == _SPLIT - 1, -1] = 0, FREE
        low, high = edges[:, :1], edges[:, -1:]
        ends = self._within(np.arange(_SPLIT + 1), edges, low, high)
        return np.diff(ends).astype(np.float64) - 1


def _differences(edges: NDArray[np.float64], first: int, last: int, more: int) -> Rows:
    """Masses between edges (N, n - 1) and two ends, each `more` larger: (N, n)."""
    rows = np.empty((len(edges), edges.shape[1] + 1))
    rows[:, 0], rows[:, -1] = edges[:, 0] - first, last - edges[:, -1]
    rows[:, 1:-1] = edges[:, 1:] - edges[:, :-1]
    rows += more
    return rows


def put_pixels(writers: Sequence[Writer], levels: Any, cells: Cells) -> None:  # noqa: ANN401
    """Write levels 0 .. 255, (B, ...) as the cells, one writer for each of the B.

    Raises:
        CodecError: a level is none, or there are not B writers.
    """
    for writer, parts in zip(writers, intervals(len(writers), levels, cells), strict=True):
        writer.put(*parts)


def intervals(count: int, levels: Any, cells: Cells) -> list[list[Intervals]]:  # noqa: ANN401
    """The symbols of each of `count` vectors, in the order of coding; raises as `put_pixels`."""
    values = whole("levels", levels, 0, LEVELS - 1)
    if values.shape != cells.shape:
        raise CodecError(f"levels have shape {values.shape}, their cells {cells.shape}")
    values, parts = values.reshape(-1), []
    for spans in _runs(count, cells):
        parts.append([s for span in spans for s in cells.run(span).intervals(values[span])])
    return parts


def _runs(count: int, cells: Cells) -> list[list[slice]]:
    if count < 1 or len(cells) % count or (count > 1 and cells.shape[0] != count):
        raise CodecError(f"{count} coders for pixels of shape {cells.shape}")
    size = len(cells) // count
    starts = [range(i * size, (i + 1) * size, RUN) for i in range(count)]
    return [[slice(first, min(first + RUN, part.stop)) for first in part] for part in starts]


def get_pixels(readers: Sequence[Reader], cells: Cells) -> Whole:
    """Read levels of the shape of the cells (B, ...), one reader for each of the B.

    Raises:
        CodecError: there are not B readers, or a stream or a stack ends before the last level.
    """
    levels = np.empty(len(cells), dtype=np.int64)
    for reader, spans in zip(readers, _runs(len(readers), cells), strict=True):
        for span in spans:
            run = cells.run(span)
            first = reader.rows(run.first_rows())
            second = reader.rows(run.second_rows(first)) if len(first) == len(run.twice) else first
            if len(first) < len(run.twice) or len(second) < len(first):
                raise CodecError("the stream ends before the last pixel")
            levels[span] = _SPLIT * first + second
    return levels.reshape(cells.shape)

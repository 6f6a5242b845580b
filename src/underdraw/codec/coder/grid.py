"""Gaussians on grids: the masses of the multiples of delta under a mean and a scale class.

The values are k delta, for any whole number k; delta and the mean are whole numbers of units, the
scale is a class (see `underdraw.codec.tables`). Let

    q = floor(11 sigma / (2 delta))                   5.5 sigma on the grid
    j = bit length of floor(q / 127)                  k is coded as a cell of 2^j values ...
    h = the least of 2, 4, 8 .. 128 with h >= floor(q / 2^j) + 2
    c_0 = floor(floor((2 mean + delta) / (2 delta)) / 2^j)      ... around the one of the mean,

so that nearly always |c - c_0| < h for the cell c = floor(k / 2^j). A row has n = 2 h + 1 symbols
u = 0 .. n - 1 for the cells c = c_0 - h + u, those at the ends for everything beyond, too:

    C_u = t_u + u + (2^9 - n if u > h else 0),  t_0 = 0,  t_n = 2^24 - 2^9,
    t_u = T at (2 2^j (c_0 - h + u) - 1) delta / 2 - mean from the mean, 0 < u < n.

A symbol u is the interval [C_u, C_(u+1)): none is empty, and what the rows leave over goes to the
middle. The j lower binary digits of k are coded evenly; their cell is at most 0.09 sigma wide, and
what that costs is below 0.0005 bits.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from underdraw.codec.coder.words import Intervals, Rows
from underdraw.codec.errors import CodecError, Whole, whole
from underdraw.codec.tables import FREE, RESERVE, SCALES, Ruler, sigma

LIMIT = 1 << 31  # |k| is less
MAX_DELTA = 1 << 24  # units
MAX_MEAN = 1 << 40  # units
_REACH = 11  # half sigmas
_WIDEST = 128


def _halves() -> Whole:
    """H by floor(q / 2^j), which is at most 126."""
    need = range(2, _WIDEST + 1)
    return np.array([1 << (n - 1).bit_length() for n in need], dtype=np.int64)


_HALVES = _halves()


def by_half(half: Whole) -> Iterator[tuple[int, Whole]]:
    """Each h there is, the largest first, and the places in `half` (N,) that it stands at."""
    h = _WIDEST
    while h > 1:
        at = np.flatnonzero(half == h)
        if len(at):
            yield h, at
        h //= 2


class Grid:
    """One Gaussian on a grid for each symbol to code.

    Args:
        delta: spacing, in units, 1 .. 2^24.
        mean: in units, |mean| <= 2^40.
        scale: class, 0 .. 1023.
        All whole numbers, which broadcast to (N,), or to any shape that is then flattened.

    Raises:
        CodecError: a number is outside of its range, or shapes do not broadcast.
    """

    def __init__(self, delta: Any, mean: Any, scale: Any) -> None:  # noqa: ANN401
        parts = (
            whole("delta", delta, 1, MAX_DELTA),
            whole("mean", mean, -MAX_MEAN, MAX_MEAN),
            whole("scale", scale, 0, SCALES - 1),
        )
        try:
            parts = np.broadcast_arrays(*parts)
        except ValueError as error:
            raise CodecError(f"delta, mean and scale: {error}") from None
        self.shape = parts[0].shape
        self.delta, self.mean, self.scale = (part.reshape(-1) for part in parts)

    def __len__(self) -> int:
        return len(self.delta)

    def __getitem__(self, which: Any) -> "Grid":  # noqa: ANN401
        """The grids of some of the symbols."""
        part = object.__new__(Grid)
        part.delta, part.mean, part.scale = self.delta[which], self.mean[which], self.scale[which]
        part.shape = part.delta.shape
        for name in {"shift", "half", "centre", "_quotient"} & self.__dict__.keys():
            part.__dict__[name] = self.__dict__[name][which]
        return part

    @cached_property
    def _quotient(self) -> Whole:
        return sigma(self.scale, _REACH) // (2 * self.delta)

    @cached_property
    def shift(self) -> Whole:
        """j: how many lower digits of each k are coded evenly."""
        return np.frexp((self._quotient // (_WIDEST - 1)).astype(np.float64))[1].astype(np.int64)

    @cached_property
    def half(self) -> Whole:
        """H of each row."""
        return _HALVES[self._quotient >> self.shift]

    @cached_property
    def nearest(self) -> Whole:
        """The k whose value is nearest to the mean."""
        return (2 * self.mean + self.delta) // (2 * self.delta)

    @cached_property
    def centre(self) -> Whole:
        """c_0: the cell of the mean."""
        return self.nearest >> self.shift

    @cached_property
    def _ruler(self) -> Ruler:
        return Ruler(self.scale)

    def _first(self, u: Whole | int) -> Whole:
        """Twice the distance from the mean at which symbol u begins."""
        cell = self.centre - self.half + u
        return (2 * (cell << self.shift) - 1) * self.delta - 2 * self.mean

    def _below(self, u: Whole) -> Whole:
        """C_u."""
        size = 2 * self.half + 1
        mass = self._ruler.cdf(self._first(u))
        mass = np.where(u <= 0, 0, np.where(u >= size, FREE, mass))
        return mass + u + np.where(u > self.half, RESERVE - size, 0)

    def intervals(self, u: Whole) -> Intervals:
        """The intervals of the symbols u (N,)."""
        low = self._below(u)
        return Intervals(low, self._below(u + 1) - low)

    def rows(self) -> Rows:
        """Rows of mass - 1, (N, 2 h + 1), for grids that all have the same h."""
        half = int(self.half[0])
        steps = np.left_shift(2 * self.delta, self.shift)
        edges = self._ruler.ladder(self._first(1), steps, 2 * half + 1)
        edges[:, -1] = FREE
        rows = np.empty_like(edges)
        np.subtract(edges.ravel()[1:], edges.ravel()[:-1], out=rows.ravel()[1:])
        rows[:, 0] = edges[:, 0]
        rows[:, half] += RESERVE - (2 * half + 1)
        return rows

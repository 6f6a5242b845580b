"""The tables of the format, made by integer arithmetic alone.

    T[i]     = floor(F Phi(x_i)),  x_i = (i - 2^14) / 2^11,  i = 0 .. 2^15,  F = 2^24 - 2^9
    SIGMA[r] = round(2^20 2^(r / 32)),  INVERSE[r] = round(2^20 2^(-r / 32)),  r = 0 .. 31

Phi is the normal distribution function. Scale class s in 0..1023 stands for
sigma = 2^(s / 32) units; with r = s mod 32 and e = s div 32, a point v / 2 units from the mean
has the index

    i(v, s) = 2^14 + floor((v INVERSE[r] + 2^(9 + e)) / 2^(10 + e)),  clamped to 0 .. 2^15,

which is the grid point nearest to v / (2 sigma).

T comes from the density g on the grid, by products of 128-bit fixed-point numbers, and from the
trapezoidal rule with the first Euler-Maclaurin correction, whose error is below 2^-50:

    integral of g from 0 to x_i = D (g_0 / 2 + g_1 + ... + g_i / 2) + D^2 / 12 x_i g_i,  D = 2^-11.

The mass is divided by its value at x = 8, so that no constant is needed.
"""

from functools import cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from underdraw.codec.errors import Whole

PRECISION = 24
TOTAL = 1 << PRECISION  # the mass of all symbols together
RESERVE = 512  # of which so much is shared out so that no symbol has mass 0
FREE = TOTAL - RESERVE  # the rest, which follows the distribution
SCALES = 1024  # scale classes
OCTAVE = 32  # of them to a factor of 2
_MIDDLE = 1 << 14  # index of x = 0
_STEP = 11  # the grid of T is 2^-11 sigma
_POINT = 128  # fixed point of the density
_ROOT = 20  # fixed point of SIGMA and INVERSE
_EXACT = 1 << 52  # the sum of two whole numbers below this is exact in float64


def _decay(shift: int) -> int:
    """exp(-2^-shift), fixed point."""
    total = term = 1 << _POINT
    i = 1
    while term:
        term = (abs(term) >> shift) // i * (-1 if i % 2 else 1)
        total += term
        i += 1
    return total


def _density() -> list[int]:
    """exp(-x_i^2 / 2) for i >= 2^14, by g_(i+1) = g_i exp(-D^2 (i + 1/2))."""
    ratio, change = _decay(2 * _STEP + 1), _decay(2 * _STEP)
    values = [1 << _POINT]
    for _ in range(_MIDDLE):
        values.append(values[-1] * ratio >> _POINT)
        ratio = ratio * change >> _POINT
    return values


def _areas() -> list[int]:
    """Twice the integral of the density from 0 to x_i, over D."""
    density = _density()
    total, areas = 0, [0]
    for i in range(1, len(density)):
        total += density[i - 1] + density[i]
        areas.append(total + ((i * density[i]) >> (2 * _STEP)) // 6)
    return areas


@cache
def normal() -> Whole:
    """The table T, int64 (2^15 + 1,), from 0 to `FREE`; T[i] + T[2^15 - i] = `FREE`."""
    areas = _areas()
    upper = [FREE // 2 + FREE * area // (2 * areas[-1]) for area in areas]
    table = np.array([FREE - t for t in upper[:0:-1]] + upper, dtype=np.int64)
    table.setflags(write=False)
    return table


@cache
def _normal_float() -> NDArray[np.float64]:
    return normal().astype(np.float64)


def _root(exponent: int) -> int:
    """round(2^20 2^(exponent / 32)): the 32nd root of a power of 2, by five square roots."""
    value = 1 << (OCTAVE * (_ROOT + 4) + exponent)
    for _ in range(5):
        value = isqrt(value)
    return (value + 8) >> 4


@cache
def roots() -> tuple[Whole, Whole]:
    """(SIGMA, INVERSE), int64 (32,) each."""
    pair = tuple(
        np.array([_root(sign * r) for r in range(OCTAVE)], dtype=np.int64) for sign in (1, -1)
    )
    for table in pair:
        table.setflags(write=False)
    return pair[0], pair[1]


def sigma(scale: Whole, factor: int = 1) -> Whole:
    """floor(factor SIGMA[r] 2^e / 2^20), units: the standard deviation of each class."""
    return (factor * roots()[0][scale & 31] << (scale >> 5)) >> _ROOT


class Ruler:
    """Distances from the mean turned into values of T, for a vector of scale classes."""

    def __init__(self, scale: Whole) -> None:
        octave = scale >> 5
        self.shift = octave + (_ROOT - _STEP + 1)
        self.factor = roots()[1][scale & 31]
        self.origin = np.left_shift(2 * _MIDDLE + 1, self.shift - 1)

    def cdf(self, twice: Whole) -> Whole:
        """T at `twice` / 2 units from the mean; shape of `scale`, |twice| < 2^42."""
        index = (twice * self.factor + self.origin) >> self.shift
        return normal().take(index, mode="clip")

    def ladder(self, first: Whole, step: Whole | int, rungs: int) -> NDArray[np.float64]:
        """T at first, first + step, ...: (N, rungs) for vectors of length N, as `cdf` has it."""
        index = self._indices(first * self.factor + self.origin, step * self.factor, rungs)
        return _normal_float().take(index, mode="clip")

    def _indices(self, first: Whole, step: Whole, rungs: int) -> Whole:
        """Indices of T, also such as T has not, of rungs from `first` on, both shifted to the left.

        Those below 0 may be too near to it, which clamping mends.
        """
        numbers = np.arange(rungs)
        if max(np.abs(first).max(initial=0), np.abs(step).max(initial=0) * rungs) >= _EXACT:
            rising = np.multiply.outer(step, numbers) + first[:, None]
            return np.right_shift(rising, self.shift[:, None], out=rising)
        # As whole numbers of 2^-shift all of it is exact in float64, by a matrix product of plain
        # products and sums, in any order: faster.
        lines = np.ldexp(np.stack([first, step], 1).astype(np.float64), -self.shift[:, None])
        rising = lines @ np.stack([np.ones(rungs), numbers])
        return rising.astype(np.int64)  # towards 0, and all below 0 is clamped

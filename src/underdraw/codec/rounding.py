"""Rate-distortion optimised rounding: which point of the grid stands for a posterior mean.

For the latent z = k delta under the prior p and the posterior q, the k is taken that has the least

    J(k) = (k delta - mu_q)^2 / (2 sigma_q^2 log 2) + slope bits(k),     bits(k) = -log2 P(k)

with the masses P that the coder uses. The first term is what a Gaussian posterior of that width
loses in bits if its mean is moved; slope 0 rounds to the nearest point, a large one gives up what
costs more than it tells. P has no holes and J one valley, so that its bottom is near that of the
parabolas of p and q,

    z* = mu_q + t (mu_p - mu_q),   t = slope sigma_q^2 / (sigma_p^2 + slope sigma_q^2)

and is looked for there, at the mean of p and at the mean of q. Nothing here takes a logarithm or a
power of floating-point numbers, so that files do not depend on the machine: logarithms come from a
table of whole numbers, and sums, products and quotients are IEEE 754's.
"""

from functools import cache
from math import ldexp
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from underdraw.codec.coder import Grid
from underdraw.codec.coder.gaussian import LENGTH
from underdraw.codec.errors import Whole, whole
from underdraw.codec.tables import OCTAVE, PRECISION, SCALES, roots, sigma

_INDEX = 11  # binary digits of a mass that its logarithm is taken of
_POINT = 16  # binary digits of a logarithm
_LOG2 = 0.6931471805599453
_GUARD = 8  # binary digits of sigma kept below a unit

Real = NDArray[np.float64]


@cache
def _logarithms() -> Whole:
    """round-down of 2^16 log2(1 + (i + 1/2) / 2^11), by squaring; int64 (2^11,)."""
    found = np.zeros(1 << _INDEX, dtype=np.int64)
    for i in range(len(found)):
        value, digits = (2 * i + 1 + (2 << _INDEX)) << (60 - _INDEX - 1), 0  # 1 is 2^60
        for _ in range(_POINT):
            value = value * value >> 60
            digits = 2 * digits + (value >> 61)
            value >>= value >> 61
        found[i] = digits
    return found


def bits_of(mass: Whole) -> Real:
    """What a symbol of this mass, in 1 .. 2^24, costs: bits, to 2^-11 or so; shape of `mass`."""
    length = np.frexp(mass.astype(np.float64))[1].astype(np.int64)
    index = np.right_shift(np.left_shift(mass, PRECISION + 1 - length), PRECISION - _INDEX)
    part = _logarithms()[index - (1 << _INDEX)]
    return (((PRECISION + 1 - length) << _POINT) - part).astype(np.float64) * 2.0**-_POINT


def slope_of(power: int) -> float:
    """2^(power / 32), the same on every machine; -256 <= power < 1024."""
    root, octave = roots()[0][power % OCTAVE], power // OCTAVE
    return ldexp(int(root), octave - 20)


class Rounder:
    """Chooses points on the grids of one site.

    Args:
        grid: the priors, (B, ...).
        mean: of the posteriors, in units, the same shape.
        scale: classes of the posteriors, broadcast to it.
    """

    def __init__(self, grid: Grid, mean: Any, scale: Any) -> None:  # noqa: ANN401
        self.grid = grid
        self.mean = whole("mean", mean, -(1 << 40), 1 << 40).reshape(-1)
        classes = np.atleast_1d(whole("scale", scale, 0, SCALES - 1))
        self.sigma = np.broadcast_to(_real_sigma(classes), grid.shape).reshape(-1)
        self.first = self._nearest(self.mean)

    def _nearest(self, value: Whole) -> Whole:
        return (2 * value + self.grid.delta) // (2 * self.grid.delta)

    def cost(self, k: Whole) -> Float64[np.ndarray, "n"]:
        """Bits of each k (N,): its cell, the digits below, and how far it lies beyond a row."""
        grid = self.grid
        offset = (k >> grid.shift) - grid.centre + grid.half
        u = np.clip(offset, 0, 2 * grid.half)
        bits = bits_of(grid.intervals(u).mass) + grid.shift
        at = np.flatnonzero((u == 0) | (u == 2 * grid.half))
        beyond = (np.abs(offset - grid.half) - grid.half)[at] + 1
        bits[at] += LENGTH - 1 + np.frexp(beyond.astype(np.float64))[1]
        return bits

    def choose(self, slope: Real) -> Whole:
        """The numbers k, of the grid's shape, for slopes (B,), one for each picture."""
        lam = np.repeat(slope, len(self.grid) // len(slope))
        best = self.first
        least = self.score(best, lam)
        for k in self._trials(lam):
            score = self.score(k, lam)
            better = score < least
            best, least = np.where(better, k, best), np.where(better, score, least)
        return best.reshape(self.grid.shape)

    def score(self, k: Whole, lam: Real) -> Real:
        """J of each k (N,), bits."""
        away = (k * self.grid.delta - self.mean) / self.sigma
        return away * away * (0.5 / _LOG2) + lam * self.cost(k)

    def _trials(self, lam: Real) -> list[Whole]:
        grid = self.grid
        wide, narrow = _real_sigma(grid.scale), self.sigma
        share = lam * narrow * narrow
        share = share / (wide * wide + share)
        z = self.mean + share * (grid.mean - self.mean)
        low = np.floor(z / grid.delta).astype(np.int64)
        return [low, low + 1, grid.nearest, self.first + np.sign(grid.nearest - self.first)]


def _real_sigma(classes: Whole) -> Real:
    """Standard deviations, in units."""
    return sigma(classes, 1 << _GUARD).astype(np.float64) * 2.0**-_GUARD

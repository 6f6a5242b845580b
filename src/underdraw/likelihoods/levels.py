"""Masses of the 256 levels of an 8-bit image, without losing digits.

*Mass on 256 levels.* Level b is the cell [b / 256, (b + 1) / 256); all below the first and above
the last falls to these two, so the masses of the levels sum to 1:

    P(b) = F((b + 1) / 256) - F(b / 256)        F(0) := 0, F(1) := 1

It is what a lossless coder pays for, with the same canvas and the same latents: `log_mass`.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

LEVELS = 256
LOG_2 = math.log(2)
NARROW = 0.02  # below, the next term of the density's series is less than 1e-10


class Cell(NamedTuple):
    """The cells of the levels that images lie in: their ends, and which are outermost."""

    low: Tensor
    high: Tensor
    first: Tensor
    last: Tensor

    def ends(self, mu: Tensor, narrow: Tensor) -> tuple[Tensor, Tensor]:
        """(end - mu) narrow for both ends, infinite where the tails fall to an outermost level."""
        low, high = (self.low - mu) * narrow, (self.high - mu) * narrow
        return low.masked_fill(self.first, -math.inf), high.masked_fill(self.last, math.inf)


def level_of(x: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """The level, 0 to 255, of `x` in [0, 1]."""
    return (LEVELS * x).floor().clamp(0, LEVELS - 1)


def cell(x: Float[Tensor, "*s"]) -> Cell:
    """The cells that `x` in [0, 1] lies in."""
    level = level_of(x)
    return Cell(level / LEVELS, (level + 1) / LEVELS, level == 0, level == LEVELS - 1)


def centre(x: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """The middle of the cell that `x` in [0, 1] lies in."""
    return (level_of(x) + 0.5) / LEVELS


def log1mexp(d: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """log(1 - exp(-d)) for d > 0, to full relative precision at both ends."""
    small, large = d.clamp(max=LOG_2), d.clamp(min=LOG_2)  # so that neither gradient is infinite
    return torch.where(d < LOG_2, (-torch.expm1(-small)).log(), torch.log1p(-(-large).exp()))


def log_between(
    low: Float[Tensor, "*s"], high: Float[Tensor, "*s"], width: Float[Tensor, "*s"]
) -> Float[Tensor, "*s"]:
    """Log mass of the standard normal between `low` and `high`, which are `width` apart.

    With log F(low) < log F(high), log(F(high) - F(low)) = log F(high) + log1mexp of their
    difference; right of the middle the cell is mirrored, where F loses no digits. Of a cell so
    narrow that the difference would have few, it is the density phi in its middle m instead,

        phi(m) width (1 + width^2 (m^2 - 1) / 24),

    and `width` is given because the difference of its ends has few digits, too.
    """
    right = low + high > 0
    low, high = torch.where(right, -high, low), torch.where(right, -low, high)
    inside = low.isfinite() & high.isfinite()
    middle = (0.5 * (low + high)).masked_fill(~inside, 0)
    narrow = inside & (width * (1 + middle.abs()) < NARROW)
    below = torch.special.log_ndtr(low.masked_fill(narrow, -1))  # so that no gradient is infinite
    upto = torch.special.log_ndtr(high.masked_fill(narrow, 1))
    bend = width.square() * (middle.square() - 1) / 24
    density = -0.5 * middle.square() - 0.5 * math.log(2 * math.pi) + width.log()
    thin = density + torch.log1p(bend.masked_fill(~narrow, 0))
    return torch.where(narrow, thin, upto + log1mexp(upto - below))

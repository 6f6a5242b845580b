"""Distributions of whole numbers: what a coder is given, and what tells it the price.

A mean is a number of units of 2^-16; a scale is a class s, sigma = 2^(s / 32) units.
"""

import math
from typing import NamedTuple

from torch import Tensor

from underdraw.codec.exact.grid import FRACTION, LEVEL, OCTAVE, shift_
from underdraw.distributions import Gaussian
from underdraw.likelihoods import LEVELS, GaussianPixels

UNIT = 2.0**-FRACTION


def real(mean: Tensor, scale: Tensor) -> Gaussian:
    """The Gaussian of real numbers with this mean and scale class."""
    return Gaussian(mean * UNIT, (scale / OCTAVE - FRACTION) * math.log(2))


class ExactGaussian(Gaussian):
    """A Gaussian whose `mu` is a whole number of units and whose `log_sigma` is a scale class.

    Both are whole numbers in float64, (B, latent, h, w). Everything that is measured on it
    (`sigma` in units, `log_prob` and `kl` in nats) is a floating-point number, and not exact.
    """

    __slots__ = ()

    @property
    def mean(self) -> Tensor:
        """The mean, in units."""
        return self.mu

    @property
    def scale(self) -> Tensor:
        """The scale class."""
        return self.log_sigma

    @property
    def real(self) -> Gaussian:
        """The same distribution of real numbers."""
        return real(self.mu, self.log_sigma)

    @property
    def sigma(self) -> Tensor:
        """Standard deviation, in units."""
        return (self.log_sigma / OCTAVE).exp2()

    def log_prob(self, z: Tensor) -> Tensor:
        """Log density of each element of `z`, which is in units, as a real number; nats."""
        return self.real.log_prob(z * UNIT)

    def kl(self, p: Gaussian) -> Tensor:
        """KL(self || p) of each element, in nats."""
        return self.real.kl(p.real if isinstance(p, ExactGaussian) else p)


class ExactPixels(NamedTuple):
    """Gaussian pixels on 256 levels: level b is the cell [256 b, 256 (b + 1)) of units.

    Attributes:
        mean: whole numbers of units, (B, C, H, W).
        scale: scale classes, the same shape.
    """

    mean: Tensor
    scale: Tensor

    @property
    def levels(self) -> Tensor:
        """The picture: the level that each mean lies in, uint8."""
        return shift_(self.mean.clone(), LEVEL.bit_length() - 1).clamp_(0, LEVELS - 1).byte()

    def log_mass(self, x: Tensor) -> Tensor:
        """Log mass of the images `x`, in units, in nats per image, (B,); not exact."""
        return GaussianPixels(real(self.mean, self.scale)).log_mass(x * UNIT)

    def log_prob(self, target: Tensor) -> Tensor:
        """Nats per image: the log mass."""
        return self.log_mass(target)

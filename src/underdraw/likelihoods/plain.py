"""Bernoulli and Gaussian pixels; the equations are those of `underdraw.likelihoods`."""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from underdraw.distributions import Gaussian
from underdraw.likelihoods.interface import Likelihood
from underdraw.likelihoods.levels import LEVELS, cell, log_between


class BernoulliPixels(NamedTuple):
    """Independent Bernoulli pixels given by their logits (B, C, H, W)."""

    logits: Tensor

    @property
    def mean(self) -> Float[Tensor, "b c h w"]:
        """Probability of 1 for each pixel."""
        return self.logits.sigmoid()

    def log_prob(self, target: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Nats per image; `target` in [0, 1]."""
        cost = F.binary_cross_entropy_with_logits(self.logits, target, reduction="none")
        return -cost.flatten(1).sum(1)


class GaussianPixels(NamedTuple):
    """Independent Gaussian pixels on [0, 1] with 256 levels; densities are per level."""

    normal: Gaussian

    @property
    def mean(self) -> Float[Tensor, "b c h w"]:
        """Mean of each pixel (not clipped)."""
        return self.normal.mu

    def log_prob(self, target: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Nats per image, log(p / q) with q of density 256; `target` is dequantised."""
        return (self.normal.log_prob(target) - math.log(LEVELS)).flatten(1).sum(1)

    def log_mass(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Log mass of 8-bit images in nats per image; tails fall to the outermost levels."""
        narrow = (-self.normal.log_sigma).exp()
        low, high = cell(x).ends(self.normal.mu, narrow)
        return log_between(low, high, narrow / LEVELS).flatten(1).sum(1)


class Bernoulli(Likelihood):
    """Canvas of logits to Bernoulli pixels (DRAW, 2015, Eq. 9)."""

    planes = 1
    continuous = False

    def forward(self, canvas: Float[Tensor, "b c h w"]) -> BernoulliPixels:
        """The distribution; (B, C, H, W) -> pixels of the same shape."""
        return BernoulliPixels(canvas)


class DequantisedGaussian(Likelihood):
    """Canvas of means and log-variances to Gaussian pixels (Convolutional DRAW, Eqs 8-11)."""

    planes = 2
    continuous = True

    def forward(self, canvas: Float[Tensor, "b k h w"]) -> GaussianPixels:
        """The distribution; (B, 2C, H, W) -> pixels (B, C, H, W)."""
        mean, log_variance = canvas.chunk(2, dim=1)
        return GaussianPixels(Gaussian(mean, 0.5 * log_variance))

    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """What is scored: `x` with uniform noise of one level's width, u in [0, 1)."""
        return x if u is None else x + (u - 0.5) / LEVELS

    def blank(self, channels: int) -> Tensor:
        """Means of 1/2, and standard deviations of 1/4, which is about that of photographs."""
        each = torch.tensor([[0.5], [2 * math.log(0.25)]])
        return each.expand(2, channels).reshape(-1)

"""Likelihoods: from the last canvas to p(x | z).

A likelihood is a module that turns a canvas (B, K, H, W) into a distribution over images
(B, C, H, W) with `.mean` (what is shown, and what error images subtract) and `.log_prob(target)`
(nats per image).

*Bernoulli* (DRAW, Eq. 9): K = C, the canvas holds logits l and

    log p(x) = sum x l - softplus(l)

computed from the logits, so it is finite for every canvas. Grey values in [0, 1] are taken as
means, as the DRAW paper does for SVHN and CIFAR-10; the result is then a cross-entropy and no
likelihood of anything.

*Gaussian on dequantised pixels* (Convolutional DRAW, 2016, Eqs 8-11): K = 2C, mean m and
log-variance a are the two halves of the canvas. The target is x + s (u - 1/2) with s = 1/256 and u
uniform, and the cost is log(q(x) / p(x)) with q uniform of density 1/s, hence

    log_prob = sum log N(target; m, exp(a / 2)) - log 256

a lower bound of the log mass of the 8-bit image: divided by the number of dimensions and by log 2
it is minus the bits per dimension.
"""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.distributions import Gaussian

LEVELS = 256


@runtime_checkable
class Pixels(Protocol):
    """A distribution over images."""

    @property
    def mean(self) -> Tensor:
        """Expected image, (B, C, H, W)."""
        ...

    def log_prob(self, target: Tensor) -> Tensor:
        """Nats per image, (B,)."""
        ...


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


class Likelihood(nn.Module, ABC):
    """Canvas to p(x | z).

    Attributes:
        planes: canvas planes to each image channel, K / C.
        continuous: whether the target must be dequantised.
    """

    planes: int
    continuous: bool

    @abstractmethod
    def forward(self, canvas: Tensor) -> Pixels:
        """The distribution; canvas (B, K, H, W)."""

    @abstractmethod
    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """What is scored for images `x`, given u in [0, 1) of the same shape."""

    def blank(self, channels: int) -> Tensor:
        """A canvas to begin on, one value a plane, (K,)."""
        return torch.zeros(channels * self.planes)


class Bernoulli(Likelihood):
    """Canvas of logits to Bernoulli pixels (DRAW, 2015, Eq. 9)."""

    planes = 1
    continuous = False

    def forward(self, canvas: Float[Tensor, "b c h w"]) -> BernoulliPixels:
        """The distribution; (B, C, H, W) -> pixels of the same shape."""
        return BernoulliPixels(canvas)

    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """What is scored: `x` itself."""
        return x


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


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "gaussian": DequantisedGaussian,
}

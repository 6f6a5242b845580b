"""Likelihoods: from the last canvas to p(x | z).

A likelihood is a module that turns a canvas (B, K, H, W) into a distribution over images
(B, C, H, W) with `.mean` (what is shown, and what error images subtract), `.log_prob(target)` and,
for 8-bit images, `.log_mass(x)` (nats per image).

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

*Mass on 256 levels.* Level b is the cell [b / 256, (b + 1) / 256); all below the first and above
the last falls to these two, so the masses of the levels sum to 1:

    P(b) = F((b + 1) / 256) - F(b / 256)        F(0) := 0, F(1) := 1

It is what a lossless coder pays for, with the same canvas and the same latents: `log_mass`.

*Mixture of discretised logistics* (Salimans et al., PixelCNN++, 2017): K = 3 M C, and each channel
of each pixel has M logits a, means m and log-scales s of its own. Channels are independent given
the canvas: there is no coupling of colours, which is left to the latents.

    P(b) = sum_k pi_k [sigma((e' - m_k) / exp(s_k)) - sigma((e - m_k) / exp(s_k))]   pi = softmax(a)

for the edges e and e' of the cell. It is a mass from the start: its target is the image itself.

*Coupled* (after PixelCNN++, 2017, section 2.2): the same for three colours, of which the second may
lean on the first and the third on both. K = 4 M C; the last M C planes are couplings g. With
d_c = x_c - sum_k pi_ck m_ck, how far a colour lies from its mean,

    m_2k <- m_2k + g_1k d_1          m_3k <- m_3k + g_2k d_1 + g_3k d_2

so each mass is conditional, their product is the mass of the pixel, and means stay as they were
but for the folded tails. In PixelCNN++ colours share the choice k, means lean on the colours
themselves, and g is a tanh. With M = 1, as models have it, the logit of a colour changes nothing.
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
FARTHEST = 10.0
"""Log-scales of logistics count as at most so far from 0, at either side: exp(-10) is a hundredth
of a level, and exp(10) as good as uniform. Beyond, float32 would overflow."""
LOG_2 = math.log(2)


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


@runtime_checkable
class Discrete(Protocol):
    """A distribution over images that has a mass for each of the 256 levels."""

    def log_mass(self, x: Tensor) -> Tensor:
        """Log mass of 8-bit images x = (b + 1/2) / 256 in nats per image, (B,)."""
        ...


def one_spread(pixels: Pixels, target: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Log density under Gaussian pixels of one standard deviation for each image, the best one.

    That is -N/2 log(2 pi e MSE) - N log 256, nats per image: what PSNR measures.
    """
    error = (pixels.mean - target).square().flatten(1)
    return -error.shape[1] * (0.5 * (2 * math.pi * math.e * error.mean(1)).log() + math.log(LEVELS))


def score(
    pixels: Pixels, target: Float[Tensor, "b c h w"], error: float = 0.0
) -> Float[Tensor, " b"]:
    """The distortion of images, nats, a share `error` of it by `one_spread`."""
    if not error:
        return -pixels.log_prob(target)
    return -(1 - error) * pixels.log_prob(target) - error * one_spread(pixels, target)


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


def log_between(low: Float[Tensor, "*s"], high: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """Log mass of the standard normal between `low` and `high`.

    With log F(low) < log F(high), log(F(high) - F(low)) = log F(high) + log1mexp of their
    difference; right of the middle the cell is mirrored, where F loses no digits.
    """
    right = low + high > 0
    low, high = torch.where(right, -high, low), torch.where(right, -low, high)
    below, upto = torch.special.log_ndtr(low), torch.special.log_ndtr(high)
    return upto + log1mexp(upto - below)


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
        low, high = cell(x).ends(self.normal.mu, (-self.normal.log_sigma).exp())
        return log_between(low, high).flatten(1).sum(1)


class LogisticPixels(NamedTuple):
    """Pixels on 256 levels, each a mixture of M discretised logistics, all (B, M, C, H, W).

    Attributes:
        logits: of the components.
        mu: their means.
        log_scale: logarithms of their scales; the standard deviation is 1.81 scales.
    """

    logits: Tensor
    mu: Tensor
    log_scale: Tensor

    @property
    def mean(self) -> Float[Tensor, "b c h w"]:
        """Mean of each pixel's mixture, before tails are folded (not clipped)."""
        return (self.logits.softmax(1) * self.mu).sum(1)

    def log_mass(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Log mass of 8-bit images in nats per image.

        sigma(v) - sigma(u) = sigma(v) sigma(-u) (1 - exp(u - v)), of which every logarithm is
        stable, and the last needs the width of the cell only.
        """
        narrow = (-self.log_scale.clamp(-FARTHEST, FARTHEST)).exp()
        u, v = cell(x[:, None]).ends(self.mu, narrow)
        width = (narrow / LEVELS).masked_fill(u.isinf() | v.isinf(), math.inf)
        each = F.logsigmoid(v) + F.logsigmoid(-u) + log1mexp(width)
        return torch.logsumexp(self.logits.log_softmax(1) + each, 1).flatten(1).sum(1)

    def log_prob(self, target: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Nats per image: the log mass of `target`, an 8-bit image."""
        return self.log_mass(target)


class CoupledPixels(NamedTuple):
    """`LogisticPixels` of three colours, each given those before it.

    Attributes:
        alone: what the pixels would be without coupling.
        coupling: of the second colour to the first, of the third to the first and to the second,
            (B, M, 3, H, W).
    """

    alone: LogisticPixels
    coupling: Tensor

    @property
    def mean(self) -> Float[Tensor, "b c h w"]:
        """Mean of each pixel, before tails are folded (not clipped): that without coupling."""
        return self.alone.mean

    def log_mass(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Log mass of 8-bit images in nats per image."""
        off = (centre(x) - self.mean)[:, None]
        g, first, second = self.coupling, off[:, :, 0], off[:, :, 1]
        shifts = [torch.zeros_like(g[:, :, 0]), g[:, :, 0] * first]
        shifts.append(g[:, :, 1] * first + g[:, :, 2] * second)
        return self.alone._replace(mu=self.alone.mu + torch.stack(shifts, 2)).log_mass(x)

    def log_prob(self, target: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Nats per image: the log mass of `target`, an 8-bit image."""
        return self.log_mass(target)


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


class Logistics(Likelihood):
    """Canvas to mixtures of discretised logistics (Salimans et al., 2017, without coupling).

    Args:
        components: logistics to a mixture, M.
    """

    continuous = False

    def __init__(self, components: int = 5) -> None:
        super().__init__()
        self.components = components
        self.planes = 3 * components

    def forward(self, canvas: Float[Tensor, "b k h w"]) -> LogisticPixels:
        """The distribution; (B, 3 M C, H, W) -> pixels (B, C, H, W)."""
        parts = canvas.unflatten(1, (3, self.components, -1))
        return LogisticPixels(*parts.unbind(1))

    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """What is scored: `x` itself, whose mass the canvas gives."""
        return x

    def blank(self, channels: int) -> Tensor:
        """Equal weights, means evenly over [0, 1], and scales that make them touch."""
        m = self.components
        mu = (torch.arange(m) + 0.5) / m
        each = torch.stack([torch.zeros(m), mu, torch.full((m,), math.log(0.3 / m))])
        return each[..., None].expand(3, m, channels).reshape(-1)


class CoupledLogistics(Likelihood):
    """Canvas to mixtures of logistics with coupled colours (after Salimans et al., 2017, 2.2).

    Args:
        components: logistics to a mixture, M.
    """

    continuous = False

    def __init__(self, components: int = 1) -> None:
        super().__init__()
        self.components = components
        self.planes = 4 * components
        self.alone = Logistics(components)

    def forward(self, canvas: Float[Tensor, "b k h w"]) -> CoupledPixels:
        """The distribution; (B, 12 M, H, W) -> pixels (B, 3, H, W)."""
        coupling = 3 * self.components
        alone, g = canvas[:, :-coupling], canvas[:, -coupling:]
        return CoupledPixels(self.alone(alone), g.unflatten(1, (self.components, 3)))

    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """What is scored: `x` itself, whose mass the canvas gives."""
        return x

    def blank(self, channels: int) -> Tensor:
        """That of the mixtures, with nothing coupled."""
        return torch.cat([self.alone.blank(channels), torch.zeros(self.components * channels)])


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "gaussian": DequantisedGaussian,
    "logistics": Logistics,
    "coupled": CoupledLogistics,
}


def check_likelihood(name: str, channels: int) -> None:
    """Refuse a likelihood that images of so many channels cannot have.

    Raises:
        ValueError: there is none of that name, or it couples three colours and there are not three.
    """
    if name not in LIKELIHOODS:
        raise ValueError(f"likelihood must be one of {sorted(LIKELIHOODS)}, got {name!r}")
    if name == "coupled" and channels != 3:
        raise ValueError(f"likelihood 'coupled' needs images of 3 channels, got {channels}")

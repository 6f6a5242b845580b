"""Mixtures of discretised logistics, alone and with coupled colours.

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
themselves, and g is a tanh. With M = 1 the logit of a colour changes nothing.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from underdraw.likelihoods.interface import Likelihood
from underdraw.likelihoods.levels import LEVELS, cell, centre, log1mexp

FARTHEST = 10.0
"""Log-scales of logistics count as at most so far from 0, at either side: exp(-10) is a hundredth
of a level, and exp(10) as good as uniform. Beyond, float32 would overflow."""


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

    def blank(self, channels: int) -> Tensor:
        """That of the mixtures, with nothing coupled."""
        return torch.cat([self.alone.blank(channels), torch.zeros(self.components * channels)])

"""Distributions over latents: diagonal Gaussians, in nats.

    log N(z; mu, sigma) = -1/2 ((z - mu)^2 / sigma^2 + log 2 pi) - log sigma
    KL(q || p) = log sigma_p - log sigma_q + (sigma_q^2 + (mu_q - mu_p)^2) / (2 sigma_p^2) - 1/2

The constant -1/2 belongs to *every latent element*. (Eq. 11 of the DRAW paper prints "- T/2",
which is the right constant for one latent a step.)
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


class Gaussian(NamedTuple):
    """A diagonal Gaussian (DRAW, 2015, Eqs 1-2).

    Attributes:
        mu: mean, any shape (B, ...).
        log_sigma: logarithm of the standard deviation, same shape. Never a log-variance.
    """

    mu: Tensor
    log_sigma: Tensor

    @property
    def sigma(self) -> Tensor:
        """Standard deviation, in the units of `mu`."""
        return self.log_sigma.exp()

    def log_prob(self, z: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Log density of each element of `z`, in nats."""
        scaled = (z - self.mu) * (-self.log_sigma).exp()
        return -0.5 * scaled * scaled - self.log_sigma - HALF_LOG_2PI

    def kl(self, p: "Gaussian") -> Float[Tensor, "..."]:
        """KL(self || p) of each element, in nats."""
        ratio = (2 * (self.log_sigma - p.log_sigma)).exp()
        shift = (self.mu - p.mu) * (-p.log_sigma).exp()
        return p.log_sigma - self.log_sigma + 0.5 * (ratio + shift * shift - 1)


def standard(like: Tensor) -> Gaussian:
    """N(0, I) with the shape, type and device of `like`."""
    zeros = torch.zeros_like(like)
    return Gaussian(zeros, zeros)

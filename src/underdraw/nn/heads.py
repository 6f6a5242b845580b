"""Heads: from a hidden state to a distribution over a latent.

mu = W_mu h + b_mu      log sigma = W_sigma h + b_sigma      (DRAW, 2015, Eqs 1-2)
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.distributions import Gaussian, standard
from underdraw.ops import linear


class GaussianHead(nn.Module):
    """A linear map to mean and log standard deviation.

    Args:
        hidden: length of the hidden state.
        latent: length of the latent.
        mu_gain: factor on the initial weights of the mean; above 1 the first samples say more
            about the image, relative to their noise.
        standard: start as N(0, I) instead, whatever the hidden state.
    """

    def __init__(
        self, hidden: int, latent: int, mu_gain: float = 1.0, *, standard: bool = False
    ) -> None:
        super().__init__()
        self.affine = nn.Linear(hidden, 2 * latent)
        with torch.no_grad():
            self.affine.weight[:latent] *= mu_gain
            if standard:
                self.affine.weight.zero_()
                self.affine.bias.zero_()

    def forward(self, h: Float[Tensor, "b hidden"]) -> Gaussian:
        """The distribution, (B, latent)."""
        mu, log_sigma = linear(h, self.affine.weight, self.affine.bias).chunk(2, 1)
        return Gaussian(mu, log_sigma)


class StandardHead(nn.Module):
    """N(0, I) whatever the hidden state: the prior of the DRAW paper."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.latent = latent

    def forward(self, h: Float[Tensor, "b hidden"]) -> Gaussian:
        """The distribution, (B, latent)."""
        return standard(h.new_zeros(h.shape[0], self.latent))

"""A linear-Gaussian model of two scalar latents, whose marginal and posterior are known exactly.

    z_1 ~ N(0, 1)      z_2 | z_1 ~ N(rho z_1, tau^2)      x = b + w_1 z_1 + w_2 z_2 + s e

so z ~ N(0, P), x ~ N(b, W P W^T + s^2 I) and z | x ~ N(m, S) with

    S = (P^-1 + W^T W / s^2)^-1      m = S W^T (x - b) / s^2

As each latent is a scalar, q(z_1 | x) and q(z_2 | x, z_1) are one-dimensional and the exact
posterior is within reach of diagonal Gaussians. `layers` puts both latents into one step.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from underdraw.distributions import Gaussian
from underdraw.latent import Draw, Frame, LatentModel, Site
from underdraw.likelihoods import Likelihood

WIDTH = 5


class Noisy(NamedTuple):
    """x ~ N(mean, s^2 I)."""

    mean: Tensor
    s: float

    def log_prob(self, target: Tensor) -> Tensor:
        scaled = (target - self.mean) / self.s
        each = -0.5 * scaled**2 - math.log(self.s) - 0.5 * math.log(2 * math.pi)
        return each.flatten(1).sum(1)


class Noise(Likelihood):
    """The canvas is the mean."""

    planes = 1
    continuous = False

    def __init__(self, s: float) -> None:
        super().__init__()
        self.s = s

    def forward(self, canvas: Tensor) -> Noisy:
        return Noisy(canvas, self.s)

    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        return x


class State(NamedTuple):
    canvas: Tensor
    zs: tuple[Tensor, ...]


class Toy(LatentModel[State]):
    """The model above, float64; `blunder` moves and widens its posterior by so many sigmas."""

    rho, tau, s = 0.7, 0.6, 0.5

    def __init__(self, layers: bool = False, blunder: float = 0.0) -> None:
        super().__init__()
        self.shape = (1, 1, WIDTH)
        self.sites = (Site(0, 0, 0), Site(1, 0, 1) if layers else Site(1, 1, 0))
        self.layers, self.blunder = layers, blunder
        self.likelihood = Noise(self.s)
        made = torch.Generator().manual_seed(7)
        self.b = nn.Parameter(torch.randn(WIDTH, generator=made, dtype=torch.float64))
        self.w = nn.Parameter(torch.randn(WIDTH, 2, generator=made, dtype=torch.float64))

    def covariance(self) -> Tensor:
        """P, (2, 2)."""
        cross, last = self.rho, self.rho**2 + self.tau**2
        return torch.tensor([[1.0, cross], [cross, last]], dtype=torch.float64)

    def log_marginal(self, x: Tensor) -> Tensor:
        """log p(x), nats, (B,)."""
        noise = self.s**2 * torch.eye(WIDTH, dtype=torch.float64)
        spread = self.w @ self.covariance() @ self.w.mT + noise
        return torch.distributions.MultivariateNormal(self.b, spread).log_prob(x.flatten(1))

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """m (B, 2) and S (2, 2)."""
        s2 = self.s**2
        s = torch.linalg.inv(torch.linalg.inv(self.covariance()) + self.w.mT @ self.w / s2)
        return (x.flatten(1) - self.b) @ self.w @ s / s2, s

    def latent_shape(self, site: Site, size=None) -> tuple[int, ...]:
        return (1,)

    def begin(self, n: int, size=None) -> State:
        return State(self.b.repeat(n, 1, 1, 1), ())

    def step(self, state: State, draw: Draw, x: Tensor | None) -> tuple[State, Frame]:
        state = self._choose(state, draw, x)
        if self.layers:
            state = self._choose(state, draw, x)
        return state, Frame(state.canvas, None, None)

    def _choose(self, state: State, draw: Draw, x: Tensor | None) -> State:
        canvas, zs = state
        q = None if x is None else self._q(x, zs)
        z = draw(self._p(canvas, zs), q)
        stroke = (z * self.w[:, len(zs)])[:, None, None]
        return State(canvas + stroke, (*zs, z))

    def _p(self, canvas: Tensor, zs: tuple[Tensor, ...]) -> Gaussian:
        if not zs:
            zeros = canvas.new_zeros(len(canvas), 1)
            return Gaussian(zeros, zeros)
        return Gaussian(self.rho * zs[0], torch.full_like(zs[0], math.log(self.tau)))

    def _q(self, x: Tensor, zs: tuple[Tensor, ...]) -> Gaussian:
        m, s = self.posterior(x)
        mu, variance = m[:, :1], s[0, 0]
        if zs:
            slope = s[1, 0] / s[0, 0]
            mu, variance = m[:, 1:] + slope * (zs[0] - mu), s[1, 1] - slope * s[0, 1]
        sigma = variance.sqrt()
        return Gaussian(mu + self.blunder * sigma, (sigma * (1 + self.blunder)).log().expand_as(mu))

"""What exact arithmetic costs, and what each map of latents tells.

Both models code the same images with the same noise on the same grid: z is a sample of q rounded
to a multiple of delta, so that its cell has the masses Q and P under q and p, and

    bits = -log P(x | z) + sum_i log Q(z_i) - log P(z_i)

with the mass of the levels for P(x | z). It is what bits-back on this grid reaches; the twin's is
its discrete ELBO. Maps that are pruned cost nothing, and nothing is learned of them.

The information of a map is the lesser of two numbers, each from means over its pixels and over
images: KL(q || p), and what its means tell through noise of the posterior's scale,

    1/2 log(1 + ((mu_q - mu_p) / sigma_q)^2)

which is the same where priors are as wide as what they predict, and nothing for the idle latents of
a model that was trained to be rounded, whose cells are far wider than their priors.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from underdraw.codec.exact.gaussians import UNIT, ExactGaussian
from underdraw.codec.exact.grid import FLOAT
from underdraw.codec.exact.twin import Twin
from underdraw.distributions import Gaussian
from underdraw.latent import LatentModel, Site
from underdraw.likelihoods import LEVELS, Discrete, log_between
from underdraw.models.convdraw import ConvDRAW
from underdraw.noise import image_noise

BATCH = 16


@dataclass(frozen=True)
class Cost:
    """Bits per dimension of both models on the same images, latents on the same grid."""

    images: int
    """Images measured."""
    bits_float: float
    """Of the float model, all maps coded."""
    bits_exact: float
    """Of the twin."""
    stderr: float
    """Standard error of the difference of the two, over images."""
    active: float
    """Share of the latents that are coded."""

    @property
    def excess(self) -> float:
        """What is lost, as a fraction."""
        return self.bits_exact / self.bits_float - 1


def cost(model: ConvDRAW, twin: Twin, levels: Tensor, seed: int = 0) -> Cost:
    """Measure what the exact twin of `model` loses on 8-bit images (N, C, H, W).

    Raises:
        ValueError: the images are no bytes, none, or not of the model's shape.
    """
    floats, exact = (bits_per_dim(one, twin, levels, seed) for one in (model, twin))
    spread = (exact - floats).std(correction=min(1, len(levels) - 1)).item()
    return Cost(
        images=len(levels),
        bits_float=floats.mean().item(),
        bits_exact=exact.mean().item(),
        stderr=spread / math.sqrt(len(levels)),
        active=share(twin),
    )


def bits_per_dim(model: ConvDRAW, twin: Twin, levels: Tensor, seed: int = 0) -> Tensor:
    """The discrete bound of `model`, `twin` or its float model, for each image, (N,).

    Raises:
        ValueError: the images are no bytes, none, or not of the model's shape.
    """
    found = []
    for part, noise in batches(twin, levels, seed):
        seen = twin.see(part)
        x = seen if model is twin else (part + 0.5) / LEVELS
        nats = code_length(model, x, Ledger(twin, noise))
        found.append(nats / (part[0].numel() * math.log(2)))
    if not found:
        raise ValueError("no images")
    return torch.cat(found)


def batches(twin: Twin, levels: Tensor, seed: int = 0) -> Iterator[tuple[Tensor, Sequence[Tensor]]]:
    """The images, some at a time, with noise of their own."""
    size = levels.shape[2], levels.shape[3]
    for first in range(0, len(levels), BATCH):
        part = levels[first : first + BATCH]
        index = range(first, first + len(part))
        yield part, image_noise(twin, seed, index, 0, size)[0]


class Ledger:
    """A source that samples q on the grid of a twin, for it or its float model, and keeps accounts.

    Attributes:
        paid: log Q(z) - log P(z) so far, in nats per image, (B,).
    """

    def __init__(self, twin: Twin, noise: Sequence[Tensor]) -> None:
        self.twin, self.noise = twin, noise
        self.paid = torch.zeros(len(noise[0]), dtype=FLOAT, device="cpu")

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        """The latent at `site`."""
        assert q is not None
        chosen, old = as_real(q), as_real(p)
        sample = chosen.mu + chosen.sigma * self.noise[site.index]
        z = self.twin.nearest(site, sample / UNIT)
        exact, active = (
            isinstance(p, ExactGaussian),
            torch.ones(z.shape[1], dtype=torch.bool, device="cpu"),
        )
        if isinstance(p, ExactGaussian):
            active = self.twin.active(site)
            z = torch.where(active[:, None, None], z, self.twin.rest(site, p))
        half = self.twin.delta(site)[:, None, None] * (UNIT / 2)
        nats = log_cell(chosen, z * UNIT, half) - log_cell(old, z * UNIT, half)
        self.paid += nats[:, active].flatten(1).sum(1)
        return z if exact else (z * UNIT).to(p.mu.dtype)


def as_real(d: Gaussian) -> Gaussian:
    """Either model's distribution as one of real numbers, in float64."""
    return d.real if isinstance(d, ExactGaussian) else Gaussian(d.mu.double(), d.log_sigma.double())


def log_cell(d: Gaussian, z: Tensor, half: Tensor) -> Tensor:
    """Log mass of the cells z - half .. z + half."""
    narrow = (-d.log_sigma).exp()
    low, high = (z - half - d.mu) * narrow, (z + half - d.mu) * narrow
    return log_between(low, high, (2 * half * narrow).expand_as(low))


@torch.no_grad()
def code_length(model: LatentModel[Any], x: Tensor, source: Ledger) -> Tensor:
    """Nats per image that `x` takes by bits-back, (B,)."""
    canvas = x
    for frame, _ in model.paint(source, x):
        canvas = frame.canvas
    pixels = model.likelihood(canvas)
    assert isinstance(pixels, Discrete)
    return source.paid - pixels.log_mass(x)


@torch.no_grad()
def information(twin: Twin, levels: Tensor) -> list[Tensor]:
    """Bits per latent that each map tells, a tensor (latent,) for each site."""
    paid, away = (
        [torch.zeros(twin.latent_shape(site)[0], dtype=FLOAT, device="cpu") for site in twin.sites]
        for _ in range(2)
    )
    for part, noise in batches(twin, levels):
        told = twin.unroll(Ledger(twin, noise), twin.see(part))
        for site, _, p, q in told.choices:
            assert q is not None
            q, p = as_real(q), as_real(p)
            moved = (q.mu - p.mu) * (-q.log_sigma).exp()
            paid[site.index] += q.kl(p).mean((2, 3)).sum(0) / len(levels)
            away[site.index] += moved.square().mean((2, 3)).sum(0) / len(levels)
    both = zip(paid, away, strict=True)
    return [torch.minimum(a, 0.5 * b.log1p()) / math.log(2) for a, b in both]


def share(twin: Twin) -> float:
    """The share of latents that are coded."""
    size = twin.drawn_size()
    coded = whole = 0
    for site in twin.sites:
        maps, height, width = twin.latent_shape(site, size)
        coded += int(twin.active(site).sum()) * height * width
        whole += maps * height * width
    return coded / whole

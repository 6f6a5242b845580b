"""Sources: the ways a latent is chosen.

posterior(noise)      z = mu_q + sigma_q noise        train, evaluate
cell(noise)           z = mu_q + sigma_q noise, uniform   train for a codec that rounds
prior(t, noise)       z = mu_p + t sigma_p noise      generate; t = 0 is "zero variance"
mode                  z = mu_q, or mu_p unseen        reconstruct
replay(zs)            z = zs[site]                    tests, interpolation, export
keep(which, a, b)     a where which(site), else b     conceptual compression
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from underdraw.distributions import Gaussian
from underdraw.latent.trace import Site

Source = Callable[[Site, Gaussian, "Gaussian | None"], Tensor]
Rule = Callable[[Gaussian, "Gaussian | None", Any], Tensor]


class Given(NamedTuple):
    """A source that is a fixed rule over one tensor per site.

    All a compiled region needs to know is the rule; the tensors go in as arguments. Tensors for
    the first steps only tell the first steps only.
    """

    rule: Rule
    values: Sequence[Tensor]

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        """The latent at `site`."""
        return self.rule(p, q, self.values[site.index])


def from_posterior(p: Gaussian, q: Gaussian | None, noise: Tensor) -> Tensor:
    """Sample the posterior: z = mu_q + sigma_q noise."""
    return seen(q).mu + seen(q).sigma * noise


def from_cell(p: Gaussian, q: Gaussian | None, noise: Tensor) -> Tensor:
    """Sample the uniform distribution with the posterior's mean and standard deviation.

    Standard normal noise e becomes sqrt(3) erf(e / sqrt(2)), uniform between +-sqrt(3).
    """
    return seen(q).mu + seen(q).sigma * (3**0.5 * torch.erf(0.5**0.5 * noise))


def from_prior(p: Gaussian, q: Gaussian | None, noise: Tensor) -> Tensor:
    """Sample the prior: z = mu_p + sigma_p noise."""
    return p.mu + p.sigma * noise


def as_given(p: Gaussian, q: Gaussian | None, z: Tensor) -> Tensor:
    """The value itself."""
    return z


def seen(q: Gaussian | None) -> Gaussian:
    """The posterior, which is there if an image was seen.

    Raises:
        ValueError: no image was given.
    """
    if q is None:
        raise ValueError("this source asks the posterior, but no image was given")
    return q


def posterior(noise: Sequence[Tensor] | None = None) -> Source:
    """Sample q (train, evaluate). `noise` holds a standard normal tensor per site; else fresh."""
    if noise is not None:
        return Given(from_posterior, noise)
    return lambda site, p, q: from_posterior(p, q, torch.randn_like(seen(q).mu))


def prior(temperature: float = 1.0, noise: Sequence[Tensor] | None = None) -> Source:
    """Sample p with its standard deviation scaled by `temperature` (generate).

    Temperature 0 is the "zero variance" of Convolutional DRAW. `noise` as in `posterior`.
    """
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be finite and not negative, got {temperature}")
    if noise is not None:
        return Given(from_prior, [temperature * e for e in noise])
    return lambda site, p, q: from_prior(p, q, temperature * torch.randn_like(p.mu))


def mode(site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
    """The mean of q, or of p when no image is seen (reconstruct)."""
    return (p if q is None else q).mu


def replay(zs: Sequence[Tensor]) -> Source:
    """The latents themselves, one per site (tests, interpolation, export)."""
    return Given(as_given, zs)


def keep(which: Callable[[Site], bool], stored: Source, dreamt: Source) -> Source:
    """`stored` where `which(site)`, else `dreamt` (conceptual compression)."""

    def choose(site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        return (stored if which(site) else dreamt)(site, p, q)

    return choose

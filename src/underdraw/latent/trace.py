"""What a story leaves behind: sites, frames, choices, and the terms of the bound."""

from typing import NamedTuple

from torch import Tensor

from underdraw.distributions import Gaussian
from underdraw.nn.attention import Glimpse


class Site(NamedTuple):
    """Where a choice stands: its place in the order, its step and its layer, all from 0."""

    index: int
    step: int
    layer: int


class Frame(NamedTuple):
    """What one step leaves on show.

    Attributes:
        canvas: parameters of the likelihood, (B, K, H, W).
        read: window the step looked through, if it looked at an image through one.
        write: window the step drew through, if it has one.
    """

    canvas: Tensor
    read: Glimpse | None
    write: Glimpse | None


class Drawn(NamedTuple):
    """A latent and the distributions it was chosen from; q is None when no image is seen."""

    z: Tensor
    p: Gaussian
    q: Gaussian | None


class Choice(NamedTuple):
    """One stochastic choice of a trace.

    Attributes:
        site: where it stands.
        z: the value, (B, ...).
        p: prior p(z_i | z_<i).
        q: posterior q(z_i | x, z_<i), None when no image is seen.
    """

    site: Site
    z: Tensor
    p: Gaussian
    q: Gaussian | None


class Trace(NamedTuple):
    """A whole story: the frames asked for, the last one last, and every choice in order."""

    frames: list[Frame]
    choices: list[Choice]


class Terms(NamedTuple):
    """The parts of the bound for a batch, nats.

    Attributes:
        distortion: -log p(x | z) per image, (B,).
        rates: cost of each choice per image, (sites, B).
    """

    distortion: Tensor
    rates: Tensor

    @property
    def bound(self) -> Tensor:
        """Upper bound on -log p(x) per image, one sample, (B,)."""
        return self.distortion + self.rates.sum(0)

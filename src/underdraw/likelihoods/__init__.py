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

*Neighbours*: K = C = 1, Bernoulli pixels of which each knows those before it: `neighbours`.

*Masses of the 256 levels* are what a lossless coder pays for: `levels`. *Mixtures of discretised
logistics* are masses from the start, with or without coupled colours: `logistics`.

What training minimises of them can be another distortion than the likelihood: `distortion`.
"""

from string import digits

from underdraw.likelihoods.distortion import SIGMA, UNLIKELIHOOD, WINDOW, Distortion, apart, ssim
from underdraw.likelihoods.interface import Discrete, Likelihood, Pixels
from underdraw.likelihoods.levels import LEVELS, LOG_2, Cell, cell, log1mexp, log_between
from underdraw.likelihoods.logistics import (
    CoupledLogistics,
    CoupledPixels,
    LogisticPixels,
    Logistics,
)
from underdraw.likelihoods.neighbours import NeighbourPixels, Neighbours
from underdraw.likelihoods.plain import (
    Bernoulli,
    BernoulliPixels,
    DequantisedGaussian,
    GaussianPixels,
)

__all__ = [
    "LEVELS",
    "LIKELIHOODS",
    "LOG_2",
    "SIGMA",
    "UNLIKELIHOOD",
    "WINDOW",
    "Bernoulli",
    "BernoulliPixels",
    "Cell",
    "CoupledLogistics",
    "CoupledPixels",
    "DequantisedGaussian",
    "Discrete",
    "Distortion",
    "GaussianPixels",
    "Likelihood",
    "LogisticPixels",
    "Logistics",
    "NeighbourPixels",
    "Neighbours",
    "Pixels",
    "apart",
    "cell",
    "check_likelihood",
    "likelihood_of",
    "log1mexp",
    "log_between",
    "ssim",
]


MIXTURES = (Logistics, CoupledLogistics)
LIKELIHOODS: dict[str, type[Likelihood]] = {
    "bernoulli": Bernoulli,
    "gaussian": DequantisedGaussian,
    "logistics": Logistics,
    "coupled": CoupledLogistics,
    "neighbours": Neighbours,
}
"""By name. A number after the name of a mixture is that of its components: "logistics10"."""

CHANNELS = {"coupled": 3, "neighbours": 1}
"""Of the images, where a likelihood is for so many only."""


def likelihood_of(name: str) -> Likelihood:
    """The likelihood of that name, one of `LIKELIHOODS` or a mixture with so many components.

    Raises:
        ValueError: there is none.
    """
    kind, count = _parts(name)
    return LIKELIHOODS[kind](*map(int, count))


def _parts(name: str) -> tuple[str, list[str]]:
    """A name without the number of components, and that number if there is one."""
    kind = name.rstrip(digits)
    count, known = name[len(kind) :], LIKELIHOODS.get(kind)
    if known is None or (count and (count[0] == "0" or not issubclass(known, MIXTURES))):
        raise ValueError(
            f"likelihood must be one of {sorted(LIKELIHOODS)}, a mixture with its components "
            f"after its name, got {name!r}"
        )
    return kind, [count] if count else []


def check_likelihood(name: str, channels: int) -> None:
    """Refuse a likelihood that images of so many channels cannot have.

    Raises:
        ValueError: there is none of that name, or it needs another number of channels.
    """
    kind, _ = _parts(name)
    if (wanted := CHANNELS.get(kind, channels)) != channels:
        many = f"{wanted} channel{'s' if wanted > 1 else ''}"
        raise ValueError(f"likelihood {name!r} needs images of {many}, got {channels}")

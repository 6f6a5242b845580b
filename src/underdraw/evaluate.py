"""Evaluation: the bound, its parts, and the importance-weighted bound, all repeatable.

    bound(x) = -log p(x | z) + sum_i KL(q_i || p_i),       one z ~ q(z | x) an image        (ELBO)
    bound_K(x) = -log 1/K sum_k w_k,   log w = log p(x | z) + log p(z) - log q(z | x)        (IWAE)

The second (Burda et al., 2016) is tighter and falls towards -log p(x) as K grows; it is computed
one sample at a time by a running log-sum-exp, so its memory does not grow with K. Noise is a
function of (seed, image, sample), so a number can be repeated whatever the batch; a last batch
that is not full is filled up, and its filling left out, so that one compiled graph serves all.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from underdraw.data import Images
from underdraw.fast import precision
from underdraw.latent import (
    Fold,
    LatentModel,
    Site,
    Terms,
    cost_by_cell,
    cost_by_kl,
    cost_by_sample,
)
from underdraw.likelihoods import UNLIKELIHOOD, Discrete, Distortion
from underdraw.noise import image_noise

Report = Callable[[int], None]


@dataclass(frozen=True)
class Evaluation:
    """What was measured. Nats are per image; a standard error is over images."""

    images: int
    """Images evaluated."""
    nats: float
    """Mean upper bound on -log p(x)."""
    stderr: float
    """Standard error of `nats`."""
    distortion: float
    """Mean -log p(x | z)."""
    rate: float
    """Mean sum of KL terms."""
    rate_per_step: tuple[float, ...]
    """Mean KL of each step."""
    bits_per_dim: float
    """`nats` in bits per dimension (a colour pixel has three)."""
    bits_per_dim_discrete: float | None
    """The same with the exact mass of the 256 levels in the place of the density of dequantised
    pixels: what a lossless coder pays. None for binary pixels."""
    rate_bits_per_dim: float
    """`rate` in bits per dimension."""
    importance_samples: int
    """K of the next two; 0 if not asked for."""
    importance_nats: float | None
    """Mean importance-weighted bound."""
    importance_stderr: float | None
    """Its standard error."""
    seed: int
    """Of the noise."""


def evaluate(
    model: LatentModel[Any],
    images: Images,
    *,
    seed: int = 0,
    batch: int = 250,
    importance_samples: int = 0,
    products: str = "float32",
    steps: int | None = None,
    cells: bool = False,
    distortion: Distortion = UNLIKELIHOOD,
    report: Report | None = None,
) -> Evaluation:
    """Measure the bound of `model` on all of `images`.

    Args:
        model: on any device, in any mode; it is left as it was.
        images: of the model's shape, or of any size if it draws any.
        seed: of the noise.
        batch: images at a time.
        importance_samples: K of the importance-weighted bound; 0 leaves it out.
        products: precision of the matrix products, "float32" or "bf16".
        steps: take only the first so many steps; all of the model's if None.
        cells: posteriors are uniform, and rates are those of cells: for models trained so.
        distortion: what training minimised; unless it is the likelihood's, what is called a bound
            is none.
        report: called with the number of passes finished out of
            `passes(len(images), batch, importance_samples)`.

    Raises:
        ValueError: images of another shape, none at all, grey ones where the likelihood is of 0 and
            1 alone, binary ones that are not exactly 0 and 1, or numbers below their least.
    """
    _check(model, images, batch, importance_samples)
    if importance_samples and (cells or distortion.error):
        raise ValueError(
            f"importance_samples is {importance_samples}, and rates of cells and distortions by "
            "errors have no importance weights"
        )
    if not 0 <= seed < 2**63:
        raise ValueError(f"a seed is in [0, 2^63), got {seed}")
    report, plain = report or (lambda done: None), cost_by_cell if cells else cost_by_kl
    parts, masses, weights, done = [], [], [], 0
    device = next(model.parameters()).device.type
    places = np.asarray(getattr(images, "indices", np.arange(len(images))))  # in the whole split
    with torch.no_grad(), precision(products, device):
        for first in range(0, len(images), batch):
            index = np.arange(first, min(first + batch, len(images)))
            x = _filled(_taken(images, index), batch)
            index = places[index].tolist()
            terms, mass = _terms(model, x, (seed, index, 0), plain, steps, distortion)
            parts.append(_cpu(terms, len(index)))
            masses.append(None if mass is None else mass[: len(index)].double().cpu())
            report(done := done + 1)
            if importance_samples:
                total = torch.full((batch,), -math.inf, dtype=torch.float64)
                for k in range(importance_samples):
                    terms = _terms(model, x, (seed, index, k), cost_by_sample, steps)[0]
                    total = torch.logaddexp(total, -terms.bound.double().cpu())
                    report(done := done + 1)
                weights.append((math.log(importance_samples) - total)[: len(index)])
    return _summary(model, images.shape, parts, masses, weights, importance_samples, seed)


def passes(images: int, batch: int, importance_samples: int) -> int:
    """How many batches through the model an evaluation takes."""
    return math.ceil(images / batch) * (1 + importance_samples)


def _check(model: LatentModel[Any], images: Images, batch: int, samples: int) -> None:
    same = images.shape[0] == model.shape[0] if model.any_size else images.shape == model.shape
    if not same:
        raise ValueError(
            f"{images.name} holds images {images.shape}, the model draws {model.shape}"
        )
    if model.likelihood.binary and not images.binary:
        raise ValueError(f"{images.name} is not binary, as the likelihood of this model needs it")
    if len(images) < 1 or batch < 1 or samples < 0:
        raise ValueError(f"cannot evaluate {len(images)} images by {batch} with K={samples}")


def _taken(images: Images, index: np.ndarray) -> Tensor:
    x = images.take(index)
    if images.binary and not ((x == 0) | (x == 1)).all():
        raise ValueError(f"{images.name} holds values other than 0 and 1, though it is binary")
    return x


def _filled(rows: Tensor, count: int) -> Tensor:
    """The rows, the last one repeated until there are `count`."""
    return torch.cat([rows, rows[-1:].expand(count - len(rows), *rows.shape[1:])])


def _terms(
    model: LatentModel[Any],
    x: Tensor,
    key: tuple[int, Sequence[int], int],
    cost: Fold,
    steps: int | None,
    distortion: Distortion = UNLIKELIHOOD,
) -> tuple[Terms, Tensor | None]:
    """Terms of the batch `x` with the noise of key = (seed, images, sample).

    Also minus the log mass of the images given the same latents, (B,), where they have one, and
    where it is wanted: the importance-weighted bound does without.
    """
    device = next(model.parameters()).device
    z, u = image_noise(model, *key, size=(x.shape[2], x.shape[3]))
    z = [noise for noise, site in zip(z, model.sites, strict=True) if _within(site, steps)]
    z = [_filled(noise, len(x)).to(device) for noise in z]
    target = model.likelihood.target(x, None if u is None else _filled(u, len(x)))
    canvas, rates = model.outcome(x.to(device), z, cost)
    pixels = model.likelihood(canvas)
    wanted = cost is not cost_by_sample and isinstance(pixels, Discrete)
    mass = -pixels.log_mass(x.to(device)) if wanted else None
    return Terms(distortion(pixels, target.to(device)), rates), mass


def _within(site: Site, steps: int | None) -> bool:
    return steps is None or site.step < steps


def _cpu(terms: Terms, keep: int) -> Terms:
    return Terms(terms.distortion[:keep].double().cpu(), terms.rates[:, :keep].double().cpu())


def _summary(
    model: LatentModel[Any],
    shape: Sequence[int],
    parts: list[Terms],
    masses: list[Tensor | None],
    weights: list[Tensor],
    samples: int,
    seed: int,
) -> Evaluation:
    distortion = torch.cat([terms.distortion for terms in parts])
    rates = torch.cat([terms.rates for terms in parts], 1)
    bound = distortion + rates.sum(0)
    steps = torch.tensor([site.step for site in model.sites[: len(rates)]])
    per_step = torch.zeros(int(steps.max()) + 1, dtype=rates.dtype)
    per_step.index_add_(0, steps, rates.mean(1))
    importance = torch.cat(weights) if weights else None
    discrete = [mass for mass in masses if mass is not None]
    bits = 1 / (math.prod(shape) * math.log(2))  # to a nat per image
    return Evaluation(
        images=len(bound),
        nats=bound.mean().item(),
        stderr=_stderr(bound),
        distortion=distortion.mean().item(),
        rate=rates.sum(0).mean().item(),
        rate_per_step=tuple(per_step.tolist()),
        bits_per_dim=bound.mean().item() * bits,
        bits_per_dim_discrete=(
            (torch.cat(discrete) + rates.sum(0)).mean().item() * bits if discrete else None
        ),
        rate_bits_per_dim=rates.sum(0).mean().item() * bits,
        importance_samples=samples,
        importance_nats=None if importance is None else importance.mean().item(),
        importance_stderr=None if importance is None else _stderr(importance),
        seed=seed,
    )


def _stderr(values: Tensor) -> float:
    return (values.std(correction=min(1, len(values) - 1)) / math.sqrt(len(values))).item()

"""Objectives: from the terms of the bound to the number that is minimised, nats per image.

    elbo    beta distortion + w rate,   w rising from 0 to 1 over the warm-up of the rate; beta may
            fall geometrically to its value, over more of the training
            (the rate is the KL term or, for a codec that rounds, that of cells: `latent.folds`)
    iwae    -log 1/K sum_k w_k,         log w = -(distortion + log q(z) - log p(z))

beta and w act in training only; what is reported is always distortion + rate.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from underdraw.latent import Fold, Terms, cost_by_kl, cost_by_sample


@dataclass(frozen=True)
class Objective:
    """What training minimises.

    Attributes:
        samples: posterior samples an image; each image stands so many times in the batch.
        cost: how rates are paid, `cost_by_kl`, `cost_by_sample` or `cost_by_cell`.
        loss: (terms of samples x batch images, update) -> scalar, nats per image.
    """

    samples: int
    cost: Fold
    loss: Callable[[Terms, int], Tensor]


def elbo(
    beta: float = 1.0,
    kl_warmup: int = 0,
    cost: Fold = cost_by_kl,
    falling: tuple[float, int] | None = None,
) -> Objective:
    """The evidence lower bound, its sign turned (DRAW, Eq. 12; Convolutional DRAW, Eq. 11).

    Args:
        beta: weight of the distortion.
        kl_warmup: updates over which the weight of the rate rises to 1.
        cost: of the rate.
        falling: a larger weight of the distortion at first, and the updates over which it falls to
            `beta`.
    """

    def loss(terms: Terms, step: int) -> Tensor:
        weight = min(1.0, (step + 1) / kl_warmup) if kl_warmup else 1.0
        now = beta
        if falling is not None:
            first, updates = falling
            now *= (first / beta) ** max(0.0, 1 - step / max(1, updates))
        return (now * terms.distortion + weight * terms.rates.sum(0)).mean()

    return Objective(1, cost, loss)


def iwae(samples: int) -> Objective:
    """The importance-weighted bound, its sign turned (Burda et al., 2016).

    Raises:
        ValueError: fewer than one sample.
    """
    if samples < 1:
        raise ValueError(f"the importance-weighted bound needs samples, got {samples}")

    def loss(terms: Terms, step: int) -> Tensor:
        log_weight = -terms.bound.unflatten(0, (-1, samples))
        return (math.log(samples) - torch.logsumexp(log_weight, 1)).mean()

    return Objective(samples, cost_by_sample, loss)

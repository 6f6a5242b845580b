"""What several studies need of a model: its steps and layers, checked, and the order of images."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from torch import Tensor

from underdraw.data import Images
from underdraw.evaluate import Evaluation
from underdraw.latent import LatentModel

BITS = 1 / math.log(2)  # a nat
SHARES = (2, 4, 6, 8, 10, 14, 18, 25, 32)  # of 32 steps, as in Convolutional DRAW, Fig. 2


def steps_of(model: LatentModel[Any]) -> int:
    """How many steps a model takes."""
    return 1 + max(site.step for site in model.sites)


def layers_of(model: LatentModel[Any]) -> int:
    """How many layers it has."""
    return 1 + max(site.layer for site in model.sites)


def default_steps(total: int) -> list[int]:
    """The counts of Fig. 2 for a model of `total` steps; all of them if they are few."""
    if total <= len(SHARES):
        return list(range(1, total + 1))
    return sorted({max(1, math.floor(total * share / SHARES[-1])) for share in SHARES})


def chosen_steps(model: LatentModel[Any], given: Sequence[int], least: int = 1) -> list[int]:
    """Counts of steps to study, rising; `default_steps` if none are given.

    Raises:
        ValueError: a count below `least` or beyond the model's steps.
    """
    total = steps_of(model)
    for t in given:
        if not least <= t <= total:
            raise ValueError(f"steps are {least} to {total} in this model, got {t}")
    return sorted(set(given)) if given else default_steps(total)


def batches(images: Images, batch: int) -> Iterator[tuple[list[int], Tensor]]:
    """Images in their order, with the place of each in the whole split."""
    places = np.asarray(getattr(images, "indices", np.arange(len(images))))
    for first in range(0, len(images), batch):
        index = np.arange(first, min(first + batch, len(images)))
        yield places[index].tolist(), images.take(index)


def bound_of(found: Evaluation) -> dict[str, Any]:
    """The parts of the bound in an evaluation, by name: nats per image, and bits where it says."""
    apart = ("images", "seed", "rate_per_step", "importance_")
    return {key: value for key, value in asdict(found).items() if not key.startswith(apart)}


def check_counts(**counts: int) -> None:
    """Refuse numbers below 1.

    Raises:
        ValueError: there is one; it is named.
    """
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")


def apart(
    points: Sequence[tuple[float, float, str]], room: float
) -> list[tuple[float, float, str]]:
    """Points (x, y, name) whose names have room beside each other: the last, and back from it."""
    kept: list[tuple[float, float, str]] = []
    for point in reversed(points):
        if not kept or kept[-1][0] - point[0] > room:
            kept.append(point)
    return kept

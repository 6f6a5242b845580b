"""How often a classifier is wrong, with an interval, after every glimpse.

    error = k / n,      k of n images wrong
    interval = (k + z^2 / 2 -+ z sqrt(k (n - k) / n + z^2 / 4)) / (n + z^2),    z = 1.96

The interval (Wilson, 1927) holds the error of endless images with 95 % confidence; it never leaves
[0, 1], and is right for few mistakes too. There is no noise: whatever the batch, a number repeats
up to rounding. A last batch that is not full is filled up, so that one compiled graph serves all.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from underdraw.classifier import Classifier
from underdraw.data import Images, Labelled
from underdraw.fast import precision

Z = 1.959963984540054  # of 95 %


@dataclass(frozen=True)
class Grade:
    """What was measured. Errors are fractions of the images; nats are per image."""

    images: int
    """Images classified."""
    error: float
    """After the last glimpse."""
    low: float
    """Lower end of the 95 % interval of `error`."""
    high: float
    """Its upper end."""
    nats: float
    """Mean cross-entropy after the last glimpse."""
    error_per_glimpse: tuple[float, ...]
    """After each glimpse."""
    nats_per_glimpse: tuple[float, ...]
    """Mean cross-entropy after each glimpse."""


def wilson(wrong: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `wrong` of `count` were seen.

    Raises:
        ValueError: no count, or a share outside [0, 1].
    """
    if count < 1 or not 0 <= wrong <= count:
        raise ValueError(f"{wrong} of {count} is no share")
    middle = wrong + Z**2 / 2
    half = Z * math.sqrt(wrong * (count - wrong) / count + Z**2 / 4)
    low, high = ((middle + sign * half) / (count + Z**2) for sign in (-1, 1))
    return max(0.0, low) if wrong else 0.0, min(1.0, high) if wrong < count else 1.0


def grade(
    model: Classifier[Any],
    images: Images,
    *,
    batch: int = 250,
    products: str = "float32",
    steps: int | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> Grade:
    """Classify all of `images`.

    Args:
        model: on any device, in any mode; it is left as it was.
        images: of the model's shape, with labels.
        batch: images at a time.
        products: precision of the matrix products, "float32" or "bf16".
        steps: take only the first so many glimpses; all of the model's if None.
        report: called with the number of images done.

    Raises:
        ValueError: images of another shape, without labels or with other classes, or a batch
            below 1.
    """
    labelled = with_labels(images, model.classes)
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    device = next(model.parameters()).device
    nats, wrong = [], []
    with torch.no_grad(), precision(products, device.type):
        for first in range(0, len(images), batch):
            index = np.arange(first, min(first + batch, len(images)))
            x = images.take(index)
            x = torch.cat([x, x[-1:].expand(batch - len(x), *x.shape[1:])])
            logits = model(x.to(device), steps)[:, : len(index)].double().cpu()
            costs, misses = scores(logits, labelled.labels(index))
            nats.append(costs)
            wrong.append(misses)
            report(first + len(index))
    return _summary(torch.cat(nats, 1), torch.cat(wrong, 1))


def scores(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy in nats and whether the likeliest class is wrong.

    Logits (T, B, classes) and labels (B,) give twice (T, B).
    """
    nats = F.cross_entropy(logits.flatten(0, 1), y.repeat(len(logits)), reduction="none")
    return nats.unflatten(0, logits.shape[:2]), logits.detach().argmax(2) != y


def with_labels(images: Images, classes: int) -> Labelled:
    """The images, which must have labels of so many classes.

    Raises:
        ValueError: they have not.
    """
    if not isinstance(images, Labelled):
        raise ValueError(f"{images.name} has no labels to learn or check a classifier with")
    if images.classes != classes:
        raise ValueError(f"{images.name} has {images.classes} classes, the model {classes}")
    return images


def _summary(nats: Tensor, wrong: Tensor) -> Grade:
    """From (T, images) each."""
    count = wrong.shape[1]
    low, high = wilson(int(wrong[-1].sum()), count)
    errors, costs = wrong.double().mean(1).tolist(), nats.mean(1).tolist()
    return Grade(count, errors[-1], low, high, costs[-1], tuple(errors), tuple(costs))

"""Classification as a task.

    cost = H_T + w mean_{t < T} H_t,      H_t = -log p(y | x, the first t glimpses)

in nats per image. The weight w of the earlier glimpses is `TrainConfig.early`: with it the first
glimpses learn at once, before the later ones can tell them anything through the recurrence.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from underdraw.data import Images
from underdraw.fast import precision
from underdraw.grade import grade, scores, with_labels
from underdraw.plot import glimpse_sheet, save
from underdraw.presets import Preset
from underdraw.train import schedule
from underdraw.train.task import Forward, Place, Row, Task

SHOWN = 6  # images


class ClassTask(Task):
    """Cross-entropy after the last glimpse and, weighted, after the earlier ones."""

    names = ("nats", "error", "objective")
    labels = True
    measure_of = "validation cross-entropy"
    kind = "a classifier"
    foreign = (
        "importance_samples", "beta", "beta_from", "kl_warmup", "recompute", "cells", "error",
        "structure",
    )  # fmt: skip

    def __init__(self, preset: Preset, model: Any, place: Place) -> None:  # noqa: ANN401
        super().__init__(preset, model, place)
        self.steps = model.steps

    def cost(
        self, forward: Forward, batch: tuple[Tensor, Tensor], step: int
    ) -> tuple[Tensor, Tensor]:
        """The weighted cost; means of cross-entropy and error after the last glimpse, and of it."""
        x, y = (self.moved(part) for part in batch)
        with precision(self.config.precision, self.place.device.type):
            logits = forward(x, schedule.glimpses(self.config, step))
        nats, wrong = scores(logits, y)
        per_glimpse = nats.mean(1)
        loss = last = per_glimpse[-1]
        if len(per_glimpse) > 1:
            loss = last + self.config.early * per_glimpse[:-1].mean()
        return loss, torch.stack([last, wrong[-1].float().mean(), loss]).detach()

    def row(self, means: Sequence[float]) -> dict[str, float]:
        """Cross-entropy, objective and error."""
        nats, error, whole = means
        return {"nats": nats, "objective": whole, "error": error}

    def measure(self, images: Images, batch: int, steps: int | None) -> tuple[float, Row]:
        """The cross-entropy after the last glimpse; it is smoother than the error."""
        found = grade(self.model, images, batch=batch, products=self.config.precision, steps=steps)
        return found.nats, {"nats": found.nats, "error": found.error, "high": found.high}

    def show(self, images: Images, steps: int | None, path: Path) -> None:
        """Where it looks in the first images, glimpse by glimpse."""
        index = np.arange(min(SHOWN, len(images)))
        x, y = images.take(index), with_labels(images, self.model.classes).labels(index)
        with torch.no_grad():
            looks = list(self.model.looks(x.to(self.place.device), steps))
        save(glimpse_sheet(x, looks, y), path)

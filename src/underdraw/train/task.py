"""What a model is trained for: what a batch costs, and what is said and measured about it.

Everything else about a run, from its gradient to its checkpoints, is the same for every task. The
last of a task's means is what is minimised in the end, and watched for jumps; "nats" is what is
validated.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from underdraw.data import Images
from underdraw.presets import Preset

Forward = Callable[..., Any]
Row = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Which of the processes this is, and where it computes."""

    rank: int
    world: int
    device: torch.device


class Task(ABC):
    """A model and what it is trained for.

    Attributes:
        names: of the means over a window of updates.
        labels: whether a batch is (images, labels) instead of images.
        replicas: how often every image stands in a batch.
        steps: of the model.
        measure_of: what "nats" are, in words.
        kind: what is trained for it, in words.
        foreign: settings that mean nothing to it, and are refused unless they have their defaults.
    """

    names: tuple[str, ...]
    labels: bool = False
    replicas: int = 1
    steps: int
    measure_of: str
    kind: str
    foreign: tuple[str, ...] = ()

    def __init__(self, preset: Preset, model: Any, place: Place) -> None:  # noqa: ANN401
        self.preset, self.config, self.model, self.place = preset, preset.train, model, place
        for name in self.foreign:
            if (value := getattr(self.config, name)) != getattr(type(self.config), name):
                raise ValueError(f"{name} is {value!r}, which means nothing to {self.kind}")

    @abstractmethod
    def cost(self, forward: Forward, batch: Any, step: int) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        """What to minimise at update `step`, nats per image, and the means over this batch.

        `forward` is the model as wrapped for many processes.
        """

    @abstractmethod
    def row(self, means: Sequence[float]) -> dict[str, float]:
        """What the log says of a window with these means; "nats" among it."""

    @abstractmethod
    def measure(self, images: Images, batch: int, steps: int | None) -> tuple[float, Row]:
        """What decides which weights are best, in nats, lower is better; and a row for the log."""

    @abstractmethod
    def show(self, images: Images, steps: int | None, path: Path) -> None:
        """Write a picture of what the model does."""

    def moved(self, values: Tensor) -> Tensor:
        """The values on the device; from pinned memory, so that nobody waits for them."""
        device = self.place.device
        if device.type == "cuda":
            values = values.pin_memory()
        return values.to(device, non_blocking=True)

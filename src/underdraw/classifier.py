"""Classifiers that look at an image one glimpse after another.

    s_0 learned      s_t, look_t = step(s_t-1, x)      t = 1..T
    log p(y | x, the first t glimpses) = log softmax(logits_t)

The story is told once, in `Classifier.step`, which is pure in its tensors, and `stretch`, a few
consecutive steps, is what a compiler may have (see `underdraw.fast`). There are no latents and so
no sources. A network that looks once is a classifier with T = 1 and nothing to carry.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.nn.attention import Glimpse

StateT = TypeVar("StateT")


class Look(NamedTuple):
    """What one step leaves on show.

    Attributes:
        logits: of the classes after this step, (B, classes).
        window: through which it looked, if it has one.
        patch: what it saw there, (B, D, N, N): D is the image's channels times the windows a step
            looks through, narrowest first.
    """

    logits: Tensor
    window: Glimpse | None = None
    patch: Tensor | None = None


Keep = Callable[[Look], Any]


def everything(look: Look) -> Look:
    """Keep all that a step shows."""
    return look


def logits_only(look: Look) -> Tensor:
    """Keep the logits, which is all that training needs."""
    return look.logits


def stretch(
    model: "Classifier[StateT]", keep: Keep, state: StateT, x: Tensor, count: int
) -> tuple[StateT, list[Any]]:
    """So many consecutive steps: a pure function of tensors."""
    shown = []
    for _ in range(count):
        state, look = model.step(state, x)
        shown.append(keep(look))
    return state, shown


class Classifier(nn.Module, ABC, Generic[StateT]):
    """A model that classifies step by step.

    Attributes:
        shape: (C, H, W) of the images.
        classes: how many there are.
        steps: glimpses, T.
        pure: runs a stretch of steps.
        run: the same, or what `underdraw.fast` made of it.
        pace: steps to a stretch.
    """

    shape: tuple[int, int, int]
    classes: int
    steps: int
    pure = staticmethod(stretch)
    run: Callable[..., tuple[Any, list[Any]]]
    pace: int

    def __init__(self) -> None:
        super().__init__()
        self.run, self.pace = stretch, 1

    @abstractmethod
    def begin(self, n: int) -> StateT:
        """The learned start for `n` images."""

    @abstractmethod
    def step(self, state: StateT, x: Tensor) -> tuple[StateT, Look]:
        """One glimpse."""

    def shorten(self, steps: int) -> None:
        """Have only the first `steps` glimpses from now on.

        Raises:
            ValueError: the model does not have so many.
        """
        if not 1 <= steps <= self.steps:
            raise ValueError(f"the model takes 1 to {self.steps} glimpses, not {steps}")
        self.steps = steps

    def looks(
        self, x: Float[Tensor, "b c h w"], steps: int | None = None, keep: Keep = everything
    ) -> Iterator[Any]:
        """The one loop over steps: yields what is kept of each of the first `steps`, or of all.

        Raises:
            ValueError: images of another shape, or a number of steps that the model does not have.
        """
        if tuple(x.shape[1:]) != tuple(self.shape):
            raise ValueError(f"images are {tuple(x.shape[1:])}, the model reads {self.shape}")
        steps = self.steps if steps is None else steps
        if not 1 <= steps <= self.steps:
            raise ValueError(f"the model takes 1 to {self.steps} glimpses, not {steps}")
        state = self.begin(len(x))
        for first in range(0, steps, self.pace):
            count = min(self.pace, steps - first)
            state, shown = self.run(self, keep, state, x, count)
            yield from shown

    def forward(
        self, x: Float[Tensor, "b c h w"], steps: int | None = None
    ) -> Float[Tensor, "t b classes"]:
        """Logits after each step; see `looks`."""
        return torch.stack(list(self.looks(x, steps, logits_only)))

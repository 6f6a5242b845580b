"""What a likelihood is: a module from canvases to distributions over images."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn


@runtime_checkable
class Pixels(Protocol):
    """A distribution over images."""

    @property
    def mean(self) -> Tensor:
        """Expected image, (B, C, H, W)."""
        ...

    def log_prob(self, target: Tensor) -> Tensor:
        """Nats per image, (B,)."""
        ...


@runtime_checkable
class Discrete(Protocol):
    """A distribution over images that has a mass for each of the 256 levels."""

    def log_mass(self, x: Tensor) -> Tensor:
        """Log mass of 8-bit images x = (b + 1/2) / 256 in nats per image, (B,)."""
        ...


class Likelihood(nn.Module, ABC):
    """Canvas to p(x | z).

    Attributes:
        planes: canvas planes to each image channel, K / C.
        continuous: whether the target must be dequantised.
        pure: a function that is worth compiling, if there is one; then `run` is the same, or what
            `underdraw.fast` made of it, and what is called.
    """

    planes: int
    continuous: bool
    pure: Callable[..., Any] | None = None
    run: Callable[..., Any]

    @abstractmethod
    def forward(self, canvas: Tensor) -> Pixels:
        """The distribution; canvas (B, K, H, W)."""

    def glance(self, canvas: Tensor) -> Tensor:
        """What an error image subtracts, (B, C, H, W): the mean, or what is near it and cheaper."""
        return self(canvas).mean

    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """What is scored for images `x`, given u in [0, 1) of the same shape: `x` itself."""
        return x

    def blank(self, channels: int) -> Tensor:
        """A canvas to begin on, one value a plane, (K,)."""
        return torch.zeros(channels * self.planes)

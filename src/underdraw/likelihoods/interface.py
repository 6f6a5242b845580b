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
        """Expected image, (B, C, H, W); of pixels that lean on others, if these are as expected."""
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
        binary: whether images must be of 0 and 1, and grey values are no means.
        pure: (likelihood, tensors) -> tensor, where something is worth compiling.
        run: the same, or what `underdraw.fast` made of it; this is what is called.
    """

    planes: int
    continuous: bool
    binary: bool = False
    pure: Callable[..., Any] | None = None
    run: Callable[..., Any] | None

    def __init__(self) -> None:
        super().__init__()
        self.run = self.pure

    @abstractmethod
    def forward(self, canvas: Tensor) -> Pixels:
        """The distribution; canvas (B, K, H, W)."""

    def glance(self, canvas: Tensor) -> Tensor:
        """What error images subtract, (B, C, H, W): the mean, or the canvas as it is.

        The second where a mean costs much, or is made for the last canvas alone.
        """
        return self(canvas).mean

    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """What is scored for images `x`, given u in [0, 1) of the same shape: `x` itself."""
        return x

    def blank(self, channels: int) -> Tensor:
        """A canvas to begin on, one value a plane, (K,)."""
        return torch.zeros(channels * self.planes)

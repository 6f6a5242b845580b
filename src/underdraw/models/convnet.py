"""Convolutional classifiers: the rivals of the attentive one.

The paper's (Mnih et al., 2014, quoted in DRAW, Table 1, "Convolutional, 2 layers"): one layer of 8
filters of 10 x 10 pixels with stride 5, one of 256 units, rectified. The modern one: more layers of
3 x 3 filters, normalised over an image, each halving the side, and the largest value of every map
over all places.

    a_0 = x      a_l = relu(norm(W_l * a_l-1))      logits = V relu(U pool(a_L))
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from underdraw.classifier import Classifier, Look
from underdraw.ops import conv2d, linear


@dataclass(frozen=True)
class ConvNetConfig:
    """What a ConvNet is made of."""

    shape: tuple[int, int, int] = (1, 100, 100)
    """Channels, height, width of the images."""
    classes: int = 10
    """Classes to tell apart."""
    maps: tuple[int, ...] = (8,)
    """Filters of each convolution."""
    kernel: int = 10
    """Pixels a side of a filter."""
    stride: int = 5
    """Pixels from one place of a filter to the next."""
    pool: Literal["none", "max"] = "none"
    """What the next layer sees of the last maps: all of them, or the largest value of each."""
    hidden: int = 256
    """Units of the layer before the classes; 0 leaves it out."""
    norm: bool = False
    """Normalise what a convolution gives over an image."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: a count or size below its least, or filters that do not fit; named.
        """
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"shape must be (channels, height, width), got {self.shape}")
        if not self.maps or min(self.maps) < 1:
            raise ValueError(f"maps must be at least 1 everywhere, got {self.maps}")
        least = {"kernel": 1, "stride": 1, "hidden": 0, "classes": 2}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
        if self.pool not in ("none", "max"):
            raise ValueError(f"pool must be none or max, got {self.pool!r}")
        self.side(min(self.shape[1:]))

    @property
    def padding(self) -> int:
        """Pixels added all around: half an odd filter, none for an even one."""
        return self.kernel // 2 if self.kernel % 2 else 0

    def side(self, pixels: int) -> int:
        """A side of the last maps; ValueError if a filter does not fit on the way."""
        for _ in self.maps:
            if pixels + 2 * self.padding < self.kernel:
                raise ValueError(f"kernel must fit into all maps, got {self.kernel} for {pixels}")
            pixels = (pixels + 2 * self.padding - self.kernel) // self.stride + 1
        return pixels


class ConvNet(Classifier[tuple[()]]):
    """A convolutional network that looks once."""

    def __init__(self, config: ConvNetConfig) -> None:
        super().__init__()
        self.config = config
        self.shape, self.classes, self.steps = config.shape, config.classes, 1
        channels, height, width = config.shape
        sizes = [channels, *config.maps]
        convs = [
            nn.Conv2d(i, o, config.kernel, config.stride, config.padding)
            for i, o in pairwise(sizes)
        ]
        self.convs = nn.ModuleList(convs)
        self.norms = nn.ModuleList(nn.GroupNorm(1, o) for o in config.maps if config.norm)
        area = config.side(height) * config.side(width) if config.pool == "none" else 1
        features = config.maps[-1] * area
        self.to_hidden = nn.Linear(features, config.hidden) if config.hidden else None
        self.to_classes = nn.Linear(config.hidden or features, config.classes)
        with torch.no_grad():  # keep the size of what passes (He et al., 2015)
            for conv in convs:
                fan_in = conv.weight[0].numel()
                nn.init.normal_(conv.weight, std=math.sqrt(2 / fan_in))

    def begin(self, n: int) -> tuple[()]:
        """Nothing is carried from look to look."""
        return ()

    def step(self, state: tuple[()], x: Tensor) -> tuple[tuple[()], Look]:
        """The one look."""
        config = self.config
        for i, conv in enumerate(self.convs):
            assert isinstance(conv, nn.Conv2d)
            x = conv2d(x, conv.weight, conv.bias, config.stride, config.padding)
            x = (self.norms[i](x) if config.norm else x).relu()
        x = x.amax((2, 3)) if config.pool == "max" else x.flatten(1)
        if self.to_hidden is not None:
            x = linear(x, self.to_hidden.weight, self.to_hidden.bias).relu()
        return (), Look(linear(x, self.to_classes.weight, self.to_classes.bias))

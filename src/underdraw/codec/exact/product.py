"""Convolutions of whole numbers as shifted matrix products.

A batch (B, I, H, W) is laid out flat, (I, columns), one column a pixel, with p = (k - 1) / 2 zeros
after each row of pixels and p rows of zeros after each image. What a pixel's neighbour at (i, j) in
a k x k window is, is then a shift by a constant, the zeros of one row serve the next one too, and

    y = b + sum_ij W_ij a[:, i wide + j :]            wide = W + p

is k^2 plain matrix products that accumulate in place. Columns of padding are computed and thrown
away. Nothing is unfolded, and products run in strips of columns: what a strip needs besides the
maps themselves stays in the cache, however large the image.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from underdraw.codec.exact.grid import FLOAT, bound_

STRIP = 1024  # columns


class Plan(NamedTuple):
    """How a batch of maps is laid out flat."""

    n: int
    height: int
    width: int
    pad: int

    @property
    def wide(self) -> int:
        """Columns to a row of pixels."""
        return self.width + self.pad

    @property
    def tall(self) -> int:
        """Rows to an image."""
        return self.height + self.pad

    @property
    def columns(self) -> int:
        """Columns in all."""
        return self.n * self.tall * self.wide

    @property
    def margin(self) -> int:
        """Columns of zeros before the first pixel, and after the last row."""
        return self.pad * (self.wide + 1)

    def strips(self) -> Iterator[slice]:
        """The columns, a strip at a time."""
        for first in range(0, self.columns, STRIP):
            yield slice(first, min(first + STRIP, self.columns))

    def lay(self, parts: Sequence[Tensor], dtype: torch.dtype) -> Tensor:
        """Maps (B, C, H, W), one below the other, flat and clamped, with margins."""
        maps = sum(part.shape[1] for part in parts)
        # A row of a power of two would put a column's maps into the same few lines of the cache.
        length = -(-(self.columns + 2 * self.margin) // 64) * 64 + 8
        flat = torch.zeros(maps, length, dtype=dtype, device="cpu")
        pixels = self.pixels(flat[:, self.margin : self.margin + self.columns])
        first = 0
        for part in parts:
            pixels[:, first : first + part.shape[1]].copy_(part)
            first += part.shape[1]
        return bound_(flat)

    def pixels(self, flat: Tensor) -> Tensor:
        """The maps (B, C, H, W) in a flat layout without margins: a view."""
        whole = flat.unflatten(1, (self.n, self.tall, self.wide)).transpose(0, 1)
        return whole[..., : self.height, : self.width]

    def room(self, maps: int) -> Tensor:
        """An empty flat layout for results, (maps, columns)."""
        return torch.empty(maps, self.columns, dtype=FLOAT, device="cpu")


class Product(nn.Module):
    """The integers of a k x k convolution: `weight` (k, k, O, I) and `bias` (O,)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        shape = kernel, kernel, outputs, inputs
        self.register_buffer("weight", torch.empty(shape, dtype=FLOAT))
        self.register_buffer("bias", torch.empty(outputs, dtype=FLOAT))

    def plan(self, x: Tensor) -> Plan:
        """The layout for maps (B, I, H, W)."""
        n, _, height, width = x.shape
        return Plan(n, height, width, self.weight.shape[0] // 2)

    def accumulate(self, a: Tensor, strip: slice, wide: int, offset: int) -> Tensor:
        """The sums of one strip of columns, (O, columns), with `offset` added to each."""
        total = (self.bias + offset)[:, None]
        for i, row in enumerate(self.weight):
            for j, tap in enumerate(row):
                first = strip.start + i * wide + j
                piece = a[:, first : first + strip.stop - strip.start]
                total = torch.addmm(total, tap, piece) if i + j == 0 else total.addmm_(tap, piece)
        return total

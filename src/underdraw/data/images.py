"""What a set of images is to everyone else, and how levels become the numbers models see.

A pixel is stored as a level b in 0..255. There are two ways to hand it over:

    eight bits   x = (b + 1/2) / 256     the middle of a cell of width 1/256 in [0, 1]
    binary       x in {0, 1}             x = 1 where b >= 128, or x ~ Bernoulli(b / 255)

Arithmetic here is NumPy's, not torch's: batches are made in a thread of their own, and a second
thread that enters torch's parallel loops gets a second team of workers, which halves the speed of
the first.

The last is "dynamic binarisation". Its coin is a function of (seed, image, draw, pixel), where
`draw` is the epoch in training and 0 in evaluation, so a resumed run sees the same pixels.
"""

from collections.abc import Iterator
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Integer, UInt8
from torch import Tensor

from underdraw.data import chance

Binarize = Literal["none", "threshold", "dynamic"]


@runtime_checkable
class Images(Protocol):
    """Random access to one split of a set of images.

    Attributes:
        name: set and split, as "binarized_mnist/train".
        shape: (C, H, W) in pixels.
        binary: whether every value is exactly 0 or 1.
    """

    name: str
    shape: tuple[int, int, int]
    binary: bool

    def __len__(self) -> int:
        """Number of images."""
        ...

    def take(self, index: Integer[np.ndarray, "b"], draw: int = 0) -> Float[Tensor, "b c h w"]:
        """Images in [0, 1], a pure function of each index and of draw (the epoch)."""
        ...


@runtime_checkable
class Stream(Protocol):
    """Images that arrive in order, for sets that do not fit.

    Attributes:
        name: set and split.
        shape: (C, H, W) in pixels.
        binary: whether every value is exactly 0 or 1.
    """

    name: str
    shape: tuple[int, int, int]
    binary: bool

    def __len__(self) -> int:
        """Number of images in one pass."""
        ...

    def batches(
        self, batch: int, rank: int = 0, world: int = 1, skip: int = 0, draw: int = 0
    ) -> Iterator[Float[Tensor, "b c h w"]]:
        """One pass in the order of epoch `draw`, from global batch `skip` on; rank's slices."""
        ...


@runtime_checkable
class Levels(Protocol):
    """Random access to pixels as levels 0..255; what the views below make images of."""

    name: str
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        """Number of images."""
        ...

    def levels(self, index: Integer[np.ndarray, "b"], draw: int) -> UInt8[np.ndarray, "b c h w"]:
        """Levels of the images at index, in epoch draw."""
        ...


def to_unit(levels: UInt8[np.ndarray, "*s"]) -> Float[Tensor, "*s"]:
    """Levels b to x = (b + 1/2) / 256, exactly, in float32."""
    x = levels.astype(np.float32)
    x += np.float32(0.5)  # in place: two more arrays take eight times as long
    x *= np.float32(1 / 256)
    return torch.from_numpy(x)


def to_bits(levels: UInt8[np.ndarray, "*s"]) -> Float[Tensor, "*s"]:
    """Levels to exactly 0 (b < 128) and 1 (b >= 128), in float32."""
    return torch.from_numpy((levels >= 128).astype(np.float32))


def checked(index: Integer[np.ndarray, "b"], count: int) -> Integer[np.ndarray, "b"]:
    """The index itself; IndexError if any element is outside 0..count-1."""
    if index.size and not (index.min() >= 0 and index.max() < count):
        raise IndexError(f"image {index.min()}..{index.max()} asked of a set of {count}")
    return index


def flip(
    b: UInt8[np.ndarray, "n c h w"], seed: int, index: Integer[np.ndarray, "n"], draw: int
) -> Float[Tensor, "n c h w"]:
    """Dynamic binarisation: 1 with probability b / 255, by the coin of (seed, image, draw)."""
    of_image = chance.hashed(chance.BITS, seed, index, draw)[:, None, None, None]
    pixel = np.arange(int(np.prod(b.shape[1:]))).reshape(b.shape[1:])
    coin = chance.uniform(chance.PIXEL, of_image, pixel)
    return torch.from_numpy((coin * 255 < b).astype(np.float32))


class View:
    """The images that a way to binarise makes of levels."""

    def __init__(self, source: Levels, binarize: Binarize = "none", seed: int = 0) -> None:
        """Show `source` as eight-bit images ("none") or as binary ones; seed is for "dynamic"."""
        self.source, self.binarize, self.seed = source, binarize, seed
        self.name, self.shape, self.binary = source.name, source.shape, binarize != "none"

    def __len__(self) -> int:
        """Number of images."""
        return len(self.source)

    def take(self, index: Integer[np.ndarray, "b"], draw: int = 0) -> Float[Tensor, "b c h w"]:
        """Images in [0, 1]; see Images.take. IndexError outside the set."""
        b = self.source.levels(checked(index, len(self)), draw)
        return show(b, self.binarize, self.seed, index, draw)


def show(
    b: UInt8[np.ndarray, "n c h w"],
    binarize: Binarize,
    seed: int,
    index: Integer[np.ndarray, "n"],
    draw: int,
) -> Float[Tensor, "n c h w"]:
    """Levels to the numbers models see."""
    if binarize == "dynamic":
        return flip(b, seed, index, draw)
    return to_bits(b) if binarize == "threshold" else to_unit(b)

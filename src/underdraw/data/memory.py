"""Images that are in memory, and parts of a set."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int64, Integer, Shaped, UInt8
from torch import Tensor

from underdraw.data import chance
from underdraw.data.errors import DataError
from underdraw.data.images import Images, View, checked
from underdraw.data.labels import Labelled


class Array:
    """Levels held in one array."""

    def __init__(self, name: str, array: UInt8[np.ndarray, "n c h w"]) -> None:
        """Hold `array` (not copied) under `name`; DataError if it has no images."""
        if not len(array):
            raise DataError(f"{name} has no images")
        self.name, self.array = name, array
        self.shape: tuple[int, int, int] = (array.shape[1], array.shape[2], array.shape[3])

    def __len__(self) -> int:
        """Number of images."""
        return len(self.array)

    def levels(self, index: Integer[np.ndarray, "b"], draw: int) -> UInt8[np.ndarray, "b c h w"]:
        """Levels of the images at index, the same in every epoch."""
        return self.array[index]


def hold(
    array: Shaped[np.ndarray, "..."], name: str = "array", binary: bool | None = None
) -> Images:
    """Make images of an array.

    Args:
        array: (N, C, H, W), or (N, H, W) for one channel. uint8 levels 0..255 make eight-bit
            images; booleans, or any numbers that are only 0 and 1 when `binary`, make binary ones.
        name: what to call the set.
        binary: whether the values are 0 and 1; None takes booleans and floats for binary.

    Raises:
        DataError: an empty or wrongly shaped array; values that are neither levels nor bits.
    """
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4 or 0 in array.shape:
        raise DataError(f"{name} has shape {array.shape}; (images, channels, height, width) wanted")
    if binary is None:
        binary = array.dtype != np.uint8
    if binary:
        return View(Array(name, bits_of(array, name)), "threshold")
    if array.dtype != np.uint8:
        raise DataError(f"{name} holds {array.dtype}; uint8 levels 0..255 wanted")
    return View(Array(name, array))


def bits_of(array: Shaped[np.ndarray, "n c h w"], name: str) -> UInt8[np.ndarray, "n c h w"]:
    """Levels 0 and 255 of an array of 0 and 1; DataError names the first other value."""
    wrong = np.flatnonzero((array != 0) & (array != 1))
    if wrong.size:
        place: tuple[Any, ...] = np.unravel_index(wrong[0], array.shape)
        where = tuple(int(i) for i in place)
        raise DataError(
            f"{name} is not binary: value {array[where]} at (image, channel, row, column) {where}"
        )
    return (array != 0).astype(np.uint8) * np.uint8(255)


class Subset:
    """Some images of a set; what is random about them stays what it was in the whole set.

    Attributes:
        images: the whole set; never itself a Subset.
        indices: numbers of the chosen images in the whole set.
    """

    def __init__(self, images: Images, indices: Integer[np.ndarray, "k"]) -> None:
        """Choose `indices` of `images`, in that order.

        Args:
            images: a set, or a Subset: then `indices` are places in its choice, and the new
                choice is one of the set that it was made from.
            indices: what to choose; repeats are allowed.

        Raises:
            DataError: nothing chosen, or an image that is not there.
        """
        if not indices.size:
            raise DataError(f"an empty choice of images from {images.name}")
        if not (indices.min() >= 0 and indices.max() < len(images)):
            raise DataError(
                f"image {indices.min()}..{indices.max()} chosen from the {len(images)} of "
                f"{images.name}"
            )
        self.name, self.shape, self.binary = images.name, images.shape, images.binary
        nested = isinstance(images, Subset)
        self.images: Images = images.images if nested else images
        self.indices = images.indices[indices] if nested else indices

    def __len__(self) -> int:
        """Number of images chosen."""
        return len(self.indices)

    def take(self, index: Integer[np.ndarray, "b"], draw: int = 0) -> Float[Tensor, "b c h w"]:
        """Images at places in the choice; see Images.take."""
        return self.images.take(self.indices[checked(index, len(self))], draw)


class LabelledSubset(Subset):
    """Some images of a set with classes."""

    def __init__(self, images: Labelled, indices: Integer[np.ndarray, "k"]) -> None:
        """Choose as `Subset` does."""
        super().__init__(images, indices)
        self.classes = images.classes

    def labels(self, index: Integer[np.ndarray, "b"]) -> Int64[Tensor, "b"]:
        """Classes of images at places in the choice; see Labelled.labels."""
        assert isinstance(self.images, Labelled)
        return self.images.labels(self.indices[checked(index, len(self))])


def choose(images: Images, indices: Integer[np.ndarray, "k"]) -> Subset:
    """A Subset, which knows the classes if `images` does; DataError as there."""
    if isinstance(images, Labelled):
        return LabelledSubset(images, indices)
    return Subset(images, indices)


def random_subset(images: Images, limit: int | None, seed: int = 0) -> Images:
    """A random choice of at most `limit` images, never a prefix, in the order of the set.

    Args:
        images: the whole set.
        limit: number of images; None or more than there are gives the whole set.
        seed: the choice is a function of it and of the number of images.

    Raises:
        DataError: a limit below one.
    """
    if limit is not None and limit < 1:
        raise DataError(f"a subset of {limit} images; at least 1 wanted")
    if limit is None or limit >= len(images):
        return images
    chosen = chance.permutation(len(images), chance.SUBSET, seed)[:limit]
    return choose(images, np.sort(chosen))

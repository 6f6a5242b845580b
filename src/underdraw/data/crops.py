"""Crops: a place in an image, drawn anew each epoch, is a function of (seed, image, epoch)."""

import numpy as np
from jaxtyping import Integer, UInt8

from underdraw.data import chance
from underdraw.data.config import DataConfig
from underdraw.data.errors import DataError
from underdraw.data.images import Levels


class Crops:
    """Squares cut from levels: at random places, or from the centre."""

    def __init__(self, source: Levels, size: int, seed: int | None) -> None:
        """Cut size x size; at places drawn by `seed` anew each epoch, or centred if None.

        Raises:
            DataError: the images are smaller.
        """
        if size > min(source.shape[1:]):
            raise DataError(f"data.crop is {size}, but {source.name} holds images {source.shape}")
        self.source, self.size, self.seed = source, size, seed
        self.name, self.shape = source.name, (source.shape[0], size, size)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.source)

    def levels(self, index: Integer[np.ndarray, "b"], draw: int) -> UInt8[np.ndarray, "b c h w"]:
        """Levels of the crops at index, in epoch draw."""
        whole = self.source.levels(index, draw)
        room = (whole.shape[2] - self.size, whole.shape[3] - self.size)
        top, left = (np.full(len(index), r // 2) for r in room)
        if self.seed is not None:
            key = (chance.CROP, self.seed, index, draw)
            top, left = (chance.below(r + 1, *key, axis) for axis, r in enumerate(room))
        windows = np.lib.stride_tricks.sliding_window_view(whole, (self.size, self.size), (2, 3))
        return windows[np.arange(len(index)), :, top, left]


def cropped(source: Levels, config: DataConfig, split: str) -> Levels:
    """The crops that a configuration asks for: random ones of "train", else from the centre."""
    if config.crop is None:
        return source
    return Crops(source, config.crop, config.seed if split == "train" else None)

"""Crops: a place in an image, drawn anew each epoch, is a function of (seed, image, epoch).

With shrink s above 1 a crop is first 1 to s times as large, then made smaller by averaging boxes;
with enlarge e above 1 it is as small as a 1st to an e-th, then interpolated. So pictures are seen
at several scales, busy ones and smooth ones.
"""

import numpy as np
from jaxtyping import Int64, Integer, UInt8
from PIL import Image

from underdraw.data import chance
from underdraw.data.config import DataConfig
from underdraw.data.errors import DataError
from underdraw.data.images import Levels


class Crops:
    """Squares cut from levels: at random places, or from the centre."""

    def __init__(
        self, source: Levels, size: int, seed: int | None, shrink: int = 1, enlarge: int = 1
    ) -> None:
        """Cut size x size; at places drawn by `seed` anew each epoch, or centred if None.

        With `shrink` or `enlarge` above 1 the scale is drawn too, or goes by the number of the
        image.

        Raises:
            DataError: the images are smaller than the largest crop.
        """
        if size > min(source.shape[1:]):
            raise DataError(f"data.crop is {size}, but {source.name} holds images {source.shape}")
        if size * shrink > min(source.shape[1:]):
            raise DataError(
                f"data.shrink is {shrink} and data.crop {size}, but {source.name} holds images "
                f"{source.shape}"
            )
        self.source, self.size, self.seed = source, size, seed
        self.scales = (*range(1, shrink + 1), *range(-2, -enlarge - 1, -1))
        self.name, self.shape = source.name, (source.shape[0], size, size)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.source)

    def levels(self, index: Integer[np.ndarray, "b"], draw: int) -> UInt8[np.ndarray, "b c h w"]:
        """Levels of the crops at index, in epoch draw."""
        whole, which = self.source.levels(index, draw), self.chosen(index, draw)
        found = np.empty((len(index), *self.shape), np.uint8)
        for number, scale in enumerate(self.scales):
            mine = np.flatnonzero(which == number)
            found[mine] = self.scaled(whole[mine], index[mine], draw, scale)
        return found

    def chosen(self, index: Integer[np.ndarray, "b"], draw: int) -> Int64[np.ndarray, "b"]:
        """Which of the scales the crops have."""
        if self.seed is None:
            return index % len(self.scales)
        return chance.below(len(self.scales), chance.SHRINK, self.seed, index, draw)

    def scaled(
        self,
        whole: UInt8[np.ndarray, "b c y x"],
        index: Integer[np.ndarray, "b"],
        draw: int,
        scale: int,
    ) -> UInt8[np.ndarray, "b c h w"]:
        """Squares cut `scale` times as large and made smaller, or -`scale` times smaller."""
        if scale > 0:
            return boxed(self.cut(whole, index, draw, scale * self.size), scale)
        part = self.cut(whole, index, draw, -(self.size // scale))
        return enlarged(part, -scale)[:, :, : self.size, : self.size]

    def cut(
        self,
        whole: UInt8[np.ndarray, "b c y x"],
        index: Integer[np.ndarray, "b"],
        draw: int,
        side: int,
    ) -> UInt8[np.ndarray, "b c h w"]:
        """Squares with sides of so many pixels."""
        room = (whole.shape[2] - side, whole.shape[3] - side)
        top, left = (np.full(len(index), r // 2) for r in room)
        if self.seed is not None:
            key = (chance.CROP, self.seed, index, draw)
            top, left = (chance.below(r + 1, *key, axis) for axis, r in enumerate(room))
        windows = np.lib.stride_tricks.sliding_window_view(whole, (side, side), (2, 3))
        return windows[np.arange(len(index)), :, top, left]


def boxed(levels: UInt8[np.ndarray, "b c y x"], side: int) -> UInt8[np.ndarray, "b c h w"]:
    """Images made smaller: each pixel the mean of a box of side x side, rounded half up."""
    if side == 1:
        return levels
    count, channels, height, width = levels.shape
    boxes = levels.reshape(count, channels, height // side, side, width // side, side)
    sums = boxes.sum((3, 5), dtype=np.int64)
    return ((2 * sums + side**2) // (2 * side**2)).astype(np.uint8)


def enlarged(levels: UInt8[np.ndarray, "b c y x"], times: int) -> UInt8[np.ndarray, "b c h w"]:
    """Images made larger: bicubic, in whole numbers (Pillow)."""
    count, channels, height, width = levels.shape
    found = np.empty((count, channels, times * height, times * width), np.uint8)
    for into, plane in zip(
        found.reshape(-1, *found.shape[2:]), levels.reshape(-1, height, width), strict=True
    ):
        into[:] = Image.fromarray(plane).resize(into.shape[::-1], Image.Resampling.BICUBIC)
    return found


def cropped(source: Levels, config: DataConfig, split: str) -> Levels:
    """The crops that a configuration asks for: random ones of "train", else from the centre."""
    if config.crop is None:
        return source
    seed = config.seed if split == "train" else None
    return Crops(source, config.crop, seed, config.shrink, config.enlarge)

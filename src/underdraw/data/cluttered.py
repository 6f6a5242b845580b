"""Cluttered translated MNIST (Mnih et al. 2014, section 4.1; Gregor et al. 2015, section 4.1).

On an empty canvas of S x S pixels, S = 100, first K = 8 pieces of clutter and then the digit:

    c <- min(1, c + crop_k)    k = 1..K: P x P pixels, P = 8, from a random place of a random digit
                               of the same split, at a random place wholly inside
    c <- min(1, c + digit)     at a random place wholly inside

Image i holds digit i of its split, so an epoch, which is a permutation of the images, takes every
digit once. All else is a function of (seed, split, i, draw), drawn anew each epoch in training and
once and for all elsewhere: whoever makes an image makes the same one. The numbers of a piece do
not depend on how many there are, so that with fewer or more pieces the digit keeps its place and
the first pieces theirs; of two such images one is the other with more clutter.

Sums are of levels, clipped at 255: as min(1, .) on grey values b / 255. What models see of a level
is (b + 1/2) / 256 as for all eight-bit sets, so that the empty canvas is 1/512.

With `growing` R above 0 the canvas of training images grows: in epoch e < R its side is

    S_e = S_0 + (S - S_0) e / R,     S_0 = 40, with K (S_e / S)^2 pieces,

and it is enlarged to S x S by repeating pixels. So digits are large at first, when a classifier has
to learn where to look, and of their own size from epoch R on.

With `warp` w above 0 the digit, not its clutter, of a training image is seen through a linear map
around its middle, anew each epoch: what was at M p is brought to p, with M = 1 + w U and U uniform
in [-1, 1] entry by entry. It turns, leans, grows and shrinks, as in other hands.

One piece of every image of a batch is added at a time: within it no pixel is touched twice.
"""

import numpy as np
from jaxtyping import Float64, Int64, Integer, UInt8

from underdraw.data import chance
from underdraw.data.config import DataConfig
from underdraw.data.splits import SPLITS

START = 40
"""Side of a canvas that grows, at first, pixels."""
Place = tuple[Int64[np.ndarray, "b"], Int64[np.ndarray, "b"], Int64[np.ndarray, "b"]]
"""Image, top and left of a square in every one of B images."""


class Cluttered:
    """Levels of cluttered digits, (1, S, S)."""

    def __init__(self, digits: UInt8[np.ndarray, "n h w"], config: DataConfig, split: str) -> None:
        """Scatter `digits` by the seed, canvas, piece and pieces of `config`; `split` is theirs."""
        self.digits, self.config, self.split = digits, config, split
        self.name, self.shape = f"{config.name}/{split}", (1, config.canvas, config.canvas)

    def __len__(self) -> int:
        """As many images as digits."""
        return len(self.digits)

    def levels(self, index: Integer[np.ndarray, "b"], draw: int) -> UInt8[np.ndarray, "b c h w"]:
        """Levels of the images at index: in epoch draw, or the only ones if not to train on."""
        draw, (side, pieces) = draw if self.split == "train" else 0, self.stage(draw)
        numbers = self.numbers(index, draw)
        piece, image = self.config.piece, np.arange(len(index))
        canvas = np.zeros((len(index), side, side), np.uint8)
        crops, holes = squares(self.digits, piece, piece), squares(canvas, piece, piece)
        for digit, *crop, top, left in numbers[2:].reshape(pieces, 5, len(index)):
            add(holes, (image, top, left), crops[(digit, *crop)])
        add(squares(canvas, *self.digits.shape[1:]), (image, *numbers[:2]), self.drawn(index, draw))
        if side < self.config.canvas:
            nearest = np.arange(self.config.canvas) * side // self.config.canvas
            canvas = canvas[:, nearest[:, None], nearest]
        return canvas[:, None]

    def stage(self, draw: int) -> tuple[int, int]:
        """Side of the canvas in epoch draw, and the pieces on it."""
        full, pieces, growing = self.config.canvas, self.config.pieces, self.config.growing
        if self.split != "train" or draw >= growing or full <= START:
            return full, pieces
        side = START + (full - START) * draw // growing
        return side, round(pieces * (side / full) ** 2)

    def drawn(self, index: Integer[np.ndarray, "b"], draw: int) -> UInt8[np.ndarray, "b h w"]:
        """The digits at index; in training as they are distorted in epoch draw."""
        digits = self.digits[index]
        if self.split != "train" or not self.config.warp:
            return digits
        key = (chance.WARP, self.config.seed, draw, index[:, None], np.arange(4))
        away = self.config.warp * (2 * chance.uniform(*key) - 1)
        return warped(digits, np.eye(2) + away.reshape(-1, 2, 2))

    def numbers(self, index: Integer[np.ndarray, "b"], draw: int) -> Int64[np.ndarray, "k b"]:
        """What is random about images: top and left of the digit, then five for each piece.

        The five are the digit it is cut from, top and left in it, top and left on the canvas.
        """
        (side, pieces), piece = self.stage(draw), self.config.piece
        (count, *size), room = self.digits.shape, side - piece + 1
        own = [side - length + 1 for length in size]
        cut = [count, *(length - piece + 1 for length in size), room, room]
        bounds = np.array([*own, *cut * pieces])[:, None]
        key = (chance.CLUTTER, self.config.seed, SPLITS.index(self.split), draw, index)
        return chance.below(bounds, *key, np.arange(len(bounds))[:, None])


def warped(
    digits: UInt8[np.ndarray, "b h w"], matrix: Float64[np.ndarray, "b 2 2"]
) -> UInt8[np.ndarray, "b h w"]:
    """Digits with what was at M p brought to p, both from the middle: bilinear, rounded to levels.

    What would come from outside comes from the border.
    """
    count, height, width = digits.shape
    middle, most = np.array([height - 1, width - 1]) / 2, np.array([height - 1, width - 1])
    y, x = np.indices((height, width)).reshape(2, 1, -1) - middle[:, None, None]
    at = [
        np.clip(row[:, :1] * y + row[:, 1:] * x + half, 0, end)
        for row, half, end in zip(matrix.swapaxes(0, 1), middle, most, strict=True)
    ]  # sums written out: the same everywhere, which those of a library need not be
    top, left = (np.minimum(a.astype(np.int64), end - 1) for a, end in zip(at, most, strict=True))
    dy, dx = at[0] - top, at[1] - left
    levels, corner = digits.ravel(), (np.arange(count)[:, None] * height + top) * width + left
    upper, lower = (
        (1 - dx) * levels[corner + down] + dx * levels[corner + down + 1] for down in (0, width)
    )
    return np.rint((1 - dy) * upper + dy * lower).astype(np.uint8).reshape(digits.shape)


def squares(
    images: UInt8[np.ndarray, "b h w"], height: int, width: int
) -> UInt8[np.ndarray, "b y x p q"]:
    """Every height x width part of every image, by its top and left: a view to write through."""
    of = np.lib.stride_tricks.sliding_window_view
    return of(images, (height, width), (1, 2), writeable=True)


def add(
    holes: UInt8[np.ndarray, "b y x p q"], place: Place, piece: UInt8[np.ndarray, "b p q"]
) -> None:
    """Add a piece to every image at its place; sums stop at 255."""
    under = holes[place]
    holes[place] = under + np.minimum(piece, ~under)

"""Grey MNIST, and two digits at random places.

MNIST (LeCun et al. 1998): 60,000 + 10,000 digits of 28x28; the last sixth of the training images
(10,000) is for validation.

Two digits (Gregor et al. 2015, section 4.3): two digits at places drawn uniformly among those
wholly inside 60x60, added and clipped at 1. Image i of epoch `draw` is a function of (seed, i,
draw): there are as many images as digits, and new ones every epoch.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Integer, UInt8

from underdraw.data import chance
from underdraw.data.binarized import binarized_mnist
from underdraw.data.config import DataConfig
from underdraw.data.images import Images, Levels, View
from underdraw.data.natural import rows_of, tail
from underdraw.data.picture import read_picture, to_levels
from underdraw.data.records import Decoded, gather
from underdraw.data.tables import Origin, content, find_tables

MNIST = Origin("ylecun/mnist", "mnist")
SIDE = 60
"""Pixels on a side of a picture of two digits."""


def mnist_levels(config: DataConfig, split: str, root: Path | None) -> Levels:
    """Levels of grey MNIST, (N, 1, 28, 28)."""
    table = rows_of(find_tables(MNIST, root), "test" if split == "test" else "train", "mnist")
    chosen = None if split == "test" else tail(len(table), 6, split)
    decoded = Decoded(
        f"mnist/{split}",
        table,
        lambda row: to_levels(read_picture(content(row), grey=True)),
        chosen,
        (1, 28, 28),
    )
    return gather(decoded, config.memory)


def open_mnist(config: DataConfig, split: str, root: Path | None) -> Images:
    """Grey MNIST, or its binarisation."""
    return View(mnist_levels(config, split, root), config.binarize, config.seed)


def open_binarized(config: DataConfig, split: str, root: Path | None) -> Images:
    """The fixed binarized MNIST split; it ships with the package, so root does not matter."""
    return View(binarized_mnist(split), "threshold")


def open_two_digits(config: DataConfig, split: str, root: Path | None) -> Images:
    """Two digits of config.source; binary if the digits are, or if config says so."""
    if config.source == "binarized_mnist":
        return View(Pairs(binarized_mnist(split), config.seed), "threshold")
    pairs = Pairs(mnist_levels(config, split, root), config.seed)
    return View(pairs, config.binarize, config.seed)


class Pairs:
    """Levels of two digits in a square, (1, 60, 60)."""

    def __init__(self, digits: Levels, seed: int) -> None:
        """Compose `digits` by `seed`."""
        self.digits, self.seed = digits, seed
        self.name = f"two_digits/{digits.name.split('/')[-1]}"
        self.shape = (1, SIDE, SIDE)

    def __len__(self) -> int:
        """As many images as digits."""
        return len(self.digits)

    def levels(self, index: Integer[np.ndarray, "b"], draw: int) -> UInt8[np.ndarray, "b c h w"]:
        """Levels of the compositions at index, in epoch draw."""
        out = np.zeros((len(index), *self.shape), np.uint8)
        rows, columns = np.ogrid[: self.digits.shape[1], : self.digits.shape[2]]
        image = np.arange(len(index))[:, None, None]
        for which in range(2):
            key = (chance.DIGITS, self.seed, index, draw, which)
            digits = self.digits.levels(chance.below(len(self.digits), *key, 0), draw)[:, 0]
            top = chance.below(SIDE - rows.size + 1, *key, 1)[:, None, None]
            left = chance.below(SIDE - columns.size + 1, *key, 2)[:, None, None]
            place = (image, 0, top + rows, left + columns)
            out[place] += np.minimum(digits, 255 - out[place])
        return out

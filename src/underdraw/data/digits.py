"""Grey MNIST, two digits at random places, and one among clutter.

MNIST (LeCun et al. 1998): 60,000 + 10,000 digits of 28x28; the last sixth of the training images
(10,000) is for validation.

Two digits (Gregor et al. 2015, section 4.3): two digits at places drawn uniformly among those
wholly inside 60x60, added and clipped at 1. Image i of epoch `draw` is a function of (seed, i,
draw): there are as many images as digits, and new ones every epoch.

One digit among clutter: see `cluttered`. Its digits are those of MNIST, or 1,400 of them that ship
with the package (see `files/mnist_small.md`).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Integer, UInt8

from underdraw.data import chance
from underdraw.data.binarized import binarized_mnist
from underdraw.data.cluttered import Cluttered
from underdraw.data.config import DIGIT, DataConfig
from underdraw.data.images import Images, Levels, View
from underdraw.data.labels import Labelled, LabelledView
from underdraw.data.memory import Array
from underdraw.data.natural import rows_of, tail
from underdraw.data.picture import read_picture, to_levels
from underdraw.data.records import Decoded, gather
from underdraw.data.shipped import FILES, arrays
from underdraw.data.tables import Origin, Table, content, find_tables

MNIST = Origin("ylecun/mnist", "mnist")
SIDE = 60
"""Pixels on a side of a picture of two digits."""
SMALL = FILES / "mnist_small.npz"
SHA256 = "f68778213e91c557551063262bf3dba14b5a8c16a32ebbe753110e1ec7aee75a"


def mnist_rows(split: str, root: Path | None) -> tuple[Table, Int64[np.ndarray, "n"]]:
    """The stored rows and which of them are the split's."""
    table = rows_of(find_tables(MNIST, root), "test" if split == "test" else "train", "mnist")
    every = np.arange(len(table))
    return table, every if split == "test" else tail(len(table), 6, split)


def open_mnist(config: DataConfig, split: str, root: Path | None) -> LabelledView:
    """Grey MNIST, or its binarisation, with the digits' classes."""
    table, chosen = mnist_rows(split, root)
    decoded = Decoded(
        f"mnist/{split}",
        table,
        lambda row: to_levels(read_picture(content(row), grey=True)),
        chosen,
        (1, DIGIT, DIGIT),
    )
    levels = gather(decoded, config.memory)

    def labels() -> Int64[np.ndarray, "n"]:
        return table.numbers("label")[chosen]

    return LabelledView(levels, labels, binarize=config.binarize, seed=config.seed)


def open_mnist_small(split: str) -> LabelledView:
    """The digits of MNIST that ship with the package."""
    stored = arrays(SMALL, SHA256)
    levels = Array(f"mnist_small/{split}", stored[split][:, None])
    return LabelledView(levels, lambda: stored[f"{split}_labels"].astype(np.int64))


def open_binarized(config: DataConfig, split: str, root: Path | None) -> Images:
    """The fixed binarized MNIST split; it ships with the package, so root does not matter."""
    return View(binarized_mnist(split), "threshold")


def open_two_digits(config: DataConfig, split: str, root: Path | None) -> Images:
    """Two digits of config.source; binary if the digits are, or if config says so."""
    if config.source == "binarized_mnist":
        return View(Pairs(binarized_mnist(split), config.seed), "threshold")
    grey = open_mnist(replace(config, binarize="none"), split, root)
    return View(Pairs(grey.source, config.seed), config.binarize, config.seed)


def open_cluttered(config: DataConfig, split: str, root: Path | None) -> Labelled:
    """A digit of MNIST among clutter."""
    return among_clutter(open_mnist(config, split, root), config, split)


def open_cluttered_small(config: DataConfig, split: str, root: Path | None) -> Labelled:
    """A digit of those in the package among clutter; root does not matter."""
    return among_clutter(open_mnist_small(split), config, split)


def among_clutter(digits: LabelledView, config: DataConfig, split: str) -> LabelledView:
    """Cluttered images of digits, all of which are held in memory (50,000 are 39 MB)."""
    held = digits.source.levels(np.arange(len(digits)), 0)[:, 0]
    return LabelledView(Cluttered(held, config, split), digits.all)


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

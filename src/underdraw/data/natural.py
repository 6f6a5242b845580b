"""Colour sets with an image column: CIFAR-10, ImageNet at 32 and 64 pixels, any set on the hub.

CIFAR-10 (Krizhevsky 2009): the last tenth of the 50,000 training images is for validation.
ImageNet 32 and 64 (van den Oord et al. 2016): the official validation images are the test split,
as in the papers, and one training image of every 50 validates. The images come from a 64-pixel
copy; 32 pixels are made of it by area averaging, so these are not the papers' files to the last
bit.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Int64

from underdraw.data.config import DataConfig
from underdraw.data.crops import cropped
from underdraw.data.errors import DataError
from underdraw.data.images import Images, Stream, View
from underdraw.data.picture import fit, read_picture, to_levels
from underdraw.data.records import Decode, Decoded, gather
from underdraw.data.splits import share
from underdraw.data.stream import TableStream
from underdraw.data.tables import Origin, Table, Tables, content, find_tables

CIFAR10 = Origin("uoft-cs/cifar10", "plain_text")
IMAGENET = Origin("benjamin-paine/imagenet-1k-64x64", None, ("imagenet64", "tiny-imagenet"))
HUB_EVERY, IMAGENET_EVERY = 20, 50
"""One training image of so many makes a split that is not stored."""


def rows_of(tables: Tables, stored: str, name: str, column: str | None = None) -> Table:
    """One stored split as rows; DataError if there is none or it is empty."""
    if stored not in tables:
        raise DataError(f"{name} has no {stored} images, only {sorted(tables)}")
    table = Table(f"{name}/{stored}", tables[stored](), column)
    if not len(table):
        raise DataError(f"{name}/{stored} is empty")
    return table


def tail(count: int, part: int, split: str) -> Int64[np.ndarray, "n"]:
    """The last 1/part of `count` images for split "valid", the others for "train"."""
    cut = count - count // part
    return np.arange(cut, count) if split == "valid" else np.arange(cut)


def decoder(size: int | None, grey: bool) -> Decode:
    """A decoder of rows: a centred square of `size` pixels, or the picture as it is."""

    def decode(row: dict) -> np.ndarray:
        image = read_picture(content(row), grey)
        return to_levels(image) if size is None else fit(image, size, size)

    return decode


def open_cifar10(config: DataConfig, split: str, root: Path | None) -> Images:
    """CIFAR-10, (3, 32, 32)."""
    table = rows_of(find_tables(CIFAR10, root), "test" if split == "test" else "train", "cifar10")
    chosen = None if split == "test" else tail(len(table), 10, split)
    decoded = Decoded(f"cifar10/{split}", table, decoder(None, False), chosen, (3, 32, 32))
    return View(gather(decoded, config.memory), config.binarize, config.seed)


def open_imagenet(config: DataConfig, split: str, root: Path | None) -> Images | Stream:
    """ImageNet at the size in its name."""
    size = int(config.name.removeprefix("imagenet"))
    tables = find_tables(IMAGENET, root, config.streaming)
    tables.pop("test", None)  # its images are not what papers report on
    return open_tables(config, split, tables, decoder(size, False), IMAGENET_EVERY)


def open_hub(config: DataConfig, split: str, root: Path | None) -> Images | Stream:
    """Any set with an image column: "hub:owner/name" or "hub:owner/name:config"."""
    repo, _, inner = config.name.removeprefix("hub:").partition(":")
    if repo.count("/") != 1 or repo.startswith("/") or repo.endswith("/"):
        raise DataError(f"{config.name!r} does not read hub:owner/name or hub:owner/name:config")
    tables = find_tables(Origin(repo, inner or None), root, config.streaming)
    return open_tables(config, split, tables, decoder(config.size, config.grey), HUB_EVERY)


def open_tables(
    config: DataConfig, split: str, tables: Tables, decode: Decode, every: int
) -> Images | Stream:
    """A split of stored tables: by random access, or train by stream and the others held."""
    part = share(set(tables), split, every, config.name)
    name = f"{config.name}/{split}"
    if config.streaming and config.crop is not None:
        raise DataError(f"data.crop is {config.crop}, which a stream does not do")
    if config.streaming:
        stream = TableStream(name, tables[part.stored](), part, decode, config)
        return stream if split == "train" else stream.hold()
    table = rows_of(tables, part.stored, config.name, config.column)
    decoded = Decoded(name, table, decode, part.of(len(table)))
    levels = cropped(gather(decoded, config.memory), config, split)
    return View(levels, config.binarize, config.seed)

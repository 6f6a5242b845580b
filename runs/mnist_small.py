"""The MNIST digits that ship with the package: a few of each split, with their classes.

    python runs/mnist_small.py --data DIR

A random choice, a function of the number of images alone, of 1,000 digits to train on, 200 to
validate and 200 to test, each from the split of that name of the set `mnist`: so a model that was
trained on MNIST has not seen those that test. Prints the SHA-256 that `underdraw.data.digits` and
the card beside the file must hold.
"""

import hashlib
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import UInt8

from underdraw.data import Labelled, labelled, open_images, random_subset
from underdraw.data.digits import SMALL
from underdraw.files import aside

COUNTS = {"train": 1000, "valid": 200, "test": 200}


def few(
    images: Labelled, count: int
) -> tuple[UInt8[np.ndarray, "n 28 28"], UInt8[np.ndarray, "n"]]:
    """Levels and classes of a random choice of images."""
    chosen, every = labelled(random_subset(images, count)), np.arange(count)
    levels = np.floor(chosen.take(every).numpy()[:, 0] * 256).astype(np.uint8)
    return levels, chosen.labels(every).numpy().astype(np.uint8)


def main(data: Path | None = None, out: Path = SMALL) -> None:
    """Write the file from the digits of the hub, or of the local mirror `data`."""
    arrays = {}
    for split, count in COUNTS.items():
        images = labelled(open_images("mnist", split, data))
        arrays[split], arrays[f"{split}_labels"] = few(images, count)
    with aside(out) as file:
        np.savez_compressed(file, **arrays)
    print(hashlib.sha256(out.read_bytes()).hexdigest(), out.stat().st_size, "bytes")


if __name__ == "__main__":
    tyro.cli(main)

"""A picture of cluttered digits: the same 16 test images with 0, 4, 8 and 16 pieces.

    python runs/clutter.py

They are made of the digits in the package.
"""

from pathlib import Path

import numpy as np
import torch
import tyro

import record
from underdraw import plot
from underdraw.data import DataConfig, Images, open_images

PIECES = (0, 4, 8, 16)
ROWS, COLUMNS = 2, 8


def examples(pieces: int) -> torch.Tensor:
    """The first digits of the test split in the package, (rows, columns, 1, 100, 100)."""
    images = open_images(DataConfig("mnist_cluttered_small", pieces=pieces), "test")
    assert isinstance(images, Images)
    return images.take(np.arange(ROWS * COLUMNS)).unflatten(0, (ROWS, COLUMNS))


def main(out: Path = record.ROOT / "docs" / "images" / "cluttered.png") -> None:
    """Draw the sheet."""
    plot.save(
        plot.labelled_sheet(
            torch.cat([examples(pieces) for pieces in PIECES]),
            "Cluttered translated MNIST",
            [f"{ROWS * COLUMNS} test images; every block has the same digits in the same places"],
            [name for pieces in PIECES for name in (f"{pieces} pieces", "")],
            block=ROWS,
            group=COLUMNS,
        ),
        out,
    )


if __name__ == "__main__":
    tyro.cli(main)

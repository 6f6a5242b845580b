"""A picture of cluttered digits: the same 16 test images with 0, 4, 8 and 16 pieces.

    python runs/clutter.py [--data DIR]

They are made of the digits in the package. With a mirror of MNIST it is also measured, by
`benchmarks/cluttered.py`, how many are made while training consumes one: runs/results/clutter.json.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import tyro

import record
from underdraw import plot
from underdraw.data import DataConfig, Images, open_images

sys.path.append(str(record.ROOT / "benchmarks"))
PIECES = (0, 4, 8, 16)
ROWS, COLUMNS = 2, 8


def examples(pieces: int) -> torch.Tensor:
    """The first digits of the test split in the package, (rows, columns, 1, 100, 100)."""
    images = open_images(DataConfig("mnist_cluttered_small", pieces=pieces), "test")
    assert isinstance(images, Images)
    return images.take(np.arange(ROWS * COLUMNS)).unflatten(0, (ROWS, COLUMNS))


def main(
    out: Path = record.ROOT / "docs" / "images" / "cluttered.png", data: Path | None = None
) -> None:
    """Draw the sheet, and measure.

    Args:
        out: the picture.
        data: local mirror of MNIST; nothing is measured without it.
    """
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
    if data is not None:
        import cluttered

        record.write("clutter", **cluttered.measure(data=data))


if __name__ == "__main__":
    tyro.cli(main)

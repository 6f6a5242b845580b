"""Draw the validation curves of rows in the results: `python runs/curves.py`.

docs/images/curves_omniglot.png has the rows of the comparison on Omniglot, nats against minutes of
training; docs/images/curves_mnist.png DRAW on digits, part after part, with the paper's window,
with ours, and without, the last two also with pixels that know their neighbours;
docs/images/curves_cifar10.png the small ConvDRAW on CIFAR-10, an earlier one's first hour (`_1`)
and what went on from it (`_2`), and the deep VAE, in bits per dimension. All are from the logs in
runs/results.
"""

from typing import Any

import omniglot
import record
from underdraw import plot
from underdraw.study.parts import BITS

SMALL = "convdraw_cifar10_small"
COLOUR = (f"{SMALL}_1", f"{SMALL}_2", SMALL, "deepvae_cifar10_small")
DIMENSIONS = 3 * 32 * 32
DIGITS = (
    "draw_mnist", "draw_mnist_neighbours", "draw_mnist_wide", "draw_mnist_noattention",
    "draw_mnist_noattention_neighbours",
)  # fmt: skip
"""What others go on from lies above them."""
TOP = {"omniglot": 125.0, "mnist": 105.0, "cifar10": 5.5}


def told(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A row's log, with bits per dimension, and what was minimised where it has several samples."""
    size = DIMENSIONS if row["data"].startswith("cifar10") else 1
    found = [one | {"nats": one.get("importance_nats", one["nats"])} for one in row["log"]]
    return [
        one | {"bits_per_dim": one["nats"] * BITS / size}
        for one in found
        if one["nats"] is not None
    ]


def main() -> None:
    """Draw them, of the rows that there are."""
    rows = {row["name"]: row for row in record.read("omniglot")["rows"]}
    draw("omniglot", {name: told(rows[name]) for name in omniglot.ROWS if name in rows}, "nats")
    for picture, names, of in (("mnist", DIGITS, "nats"), ("cifar10", COLOUR, "bits_per_dim")):
        there = [name for name in names if (record.RESULTS / f"{name}.json").is_file()]
        if there:
            draw(picture, {name: told(record.read(name)) for name in there}, of)


def draw(name: str, logs: dict[str, list[dict[str, Any]]], of: str) -> None:
    """One picture."""
    picture = plot.curves(logs, "minutes", of, TOP[name])
    print(plot.save(picture, record.ROOT / "docs" / "images" / f"curves_{name}.png"))


if __name__ == "__main__":
    import tyro

    tyro.cli(main)

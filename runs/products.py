"""How fast this machine multiplies in float32 and in bf16: `python runs/products.py`.

A product of the shape of DRAW's encoder at 512 images, and training DRAW compiled, 32 glimpses and
256 images to an update, in turns. Nothing else should run beside it. Every processor has a row, the
last that was measured on it, in runs/results/products.json; the table is
docs/generated/speed_products.md.
"""

import sys
from typing import Any

import torch
import tyro

import record
from underdraw.fast import PRECISIONS
from underdraw.files import write_text

sys.path.append(str(record.ROOT / "benchmarks"))
PAGE = record.ROOT / "docs" / "generated" / "speed_products.md"
KINDS = {"float32": torch.float32, "bf16": torch.bfloat16}
IMAGES, GLIMPSES, ROWS = 256, 32, 512


def measured(seconds: float) -> dict[str, Any]:
    """The row of this machine."""
    import updates

    products = {name: updates.rate(KINDS[name], ROWS, seconds) for name in PRECISIONS}
    ways = {name: updates.ours(True, IMAGES, name) for name in PRECISIONS}
    found = updates.alternate(ways, GLIMPSES, seconds)
    trained = {name: IMAGES * each for name, each in found.items()}
    origin = {"commit": record.commit(), "machine": record.machine()}
    return {"gflops": products, "images_per_s": trained, **origin}


def table(rows: list[dict[str, Any]]) -> str:
    """The page's generated part."""
    lines = [
        "Made by `runs/products.py`: a product of the shape of DRAW's encoder at "
        f"{ROWS} images, GFLOP/s; and training DRAW compiled, {GLIMPSES} glimpses, {IMAGES} images "
        "to an update, images a second.",
        "",
        "| processor | product, float32 | bf16 | training, float32 | bf16 | commit |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        m = row["machine"]
        speeds = [f"{row[what][name]:.0f}" for what in ("gflops", "images_per_s") for name in KINDS]
        lines.append(
            f"| {m['processor']}, {m['threads']} threads, {m['instructions']}, torch {m['torch']} "
            f"| {' | '.join(speeds)} | {row['commit']} |"
        )
    return "\n".join(lines) + "\n"


def main(seconds: float = 5.0, again: bool = True) -> None:
    """Measure, or with --no-again only make the page anew from what was measured."""
    begun = (record.RESULTS / "products.json").is_file()
    rows = record.read("products")["rows"] if begun else []
    if again:
        new = measured(seconds)
        mine = new["machine"]["processor"]
        rows = [row for row in rows if row["machine"]["processor"] != mine] + [new]
        record.write("products", rows=rows)
    write_text(PAGE, table(rows))


if __name__ == "__main__":
    tyro.cli(main)

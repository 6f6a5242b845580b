"""Cluttered digits a second, beside those that training consumes.

    python benchmarks/cluttered.py --data DIR [NAME ...]

Images are made by the loader with their labels, in its one thread, as training gets them
once their canvas has its full size. A second of the clock and one of the processor are both told:
they differ where the machine is busy. For what training consumes, each preset is trained for as
many updates as `--updates` says, with the fewest glimpses it ever takes, for then it consumes most,
and the median over windows of ten updates is taken, the first half of them, in which steps are
compiled, left out. The last line is one JSON object; its ratio is that of the hungriest.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import tyro

from underdraw.data import labelled, loader, open_images
from underdraw.presets import Preset, preset
from underdraw.train import read_log, train

WINDOW = 10
NAMES = (
    "glimpser_mnist_cluttered", "glimpser_mnist_cluttered_4", "convnet_mnist_cluttered",
    "convnet_small_mnist_cluttered",
)  # fmt: skip


def hungriest(chosen: Preset) -> Preset:
    """The preset with its largest canvas and fewest glimpses throughout."""
    fewest = min((count for _, count in chosen.train.glimpses), default=None)
    glimpses = () if fewest is None else ((1.0, fewest),)
    data, config = replace(chosen.data, growing=0), replace(chosen.train, glimpses=glimpses)
    return replace(chosen, data=data, train=config)


def making(chosen: Preset, data: Path | None, seconds: float) -> tuple[float, float]:
    """Images made in a second of the clock, and of the processor."""
    images = labelled(open_images(chosen.data, "train", data))
    batch, made = chosen.train.batch, 0
    batches = loader(images, batch, seed=0, labels=True)
    for _ in islice(batches, WINDOW):
        pass
    clock, processor = time.perf_counter(), time.process_time()
    while time.perf_counter() - clock < seconds:
        made += batch * sum(1 for _ in islice(batches, WINDOW))
    rates = made / (time.perf_counter() - clock), made / (time.process_time() - processor)
    batches.close()
    return rates


def training(chosen: Preset, data: Path | None, updates: int) -> float:
    """Images that training consumes in a second."""
    config = replace(
        chosen.train, steps=updates, log_every=WINDOW, validate_every=updates, validate_images=100
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train(replace(chosen, train=config), run, root=data, quiet=True)
        rates = [row["images_per_s"] for row in read_log(run) if row["kind"] == "train"]
    return statistics.median(rates[len(rates) // 2 :])


def measured(name: str, data: Path | None, seconds: float, updates: int) -> dict[str, Any]:
    """What is made for a preset, and what its training consumes."""
    chosen = hungriest(preset(name))
    clock, processor = making(chosen, data, seconds)
    rate = training(chosen, data, updates)
    print(
        f"{name}: {clock:,.0f} images a second are made, {processor:,.0f} in one of the processor, "
        f"{rate:,.0f} consumed: {clock / rate:.1f} times as many",
        flush=True,
    )
    return {
        "preset": name, "batch": chosen.train.batch, "made": clock,
        "made_per_processor_second": processor, "consumed": rate, "ratio": clock / rate,
    }  # fmt: skip


def measure(
    names: Sequence[str] = NAMES, data: Path | None = None, seconds: float = 5.0, updates: int = 200
) -> dict[str, Any]:
    """All presets, and the least ratio.

    Args:
        names: of presets.
        data: a local mirror of MNIST; the hub if it is not given.
        seconds: how long to make images.
        updates: how long to train.
    """
    rows = [measured(name, data, seconds, updates) for name in names]
    return {
        "rows": rows, "ratio": min(row["ratio"] for row in rows),
        "threads": torch.get_num_threads(),
    }  # fmt: skip


def main(
    names: tyro.conf.Positional[tuple[str, ...]] = NAMES,
    data: Path | None = None,
    seconds: float = 5.0,
    updates: int = 200,
) -> None:
    """Measure and print.

    Args:
        names: of presets; all that see such images if there are none.
        data: a local mirror of MNIST; the hub if it is not given.
        seconds: how long to make images.
        updates: how long to train.
    """
    found = measure(names or NAMES, data, seconds, updates)
    print(json.dumps({**found, "torch": torch.__version__}))


if __name__ == "__main__":
    tyro.cli(main)

"""Cluttered digits a second, beside those that training consumes.

    python benchmarks/cluttered.py --data DIR [--rate R] [--preset-name NAME]

Images are made by the loader with their labels, in its one thread, as training gets them
once their canvas has its full size. A second of the clock and one of the processor are both told:
they differ where the machine is busy. What training consumes is `--rate` images a second, or is
measured: the preset is trained for as many updates as `--updates` says, with the fewest glimpses it
ever takes, for then it consumes most, and the median over windows of ten updates is taken, the
first half of them, in which steps are compiled, left out. The last line is one JSON object.
"""

import json
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
import tyro

from underdraw.data import labelled, loader, open_images
from underdraw.presets import Preset, preset
from underdraw.train import read_log, train

WINDOW = 10


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


def main(
    preset_name: str = "glimpser_mnist_cluttered",
    data: Path | None = None,
    rate: float | None = None,
    seconds: float = 5.0,
    updates: int = 200,
) -> None:
    """Measure both and print the ratio.

    Args:
        preset_name: whose data are made, in batches of its size, and which is trained.
        data: a local mirror of MNIST; the hub if it is not given.
        rate: images a second that training consumes, if it is known.
        seconds: how long to make images.
        updates: how long to train.
    """
    chosen = hungriest(preset(preset_name))
    clock, processor = making(chosen, data, seconds)
    rate = training(chosen, data, updates) if rate is None else rate
    print(f"{clock:,.0f} images a second are made, {processor:,.0f} in one of the processor")
    print(f"{rate:,.0f} images a second are consumed by training {preset_name}")
    print(f"{clock / rate:.1f} times as many are made as consumed")
    head = ["git", "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(head, cwd=Path(__file__).parent, capture_output=True, text=True)
    found = {
        "preset": preset_name, "batch": chosen.train.batch, "made": clock,
        "made_per_processor_second": processor, "consumed": rate, "ratio": clock / rate,
        "torch": torch.__version__, "threads": torch.get_num_threads(),
        "commit": commit.stdout.strip(),
    }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    tyro.cli(main)

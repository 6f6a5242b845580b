"""The start: what gets DRAW off the plateau of the pixel means, and how fast.

    python runs/start.py

The model of `draw_mnist_small` (10 glimpses, 5x5 read and write, 128 units), batch 64, 400 updates
at a constant learning rate of 1e-3 (2e-3 where said), always from the same seed; the training bound
is averaged over 25 updates. Then the same question for the 2x2 read of the MNIST model: windows
from border to border, or tiles.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import tyro

import record
from underdraw import plot
from underdraw.presets import Preset, TrainConfig, draw_mnist_small
from underdraw.train import read_log, train

PLAIN = replace(
    draw_mnist_small().model,
    layer_norm=False,
    tiled_windows=False,
    glimpse_gain=1.0,
    mu_gain=1.0,
)
SLOW = TrainConfig(
    steps=400, batch=64, learning_rate=1e-3, warmup=0, final=1.0, kl_warmup=0, log_every=25,
    validate_every=400, validate_images=500, compile=False,
)  # fmt: skip
GAINS = {"glimpse_gain": 10.0, "mu_gain": 3.0}
NORM, WARM = {"layer_norm": True}, {"kl_warmup": 200}
FAST = {**WARM, "learning_rate": 2e-3}
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "layer norm": (NORM, {}),
    "KL warm-up": ({}, WARM),
    "warm-up and gains": (GAINS, WARM),
    "all three": ({**GAINS, **NORM}, WARM),
    "all three, 2e-3": ({**GAINS, **NORM}, FAST),
    "and tiles": ({**GAINS, **NORM, "tiled_windows": True}, FAST),
    "2x2 read": ({**GAINS, **NORM, "read_size": 2}, FAST),
    "2x2 read, tiles": ({**GAINS, **NORM, "read_size": 2, "tiled_windows": True}, FAST),
}


def variant(name: str) -> Preset:
    """The experiment of that name."""
    model, training = VARIANTS[name]
    return replace(
        draw_mnist_small(), name=f"start: {name}", model=replace(PLAIN, **model),
        train=replace(SLOW, **training),
    )  # fmt: skip


def main(out: Path = record.ROOT / "out" / "start", only: tuple[str, ...] = ()) -> None:
    """Run the variants, or those named in `only`, and draw the curves of all that are done."""
    for name in only or VARIANTS:
        train(variant(name), out / name.replace(" ", "_"), resume=True)
    logs = {name: read_log(out / name.replace(" ", "_")) for name in VARIANTS}
    logs = {name: [r for r in log if r["kind"] == "train"] for name, log in logs.items() if log}
    last = {name: round(log[-1]["nats"], 2) for name, log in logs.items()}
    record.write("start", updates=SLOW.steps, train_nats=last, logs=logs)
    plot.save(plot.curves(logs, top=230.0), record.ROOT / "docs" / "images" / "start.png")
    print(json.dumps(last, indent=2))


if __name__ == "__main__":
    tyro.cli(main)

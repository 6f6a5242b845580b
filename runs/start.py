"""The start: what gets DRAW off the plateau of the pixel means, and how fast.

    python runs/start.py

Ten glimpses, 5x5 read and write, batch 128, 600 updates at a constant learning rate of 1e-3 (the
last at 2e-3), from the same seed; the training bound is averaged over 50 updates. Then the same
question for the 2x2 read of the MNIST model: windows from border to border, or tiles.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import tyro

import record
from underdraw import plot
from underdraw.models.draw import DRAWConfig
from underdraw.presets import Preset, TrainConfig, draw_mnist
from underdraw.train import read_log, train

PLAIN = DRAWConfig(
    steps=10, read_size=5, write_size=5, layer_norm=False, tiled_windows=False,
    glimpse_gain=1.0, mu_gain=1.0,
)  # fmt: skip
SLOW = TrainConfig(
    steps=600, batch=128, learning_rate=1e-3, warmup=0, final=1.0, kl_warmup=0, log_every=50,
    validate_every=600, validate_images=1000, pace=2,
)  # fmt: skip
GAINS = {"glimpse_gain": 10.0, "mu_gain": 3.0}
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "layer norm": ({"layer_norm": True}, {}),
    "KL warm-up": ({}, {"kl_warmup": 300}),
    "warm-up, gains": (GAINS, {"kl_warmup": 300}),
    "all three": ({**GAINS, "layer_norm": True}, {"kl_warmup": 300}),
    "all, 2e-3": ({**GAINS, "layer_norm": True}, {"kl_warmup": 300, "learning_rate": 2e-3}),
    "all, 2e-3, tiles": (
        {**GAINS, "layer_norm": True, "tiled_windows": True},
        {"kl_warmup": 300, "learning_rate": 2e-3},
    ),
    "2x2 read": (
        {**GAINS, "layer_norm": True, "read_size": 2}, {"kl_warmup": 300, "learning_rate": 2e-3},
    ),
    "2x2 read, tiles": (
        {**GAINS, "layer_norm": True, "read_size": 2, "tiled_windows": True},
        {"kl_warmup": 300, "learning_rate": 2e-3},
    ),
}  # fmt: skip


def variant(name: str) -> Preset:
    """The experiment of that name."""
    model, training = VARIANTS[name]
    return replace(
        draw_mnist(), name=f"start: {name}", model=replace(PLAIN, **model),
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

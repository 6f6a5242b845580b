"""A run that trains in seconds, as a preset and as a program.

python tiny_run.py OUT [resume=1] [steps=N]      prints why it ended
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from underdraw.data import hold
from underdraw.models.draw import DRAWConfig
from underdraw.presets import Preset, TrainConfig, draw_mnist_small
from underdraw.train import train

MODEL = DRAWConfig(shape=(1, 6, 5), steps=4, hidden=12, latent=3, read_size=2, write_size=3)
TRAIN = TrainConfig(
    steps=60, batch=8, warmup=5, kl_warmup=10, log_every=7, validate_every=20, validate_images=16,
    snapshot_every=15, save_minutes=0.002, compile=False, glimpses=((0.3, 2),),
)  # fmt: skip


def digits(count, seed=0):
    """Random binary images with some structure."""
    dark = np.random.default_rng(seed).random((count, 1, 6, 5)) < np.linspace(0, 1, 5)
    return hold(dark, name="stripes")


def tiny(**changes) -> Preset:
    """The preset, with fields of its training changed."""
    return replace(draw_mnist_small(), name="tiny", model=MODEL, train=replace(TRAIN, **changes))


def go(out, resume=False, **changes):
    """Train it."""
    preset = tiny(**changes)
    return train(
        preset, Path(out), images=digits(40), valid=digits(16, 1), resume=resume, quiet=True
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    changes = dict(pair.split("=") for pair in sys.argv[2:])
    outcome = go(
        sys.argv[1],
        resume="resume" in changes,
        **{name: int(value) for name, value in changes.items() if name != "resume"},
    )
    print(outcome.reason)

"""The tiny exact model of the golden files, and pictures for it."""

import math
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from underdraw.codec import exact
from underdraw.codec.exact.cost import Ledger, batches, code_length

GOLDEN = Path(__file__).parents[1] / "golden"


@cache
def tiny() -> exact.Twin:
    """The model."""
    return exact.load(GOLDEN / "tiny@1")


@cache
def crops(count: int, height: int = 32, width: int = 32, channels: int = 3) -> np.ndarray:
    """Pieces of the parrots at half size, uint8 (count, channels, height, width)."""
    image = Image.open(str(files("underdraw") / "demo" / "parrots.png")).convert("RGB").reduce(2)
    levels = np.array(image).transpose(2, 0, 1)[:channels]
    rng = np.random.default_rng(count)
    y = rng.integers(0, levels.shape[1] - height + 1, count)
    x = rng.integers(0, levels.shape[2] - width + 1, count)
    return np.stack([levels[:, i : i + height, j : j + width] for i, j in zip(y, x, strict=True)])


def bound(twin, levels):
    """Bits per dimension of each picture by bits-back, with one sample each, (N,)."""
    parts = batches(twin, torch.from_numpy(levels))
    nats = [code_length(twin, twin.see(part), Ledger(twin, noise)) for part, noise in parts]
    return torch.cat(nats).numpy() / math.log(2) / levels[0].size

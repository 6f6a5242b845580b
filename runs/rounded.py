"""What rounded weights cost a model that was trained to be rounded: `python runs/rounded.py NAME`.

    python runs/rounded.py NAME --data DIR [--run DIR] [--images n]

For a model of lossy files the bound is not what counts. Its float weights, a run in out/NAME, and
those of the exact model that ships, in float32 again, tell the same test images with the same
noise, uniform in cells (`train.cells`): the rate and the squared error of both go to
runs/results/NAME@VERSION.json, as `rounding`.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

import record
from underdraw import checkpoint
from underdraw.codec import exact
from underdraw.configs import from_json
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.latent import LatentModel, cost_by_cell

BATCH = 16


def main(
    name: tyro.conf.Positional[str],
    data: Path | None = None,
    run: Path | None = None,
    images: int = 256,
) -> None:
    """Measure both, print, keep.

    Args:
        name: of a preset whose exact model ships.
        data: local mirror of the data.
        run: the float model's folder; out/NAME if not given.
        images: random test images.
    """
    run = record.ROOT / "out" / name if run is None else run
    model, folder = checkpoint.load_latent(run), exact.locate(name)
    again = exact.float_of(exact.load(name))
    config = from_json(DataConfig, checkpoint.describe(run)["data"])
    test = open_images(config, "test", data)
    assert isinstance(test, Images)
    some = random_subset(test, images)
    found = {"images": len(some), "float": told(model, some), "rounded": told(again, some)}
    more = found["rounded"]["bits_per_dim"] - found["float"]["bits_per_dim"]
    less = found["rounded"]["psnr"] - found["float"]["psnr"]
    found |= {"more_bits_per_dim": more, "more_psnr": less, "commit": record.commit()}
    record.rewrite({**record.read(folder.name), "rounding": found})
    print(f"{folder.name}: {more:+.5f} bits/dim, {less:+.4f} dB, {found}")


def told(model: LatentModel[Any], images: Images) -> dict[str, float]:
    """Rate, and PSNR of the mean squared error, by one sample for each image."""
    nats, error, generator = 0.0, 0.0, torch.Generator().manual_seed(0)
    model.eval()
    for first in range(0, len(images), BATCH):
        x = images.take(np.arange(first, min(first + BATCH, len(images))))
        noise = model.noise(len(x), generator, size=x.shape[2:])
        with torch.no_grad():
            canvas, rates = model.outcome(x, noise, cost_by_cell)
        nats += rates.sum().item()
        error += (model.likelihood(canvas).mean - x).square().sum().item()
    levels = len(images) * math.prod(x.shape[1:])
    return {
        "bits_per_dim": nats / levels / math.log(2), "psnr": -10 * math.log10(error / levels),
    }  # fmt: skip


if __name__ == "__main__":
    tyro.cli(main)

"""From a model to the pictures of it: samples, sequences, reconstructions, on disk."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from underdraw import plot
from underdraw.data import Images, to_bits, to_unit
from underdraw.latent import LatentModel, Trace, kl, mode, posterior, prior

ROWS, COLUMNS = 8, 12  # of a sequence sheet


def device_of(model: LatentModel[Any]) -> torch.device:
    """Where a model is."""
    return next(model.parameters()).device


@torch.no_grad()
def dream(model: LatentModel[Any], count: int, temperature: float = 1.0, seed: int = 0) -> Trace:
    """Generate `count` images, all frames kept; a function of the seed."""
    generator = torch.Generator().manual_seed(seed)
    noise = [e.to(device_of(model)) for e in model.noise(count, generator)]
    return model.unroll(prior(temperature, noise), n=count, frames="all")


@torch.no_grad()
def pictures(model: LatentModel[Any], trace: Trace) -> Tensor:
    """The images a trace ends in, (B, C, H, W) in [0, 1]."""
    return model.likelihood(trace.frames[-1].canvas).mean.clamp(0, 1).cpu()


def samples(model: LatentModel[Any], trace: Trace, out: Path, animate: bool) -> dict[str, Path]:
    """Write the sheet and the sequence of a dream, and its animations; returns their paths."""
    paths = {
        "sheet": plot.save(plot.sheet(pictures(model, trace)), out / "samples.png"),
        "sequence": sequence(model, trace, out / "sequence.png"),
    }
    if animate:
        for suffix in ("gif", "webp"):
            paths[suffix] = Path(plot.animate(model, trace, out / f"sequence.{suffix}"))
    return paths


def sequence(model: LatentModel[Any], trace: Trace, path: Path) -> Path:
    """Write the canvas step by step, one row an image (DRAW, Figs 1, 7, 10)."""
    rows = min(ROWS, len(trace.frames[0].canvas))
    return plot.save(plot.sequence_sheet(model, trace, rows=rows, columns=COLUMNS), path)


def beside_nearest(
    model: LatentModel[Any], trace: Trace, training: Images, out: Path, count: int = 32
) -> Path:
    """Write samples beside the training images nearest to them (DRAW, Figs 6, 9, 12)."""
    everything = training.take(np.arange(len(training)))
    shown = plot.nearest_sheet(pictures(model, trace)[:count], everything)
    return plot.save(shown, out / "nearest.png")


def some(images: Images, count: int, seed: int) -> Tensor:
    """A seeded random choice of images, (count, C, H, W)."""
    order = np.random.default_rng(seed).permutation(len(images))[: min(count, len(images))]
    return images.take(order)


@torch.no_grad()
def reconstructions(
    model: LatentModel[Any], x: Tensor, out: Path
) -> tuple[dict[str, Path], list[float]]:
    """Write images beside what the posterior's means make of them, and how they came about.

    Returns:
        The paths, and the bound of each image in nats, from one posterior sample.
    """
    x = x.to(device_of(model))
    trace = model.unroll(mode, x, frames="all")
    paths = {
        "pairs": plot.save(
            plot.reconstructions(x.cpu(), pictures(model, trace)), out / "reconstructions.png"
        ),
        "sequence": sequence(model, trace, out / "reconstruction_sequence.png"),
    }
    return paths, bound(model, x)


def bound(model: LatentModel[Any], x: Tensor) -> list[float]:
    """Upper bounds on -log p(x), nats per image, from a trace: what anybody can recompute."""
    noise = [e.to(x.device) for e in model.noise(len(x), torch.Generator().manual_seed(0))]
    trace = model.unroll(posterior(noise), x)
    distortion = -model.likelihood(trace.frames[-1].canvas).log_prob(x)
    rate = sum(kl(choice) for choice in trace.choices)
    return (distortion + rate).tolist()


def read_image(path: Path, shape: tuple[int, int, int], binary: bool) -> Tensor:
    """An image file as (1, C, H, W) of a model's shape: cropped to it and area averaged.

    Raises:
        ValueError: the file is no image that can be read.
    """
    channels, height, width = shape
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file).convert("L" if channels == 1 else "RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from error
    image = ImageOps.fit(image, (width, height), Image.Resampling.BOX)
    levels = np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1)[None].copy()
    return to_bits(levels) if binary else to_unit(levels)

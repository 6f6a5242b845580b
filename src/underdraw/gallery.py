"""From a model to the pictures of it: samples, sequences, reconstructions, on disk."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from underdraw import plot
from underdraw.classifier import Classifier
from underdraw.data import Images, Labelled
from underdraw.latent import LatentModel, Trace, cost_by_cell, cost_by_kl, mode, prior
from underdraw.likelihoods import UNLIKELIHOOD, Distortion
from underdraw.noise import image_noise

ROWS, COLUMNS = 8, 12  # of a sequence sheet


def device_of(model: nn.Module) -> torch.device:
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
    model: LatentModel[Any], trace: Trace, training: Images, out: Path, count: int = 30
) -> Path:
    """Write each sample beside the training image nearest to it (DRAW, Figs 6, 9, 12)."""
    shown = pictures(model, trace)[:count]
    pairs = plot.reconstructions(shown, neighbours(shown, training))
    return plot.save(pairs, out / "nearest.png")


def neighbours(samples: Tensor, training: Images, chunk: int = 4096) -> Tensor:
    """The training image nearest to each sample in L2, (B, C, H, W); `chunk` in memory at once."""
    best = torch.full((len(samples),), float("inf"))
    found = torch.empty_like(samples)
    for first in range(0, len(training), chunk):
        some = training.take(np.arange(first, min(first + chunk, len(training))))
        near = some[plot.nearest(samples, some)]
        distance = (near - samples).flatten(1).square().sum(1)
        closer = distance < best
        best[closer], found[closer] = distance[closer], near[closer]
    return found


def some(images: Images, count: int, seed: int) -> Tensor:
    """A seeded random choice of images, (count, C, H, W)."""
    order = np.random.default_rng(seed).permutation(len(images))[: min(count, len(images))]
    return images.take(order)


@torch.no_grad()
def reconstructions(
    model: LatentModel[Any],
    x: Tensor,
    out: Path,
    cells: bool = False,
    distortion: Distortion = UNLIKELIHOOD,
) -> tuple[dict[str, Path], list[float]]:
    """Write images beside what the posterior's means make of them, and how they came about.

    Returns:
        The paths, and the `bound` of each image in nats, from one posterior sample.
    """
    x = x.to(device_of(model))
    trace = model.unroll(mode, x, frames="all")
    paths = {
        "pairs": plot.save(
            plot.reconstructions(x.cpu(), pictures(model, trace)), out / "reconstructions.png"
        ),
        "sequence": sequence(model, trace, out / "reconstruction_sequence.png"),
    }
    return paths, bound(model, x, cells=cells, distortion=distortion)


def bound(
    model: LatentModel[Any],
    x: Tensor,
    seed: int = 0,
    cells: bool = False,
    distortion: Distortion = UNLIKELIHOOD,
) -> list[float]:
    """Upper bounds on -log p(x), nats per image.

    Of a model that was trained with `cells`, or by another `distortion` than the likelihood's, it
    is what training minimised, without beta, and no bound.
    """
    z, u = image_noise(model, seed, range(len(x)), 0, size=(x.shape[2], x.shape[3]))
    target = model.likelihood.target(x, None if u is None else u.to(x.device))
    cost = cost_by_cell if cells else cost_by_kl
    return model(x, [e.to(x.device) for e in z], target, cost, distortion).bound.tolist()


@torch.no_grad()
def looks(
    model: Classifier[Any], x: Tensor, y: Tensor | None, out: Path, name: str, title: str = ""
) -> tuple[dict[str, Path], list[int]]:
    """Write where a classifier looks in images: a sheet and an animation called `name`.

    Args:
        model: the classifier.
        x: images (B, C, H, W).
        y: their classes (B,), if they are known.
        out: folder to write.
        name: of both files.
        title: of the sheet.

    Returns:
        The paths, and the class of each image after the last glimpse.
    """
    shown = list(model.looks(x.to(device_of(model))))
    paths = {
        name: plot.save(plot.glimpse_sheet(x, shown, y, title), out / f"{name}.png"),
        f"{name}_gif": plot.animate_glimpses(x, shown, out / f"{name}.gif", y),
    }
    return paths, shown[-1].logits.argmax(1).tolist()


@torch.no_grad()
def glimpses(
    model: Classifier[Any], images: Labelled, count: int, seed: int, out: Path, most: int = 2000
) -> tuple[dict[str, Path], dict[str, int]]:
    """Write where a classifier looks in images that it gets right, and in some that it does not.

    Images are taken in a random order, a function of the seed, until there are `count` of both
    kinds or `most` were seen.

    Returns:
        The paths, and how many images were seen and how many of them wrong.
    """
    order = np.random.default_rng(seed).permutation(len(images))[:most]
    kinds: dict[str, list[int]] = {"right": [], "wrong": []}
    seen = 0
    for index in np.array_split(order, math.ceil(len(order) / 100)):
        best = model(images.take(index).to(device_of(model)))[-1].argmax(1).cpu()
        for i, good in zip(index.tolist(), (best == images.labels(index)).tolist(), strict=True):
            kinds["right" if good else "wrong"].append(i)
        seen += len(index)
        if min(map(len, kinds.values())) >= count:
            break
    paths: dict[str, Path] = {}
    for kind, found in kinds.items():
        if found:
            index = np.array(found[:count])
            title = f"{kind}: {len(found)} of {seen} images"
            paths |= looks(model, images.take(index), images.labels(index), out, kind, title)[0]
    return paths, {"seen": seen, "wrong_of_seen": len(kinds["wrong"])}

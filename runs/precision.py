"""What the fast path costs in precision: bounds, gradients, and short runs.

    python runs/precision.py [--images 10000] [--updates 500] [--seeds 3]

Three questions, of `draw_mnist` and of `draw_mnist_small`: by how much the bound of fixed weights
differs between eager float32 and the compiled step with bf16 products, on the same noise; how far
each one's gradients are from float64; and whether a run lands where float32 runs with other seeds
do.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import tyro

import record
from underdraw import checkpoint
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.evaluate import evaluate
from underdraw.fast import compile_model, precision
from underdraw.presets import draw_mnist_small
from underdraw.train import read_log, train

NAME, PACE = "draw_mnist", 2


def digits(count: int) -> Images:
    """Random validation digits."""
    images = open_images(DataConfig("binarized_mnist"), "valid")
    assert isinstance(images, Images)
    return random_subset(images, count, 0)


def bounds(count: int) -> dict[str, float]:
    """The bound of the shipped weights on validation digits, both ways, nats."""
    model, images = checkpoint.load(NAME), digits(count)
    exact = evaluate(model, images).nats
    compile_model(model, PACE)
    fast = evaluate(model, images, products="bf16").nats
    return {"float32": exact, "fast": fast, "difference": fast - exact}


def gradient(kind: str, count: int = 64) -> torch.Tensor:
    """The gradient of the bound on `count` digits, all parameters in one vector."""
    model, x = checkpoint.load(NAME), digits(count).take(torch.arange(count).numpy())
    noise = model.noise(count, torch.Generator().manual_seed(0))
    if kind == "float64":
        model, x, noise = model.double(), x.double(), [e.double() for e in noise]
    if kind == "fast":
        compile_model(model, PACE)
    with precision("bf16" if kind == "fast" else "float32"):
        loss = model(x, noise).bound.mean()
    found = torch.autograd.grad(loss, list(model.parameters()))
    return torch.cat([g.flatten() for g in found]).double()


def gradients() -> dict[str, dict[str, float]]:
    """Relative error and cosine of each way's gradient, against float64."""
    truth = gradient("float64")
    found = {}
    for kind in ("float32", "fast"):
        g = gradient(kind)
        cosine = torch.nn.functional.cosine_similarity(g, truth, 0)
        found[kind] = {"error": ((g - truth).norm() / truth.norm()).item(), "cosine": cosine.item()}
    return found


def runs(updates: int, seeds: int, out: Path) -> dict[str, list[float]]:
    """Training bound of the last 100 updates of short runs, nats, a run a seed and way."""
    small = draw_mnist_small()
    found: dict[str, list[float]] = {"float32": [], "fast": []}
    for kind, landed in found.items():
        for seed in range(seeds):
            settings: dict[str, Any] = {"precision": "bf16", "compile": True, "pace": 5}
            settings = settings if kind == "fast" else {}
            training = replace(
                small.train, steps=updates, seed=seed, log_every=50, validate_every=updates,
                **settings,
            )  # fmt: skip
            folder = out / f"{kind}_{seed}"
            train(replace(small, train=training), folder, resume=True)
            rows = [r["nats"] for r in read_log(folder) if r["kind"] == "train"]
            landed.append(sum(rows[-2:]) / 2)
    return found


def main(
    images: int = 10_000, updates: int = 500, seeds: int = 3,
    out: Path = record.ROOT / "out" / "precision",
) -> None:  # fmt: skip
    """Answer the three questions and write them down."""
    found: dict[str, Any] = {"images": images, "bounds": bounds(images), "gradients": gradients()}
    print(found)
    found |= {"updates": updates, "runs": runs(updates, seeds, out)}
    print(found["runs"])
    record.write("precision", **found)


if __name__ == "__main__":
    tyro.cli(main)

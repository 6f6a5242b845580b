"""Validation: the averaged weights are measured, shown, and kept if they are the best."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from underdraw import checkpoint
from underdraw.data import Images
from underdraw.evaluate import evaluate
from underdraw.latent import prior
from underdraw.plot import save, sheet
from underdraw.presets import Preset
from underdraw.train import schedule
from underdraw.train.state import TrainState

SHEET = 64  # samples
CARD = """# {preset.name}

{preset.summary}. Trained by underdraw on `{preset.data.name}` for {numbers.step:,} updates of
{preset.train.batch} images; validation bound {numbers.best:.2f} nats per image. Settings and
numbers are in config.json. These weights were made by whoever trained them, who chooses their
licence; the licence of the data applies to what may be done with them.
"""


@contextmanager
def averaged(state: TrainState) -> Iterator[None]:
    """The model with its averaged weights; the others are put back to the last bit."""
    weights: list[torch.Tensor] = list(state.weights.values())
    kept = [value.detach().clone() for value in weights]
    with torch.no_grad():
        torch._foreach_copy_(weights, list(state.ema.values()))
    state.model.eval()
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(weights, kept)
        state.model.train()


def validate(
    state: TrainState, preset: Preset, images: Images, out: Path, batch: int
) -> dict[str, Any]:
    """Measure on `images`, leave a sample sheet in `out`, keep the model there if it is the best.

    The model takes as many glimpses as in training just now. What it was trained on decides: the
    bound or, with several importance samples, the importance-weighted bound with so many.

    Returns:
        The row for the log; nats per image.
    """
    config, numbers = preset.train, state.numbers
    samples = config.importance_samples if config.importance_samples > 1 else 0
    steps = schedule.glimpses(config, numbers.step - 1)  # as many as in the last update
    with averaged(state):
        found = evaluate(
            state.model, images, seed=config.seed, batch=min(batch, len(images)),
            products=config.precision, steps=steps, importance_samples=samples,
        )  # fmt: skip
        _show(state, config.seed, steps, out / "samples" / f"{numbers.step:07d}.png")
    nats = found.nats if found.importance_nats is None else found.importance_nats
    best = math.isfinite(nats) and (numbers.best is None or nats < numbers.best)
    if best:
        numbers.best = nats
        _keep(state, preset, steps, out)
    row: dict[str, Any] = {"nats": found.nats, "stderr": found.stderr}
    if samples:
        row["importance_nats"] = nats
    row |= {"distortion": found.distortion, "rate": found.rate}
    return {**row, "best": best, "minutes": numbers.minutes}


def _keep(state: TrainState, preset: Preset, steps: int | None, out: Path) -> None:
    numbers = state.numbers
    trained = {"step": numbers.step, "images": numbers.images, "minutes": numbers.minutes}
    trained["glimpses"] = steps or len({site.step for site in state.model.sites})
    checkpoint.save(
        state.model,
        out,
        card=CARD.format(preset=preset, numbers=numbers),
        weights=state.ema,
        preset=preset.name,
        data=asdict(preset.data),
        train=asdict(preset.train),
        trained={**trained, "validation_nats": numbers.best},
    )


@torch.no_grad()
def _show(state: TrainState, seed: int, steps: int | None, path: Path) -> None:
    """Samples, always from the same noise."""
    model, device = state.model, next(state.model.parameters()).device
    noise = [e.to(device) for e in model.noise(SHEET, torch.Generator().manual_seed(seed), steps)]
    trace = model.unroll(prior(1.0, noise), n=SHEET)
    save(sheet(model.likelihood(trace.frames[-1].canvas).mean), path)

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
from underdraw.train import schedule
from underdraw.train.state import TrainState
from underdraw.train.task import Task

CARD = """# {preset.name}

{preset.summary}. Trained by underdraw on `{preset.data.name}` for {numbers.step:,} updates of
{preset.train.batch} images; {measure_of} {numbers.best:.4g} nats per image. Settings and
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
    task: Task, state: TrainState, images: Images, out: Path, batch: int
) -> dict[str, Any]:
    """Measure on `images`, leave a picture in `out`, keep the model there if it is the best.

    The model takes as many glimpses as in training just now.

    Returns:
        The row for the log; nats per image.
    """
    numbers = state.numbers
    steps = schedule.glimpses(task.config, numbers.step - 1)  # as many as in the last update
    with averaged(state):
        nats, row = task.measure(images, min(batch, len(images)), steps)
        task.show(images, steps, out / "samples" / f"{numbers.step:07d}.png")
    best = math.isfinite(nats) and (numbers.best is None or nats < numbers.best)
    if best:
        numbers.best = nats
        _keep(task, state, steps, out, row)
    return {**row, "best": best, "minutes": numbers.minutes}


def _keep(task: Task, state: TrainState, steps: int | None, out: Path, row: dict[str, Any]) -> None:
    numbers, preset = state.numbers, task.preset
    trained = {"step": numbers.step, "images": numbers.images, "minutes": numbers.minutes}
    trained |= {"glimpses": steps or task.steps, "validation_nats": numbers.best}
    if "objective" in row:  # what is minimised is no bound
        trained |= {"validation_nats": row["nats"], "validation_objective": numbers.best}
    if "error" in row:
        trained["validation_error"] = row["error"]
    checkpoint.save(
        state.model,
        out,
        card=CARD.format(preset=preset, numbers=numbers, measure_of=task.measure_of),
        weights=state.ema,
        preset=preset.name,
        data=asdict(preset.data),
        train=asdict(preset.train),
        trained=trained,
    )

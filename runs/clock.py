"""How many updates fit in a time: the trainer's schedule ends at an update, rivals share a clock.

    trial     a minute at a constant rate with all steps; gives the speed v, updates a minute
    schedule  v minutes / c updates, where an update costs c on average, as a share of one with
              all steps: fewer glimpses at first are cheaper
    speed     of a finished run: its updates over its minutes, without the first window, which
              holds the compiling

So the cosine ends when the time does, whatever the model, and a run that is paused or slowed down
by other work still gets all of its updates.
"""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from underdraw.files import write_json
from underdraw.presets import Preset, TrainConfig
from underdraw.study.runs import go_on
from underdraw.train import read_log

ENDLESS = 1_000_000_000  # updates, more than the time allows
WINDOWS = 5  # of the log, that a trial is long at least
LOOKS, SNAPSHOTS = 200, 50  # at least so many a run
LEAST = 20  # updates, however short the time


def once(path: Path, make: Callable[[], Any]) -> Any:  # noqa: ANN401
    """What the file holds; if there is none, it is made and written first."""
    if not path.is_file():
        write_json(path, make())
    return json.loads(path.read_text(encoding="utf-8"))


def trial(preset: Preset, run: Path, root: Path | None, minutes: float) -> float:
    """Updates a minute with all steps, from a short run in the folder `run`, which is resumed.

    Longer than `minutes` if in these hardly more than the compiling was done.
    """
    train = replace(
        preset.train, steps=ENDLESS, final=1.0, glimpses=(), log_every=5, validate_every=ENDLESS,
        validate_images=preset.train.batch, snapshot_every=ENDLESS,
    )  # fmt: skip
    while len(found := windows(run)) < WINDOWS:
        go_on(replace(preset, train=train), run, root, minutes)
        minutes *= 2
    images = median(row["images_per_s"] for row in found[1:])
    return 60 * images / preset.train.batch


def windows(run: Path) -> list[dict[str, Any]]:
    """The rows of a run's log that are about training."""
    return [row for row in read_log(run) if row["kind"] == "train"]


def speed(run: Path) -> float:
    """Updates a minute of a run, over its whole schedule."""
    first, *_, last = windows(run)
    return (last["step"] - first["step"]) / (last["minutes"] - first["minutes"])


def cost(config: TrainConfig, steps: int, done: float = 1.0) -> float:
    """What an update costs on average, as a share of one with all `steps` of the model.

    That is over the whole schedule, or over the part of it, 0 < done <= 1, that is done.
    """
    total, before = 0.0, 0.0
    for share, count in config.glimpses:
        until = min(share, done)
        total += (until - before) * min(count, steps) / steps
        before = until
    return (total + done - before) / done


def updates(preset: Preset, per_minute: float, minutes: float) -> int:
    """Updates of the preset's schedule in a time, by the speed with all steps."""
    average = cost(preset.train, getattr(preset.model, "steps", 1))
    return max(LEAST, math.ceil(per_minute * minutes / average))


def scheduled(preset: Preset, updates: int, validations: int) -> Preset:
    """The preset with a schedule of so many updates, looked at and validated evenly.

    What warms up does so in a tenth of them at most.
    """
    train, log_every = preset.train, max(1, min(preset.train.log_every, updates // LOOKS))
    changed = replace(
        train,
        steps=updates,
        warmup=min(train.warmup, updates // 10),
        kl_warmup=min(train.kl_warmup, updates // 10),
        log_every=log_every,
        validate_every=max(1, -(-updates // validations)),
        snapshot_every=max(2 * log_every, updates // SNAPSHOTS),
    )
    return replace(preset, train=changed)

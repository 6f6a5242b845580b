"""Cost against presentations and against time for several T (Convolutional DRAW, 2016, Fig. 8).

The same model is trained with T = 2, 4, 8, ... steps for the same number of minutes each. Per image
seen more steps learn faster; an update costs time in proportion to T, so by the clock it is open.
The learning rate stays constant after its warm-up, all steps are taken from the start, and beta
does not fall: a schedule that ends at a number of updates would end at another time for each T. For
the same reason the warm-ups of learning rate and KL term are short, and validation is frequent: in
the same time more steps take fewer updates.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from underdraw.data import is_binary
from underdraw.files import write_json
from underdraw.plot import curves, save
from underdraw.plot.figures import INK
from underdraw.presets import Preset
from underdraw.study.parts import BITS
from underdraw.study.runs import go_on, numbers_of
from underdraw.train import read_log
from underdraw.train.precision import settled
from underdraw.train.state import check_settings, read_kept

ENDLESS = 1_000_000  # updates, more than the time allows
DONE = "minutes.json"
HEAD = 44  # pixels of the chart's title
SHORT = 100  # updates between validations, and of each warm-up at most
LATE = 0.1  # share of a run's rows whose mean is its cost in the end


def with_steps(preset: Preset, steps: int) -> Preset:
    """The preset with `steps` steps, a constant learning rate and no end.

    Raises:
        ValueError: its model is a classifier, or has no steps to set, or not so many.
    """
    model: Any = preset.model
    if hasattr(model, "classes"):
        raise ValueError(f"{preset.name} is a classifier, and the cost compared is a bound's")
    if "steps" not in {field.name for field in fields(model)}:
        raise ValueError(f"the model of {preset.name} has no number of steps")
    given = preset.train
    train = replace(
        given, steps=ENDLESS, final=1.0, glimpses=(), beta_from=None,
        warmup=min(SHORT, given.warmup), kl_warmup=min(SHORT, given.kl_warmup),
        validate_every=min(SHORT, given.validate_every),
    )  # fmt: skip
    return replace(preset, model=replace(model, steps=steps), train=train)


def steps(
    preset: Preset,
    out: Path,
    *,
    counts: Sequence[int] = (2, 4, 8, 16),
    minutes: float = 10.0,
    root: Path | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Train a preset with several numbers of steps; writes steps.png and steps.json to `out`.

    The runs are in out/steps_2 and so on. One that had its minutes is not trained again, and one
    that was stopped goes on for the rest of them.

    Args:
        preset: the experiment; its own number of steps does not matter.
        out: folder to write.
        counts: numbers of steps.
        minutes: of training for each by the clock; validation counts, but not in the minutes that
            are reported, which are those spent on updates and on compiling the first.
        root: local mirror of the data.
        quiet: show nothing while training.
        say: told which run is next.

    Returns:
        For each number of steps: updates, images seen and per second, minutes, the mean cost over
        the last tenth of the run, the best validation bound, and the curve itself.

    Raises:
        Interrupted: a signal came.
        RunError: a folder holds another run, or the cost broke down.
        ValueError: numbers out of range.
    """
    if not counts or not minutes > 0:
        raise ValueError(f"needs steps and minutes above 0, got {list(counts)} and {minutes}")
    folders = {t: out / f"steps_{t}" for t in sorted(set(counts))}
    preset = settled(preset, *folders.values())
    planned = {t: (run, with_steps(preset, t)) for t, run in folders.items()}
    for t, (run, changed) in planned.items():
        say(f"{run}: {preset.name} with T = {t}, {minutes:g} minutes")
        spend(changed, run, root, minutes, quiet)
    runs = [summary(t, run, changed) for t, (run, changed) in planned.items()]
    numbers: dict[str, Any] = {"preset": preset.name, "minutes_each": minutes, "runs": runs}
    write_json(out / "steps.json", numbers)
    picture = save(chart(runs, preset.name, is_binary(preset.data)), out / "steps.png")
    return {**numbers, "picture": str(picture), "numbers": str(out / "steps.json")}


def spend(
    preset: Preset, run: Path, root: Path | None, minutes: float, quiet: bool = False
) -> None:
    """Train in the folder `run` until it had its minutes; see `steps`."""
    check_settings(preset, run)
    had, start = _had(run), time.monotonic()
    if had >= minutes:
        return
    try:
        go_on(preset, run, root, minutes - had, quiet)
    finally:
        if run.is_dir():
            write_json(run / DONE, {"minutes": had + (time.monotonic() - start) / 60})


def _had(run: Path) -> float:
    """The minutes by the clock that a run had; those spent on updates, if it was killed."""
    path = run / DONE
    had = read_kept(path, lambda kept: float(kept["minutes"])) if path.is_file() else 0.0
    return max(had, numbers_of(run).minutes)


def summary(steps: int, run: Path, preset: Preset) -> dict[str, Any]:
    """What a run came to."""
    log = rows(run, preset)
    train = [row for row in log if row["kind"] == "train"]
    valid = [row["nats"] for row in log if row["kind"] == "valid"]
    late = [row["nats"] for row in train[-max(1, round(LATE * len(train))) :]]
    now = numbers_of(run)
    return {
        "steps": steps, "run": str(run), "updates": now.step, "images": now.images,
        "minutes": now.minutes, "images_per_s": now.images / max(60 * now.minutes, 1e-9),
        "train_nats": float(np.mean(late)) if late else None,
        "valid_nats": min(valid, default=None), "curve": log,
    }  # fmt: skip


def rows(run: Path, preset: Preset) -> list[dict[str, Any]]:
    """The costs in a run's log, with images seen and bits per dimension."""
    pixels = np.prod(preset.model.shape)
    return [
        {
            "kind": row["kind"], "step": row["step"], "images": row["step"] * preset.train.batch,
            "minutes": row["minutes"], "nats": row["nats"],
            "bits_per_dim": float(row["nats"] * BITS / pixels),
        }
        for row in read_log(run)
        if row["kind"] in ("train", "valid") and row["nats"] is not None
    ]  # fmt: skip


def chart(runs: Sequence[dict[str, Any]], name: str, binary: bool) -> Image.Image:
    """Two panels: cost against images seen, and against minutes."""
    logs = {f"T = {run['steps']}": run["curve"] for run in runs}
    of = "nats" if binary else "bits_per_dim"
    tops = [run["curve"][len(run["curve"]) // 4][of] for run in runs if run["curve"]]
    top = max(tops, default=None)  # the first quarter would flatten the rest
    left, right = (curves(logs, along, of, top, log_x=True) for along in ("images", "minutes"))
    page = Image.new("RGB", (left.width + right.width, left.height + HEAD), "white")
    page.paste(left, (0, HEAD))
    page.paste(right, (left.width, HEAD))
    title = f"{name} with T steps: cost by images seen, and by time"
    font = ImageFont.load_default(20)
    ImageDraw.Draw(page).text((24, HEAD // 2), title, fill=INK, font=font, anchor="lm")
    return page

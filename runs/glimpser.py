"""Train a classifier of cluttered digits, measure it on the test split once, ship it if asked to.

    python runs/glimpser.py NAME --data DIR [--seed s] [--updates U | --minutes M]
                            [--max-minutes m] [--now] [--ship]

For `glimpser_mnist_cluttered`, `glimpser_mnist_cluttered_4`, `convnet_mnist_cluttered` and
`convnet_small_mnist_cluttered`. The run is in out/NAME_s and resumes. Its schedule has so many
updates, or as many as fit into so many minutes on this machine by a minute's trial (`clock`);
without either it is the preset's. --max-minutes is how long this call may train: run it again to go
on. A run that was begun keeps its settings. The weights are those that were best on validation
images; the 10,000 test images are looked at when the schedule is finished, or --now: with the
pieces of clutter that were trained with, 8, and with 0, 4 and 16. The numbers go to
runs/results/NAME_s.json; --ship puts the model into the package as NAME.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

import record
from convdraw import carried, settings
from underdraw import checkpoint
from underdraw.configs import from_json
from underdraw.data import DataConfig, Images, describe, open_images
from underdraw.files import write_json
from underdraw.grade import grade
from underdraw.presets import Preset
from underdraw.study import PIECES
from underdraw.study.runs import numbers_of
from underdraw.train import read_log

PUBLISHED = {
    "glimpser_mnist_cluttered": {"DRAW paper, 8 glimpses": 0.0336, "RAM, 8 glimpses": 0.0811},
    "glimpser_mnist_cluttered_4": {"DRAW paper, 4 glimpses": 0.0418, "RAM, 4 glimpses": 0.0941},
    "convnet_mnist_cluttered": {"Convolutional, 2 layers": 0.1435},
}
"""Test errors of DRAW's Table 1, on its own draw of the clutter; RAM has 4 scales."""

CARD = """# {name}

{summary}; {parameters:,} parameters.

- **Trained on** the training split of `{data}`, made anew every epoch, for {updates:,} updates of
  {batch} images ({images_seen:,} in all), {minutes:.0f} minutes on {machine}, seed {seed}, by
  `runs/glimpser.py`{how}.
  These are the weights of update {best_at:,}, the best on validation images.
- **Test error** ({images:,} images): {error}.
- **Clutter**, without training again: {clutter}.
- **Use:** studying and teaching attention. It tells digits among pieces of digits and knows nothing
  else.
- **Licence:** Apache-2.0. The digits: {licence}.
"""


def measured(run: Path, root: Path | None) -> dict[str, Any]:
    """What a run's model comes to on the test split, measured once."""
    path = run / record.TEST
    if not path.is_file():
        about = checkpoint.describe(run)
        data, trained = from_json(DataConfig, about["data"]), about["trained"]
        model = checkpoint.load_classifier(run, "cuda" if torch.cuda.is_available() else "cpu")
        state = numbers_of(run)
        amounts = sorted({*PIECES, data.pieces})
        errors = {str(pieces): asdict(errors_of(model, data, pieces, root)) for pieces in amounts}
        values = {
            "data": f"{data.name}/test", "parameters": sum(p.numel() for p in model.parameters()),
            "updates": state.step, "images_seen": state.images, "minutes": state.minutes,
            "seed": about["train"]["seed"], "best_at": trained["step"],
            "valid_nats": trained["validation_nats"], "valid_error": trained["validation_error"],
            "test": errors[str(data.pieces)], "clutter": errors,
            "published": PUBLISHED.get(about["preset"], {}), "commit": record.commit(),
            "machine": record.machine(),
        }  # fmt: skip
        write_json(path, values)
    return record.measured(run)


def errors_of(model: Any, data: DataConfig, pieces: int, root: Path | None) -> Any:  # noqa: ANN401
    """The grade of a model on the whole test split with so many pieces of clutter."""
    images = open_images(replace(data, pieces=pieces), "test", root)
    assert isinstance(images, Images)
    with record.progress(f"{pieces} pieces of clutter", len(images)) as report:
        return grade(model, images, batch=min(250, len(images)), report=report)


def error(row: dict[str, Any]) -> str:
    """The test error in words."""
    test = row["test"]
    low, high = 100 * test["low"], 100 * test["high"]
    text = f"**{100 * test['error']:.2f} %** (95 % interval {low:.2f} to {high:.2f})"
    known = [f"{name} {100 * value:.2f} %" for name, value in row["published"].items()]
    return f"{text}; published: {', '.join(known)}" if known else text


def how(found: Preset) -> str:
    """What else is to be known of the training."""
    told = [
        f"its digits distorted (`data.warp` {found.data.warp})" if found.data.warp else "",
        "on a canvas that grows" if found.data.growing else "",
        f"from the weights of `{found.train.initial}`" if found.train.initial else "",
    ]
    return "".join(f", {part}" for part in told if part)


def card(name: str, found: Preset, row: dict[str, Any]) -> str:
    """The card of a model that ships."""
    m = row["machine"]
    machine = m["gpu"] or f"{m['processor']} ({m['cores']} cores, {m['instructions']})"
    clutter = [f"{100 * grade['error']:.2f} % with {n}" for n, grade in row["clutter"].items()]
    return CARD.format(
        name=name, summary=found.summary, data=found.data.name, batch=found.train.batch,
        machine=machine, error=error(row), clutter=", ".join(clutter) + " pieces",
        how=how(found), images=row["test"]["images"], licence=describe(found.data).licence,
        **{
            key: row[key]
            for key in ("parameters", "updates", "images_seen", "minutes", "seed", "best_at")
        },
    )  # fmt: skip


def main(
    name: str,
    data: Path | None = None,
    seed: int = 0,
    updates: int | None = None,
    minutes: float | None = None,
    max_minutes: float | None = None,
    learning_rate: float | None = None,
    batch: int | None = None,
    pace: int | None = None,
    initial: str | None = None,
    early: float | None = None,
    run: Path | None = None,
    now: bool = False,
    ship: bool = False,
) -> None:
    """Train, measure, ship.

    Args:
        name: of the preset.
        data: local mirror of the data; None asks the hub.
        seed: of the weights and the order of images.
        updates: of the schedule.
        minutes: make the schedule end after so many minutes of training in all.
        max_minutes: stop this call, resumable, after so many minutes.
        learning_rate: another than the preset's.
        batch: another than the preset's.
        pace: another than the preset's.
        early: weight of the cost after earlier glimpses, if not the preset's.
        initial: model whose weights to start from, if not the preset's.
        run: the run's folder; out/NAME_SEED if not given.
        now: measure what is best so far, though the schedule is not finished.
        ship: put the model into the package.
    """
    run = record.ROOT / "out" / f"{name}_{seed}" if run is None else run
    found = settings(
        name, run, data, minutes, seed=seed, learning_rate=learning_rate, batch=batch, pace=pace,
        steps=updates, initial=initial, early=early,
    )  # fmt: skip
    if not carried(found, run, data, max_minutes, now):
        return
    row = measured(run, data)
    log = [line for line in read_log(run) if line["kind"] == "valid"]
    more = {"initial": found.train.initial, "warp": found.data.warp}
    record.write(f"{name}_{found.train.seed}", **row, **more, log=log)
    if ship:
        plain = {key: value for key, value in row["test"].items() if value is not None}
        record.ship(run, name, card(name, found, row), split=row["data"], **plain)
    print(f"{name}: {error(row)}")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))

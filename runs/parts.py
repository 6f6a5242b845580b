"""Runs that began with the weights of other runs: what all parts took, and their logs as one.

A run's `train.initial` may be the folder of another run, and that one's of a third. What training
took is the sum over all of them; the log goes on where the one before ended.
"""

import json
from pathlib import Path
from typing import Any

import arithmetic
from underdraw import checkpoint
from underdraw.configs import from_json
from underdraw.presets import TrainConfig
from underdraw.study.runs import numbers_of
from underdraw.train import read_log
from underdraw.train.state import LAST

ROOT = Path(__file__).parent.parent
ORIGIN = "origin.json"  # in the folder of a run: commit and machine, and what it went on from
ADDED = ("updates", "images_seen", "minutes", "pflop")


def before(initial: str | None) -> Path | None:
    """The folder of the run that one began with, if it began with a run."""
    folder = None if initial is None else ROOT / initial  # a full path stays what it is
    return folder if folder is not None and (folder / LAST).is_file() else None


def chain(run: Path) -> list[Path]:
    """The folders of all parts, the first one first.

    Raises:
        ValueError: another run is now where the one was that a part began with.
    """
    first = before(checkpoint.describe(run)["train"].get("initial"))
    if first is None or first.resolve() == run.resolve():
        return [run]
    origin, there = run / ORIGIN, numbers_of(first).step
    begun = json.loads(origin.read_text("utf-8")) if origin.is_file() else {}
    if begun.get("after", there) != there:
        raise ValueError(f"{run} began with {begun['after']} updates, and {first} has {there}")
    return [*chain(first), run]


def effort(run: Path) -> dict[str, Any]:
    """What one part took, without those before it, and its batch."""
    about, numbers = checkpoint.describe(run), numbers_of(run)
    train = from_json(TrainConfig, about["train"])
    config = checkpoint.load(run).config
    return {
        "updates": numbers.step, "images_seen": numbers.images, "minutes": numbers.minutes,
        "pflop": arithmetic.pflop(config, train, numbers.step, numbers.images),
        "batch": train.batch,
    }  # fmt: skip


def efforts(run: Path) -> dict[str, Any]:
    """What all parts took, and each of them if there are several."""
    parts = [effort(one) for one in chain(run)]
    whole = {key: sum(part[key] for part in parts) for key in ADDED}
    return whole if len(parts) == 1 else {**whole, "parts": parts}


def validations(run: Path) -> list[dict[str, Any]]:
    """Rows of the logs of all parts that tell of a validation, with updates and minutes of all."""
    found: list[dict[str, Any]] = []
    done = {"step": 0, "minutes": 0.0}
    for number, one in enumerate(chain(run), 1):
        rows = [row for row in read_log(one) if row["kind"] == "valid"]
        found += [
            {**row, **{key: row[key] + done[key] for key in done}, "part": number} for row in rows
        ]
        numbers = numbers_of(one)
        done = {"step": done["step"] + numbers.step, "minutes": done["minutes"] + numbers.minutes}
    return found


def in_words(row: dict[str, Any]) -> str:
    """The parts of a row of results, or whose weights it began with, as the end of a sentence."""
    if parts := row.get("parts"):
        minutes = " and ".join(f"{part['minutes']:.0f}" for part in parts)
        return f" In {len(parts)} parts, of {minutes} minutes, each from the weights of the last."
    if row.get("initial"):
        return f" They began with the weights of `{row['initial']}`."
    return ""

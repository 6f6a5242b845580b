"""Runs that began with the weights of other runs: what all parts took, and their logs as one.

A run's `train.initial` may be the folder of another run, and that one's of a third. What training
took is the sum over all of them; the log goes on where the one before ended. Of a run whose folder
is gone, the row of the results tells (`revive.py`), in the place of its checkpoint.
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
TOLD = "told.json"  # in the folder of a model whose run is gone: its row of the results
ADDED = ("updates", "images_seen", "minutes", "pflop")


def before(initial: str | None) -> Path | None:
    """The folder of the run that one began with, if it began with a run."""
    folder = None if initial is None else ROOT / initial  # a full path stays what it is
    return folder if folder is not None and (told(folder) or (folder / LAST).is_file()) else None


def told(run: Path) -> dict[str, Any] | None:
    """The row of the results that tells of a run whose folder is gone."""
    path = run / TOLD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def updates(run: Path) -> int:
    """Of a run, or of all parts of one whose folder is gone."""
    row = told(run)
    return numbers_of(run).step if row is None else row["updates"]


def chain(run: Path) -> list[Path]:
    """The folders of all parts, the first one first.

    Raises:
        ValueError: another run is now where the one was that a part began with.
    """
    first = before(checkpoint.describe(run).get("train", {}).get("initial"))
    if first is None or first.resolve() == run.resolve():
        return [run]
    origin, there = run / ORIGIN, updates(first)
    begun = json.loads(origin.read_text("utf-8")) if origin.is_file() else {}
    if begun.get("after", there) != there:
        raise ValueError(f"{run} began with {begun['after']} updates, and {first} has {there}")
    return [*chain(first), run]


def effort(run: Path) -> list[dict[str, Any]]:
    """What one part took, without those before it, and its batch; or the parts that a row tells."""
    if (row := told(run)) is not None:
        return row.get("parts") or [{key: row[key] for key in ADDED}]
    about, numbers = checkpoint.describe(run), numbers_of(run)
    train = from_json(TrainConfig, about["train"])
    config = checkpoint.load(run).config
    return [{
        "updates": numbers.step, "images_seen": numbers.images, "minutes": numbers.minutes,
        "pflop": arithmetic.pflop(config, train, numbers.step, numbers.images),
        "batch": train.batch,
    }]  # fmt: skip


def efforts(run: Path) -> dict[str, Any]:
    """What all parts took, and each of them if there are several."""
    parts = [part for one in chain(run) for part in effort(one)]
    whole = {key: sum(part[key] for part in parts) for key in ADDED}
    return whole if len(parts) == 1 else {**whole, "parts": parts}


def validations(run: Path) -> list[dict[str, Any]]:
    """Rows of the logs of all parts that tell of a validation, with updates and minutes of all."""
    found: list[dict[str, Any]] = []
    done = {"step": 0, "minutes": 0.0, "part": 0}
    for one in chain(run):
        found += [{**row, **{key: row[key] + done[key] for key in done}} for row in _log(one)]
        for part in effort(one):
            ran = {"step": part["updates"], "minutes": part["minutes"], "part": 1}
            done = {key: done[key] + ran[key] for key in done}
    return found


def _log(run: Path) -> list[dict[str, Any]]:
    """The validations of one part, or of those that a row tells of, each with its part."""
    if (row := told(run)) is not None:
        return [{"part": 1, **line} for line in row["log"]]
    return [{**line, "part": 1} for line in read_log(run) if line["kind"] == "valid"]


def where(row: dict[str, Any], machine: str) -> str:
    """On which machine, in words: of several parts the row knows that of the last."""
    return f", the last part on {machine}" if row.get("parts") else f" on {machine}"


def in_words(row: dict[str, Any]) -> str:
    """The parts of a row of results, or whose weights it began with, as the end of a sentence."""
    if parts := row.get("parts"):
        minutes = " and ".join(f"{part['minutes']:.0f}" for part in parts)
        return f" In {len(parts)} parts, of {minutes} minutes, each from the weights of the last."
    if row.get("initial"):
        return f" They began with the weights of `{row['initial']}`."
    return ""

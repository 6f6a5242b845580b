"""Runs of a study: trained where they are not yet, resumed where they were stopped."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from underdraw.presets import Preset
from underdraw.train import RunError, train
from underdraw.train.state import LAST, Numbers, check_settings


class Interrupted(RunError):
    """A study stopped by a signal; what is trained stays, and the same command goes on."""

    def __init__(self, signal: int, run: Path) -> None:
        super().__init__(f"stopped by signal {signal} while training {run}; run it again to go on")
        self.exit_code = 128 + signal


def numbers_of(run: Path) -> Numbers:
    """Where a run stands by its last checkpoint; at the beginning if there is none.

    Raises:
        RunError: the checkpoint is damaged.
    """
    path = run / LAST
    if not path.is_file():
        return Numbers()
    try:
        with safe_open(path, "pt") as file:
            return Numbers(**json.loads((file.metadata() or {})["numbers"]))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def finish(preset: Preset, run: Path, root: Path | None, quiet: bool = False) -> None:
    """Train `preset` in the folder `run` to its last update; does nothing if that was done.

    Raises:
        Interrupted: a signal came.
        RunError: the folder holds another run, or the cost broke down.
    """
    check_settings(preset, run)
    if numbers_of(run).step < preset.train.steps:
        go_on(preset, run, root, None, quiet)


def go_on(
    preset: Preset, run: Path, root: Path | None, minutes: float | None, quiet: bool = False
) -> None:
    """Begin or resume a run, for so many minutes at most; raises as `finish` does."""
    outcome = train(preset, run, root=root, resume=True, max_minutes=minutes, quiet=quiet)
    if outcome.signal:
        raise Interrupted(outcome.signal, run)

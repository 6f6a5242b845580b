"""From a preset to a run: claim the folder, open the data, go, and say how it ended."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator

from underdraw.configs import from_json, to_json
from underdraw.data import Images, Stream, open_images
from underdraw.files import write_json
from underdraw.presets import Preset
from underdraw.train.log import Log
from underdraw.train.loop import Run
from underdraw.train.state import LAST, RunError
from underdraw.train.stop import StopWatch


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    step: int
    """Updates done in all."""
    reason: str
    """"finished", "time" or "signal"."""
    signal: int | None
    """The signal's number, if it was one."""
    best: float | None
    """Lowest validation bound, nats."""
    run: Path
    """The run's folder; `underdraw.load(run)` gives its best model."""
    first: bool
    """Whether this is the first of the processes, the one that speaks."""


def train(
    preset: Preset,
    out: Path,
    *,
    root: Path | None = None,
    images: Images | Stream | None = None,
    valid: Images | None = None,
    resume: bool = False,
    max_minutes: float | None = None,
    tensorboard: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Train what `preset` describes and leave the run in `out`.

    The folder holds preset.json, log.jsonl, samples/, the best model by validation
    (model.safetensors, config.json) and train/, from which it resumes.

    Args:
        preset: the experiment.
        out: the run's folder.
        root: local mirror of the data; see `underdraw.data.open_images`.
        images: train on these instead of the preset's data.
        valid: validate on these instead.
        resume: go on with the run in `out`, if it has begun.
        max_minutes: end cleanly, resumable, after so many minutes.
        tensorboard: also write TensorBoard events.
        quiet: show nothing.

    Returns:
        How it ended.

    Raises:
        RunError: `out` holds another run, or one that must be resumed, or the cost breaks down.
        DataError: the data are missing or damaged.
        ValueError: the preset cannot be trained on these images.
    """
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),  # else processes without a GPU do not find each other
        log_with="tensorboard" if tensorboard else None,
        project_dir=str(out),
    )
    _claim(preset, out, resume, accelerator)
    images = open_images(preset.data, "train", root) if images is None else images
    valid = _random_access(open_images(preset.data, "valid", root) if valid is None else valid)
    _fits(preset, images, valid)
    run = Run(preset, out, accelerator, valid, quiet)
    if (out / LAST).is_file():
        run.resume()
    if tensorboard:
        accelerator.init_trackers("tensorboard")
    numbers = run.state.numbers
    with (
        StopWatch(max_minutes) as stop,
        Log(out, preset.train.steps, numbers.step, accelerator, quiet) as log,
    ):
        reason = run.go(images, log, stop)
        run.save()
        if numbers.best is None:
            run.validate(log)  # stopped early: leave a model all the same
            run.save()
    accelerator.end_training()
    first = accelerator.is_main_process
    return Outcome(numbers.step, reason, stop.signal, numbers.best, out, first)


def _claim(preset: Preset, out: Path, resume: bool, accelerator: Accelerator) -> None:
    """Make `out` this run's, or refuse."""
    path, wanted = out / "preset.json", to_json(preset)
    if path.is_file():
        found = from_json(Preset, json.loads(path.read_text(encoding="utf-8")))
        if not resume:
            raise RunError(f"{out} holds a run already; resume it or choose another folder")
        if found != preset:
            raise RunError(f"{out} holds a run with other settings than these")
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        write_json(path, wanted)
    accelerator.wait_for_everyone()


def _random_access(images: Images | Stream) -> Images:
    if not isinstance(images, Images):
        raise ValueError(f"validation needs random access, and {images.name} is a stream")
    return images


def _fits(preset: Preset, *sets: Images | Stream) -> None:
    for images in sets:
        if tuple(images.shape) != tuple(preset.model.shape):
            raise ValueError(
                f"{images.name} holds images {images.shape}, the model draws {preset.model.shape}"
            )

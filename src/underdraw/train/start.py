"""From a preset to a run: claim the folder, open the data, go, and say how it ended."""

import atexit
import gc
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from underdraw import checkpoint
from underdraw.configs import to_json
from underdraw.data import Images, Stream, open_images
from underdraw.files import check_folder, write_json
from underdraw.grade import with_labels
from underdraw.presets import Preset
from underdraw.train.lock import locked
from underdraw.train.log import LOG, Log
from underdraw.train.loop import Run
from underdraw.train.precision import settled
from underdraw.train.state import LAST, SETTINGS, RunError, check_settings, sweep
from underdraw.train.stop import StopWatch

LEFT = (checkpoint.CARD, checkpoint.CONFIG, checkpoint.WEIGHTS, LOG)
"""Files of a run whose names others may have, too."""


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
    """Lowest validation of what is minimised: the bound with its beta, its samples or its cells or,
    of a classifier, the cross-entropy; nats."""
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
        CheckpointError: there is no model of the name that the preset starts from.
        RunError: `out` holds another run, one that must be resumed or one that goes on, or files
            that are of no run and have such names; none of the weights to start from fits; or the
            cost breaks down.
        DataError: the data are missing or damaged.
        NotADirectoryError: `out` cannot be a folder.
        ValueError: the preset cannot be trained on these images, or `max_minutes` is negative.
    """
    if max_minutes is not None and not max_minutes >= 0:
        raise ValueError(f"max_minutes must be 0 or more, got {max_minutes}")
    accelerator = _accelerator(out, tensorboard)
    _claim(preset, out, resume)
    preset = _settled(preset, out, accelerator)
    images = open_images(preset.data, "train", root) if images is None else images
    valid = _random_access(open_images(preset.data, "valid", root) if valid is None else valid)
    _fits(preset, images, valid)
    run = Run(preset, out, accelerator, valid, quiet)
    there = _written(out)
    if (out / LAST).is_file():
        run.resume()
    elif preset.train.initial is not None:
        run.state.adopt(checkpoint.load(preset.train.initial))
    batches = run.batches(images)
    accelerator.wait_for_everyone()  # all have looked before the first one writes
    with locked(out) if accelerator.is_main_process else nullcontext():
        if accelerator.is_main_process and _written(out) != there:
            raise RunError(f"{out} was still being trained by another process; run this again")
        return _go(run, batches, max_minutes, tensorboard, quiet)


def _written(out: Path) -> int | None:
    """When the last checkpoint of a run was written, if there is one."""
    path = out / LAST
    return path.stat().st_mtime_ns if path.is_file() else None


def _go(
    run: Run,
    batches: Iterator[tuple[int, Any]],
    max_minutes: float | None,
    tensorboard: bool,
    quiet: bool,
) -> Outcome:
    """Write to the run's folder, which is held, and train."""
    preset, out, accelerator = run.preset, run.out, run.accelerator
    if accelerator.is_main_process:
        sweep(out)
        write_json(out / SETTINGS, to_json(preset))
    if tensorboard:
        accelerator.init_trackers("tensorboard")
    numbers = run.state.numbers
    with (
        StopWatch(max_minutes) as stop,
        Log(out, preset.train.steps, numbers.step, accelerator, quiet) as log,
    ):
        reason = run.go(batches, log, stop)
        run.save()
        if run.agree(None, numbers.best is None, now=True)[1]:
            run.validate(log)  # stopped early: leave a model, of which a resumed run knows nothing
    accelerator.wait_for_everyone()
    for tracker in accelerator.trackers:
        tracker.finish()
    heard = stop.signal if reason == "signal" else None
    return Outcome(numbers.step, reason, heard, numbers.best, out, accelerator.is_main_process)


def _accelerator(out: Path, tensorboard: bool) -> Accelerator:
    if tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise ValueError("tensorboard is not installed: pip install 'underdraw[tensorboard]'")
    ours = not (torch.distributed.is_available() and torch.distributed.is_initialized())
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),  # else processes without a GPU do not find each other
        mixed_precision="no",  # a preset's own affair; see TrainConfig.precision
        log_with="tensorboard" if tensorboard else None,
        project_dir=str(out),
    )
    if ours and accelerator.num_processes > 1:
        atexit.register(_leave)
    if accelerator.gradient_accumulation_steps != 1:
        raise ValueError(
            f"accelerate is set to accumulate {accelerator.gradient_accumulation_steps} gradients; "
            "here an update is one batch"
        )
    return accelerator


def _leave() -> None:
    """Leave the process group when the process ends, or gloo's threads may abort it.

    No sooner: destroyed while a model that was wrapped for it is alive, it can hang, and whoever
    called may want to go on using it.
    """
    for name in ("last_exc", "last_value", "last_traceback"):  # they may hold the model
        vars(sys).pop(name, None)
    gc.collect()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _claim(preset: Preset, out: Path, resume: bool) -> None:
    """Refuse a folder that is another run's or nobody's, or this one's without `resume`."""
    check_folder(out)
    begun = (out / SETTINGS).is_file() or (out / LAST).is_file()
    if begun and not resume:
        raise RunError(f"{out} holds a run already; resume it or choose another folder")
    theirs = [out / name for name in LEFT if (out / name).exists()]
    if theirs and not begun:
        raise RunError(f"{theirs[0]} is there and of no run: choose another folder")
    check_settings(preset, out)


def _settled(preset: Preset, out: Path, accelerator: Accelerator) -> Preset:
    """The settings with the name of a precision: the first of the processes decides."""
    found = [preset]
    if accelerator.is_main_process:
        found = [settled(preset, out, device=accelerator.device.type)]
    broadcast_object_list(found)
    return found[0]


def _random_access(images: Images | Stream) -> Images:
    if not isinstance(images, Images):
        raise ValueError(f"validation needs random access, and {images.name} is a stream")
    return images


def _fits(preset: Preset, *sets: Images | Stream) -> None:
    for images in sets:
        if tuple(images.shape) != tuple(preset.model.shape):
            raise ValueError(
                f"{images.name} holds images {images.shape}, the model has {preset.model.shape}"
            )
        classes = getattr(preset.model, "classes", None)
        if classes is not None and isinstance(images, Images):
            with_labels(images, classes)

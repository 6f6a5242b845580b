"""The whole state of a run, and its checkpoints.

Weights, averaged weights, Adam's two moments and a few numbers: nothing else is needed to go on,
because all randomness of a run is a function of its seed and the update (`underdraw.noise`). A
checkpoint is one safetensors file, written aside and renamed, so that a run killed at any moment
finds the last whole one and from there repeats, to the last bit, what it would have done.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from underdraw.configs import from_json
from underdraw.files import aside, left_over
from underdraw.presets import Preset, TrainConfig
from underdraw.presets.config import Precision

LAST, SNAPSHOTS = Path("train/last.safetensors"), Path("train/snapshots")
SETTINGS = "preset.json"
KEPT = 5  # snapshots
Kept = TypeVar("Kept")


class RunError(ValueError):
    """A run that cannot go on, with the reason."""


class Diverged(RunError):
    """A run whose cost broke down again and again."""

    exit_code = 1


@dataclass
class Numbers:
    """The scalars of a run. `mean` and `spread` follow the cost, for the watch over jumps."""

    step: int = 0
    """Updates done."""
    images: int = 0
    """Images seen."""
    minutes: float = 0.0
    """Time spent training, over all processes that carried the run in turn."""
    best: float | None = None
    """Lowest validation so far of what is minimised, nats."""
    mean: float | None = None
    spread: float = 0.0
    windows: int = 0
    """Windows of the log that `mean` has followed."""
    window: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0, 0.0])
    """Sums of the task's means since the last row of the log, and the updates summed."""
    setbacks: list[list[int]] = field(default_factory=list)
    """[a, b] of each time that training went back, at update b to the snapshot of a. Those between
    may be broken; that of b is made once training has gone back."""


class TrainState:
    """Model, averaged weights, optimiser and numbers."""

    def __init__(self, model: Any, config: TrainConfig) -> None:  # noqa: ANN401
        self.model = model
        self.weights = dict(model.named_parameters())
        self.ema = {name: value.detach().clone() for name, value in self.weights.items()}
        self.optimizer = torch.optim.Adam(model.parameters(), config.learning_rate, fused=True)
        self.numbers = Numbers()

    def adopt(self, other: nn.Module) -> None:
        """Start from the weights of another model, where names and shapes agree.

        Raises:
            RunError: they never do.
        """
        given = dict(other.named_parameters())
        fitting = [
            name
            for name, value in self.weights.items()
            if name in given and given[name].shape == value.shape
        ]
        if not fitting:
            raise RunError(
                f"none of the weights to start from, of a {type(other).__name__}, fits this "
                f"{type(self.model).__name__}"
            )
        with torch.no_grad():
            for name in fitting:
                self.weights[name].copy_(given[name])
                self.ema[name].copy_(given[name])

    def average(self, decay: float) -> None:
        """Move the averaged weights towards the weights."""
        now = [value.detach() for value in self.weights.values()]
        torch._foreach_lerp_(list(self.ema.values()), now, 1 - decay)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that is a tensor, by name."""
        found: dict[str, Tensor] = {}
        for name, value in self.weights.items():
            found[f"weight/{name}"] = value.detach()
            found[f"ema/{name}"] = self.ema[name]
            for key, moment in self.optimizer.state.get(value, {}).items():
                found[f"{key}/{name}"] = moment
        return found

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        from safetensors.torch import save_file

        tensors = {key: value.cpu().contiguous() for key, value in self.tensors().items()}
        with aside(path) as temporary:
            save_file(tensors, temporary, metadata={"numbers": json.dumps(asdict(self.numbers))})

    def load(self, path: Path, numbers: bool = True) -> None:
        """Take over a checkpoint; without `numbers`, its tensors and the watch over the cost.

        Raises:
            RunError: it is damaged or of another model.
        """
        try:
            with safe_open(path, "pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                kept = Numbers(**json.loads((file.metadata() or {})["numbers"]))
            self._take(tensors)
        except (OSError, SafetensorError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise RunError(f"{path} cannot be resumed: {error}") from error
        if numbers:
            self.numbers = kept
        now = self.numbers
        now.mean, now.spread, now.windows = kept.mean, kept.spread, kept.windows

    def _take(self, tensors: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in self.weights.items():
                value.copy_(self._shaped(tensors, f"weight/{name}", value))
                self.ema[name].copy_(self._shaped(tensors, f"ema/{name}", value))
                if f"step/{name}" not in tensors:
                    self.optimizer.state.pop(value, None)
                    continue
                self.optimizer.state[value] = {
                    "step": tensors[f"step/{name}"].to(value.device),
                    "exp_avg": self._shaped(tensors, f"exp_avg/{name}", value).to(value.device),
                    "exp_avg_sq": self._shaped(tensors, f"exp_avg_sq/{name}", value).to(
                        value.device
                    ),
                }

    @staticmethod
    def _shaped(tensors: dict[str, Tensor], key: str, like: Tensor) -> Tensor:
        if tensors[key].shape != like.shape:
            raise ValueError(f"{key} is {tuple(tensors[key].shape)}, not {tuple(like.shape)}")
        return tensors[key]

    # --- snapshots ------------------------------------------------------------------------

    def snapshot(self, run: Path) -> None:
        """Keep the parameters of this update, to go back to."""
        self.save(run / SNAPSHOTS / f"{self.numbers.step:09d}.safetensors")

    def go_back(self, run: Path, age: int) -> int:
        """Take over the youngest snapshot at least `age` updates old; returns its update.

        The count of updates goes on, so the run meets other images and other noise than before.
        """
        now = self.numbers.step
        old = self._sound(run)
        ripe = [path for path in old if _at(path) <= now - age] or old[:1]
        if not ripe:
            raise RunError(f"the cost broke down at update {now} and {run} holds no snapshot")
        self.load(ripe[-1], numbers=False)
        found = _at(ripe[-1])
        self.numbers.setbacks.append([found, now])  # removed later: other processes may be reading
        return found

    def prune(self, run: Path) -> None:
        """Remove snapshots that no checkpoint from now on needs."""
        kept = self._sound(run)[-KEPT:]
        for path in snapshots(run):
            if _at(path) <= self.numbers.step and path not in kept:
                path.unlink()

    def _sound(self, run: Path) -> list[Path]:
        """Snapshots so far that training did not go back behind, oldest first."""
        return [
            path
            for path in snapshots(run)
            if _at(path) <= self.numbers.step
            and not any(a < _at(path) < b for a, b in self.numbers.setbacks)
        ]


def read_kept(path: Path, make: Callable[[Any], Kept]) -> Kept:
    """What `make` makes of the JSON in a file of a run.

    Raises:
        RunError: the file is damaged, or `make` refuses what it holds.
    """
    try:
        return make(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def check_settings(preset: Preset, run: Path) -> None:
    """Refuse a folder that holds a run with other settings; any precision will do for "fast".

    Raises:
        RunError: it does, or the file of its settings is damaged.
    """
    if not (run / SETTINGS).is_file():
        return
    there = begun(run)
    if preset.train.precision == "fast":
        preset = with_precision(preset, there.train.precision)
    if there != preset:
        raise RunError(f"{run} holds a run with other settings than these")


def begun(run: Path) -> Preset:
    """The settings of the run in a folder.

    Raises:
        RunError: they cannot be read, or name no precision.
    """
    return read_kept(run / SETTINGS, _named)


def _named(kept: dict[str, Any]) -> Preset:
    preset = from_json(Preset, kept)
    if preset.train.precision == "fast":
        raise ValueError('the precision of a run has a name, and is not "fast"')
    return preset


def with_precision(preset: Preset, name: Precision) -> Preset:
    """The settings with another precision."""
    return replace(preset, train=replace(preset.train, precision=name))


def snapshots(run: Path) -> list[Path]:
    """The snapshots of a run, oldest first."""
    return sorted((run / SNAPSHOTS).glob("[0-9]*.safetensors"))


def sweep(run: Path) -> None:
    """Remove what a process killed while writing left beside the run's files."""
    for folder in (run, run / "samples", run / LAST.parent, run / SNAPSHOTS):
        for path in left_over(folder):
            path.unlink()


def _at(path: Path) -> int:
    return int(path.stem)

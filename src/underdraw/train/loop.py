"""The training loop.

One update: images of this step, what they cost by the run's task, the gradient clipped to a
global norm, Adam, the average. Around it: a log, validation of the averaged weights (the best are
kept as the run's model), checkpoints, snapshots to go back to, and ways to stop. Written on
accelerate: one process, or many through `accelerate launch` or torchrun, each taking its share of
the same joint batch.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor

from underdraw.classifier import Classifier
from underdraw.data import Images, Stream, loader, random_subset
from underdraw.fast import compile_model
from underdraw.models import build
from underdraw.presets import Preset
from underdraw.recompute import recompute_steps
from underdraw.train import schedule
from underdraw.train.bound import BoundTask
from underdraw.train.classify import ClassTask
from underdraw.train.log import Log
from underdraw.train.state import LAST, Diverged, TrainState
from underdraw.train.stop import StopWatch
from underdraw.train.task import Place
from underdraw.train.validate import validate
from underdraw.train.watch import forget, jumped, restart

PATIENCE = 5  # setbacks in a row before giving up
TOGETHER = 10  # updates between questions among processes
REASONS = (None, "time", "signal")


class Run:
    """One run in progress."""

    def __init__(
        self, preset: Preset, out: Path, accelerator: Accelerator, valid: Images, quiet: bool
    ) -> None:
        self.preset, self.config, self.out = preset, preset.train, out
        self.accelerator, self.quiet = accelerator, quiet
        set_seed(self.config.seed)
        model = build(preset.model).to(accelerator.device)
        kind = ClassTask if isinstance(model, Classifier) else BoundTask
        self.task = kind(preset, model, Place(*self.rank, accelerator.device))
        if too_many := [count for _, count in self.config.glimpses if count > self.task.steps]:
            raise ValueError(
                f"glimpses asks for {too_many[0]} steps of a model that has {self.task.steps}"
            )
        self.state = TrainState(model, self.config)
        self.model = accelerator.prepare_model(model)
        count = self.config.validate_images or len(valid)
        self.valid = random_subset(valid, min(count, len(valid)), 0)  # the same for every seed
        if self.config.compile:
            compile_model(
                model, self.config.pace, device=accelerator.device.type,
                cuda_graphs=self.config.cuda_graphs,
            )  # fmt: skip
        if self.config.recompute:
            recompute_steps(model)
        self.sums = torch.zeros(len(self.task.names), device=accelerator.device)
        self.count = self.timed = 0  # updates in the sums, and in the seconds spent on them
        self.clock = self.saved = self.spent = 0.0

    @property
    def rank(self) -> tuple[int, int]:
        """This process's number, and how many there are."""
        return self.accelerator.process_index, self.accelerator.num_processes

    def resume(self) -> None:
        """Take over the run's last checkpoint."""
        self.state.load(self.out / LAST)
        *sums, count = self.state.numbers.window
        if not sums or len(sums) % len(self.sums):
            return  # a checkpoint of before another sum was followed: begin a window
        rows = torch.tensor(sums, device=self.sums.device).unflatten(0, (-1, len(self.sums)))
        mine = rows[self.rank[0]] if len(rows) == self.rank[1] else rows.mean(0)
        self.sums, self.count = mine, int(count)

    # --- one update -----------------------------------------------------------------------

    def update(self, batch: Any) -> Tensor:  # noqa: ANN401
        """Take one update on this rank's batch; returns the task's means over it."""
        step, config, state = self.state.numbers.step, self.config, self.state
        if config.cuda_graphs:
            torch.compiler.cudagraph_mark_step_begin()  # what the last update gave is used up
        loss, means = self.task.cost(self.model, batch, step)
        self.accelerator.backward(loss)
        self.apply(schedule.learning_rate(config, step))
        state.average(schedule.ema_decay(config, step))
        state.numbers.step += 1
        state.numbers.images += config.batch
        return means

    def apply(self, learning_rate: float) -> None:
        """Clip the gradient and let Adam move; a gradient that is not finite moves nothing."""
        optimizer = self.state.optimizer
        norm = torch.nn.utils.clip_grad_norm_(
            self.state.model.parameters(), self.config.clip, foreach=True
        )
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        # How gradient scalers tell a fused Adam to stand still, without asking the device.
        optimizer.found_inf = (~norm.isfinite()).float()  # type: ignore[attr-defined]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    # --- now and then ---------------------------------------------------------------------

    def tally(self) -> None:
        """Count the time since the clock was set as spent on updates, and set it."""
        now = time.monotonic()
        self.state.numbers.minutes += (now - self.clock) / 60
        self.spent += now - self.clock
        self.clock = now

    def look(self, log: Log) -> None:
        """Log a window of updates, and go back if its cost jumped."""
        reduced = self.accelerator.reduce(self.sums / self.count, reduction="mean")
        means: list[float] = reduced.tolist()
        self.sums, self.count = torch.zeros_like(self.sums), 0
        numbers, step = self.state.numbers, self.state.numbers.step
        log.row(
            "train", step, **self.task.row(means),
            images_per_s=self.timed * self.config.batch / max(self.spent, 1e-9),
            minutes=numbers.minutes, learning_rate=schedule.learning_rate(self.config, step),
        )  # fmt: skip
        self.timed, self.spent = 0, 0.0
        if jumped(numbers, means[-1], self.config.jump):
            self.set_back(log, means[-1])

    def set_back(self, log: Log, nats: float) -> None:
        """Go back to older parameters and go on."""
        numbers, every = self.state.numbers, self.config.snapshot_every
        recent = [at for _, at in numbers.setbacks if at > numbers.step - every]
        if len(recent) >= PATIENCE:
            raise Diverged(f"the cost broke down {PATIENCE} times by update {numbers.step}: {nats}")
        found = self.state.go_back(self.out, every * (1 + len(recent)) // 2)
        if schedule.phase(self.config, found) != schedule.phase(self.config, numbers.step):
            restart(numbers)  # it came with the snapshot; the best validation is of this phase
        log.row("setback", numbers.step, nats=nats, back_to=found)

    def validate(self, log: Log) -> None:
        """Measure the averaged weights on validation images; every process waits for it."""
        self.tally()
        if self.accelerator.is_main_process:
            found = validate(self.task, self.state, self.valid, self.out, self._share())
            log.row("valid", self.state.numbers.step, **found)
        self.accelerator.wait_for_everyone()
        self.clock = time.monotonic()  # measuring is no training

    def _share(self) -> int:
        """Images a process sees at once."""
        return self.config.batch // self.accelerator.num_processes * self.task.replicas

    def save(self) -> None:
        """Write a checkpoint; every process waits for it."""
        self.tally()
        rows = self.accelerator.gather(self.sums[None]).flatten().tolist()
        self.state.numbers.window = [*rows, float(self.count)]
        if self.accelerator.is_main_process:
            self.state.save(self.out / LAST)
            self.state.prune(self.out)
        self.accelerator.wait_for_everyone()
        self.saved = time.monotonic()

    # --- the loop -------------------------------------------------------------------------

    def batches(self, images: Images | Stream) -> Iterator[tuple[int, Any]]:
        """This process's share of the joint batches, from the next update on."""
        return loader(
            images, self.config.batch, self.config.seed, *self.rank,
            start=self.state.numbers.step, labels=self.task.labels,
        )  # fmt: skip

    def go(self, batches: Iterator[tuple[int, Any]], log: Log, stop: StopWatch) -> str:
        """Update until the steps are done or something says stop; returns why."""
        numbers, config = self.state.numbers, self.config
        self.clock = self.saved = time.monotonic()
        with closing(batches):  # type: ignore[type-var]
            while numbers.step < config.steps:
                if self.accelerator.is_main_process and numbers.step % config.snapshot_every == 0:
                    self.state.snapshot(self.out)
                _, batch = next(batches)
                self.sums = self.sums + self.update(batch)
                self.count, self.timed = self.count + 1, self.timed + 1
                self.now_and_then(log)
                due = time.monotonic() - self.saved > 60 * config.save_minutes
                why, save = self.agree(stop.reason, due)
                if why and numbers.step < config.steps:
                    return why
                if save:
                    self.save()
        return "finished"

    def now_and_then(self, log: Log) -> None:
        """What is due after this update: a row of the log, validation."""
        step, config = self.state.numbers.step, self.config
        if step % config.log_every == 0:
            self.tally()
            self.look(log)
        if step % config.validate_every == 0 or step == config.steps:
            self.validate(log)
        ended = step == config.steps
        if not ended and schedule.phase(config, step) != schedule.phase(config, step - 1):
            forget(self.state.numbers)

    def agree(self, why: str | None, save: bool, now: bool = False) -> tuple[str | None, bool]:
        """Why to stop, if any process wants to, and whether to save, if the first one does.

        Several processes ask each other every `TOGETHER` updates only, unless `now`.
        """
        if self.rank[1] == 1:
            return why, save
        if self.state.numbers.step % TOGETHER and not now:
            return None, False
        mine = torch.tensor([[REASONS.index(why), int(save)]], device=self.accelerator.device)
        everyone = self.accelerator.gather(mine)
        return REASONS[int(everyone[:, 0].max())], bool(everyone[0, 1])

"""The training loop.

One update: images of this step, noise of this step, the terms of the bound, the gradient clipped
to a global norm, Adam, the average. Around it: a log, validation of the averaged weights (the best
are kept as the run's model), checkpoints, snapshots to go back to, and ways to stop. Written on
accelerate: one process, or many through `accelerate launch` or torchrun, each taking its share of
the same joint batch.
"""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor

from underdraw.data import Images, Stream, loader, random_subset
from underdraw.fast import compile_model, precision
from underdraw.models import build
from underdraw.noise import training_noise
from underdraw.presets import Preset, TrainConfig
from underdraw.train import schedule
from underdraw.train.log import Log
from underdraw.train.objective import Objective, elbo, iwae
from underdraw.train.state import LAST, RunError, TrainState
from underdraw.train.stop import StopWatch
from underdraw.train.validate import validate
from underdraw.train.watch import forget, jumped

PATIENCE = 5  # setbacks in a row before giving up


class Run:
    """One run in progress."""

    def __init__(
        self, preset: Preset, out: Path, accelerator: Accelerator, valid: Images, quiet: bool
    ) -> None:
        self.preset, self.config, self.out = preset, preset.train, out
        self.accelerator, self.quiet = accelerator, quiet
        set_seed(self.config.seed)
        model = build(preset.model).to(accelerator.device)
        self.state = TrainState(model, self.config)
        self.model = accelerator.prepare_model(model)
        self.objective = objective(preset.train)
        count = self.config.validate_images or len(valid)
        self.valid = random_subset(valid, min(count, len(valid)), self.config.seed)
        if self.config.compile:
            compile_model(model, self.config.pace, device=accelerator.device.type)
        self.sums, self.count = torch.zeros(2, device=accelerator.device), 0
        self.clock = self.saved = 0.0

    def resume(self) -> None:
        """Take over the run's last checkpoint."""
        self.state.load(self.out / LAST)
        *sums, count = self.state.numbers.window
        self.sums, self.count = torch.tensor(sums, device=self.sums.device), int(count)

    # --- one update -----------------------------------------------------------------------

    def update(self, x: Tensor) -> Tensor:
        """Take one update on this rank's images; returns mean distortion and rate, nats, (2,)."""
        step, config, state = self.state.numbers.step, self.config, self.state
        terms = self.terms(x, step)
        loss = self.objective.loss(terms, step)
        self.accelerator.backward(loss)
        self.apply(schedule.learning_rate(config, step))
        state.average(schedule.ema_decay(config, step))
        state.numbers.step += 1
        state.numbers.images += config.batch
        paid = torch.stack([terms.distortion.mean(), terms.rates.sum(0).mean()])
        return paid.detach()

    def terms(self, x: Tensor, step: int) -> Any:  # noqa: ANN401
        """The terms of the bound of this rank's images at update `step`."""
        device, k = self.accelerator.device, self.objective.samples
        share = (self.accelerator.process_index, self.accelerator.num_processes)
        noise, u = training_noise(
            self.state.model, (self.config.seed, step), share, self.config.batch * k,
            schedule.glimpses(self.config, step),
        )  # fmt: skip
        x = x.repeat_interleave(k, 0)
        target = self.state.model.likelihood.target(x, u)
        z = [e.to(device, non_blocking=True) for e in noise]
        with precision(self.config.precision, device.type):
            return self.model(x.to(device), z, target.to(device), self.objective.cost)

    def apply(self, learning_rate: float) -> None:
        """Clip the gradient and let Adam move; a gradient that is not finite moves nothing."""
        optimizer = self.state.optimizer
        norm = torch.nn.utils.clip_grad_norm_(
            self.state.model.parameters(), self.config.clip, foreach=True
        )
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
        # On a GPU asking would wait for it; there the watch over the cost finds out.
        if norm.device.type != "cpu" or norm.isfinite():
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    # --- now and then ---------------------------------------------------------------------

    def look(self, log: Log, seconds: float) -> None:
        """Log a window of updates, and go back if its cost jumped."""
        count = self.count
        means = self.accelerator.reduce(self.sums / count, reduction="mean")
        distortion, rate = means.tolist()
        self.sums, self.count = torch.zeros_like(self.sums), 0
        numbers, step = self.state.numbers, self.state.numbers.step
        nats, speed = distortion + rate, count * self.config.batch / max(seconds, 1e-9)
        log.row(
            "train", step, nats=nats, distortion=distortion, rate=rate, images_per_s=speed,
            minutes=numbers.minutes, learning_rate=schedule.learning_rate(self.config, step),
        )  # fmt: skip
        if jumped(numbers, nats, self.config.jump):
            self.set_back(log, nats)

    def set_back(self, log: Log, nats: float) -> None:
        """Go back to older parameters and go on."""
        numbers, every = self.state.numbers, self.config.snapshot_every
        recent = [s for s in numbers.setbacks if s > numbers.step - every]
        if len(recent) >= PATIENCE:
            raise RunError(f"the cost broke down {PATIENCE} times by update {numbers.step}: {nats}")
        found = self.state.go_back(self.out, every * (1 + len(recent)) // 2)
        numbers.setbacks.append(numbers.step)
        log.row("setback", numbers.step, nats=nats, back_to=found)

    def validate(self, log: Log) -> None:
        """Measure the averaged weights on validation images; every process waits for it."""
        if self.accelerator.is_main_process:
            found = validate(self.state, self.preset, self.valid, self.out, self._share())
            log.row("valid", self.state.numbers.step, **found)
        self.accelerator.wait_for_everyone()

    def _share(self) -> int:
        """Images a process sees at once."""
        return self.config.batch // self.accelerator.num_processes * self.objective.samples

    def save(self) -> None:
        """Write a checkpoint; every process waits for it."""
        self.state.numbers.window = [*self.sums.tolist(), float(self.count)]
        if self.accelerator.is_main_process:
            self.state.save(self.out / LAST)
            self.state.prune(self.out)
        self.accelerator.wait_for_everyone()

    # --- the loop -------------------------------------------------------------------------

    def go(self, images: Images | Stream, log: Log, stop: StopWatch) -> str:
        """Update until the steps are done or something says stop; returns why."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        numbers, config = self.state.numbers, self.config
        if numbers.step >= config.steps:
            return "finished"
        self.clock = self.saved = time.monotonic()
        batches = loader(images, config.batch, config.seed, rank, world, start=numbers.step)
        with closing(batches):  # type: ignore[type-var]
            for _, x in batches:
                if self.accelerator.is_main_process and numbers.step % config.snapshot_every == 0:
                    self.state.snapshot(self.out)
                self.sums, self.count = self.sums + self.update(x), self.count + 1
                self.now_and_then(log)
                if numbers.step >= config.steps:
                    return "finished"
                if why := self.asked(stop):
                    return why
        raise RunError("the images ended")

    def now_and_then(self, log: Log) -> None:
        """What is due after this update: a row of the log, validation, a checkpoint."""
        step, config, now = self.state.numbers.step, self.config, time.monotonic()
        if step % config.log_every == 0:
            self.state.numbers.minutes += (now - self.clock) / 60
            self.look(log, now - self.clock)
            self.clock = now
        if step % config.validate_every == 0 or step == config.steps:
            self.validate(log)
            self.clock = time.monotonic()
        if schedule.glimpses(config, step) != schedule.glimpses(config, step - 1):
            forget(self.state.numbers)
        if self.agree(now - self.saved > 60 * config.save_minutes):
            self.save()
            self.saved = time.monotonic()

    def asked(self, stop: StopWatch) -> str | None:
        """Why to stop now, agreed on by all processes."""
        why = stop.reason
        if self.accelerator.num_processes == 1:
            return why
        code = {None: 0, "time": 1, "signal": 2}[why]
        flag = torch.tensor([code], device=self.accelerator.device)
        worst = int(self.accelerator.gather(flag).max())
        return {0: None, 1: "time", 2: "signal"}[worst]

    def agree(self, wish: bool) -> bool:
        """Whether the first process wishes so."""
        if self.accelerator.num_processes == 1:
            return wish
        flag = torch.tensor([int(wish)], device=self.accelerator.device)
        return bool(self.accelerator.gather(flag)[0])


def objective(config: TrainConfig) -> Objective:
    """The objective that a config asks for."""
    if config.importance_samples > 1:
        return iwae(config.importance_samples)
    return elbo(config.beta, config.kl_warmup)

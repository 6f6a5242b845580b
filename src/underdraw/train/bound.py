"""The bound as a task: distortion and rate of latent variable models, nats per image."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from underdraw.data import Images, is_binary
from underdraw.evaluate import evaluate
from underdraw.fast import precision
from underdraw.latent import LatentModel, cost_by_cell, cost_by_kl, prior
from underdraw.likelihoods import WINDOW, Distortion
from underdraw.noise import training_noise
from underdraw.plot import save, sheet
from underdraw.presets import Preset, TrainConfig
from underdraw.train import schedule
from underdraw.train.objective import Objective, elbo, iwae
from underdraw.train.task import Forward, Place, Row, Task

SHEET = 64  # samples


class BoundTask(Task):
    """The evidence lower bound, or the importance-weighted one."""

    names = ("distortion", "rate", "objective")
    kind = "a model that is trained by its bound"
    foreign = ("early",)

    def __init__(self, preset: Preset, model: Any, place: Place) -> None:  # noqa: ANN401
        super().__init__(preset, model, place)
        if preset.train.glimpses and not model.gradual:
            raise ValueError(
                f"glimpses is {preset.train.glimpses}, and before its last step a "
                f"{type(model).__name__} has no picture"
            )
        if preset.train.structure and min(preset.model.shape[1:]) < WINDOW:
            raise ValueError(
                f"structure is {preset.train.structure}, and images of {preset.model.shape} are "
                f"smaller than the {WINDOW} pixels of its window"
            )
        _binary(preset, model)
        self.objective = objective(preset.train)
        self.measure_of = measure_of(preset.train)
        self.distortion = Distortion(preset.train.error, preset.train.structure)
        self.replicas = self.objective.samples
        self.steps = 1 + model.sites[-1].step

    def cost(self, forward: Forward, batch: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """The objective; means of distortion, rate and the objective with its last weights."""
        terms = self.terms(forward, batch, step)
        loss = self.objective.loss(terms, step)
        whole = self.objective.loss(terms, self.config.kl_warmup + self.config.steps)
        means = torch.stack([terms.distortion.mean(), terms.rates.sum(0).mean(), whole])
        return loss, means.detach()

    def terms(self, forward: Forward, x: Tensor, step: int) -> Any:  # noqa: ANN401
        """The terms of the bound of this rank's images at update `step`."""
        k = self.objective.samples
        noise, u = training_noise(
            self.model, (self.config.seed, step), (self.place.rank, self.place.world),
            self.config.batch * k, schedule.glimpses(self.config, step),
        )  # fmt: skip
        x = x.repeat_interleave(k, 0)
        target = self.moved(self.model.likelihood.target(x, u))
        z = [self.moved(e) for e in noise]
        with precision(self.config.precision, self.place.device.type):
            return forward(self.moved(x), z, target, self.objective.cost, self.distortion)

    def row(self, means: Sequence[float]) -> dict[str, float]:
        """The bound and its parts."""
        distortion, rate, whole = means
        return {
            "nats": distortion + rate, "objective": whole, "distortion": distortion, "rate": rate,
        }  # fmt: skip

    def measure(self, images: Images, batch: int, steps: int | None) -> tuple[float, Row]:
        """What training minimises: the bound with its beta, or the importance-weighted bound."""
        samples = self.config.importance_samples if self.config.importance_samples > 1 else 0
        found = evaluate(
            self.model, images, seed=self.config.seed, batch=batch,
            products=self.config.precision, steps=steps, importance_samples=samples,
            cells=self.config.cells, distortion=self.distortion,
        )  # fmt: skip
        row: Row = {"nats": found.nats, "stderr": found.stderr}
        row |= {"distortion": found.distortion, "rate": found.rate}
        if found.importance_nats is not None:
            return found.importance_nats, row | {"importance_nats": found.importance_nats}
        if self.config.beta == 1.0 and not self.config.error:
            return found.nats, row
        objective = self.config.beta * found.distortion + found.rate
        return objective, row | {"objective": objective}

    @torch.no_grad()
    def show(self, images: Images, steps: int | None, path: Path) -> None:
        """Samples, always from the same noise."""
        generator = torch.Generator().manual_seed(self.config.seed)
        noise = [e.to(self.place.device) for e in self.model.noise(SHEET, generator, steps)]
        trace = self.model.unroll(prior(1.0, noise), n=SHEET)
        save(sheet(self.model.likelihood(trace.frames[-1].canvas).mean), path)


def _binary(preset: Preset, model: LatentModel[Any]) -> None:
    """Refuse what a likelihood of nothing but 0 and 1 cannot be trained by."""
    if not model.likelihood.binary:
        return
    name = type(model.likelihood).__name__
    if not is_binary(preset.data):
        raise ValueError(f"{name} need binary images, and those of {preset.data.name} are not")
    if preset.train.error:
        raise ValueError(f"error is {preset.train.error}, and {name} are not trained by errors")


def measure_of(config: TrainConfig) -> str:
    """What validation minimises, in words: the bound itself, or what training makes of it."""
    if config.importance_samples > 1:
        return f"importance-weighted validation bound (K = {config.importance_samples})"
    if config.beta != 1.0 or config.error or config.cells:
        return "what training minimises, on validation images, is"
    return "validation bound"


def objective(config: TrainConfig) -> Objective:
    """The objective that a config asks for."""
    if config.importance_samples > 1:
        return iwae(config.importance_samples)
    cost, falling = (cost_by_cell if config.cells else cost_by_kl), None
    if config.beta_from is not None:
        first, share = config.beta_from
        falling = first, math.ceil(share * config.steps)
    return elbo(config.beta, config.kl_warmup, cost, falling)

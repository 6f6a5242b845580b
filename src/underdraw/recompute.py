"""Memory for time: steps that are told again in the backward pass.

Training keeps what every step computed until the backward pass has used it: memory linear in the
number T of steps. Here a stretch of k steps keeps only the state it starts from, and is told once
more when its gradient is due (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016):

    memory = (T / k) states + k steps        least at k near sqrt(T): 2 sqrt(T)

at the price of one more forward pass. Noise is an argument of a step, so the second telling is the
first one, to the last bit, and there is no random state to restore.
"""

import math
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from underdraw.fast import TENSOR_RULES
from underdraw.latent import LatentModel, Stretch


class Recomputed:
    """Runs stretches by `run`, `pace` steps at a time, and keeps none of what lies between."""

    def __init__(self, run: Stretch, pace: int) -> None:
        self.run, self.pace = run, pace

    def __call__(
        self,
        model: Any,  # noqa: ANN401
        rule: Any,  # noqa: ANN401
        fold: Any,  # noqa: ANN401
        *rest: Any,  # noqa: ANN401
    ) -> tuple[Any, list[Any]]:
        """Run a stretch; sources that draw their own noise could not be asked twice."""
        if rule not in TENSOR_RULES or not torch.is_grad_enabled():
            return self._tell(model, rule, fold, *rest)
        told: tuple[Any, list[Any]] = checkpoint(
            self._tell, model, rule, fold, *rest, use_reentrant=False, preserve_rng_state=False
        )
        return told

    def _tell(
        self,
        model: Any,  # noqa: ANN401
        rule: Any,  # noqa: ANN401
        fold: Any,  # noqa: ANN401
        state: Any,  # noqa: ANN401
        given: Any,  # noqa: ANN401
        *rest: Any,  # noqa: ANN401
    ) -> tuple[Any, list[Any]]:
        told: list[Any] = []
        for first in range(0, len(given), self.pace):
            part = given[first : first + self.pace]
            state, shown = self.run(model, rule, fold, state, part, *rest)
            told += shown
        return state, told


def recompute_steps(model: LatentModel[Any], every: int | None = None) -> None:
    """Let `model` keep one state in `every` steps for the backward pass, in place.

    Gradients stay what they are. A compiled model stays compiled: call this after `compile_model`.

    Args:
        model: the model; its parameters and their names do not change.
        every: steps to a stretch that keeps its first state only, ceil(sqrt(T)) unless given;
            made a multiple of the steps to a compiled region.

    Raises:
        ValueError: `every` is below 1.
    """
    if every is None:
        every = math.ceil(math.sqrt(1 + model.sites[-1].step))
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    run, pace = model.run, model.pace
    if isinstance(run, Recomputed):
        run, pace = run.run, run.pace
    model.run, model.pace = Recomputed(run, pace), -(-every // pace) * pace

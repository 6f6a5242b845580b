"""Folds: what is kept of a step, and the two ways a choice is paid for.

in expectation      KL(q || p)
by this sample      log q(z) - log p(z),  which importance weights need
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from underdraw.latent.sources import seen
from underdraw.latent.trace import Choice, Drawn, Frame

Fold = Callable[[Frame, list[Drawn]], Any]


def kl(drawn: Drawn | Choice) -> Tensor:
    """KL(q || p), nats per image, (B,): the rate in expectation."""
    return seen(drawn.q).kl(drawn.p).flatten(1).sum(1)


def log_ratio(drawn: Drawn | Choice) -> Tensor:
    """The rate of this very sample, log q(z) - log p(z), nats per image, (B,)."""
    q = seen(drawn.q)
    return (q.log_prob(drawn.z) - drawn.p.log_prob(drawn.z)).flatten(1).sum(1)


def whole(frame: Frame, drawn: list[Drawn]) -> tuple[Frame, list[Drawn]]:
    """Keep everything a step shows."""
    return frame, drawn


def cost_by_kl(frame: Frame, drawn: list[Drawn]) -> tuple[Tensor, list[Tensor]]:
    """Keep the canvas and the expected rates."""
    return frame.canvas, [kl(d) for d in drawn]


def cost_by_sample(frame: Frame, drawn: list[Drawn]) -> tuple[Tensor, list[Tensor]]:
    """Keep the canvas and the rates of these very samples."""
    return frame.canvas, [log_ratio(d) for d in drawn]

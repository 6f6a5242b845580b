"""Folds: what is kept of a step, and the three ways a choice is paid for.

in expectation      KL(q || p)
by this sample      log q(z) - log p(z),  which importance weights need
by its cell         -log P(z - D / 2 .. z + D / 2),  what a codec that rounds pays

A cell is an interval of the width D = sqrt(12) sigma_q, whose uniform distribution has the standard
deviation of q, and P its mass under p, widened by a fiftieth of it: sqrt(sigma^2 + (D / 50)^2), or
what is rare would cost too much to be ever tried. Rounding to a grid of that width with a random
offset that the decoder knows adds just such noise (`sources.from_cell`) and costs just such masses
(Ziv, 1985), so that training pays what a file will (Balle et al., 2017).
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from underdraw.latent.sources import seen
from underdraw.latent.trace import Choice, Drawn, Frame
from underdraw.likelihoods.levels import log_between

NARROW = 1 / 50
"""Standard deviation that is added to the prior's, in squares, in cells."""
Fold = Callable[[Frame, list[Drawn]], Any]


def kl(drawn: Drawn | Choice) -> Tensor:
    """KL(q || p), nats per image, (B,): the rate in expectation."""
    return seen(drawn.q).kl(drawn.p).flatten(1).sum(1)


def log_ratio(drawn: Drawn | Choice) -> Tensor:
    """The rate of this very sample, log q(z) - log p(z), nats per image, (B,)."""
    q = seen(drawn.q)
    return (q.log_prob(drawn.z) - drawn.p.log_prob(drawn.z)).flatten(1).sum(1)


def cell(drawn: Drawn | Choice) -> Tensor:
    """Minus the logarithm of the mass of the cell around each latent, nats, of its shape."""
    width = 12**0.5 * seen(drawn.q).sigma
    wide = (drawn.p.sigma.square() + (NARROW * width).square()).sqrt()
    middle, side = (drawn.z - drawn.p.mu) / wide, width / wide
    return -log_between(middle - side / 2, middle + side / 2, side.expand_as(middle))


def log_cell(drawn: Drawn | Choice) -> Tensor:
    """Minus the logarithm of the mass of the cell around this sample, nats per image, (B,)."""
    return cell(drawn).flatten(1).sum(1)


def whole(frame: Frame, drawn: list[Drawn]) -> tuple[Frame, list[Drawn]]:
    """Keep everything a step shows."""
    return frame, drawn


def cost_by_kl(frame: Frame, drawn: list[Drawn]) -> tuple[Tensor, list[Tensor]]:
    """Keep the canvas and the expected rates."""
    return frame.canvas, [kl(d) for d in drawn]


def cost_by_sample(frame: Frame, drawn: list[Drawn]) -> tuple[Tensor, list[Tensor]]:
    """Keep the canvas and the rates of these very samples."""
    return frame.canvas, [log_ratio(d) for d in drawn]


def cost_by_cell(frame: Frame, drawn: list[Drawn]) -> tuple[Tensor, list[Tensor]]:
    """Keep the canvas and the rates of the cells around these samples."""
    return frame.canvas, [log_cell(d) for d in drawn]

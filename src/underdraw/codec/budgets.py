"""The best lossy stream of at most so many bytes.

A fine stream that is cut is often better than a coarse one that is whole: it has more of the early
steps, which tell most. So streams of several slopes are cut to the budget and decoded, and the one
with the least mean squared error is taken. At low rates the error has several valleys over the
slopes, often a decibel apart, so that no search replaces trying one slope for each grid.

Large pictures are tried on their middle, and what is best there need not be for the whole. So the
whole is coded with that slope and with one for which its stream should just fill the budget without
being cut: log2 of the length is taken to fall by one in 64 powers.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from underdraw.codec.exact import Twin
from underdraw.codec.lossy import COARSEST, FINEST, Levels, decode, encode

TRIED = range(FINEST, COARSEST + 1, 32)
"""Powers that are tried to make the best of a budget: one for each g."""
SAMPLE = 128
"""Sides of the middle part of a large picture that stands for it in this."""
FALL = 64
"""Powers in which a stream becomes half as long, about."""


def encode_within(
    twin: Twin, levels: Levels, budgets: Sequence[int], steps: int | None = None
) -> list[bytes]:
    """The best streams of pictures of one size, (B, 1 or C, H, W), within these bytes each.

    Args:
        twin: the model.
        levels: the pictures.
        budgets: bytes, for each picture.
        steps: how many are stored; all if None.

    Raises:
        CodecError: the pictures or the steps are none of the model's.
    """
    top, left = (max(side - SAMPLE, 0) // 2 for side in levels.shape[2:])
    part = levels[:, :, top : top + SAMPLE, left : left + SAMPLE]
    rooms = [budget * part[0].size // levels[0].size for budget in budgets]
    tried = [encode(twin, part, [power] * len(part), steps, rooms) for power in TRIED]
    errors = np.stack([squared_errors(twin, part, streams, steps) for streams in tried])
    best = [TRIED[row] for row in errors.argmin(0)]
    if part.shape == levels.shape:
        return [tried[row][i] for i, row in enumerate(errors.argmin(0))]
    return fitted(twin, levels, budgets, steps, best)


def fitted(
    twin: Twin, levels: Levels, budgets: Sequence[int], steps: int | None, powers: Sequence[int]
) -> list[bytes]:
    """Streams of the best of these slopes and of others that should fill the budgets."""
    room = [2 * budget + 8 for budget in budgets]
    first = encode(twin, levels, powers, steps, room)
    near = [_filling(p, len(s), b) for p, s, b in zip(powers, first, budgets, strict=True)]
    tries = [first, encode(twin, levels, near, steps, budgets)]
    cut = [[s[:b] for s, b in zip(streams, budgets, strict=True)] for streams in tries]
    errors = np.stack([squared_errors(twin, levels, streams, steps) for streams in cut])
    return [cut[row][i] for i, row in enumerate(errors.argmin(0))]


def _filling(power: int, length: int, budget: int) -> int:
    """The power at which a stream should be as long as its budget."""
    over = math.log2((length + 1) / (budget + 1))
    return min(max(power + math.ceil(FALL * over), FINEST), COARSEST)


def squared_errors(
    twin: Twin, levels: Levels, streams: Sequence[bytes], steps: int | None
) -> NDArray[np.int64]:
    """Sums of squared errors of what streams decode to, (B,)."""
    found = decode(twin, streams, levels.shape[2:], levels.shape[1], steps)
    return np.square(found.astype(np.int64) - levels).sum((1, 2, 3))

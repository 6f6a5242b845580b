"""The best lossy stream of at most so many bytes, of those that are tried.

A fine stream that is cut is often better than a coarse one that is whole: it has more of the early
steps, which tell most. So streams of several slopes are cut to the budget and decoded, and the one
with the least mean squared error is taken. At low rates the error has several valleys over the
slopes, often a decibel apart, so that no search replaces trying one slope for each grid.

Large pictures are tried on their middle, or on some of their tiles, and what is best there need not
be for the whole. So the whole is coded with that slope and with one for which its stream should
just fill the budget without being cut: log2 of the length is taken to fall by one in 64 powers.
"""

from collections.abc import Sequence
from functools import partial
from math import prod

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from underdraw.codec.exact import Twin
from underdraw.codec.lossy import COARSEST, FINEST, Levels, decode, encode
from underdraw.codec.tiles import cut
from underdraw.latent import Size

TRIED = range(FINEST, COARSEST + 1, 32)
"""Powers that are tried to make the best of a budget: one for each g."""
SAMPLE = 128
"""Sides of the middle part of a large picture that stands for it in this."""
FALL = 64
"""Powers in which a stream becomes half as long, about."""


def encode_within(
    twin: Twin,
    levels: Levels,
    budgets: Sequence[int],
    steps: int | None = None,
    tile: Size | None = None,
) -> list[bytes]:
    """The best streams of pictures of one size, (B, 1 or C, H, W), within these bytes each.

    Args:
        twin: the model.
        levels: the pictures.
        budgets: bytes, for each picture.
        steps: how many are stored; all if None.
        tile: height and width of the tiles that the pictures are cut into, if they are.

    Raises:
        CodecError: the pictures or the steps are none of the model's.
    """
    part = sample(levels, tile)
    rooms = [budget * part[0].size // levels[0].size for budget in budgets]
    code = partial(encode, twin, steps=steps, tile=tile)
    error = partial(squared_errors, twin, steps=steps, tile=tile)
    tried = [code(part, [power] * len(part), budgets=rooms) for power in TRIED]
    best = np.stack([error(part, streams) for streams in tried]).argmin(0)
    if part.shape == levels.shape:
        return [tried[row][i] for i, row in enumerate(best)]

    powers, room = [TRIED[row] for row in best], [2 * budget + 8 for budget in budgets]
    first = code(levels, powers, budgets=room)
    near = [_filling(p, len(s), b) for p, s, b in zip(powers, first, budgets, strict=True)]
    fitted = [[s[:b] for s, b in zip(first, budgets, strict=True)]]
    fitted.append(code(levels, near, budgets=budgets))
    best = np.stack([error(levels, streams) for streams in fitted]).argmin(0)
    return [fitted[row][i] for i, row in enumerate(best)]


def sample(levels: Levels, tile: Size | None) -> UInt8[np.ndarray, "b c y x"]:
    """What stands for pictures: their middle, or some of their tiles, one above the other."""
    if tile is None:
        top, left = (max(side - SAMPLE, 0) // 2 for side in levels.shape[2:])
        return levels[:, :, top : top + SAMPLE, left : left + SAMPLE]
    tiles = cut(levels, tile)
    each = len(tiles) // len(levels)
    some = max(SAMPLE**2 // prod(tile), 1)
    if each <= some:
        return levels
    chosen = tiles.reshape(len(levels), each, *tiles.shape[1:])[:, :: -(-each // some)]
    return np.concatenate(list(chosen.swapaxes(0, 1)), 2)


def _filling(power: int, length: int, budget: int) -> int:
    """The power at which a stream should be as long as its budget.

    That is ceil(64 log2 r) powers on for the ratio r of the two. r^64 is above 2^(d - 1) and below
    2^(d + 1), d the difference of binary digits, so that it is d or d + 1.
    """
    long, short = (length + 1) ** FALL, (budget + 1) ** FALL
    over = long.bit_length() - short.bit_length()
    over += long << max(-over, 0) > short << max(over, 0)
    return min(max(power + over, FINEST), COARSEST)


def squared_errors(
    twin: Twin,
    levels: Levels,
    streams: Sequence[bytes],
    steps: int | None,
    tile: Size | None = None,
) -> NDArray[np.int64]:
    """Sums of squared errors of what streams decode to, (B,)."""
    size, channels = (levels.shape[2], levels.shape[3]), levels.shape[1]
    found = decode(twin, streams, size, channels, steps, tile=tile)
    return np.square(found.astype(np.int64) - levels).sum((1, 2, 3))

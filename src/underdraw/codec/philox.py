"""Random whole numbers that are the same everywhere: Philox4x32-10, and Gaussians from them.

A counter (c_0 .. c_3) and a key (k_0, k_1) of 32-bit words give four random words in ten rounds
(Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011):

    p = c_0 0xD2511F53,  r = c_2 0xCD9E8D57                   products of 64 bits
    c_0 .. c_3 = high(r) ^ c_1 ^ k_0,  low(r),  high(p) ^ c_3 ^ k_1,  low(p)
    k_0, k_1 = k_0 + 0x9E3779B9, k_1 + 0xBB67AE85             after each round

There is no state: the number at a place is a function of the seed and the place. A seed of 64 bits
is the key, its lower half first. The words of number i in stream (a, b) are those of the counter
(floor(i / 4), a, b, 0), of which it takes word i mod 4.

A Gaussian comes from a word w by the inverse of T (`underdraw.codec.tables`), sigma = 2^(s/32):

    i = the largest i < 2^15 with T[i] <= floor(F w / 2^32)
    z = mean + floor(((2 i + 1 - 2^15) floor(2^8 sigma) + 2^19) / 2^20)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from underdraw.codec.errors import CodecError, Whole, whole
from underdraw.codec.tables import FREE, SCALES, normal, sigma

Words = NDArray[np.uint64]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_GUARD = 8  # binary digits of sigma kept below a unit


def philox(counter: Words, key: Words) -> Words:
    """Ten rounds: counters (..., 4) and keys (..., 2) to random words (..., 4), uint64 < 2^32."""
    c0, c1, c2, c3 = (counter[..., i].copy() for i in range(4))
    for i in range(_ROUNDS):
        k0, k1 = (key[..., j] + np.uint64(i * w) & _MASK for j, w in enumerate(_WEYL))
        p, r = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (r >> _HALF) ^ c1 ^ k0, r & _MASK, (p >> _HALF) ^ c3 ^ k1, p & _MASK
    return np.stack([c0, c1, c2, c3], axis=-1)


def words(seed: int | Sequence[int], stream: tuple[int, int], count: int) -> Whole:
    """The first `count` words of a stream, in 0 .. 2^32 - 1, (count,) or (seeds, count).

    Args:
        seed: 0 .. 2^64 - 1, or several.
        stream: two numbers, 0 .. 2^32 - 1 each; the codec's are an image and a site.
        count: how many, at most 2^34.

    Raises:
        CodecError: one of them is outside of its range.
    """
    seeds = [seed] if isinstance(seed, int) else seed
    told = *(("seed", one, 64) for one in seeds), *(("stream", part, 32) for part in stream)
    for name, value, bits in told:
        if not 0 <= value < 1 << bits:
            raise CodecError(f"{name} must be in 0..2^{bits} - 1, got {value}")
    if not 0 <= count <= 1 << 34:
        raise CodecError(f"count must be in 0..2^34, got {count}")
    counter = np.zeros((-(-count // 4), 4), dtype=np.uint64)
    counter[:, 0] = np.arange(len(counter), dtype=np.uint64)
    counter[:, 1:3] = stream
    key = np.array([[one & 0xFFFFFFFF, one >> 32] for one in seeds], dtype=np.uint64)
    drawn = philox(np.broadcast_to(counter, (len(seeds), *counter.shape)), key[:, None])
    found = drawn.reshape(len(seeds), -1)[:, :count].astype(np.int64)
    return found[0] if isinstance(seed, int) else found


def gaussians(
    seed: int | Sequence[int],
    stream: tuple[int, int],
    mean: Any,  # noqa: ANN401
    scale: Any,  # noqa: ANN401
) -> Whole:
    """A Gaussian whole number for each mean and scale class, in units; int64, their shape.

    The numbers of the stream are taken in the order of C; of several seeds, one for each entry of
    the first axis. |mean| is at most 2^52.

    Raises:
        CodecError: an argument is outside of its range.
    """
    mean, scale = whole("mean", mean, -(1 << 52), 1 << 52), whole("scale", scale, 0, SCALES - 1)
    mean, scale = np.broadcast_arrays(mean, scale)
    count = mean.size if isinstance(seed, int) else mean[0].size
    level = words(seed, stream, count).reshape(mean.shape) * FREE >> 32
    place = np.searchsorted(normal()[:-1], level, side="right") - 1
    return mean + (((2 * place + 1 - (1 << 15)) * sigma(scale, 1 << _GUARD) + (1 << 19)) >> 20)

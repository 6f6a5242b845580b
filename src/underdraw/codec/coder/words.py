"""constriction, fed with whole numbers only.

A symbol is an interval [low, low + mass) of the numbers below 2^24. constriction's categorical
model takes a row of n float64 weights w and gives symbol i the interval from C_i to C_(i+1),

    scale = (2^24 - n) / (w_0 + ... + w_(n-1))
    C_i   = floor(scale (w_0 + ... + w_(i-1))) + i for i < n,  C_n = 2^24.

Rows here hold mass - 1 of each symbol, so that they sum to 2^24 - n: then the scale is exactly 1,
every sum is a whole number below 2^53, and the intervals are exactly the ones meant.

To encode, where the interval is known, three symbols do: what is left of it, it, and the rest.
"""

from typing import Any, NamedTuple

import constriction
import numpy as np
from numpy.typing import NDArray

from underdraw.codec.errors import Whole
from underdraw.codec.tables import PRECISION, TOTAL

STREAM: Any = vars(constriction)["stream"]  # compiled: type checkers do not see it
CATEGORICAL = STREAM.model.Categorical(perfect=False)
UNIFORM = STREAM.model.Uniform()
WORD = np.dtype(">u4")  # as files have it

Rows = NDArray[np.float64]


class Intervals(NamedTuple):
    """Symbols to encode, in the order of coding.

    Attributes:
        low: lower ends, int64 (N,).
        mass: lengths, in 1 .. 2^24 - 2, int64 (N,).
    """

    low: Whole
    mass: Whole

    @property
    def bits(self) -> NDArray[np.float64]:
        """What each symbol costs, in bits."""
        return PRECISION - np.log2(self.mass)


def join(parts: list[Intervals]) -> Intervals:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    return Intervals(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def three(symbols: Intervals) -> tuple[NDArray[np.int32], Rows]:
    """Rows of three symbols, (N, 3), and which of them is the one meant, (N,)."""
    low, mass = symbols
    high = TOTAL - low - mass
    place = np.where(low == 0, 0, np.where(high == 0, 2, 1)).astype(np.int32)
    rows = np.empty((len(low), 3))
    rows[:, 0] = np.where(place == 0, mass, np.where(place == 2, 1, low))
    rows[:, 2] = np.where(place == 2, mass, np.where(place == 0, high - 1, high))
    rows[:, 1] = TOTAL - rows[:, 0] - rows[:, 2]
    rows -= 1
    return place, rows


def to_bytes(words: NDArray[np.uint32]) -> bytes:
    """Words as files have them, big-endian."""
    return words.astype(WORD).tobytes()


def to_words(data: bytes) -> NDArray[np.uint32]:
    """The words of `data`, whose length is a multiple of 4."""
    return np.frombuffer(data, WORD).astype(np.uint32)

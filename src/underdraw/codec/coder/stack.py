"""Asymmetric numeral systems: a stack of symbols, last in, first out, for bits-back coding.

The state x is a whole number below 2^64, with words of 32 bits below it. For [c, c + m):

    push   if x >= 2^40 m: push the lower word of x, x = floor(x / 2^32)
           x = 2^24 floor(x / m) + c + x mod m
    pop    q = x mod 2^24 lies in one interval [c, c + m);  x = m floor(x / 2^24) + q - c
           if x < 2^32 and there are words: x = 2^32 x + the word popped

(Duda, 2009; the variant is constriction's.) Pushing and popping undo each other whatever the
state, so anything can be popped from any bytes, and pushed back later. A new stack has x = 2^32,
and pushing and undoing keep x >= 2^32: a smaller x says that the stack has run dry. The bytes of a
stack are its words, the lowest first, then the lower and the upper word of x, big-endian each.
"""

import numpy as np
from numpy.typing import NDArray

from underdraw.codec.coder.words import (
    CATEGORICAL,
    STREAM,
    UNIFORM,
    Intervals,
    Rows,
    three,
    to_bytes,
    to_words,
)
from underdraw.codec.errors import CodecError, Whole

_BARE = b"\x00\x00\x00\x00\x00\x00\x00\x01"


class Stack:
    """A stack of symbols, from the bytes that `bytes` gave or empty.

    Raises:
        CodecError: `data` are not the bytes of a stack.
    """

    def __init__(self, data: bytes = _BARE) -> None:
        if len(data) < 8 or len(data) % 4 or not any(data[-4:]):
            raise CodecError(f"{len(data)} bytes are no stack: two words or more, the last not 0")
        self._coder = STREAM.stack.AnsCoder(to_words(data))

    def put(self, *parts: Intervals) -> None:
        """Push symbols, the last first, so that they are popped in the order they stand in."""
        for symbols in reversed(parts):
            if len(symbols.low):
                place, rows = three(symbols)
                self._coder.encode_reverse(place, CATEGORICAL, rows)

    def rows(self, rows: Rows) -> Whole:
        """Pop N symbols under rows (N, n) of mass - 1.

        Raises:
            CodecError: the stack has run dry.
        """
        return self._pop(CATEGORICAL, rows)

    def sizes(self, sizes: Whole) -> Whole:
        """Pop numbers below `sizes` (N,), powers of 2 in 2 .. 2^16; raises as `rows`."""
        return self._pop(UNIFORM, sizes.astype(np.int32))

    def _pop(self, model: object, parameters: Whole | Rows | NDArray[np.int32]) -> Whole:
        if len(parameters) == 0:
            return np.zeros(0, dtype=np.int64)
        symbols = self._coder.decode(model, parameters)
        if self.bits < 32:
            raise CodecError("the stack has run dry")
        return symbols.astype(np.int64)

    @property
    def bits(self) -> int:
        """Bits on the stack; a new one has 32, and one that has run dry fewer."""
        return int(self._coder.num_valid_bits())

    @property
    def bytes(self) -> bytes:
        """What is on the stack, as big-endian words; the top is last."""
        return to_bytes(self._coder.get_compressed())

    @property
    def bare(self) -> bool:
        """Whether it is as a new stack is: everything that was pushed has been popped."""
        return self.bytes == _BARE

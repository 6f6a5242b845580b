"""Range coding: a stream of symbols, first in, first out, every prefix of which can be read.

The encoder keeps 0 <= range < 2^64 and a number `low` of as many bits as have been written and 64
more; a symbol [c, c + m) makes

    scale = floor(range / 2^24);  low += scale c;  range = scale m;
    if range < 2^32: one more word of 32 bits of low is fixed, range *= 2^32.

It ends with the shortest string of bytes such that the number it begins lies in
[low, low + range) whatever bytes follow. The decoder knows a number `point` in that range:

    the symbol is the one with c <= floor((point - low) / scale) < c + m.

**What is read.** A file may be cut at any byte. A symbol counts as read if decoding gives the same
symbol for the bytes continued by 00 for ever and by FF for ever, and it and all symbols before it
do. (Then every continuation gives that symbol.) A quotient of 2^24 or more is no symbol.

**What is looked at.** A symbol takes at most one word. So N symbols are read from a window of N + 2
words, however many bytes there are. Where it begins, and `low` and `range` there, an encoder knows
that is told what was read. If it then stands so that no word behind the data was looked at, every
continuation would have given the same, and one is enough.
"""

from typing import Any

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

Stream = bytes | memoryview
"""The bytes of a stream; of those in a file a view does."""
_LOOK = 2  # words: the decoder's point; no symbol can be read that looks further past the end


class Encoder:
    """Writes symbols to a stream; `finish` gives its bytes, `bits` the length so far."""

    def __init__(self) -> None:
        self._coder = STREAM.queue.RangeEncoder()

    def put(self, *parts: Intervals) -> None:
        """Append symbols."""
        for symbols in parts:
            if len(symbols.low):
                place, rows = three(symbols)
                self._coder.encode(place, CATEGORICAL, rows)

    @property
    def bits(self) -> int:
        """Length so far, rounded down: what a file that ended here would need, but for its end."""
        words, (_, size) = self._coder.pos()
        return 32 * words + 64 - int(size).bit_length()

    def finish(self) -> bytes:
        """The shortest bytes whose every continuation decodes to what was put in."""
        return _finished(self._coder)


def _finished(coder: Any) -> bytes:  # noqa: ANN401
    """The stream of the symbols that a range coder was given."""
    if coder.is_empty():
        return b""
    words, (low, size) = coder.pos()
    sealed = to_bytes(coder.get_compressed())  # words of low + 2^32 - 1
    fixed = int.from_bytes(sealed[: 4 * words], "big") - ((low + (1 << 32) - 1) >> 64)
    low += fixed << 64
    for unit in range(64, -1, -8):
        start = -(-low >> unit)
        if (start + 1) << unit <= low + size:
            break
    return start.to_bytes(4 * words + 8 - unit // 8, "big")


class Decoder:
    """Reads symbols from the bytes of a stream, which may be cut short.

    Args:
        data: the stream, from its first byte.
        complete: the stream has to be there to its last byte: it is continued by 00, every symbol
            counts as read, and in the end `close` says whether that was right. Otherwise the rule
            of the module holds.
    """

    def __init__(self, data: Stream, complete: bool = False) -> None:
        self._ends = [b"\x00"] if complete else [b"\x00", b"\xff"]
        self._data, self._told = data, STREAM.queue.RangeEncoder()
        self.ended = False

    def rows(self, rows: Rows) -> Whole:
        """The next symbols under rows (N, n) of mass - 1; fewer than N where the stream ends."""
        return self._agree(CATEGORICAL, rows)

    def sizes(self, sizes: Whole) -> Whole:
        """The next numbers below `sizes` (N,), powers of 2 in 2 .. 2^16; fewer at the end."""
        return self._agree(UNIFORM, sizes.astype(np.int32))

    def close(self) -> None:
        """Refuse a stream that is not, byte for byte, what an encoder makes of what was read.

        Raises:
            CodecError: it is cut, or bytes follow its last symbol, or it ends in another way.
        """
        stream = _finished(self._told)
        if self.ended or self._data != stream:
            there, wanted = len(self._data), len(stream)
            raise CodecError(f"the stream has {there} bytes and does not end as one of {wanted}")

    def _agree(self, model: Any, parameters: Any) -> Whole:  # noqa: ANN401
        count = len(parameters)
        if self.ended or count == 0:
            return np.zeros(0, dtype=np.int64)
        part, state = self._window(count)
        read = _attempt(_coder(part, self._ends[0], state), model, parameters)[1]
        if len(read) == count:
            self._told.encode(read, model, parameters)
        if len(read) < count or self._looks_past_the_end():
            for end in self._ends[1:]:
                other = _attempt(_coder(part, end, state), model, parameters)[1]
                read = _agreement(read, other)
        self.ended = len(read) < count
        return read.astype(np.int64)

    def _window(self, count: int) -> tuple[bytes, Any]:
        """The words that so many symbols may take, as far as there are, and the coder's state."""
        place, state = self._told.pos()
        return bytes(self._data[4 * place : 4 * (place + count + _LOOK)]), state

    def _looks_past_the_end(self) -> bool:
        """Whether what follows the data could have changed what was read last."""
        return 4 * (self._told.pos()[0] + _LOOK) > len(self._data)


def _coder(part: bytes, end: bytes, state: Any) -> Any:  # noqa: ANN401
    """A decoder of words that are continued by a byte for ever, or as far as it can look."""
    padding = 4 * _LOOK + -len(part) % 4
    coder = STREAM.queue.RangeDecoder(to_words(part + end * padding))
    coder.seek(0, state)
    return coder


def _agreement(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.int32]:
    """What both begin with."""
    common = min(len(first), len(second))
    differs = np.flatnonzero(first[:common] != second[:common])
    return first[: differs[0] if differs.size else common]


def _attempt(coder: Any, model: Any, parameters: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Symbols up to the first quotient that is none, and the decoder behind them."""
    trial = coder.clone()
    try:
        return trial, trial.decode(model, parameters)
    except AssertionError:  # constriction's word for such a quotient; it keeps what came before
        if len(parameters) == 1:
            return coder, np.zeros(0, dtype=np.int32)
    half = len(parameters) // 2
    coder, first = _attempt(coder, model, parameters[:half])
    if len(first) < half:
        return coder, first
    coder, second = _attempt(coder, model, parameters[half:])
    return coder, np.concatenate([first, second])

"""Numbers of a known count of bits, coded evenly.

A number of b bits, 0 <= b <= 32, is coded in parts of at most 16: for a vector of them, first the
upper b - 16 bits of those with b > 16, then the lower min(b, 16) bits of those with b > 0. A part v
of d bits is the interval [v 2^(24-d), (v + 1) 2^(24-d)).

Of a part that was not read, the digits are 1 0 0 ...: the middle of what the number could be.
"""

import numpy as np

from underdraw.codec.coder.stack import Stack
from underdraw.codec.coder.streams import Decoder, Encoder
from underdraw.codec.coder.words import Intervals
from underdraw.codec.errors import Whole
from underdraw.codec.tables import PRECISION

_PART = 16
MAX_BITS = 2 * _PART


Reader = Decoder | Stack
Writer = Encoder | Stack


def even(values: Whole, bits: Whole) -> list[Intervals]:
    """The intervals of `values` (N,), each of `bits` (N,) bits."""
    upper, lower = bits > _PART, bits > 0
    return [
        _part(values[upper] >> _PART, bits[upper] - _PART),
        _part(values[lower] & ((1 << _PART) - 1), np.minimum(bits[lower], _PART)),
    ]


def _part(values: Whole, bits: Whole) -> Intervals:
    return Intervals(values << (PRECISION - bits), np.left_shift(1, PRECISION - bits))


def read_even(reader: Reader, bits: Whole, middle: bool = True) -> Whole:
    """Numbers of `bits` (N,) bits; one that is missing is 0 unless `middle`."""
    values = np.left_shift(1, bits) >> 1 if middle else np.zeros_like(bits)
    upper, lower = np.flatnonzero(bits > _PART), np.flatnonzero(bits)
    if len(upper):
        found = reader.sizes(np.left_shift(1, bits[upper] - _PART))
        values[upper[: len(found)]] = (found << _PART) + (1 << (_PART - 1))
    found = reader.sizes(np.left_shift(1, np.minimum(bits[lower], _PART)))
    lower = lower[: len(found)]
    values[lower] = (values[lower] & -(1 << _PART)) + found
    return values

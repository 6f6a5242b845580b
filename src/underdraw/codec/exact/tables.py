"""tanh and the logistic function as one table of integers, made by integer arithmetic.

    T[j] = round(2^16 tanh(u_j))      u_j = (j + 1/2) 2^-12 - 8      j = 0 .. 2^16 - 1

Entry j serves all u in [j, j + 1) 2^-12 - 8, so its index is a floor, and T is odd about its
middle. Beyond +-8 tanh is 1 to within 2^-21. The logistic function is (1 + tanh(x / 2)) / 2; the
half under the tanh is folded into the weights.

e^(2u) is computed with 128 fractional bits, from a Taylor series for its two factors and one
multiplication an entry, so every entry is correctly rounded and the same on every machine.
"""

from functools import cache

import torch
from torch import Tensor

from underdraw.codec.exact.grid import FRACTION

RESOLUTION = 12  # bits of u behind the point
ENTRIES = 16 << RESOLUTION
BITS = 128


def exponential(shift: int) -> int:
    """exp(2^-shift) in units of 2^-128."""
    total = term = 1 << BITS
    n = 0
    while term:
        n += 1
        term = (term >> shift) // n
        total += term
    return total


def rising() -> list[int]:
    """The upper half of the table, u > 0."""
    one = 1 << BITS
    power, factor = exponential(RESOLUTION), exponential(RESOLUTION - 1)
    values = []
    for _ in range(ENTRIES // 2):
        above, below = (power - one) << (FRACTION + 1), power + one
        values.append((above + below) // (2 * below))
        power = power * factor >> BITS
    return values


@cache
def tanh_table(dtype: torch.dtype) -> Tensor:
    """T, (2^16,), in units of 2^-16."""
    upper = rising()
    return torch.tensor([-value for value in reversed(upper)] + upper, dtype=dtype, device="cpu")

"""The grid that exact arithmetic lives on, and the proof that it stays there.

Activations are whole numbers of units of 2^-16, weights of 2^-18, kept in float64 tensors. Sums and
products of whole numbers below 2^53 are exact in float64 in whatever order they are taken, so
threads, vector units, blocking and fused multiply-adds cannot change a result:

    sum |w| BOUND + |b| + 2^33 < 2^53            for every output map, checked when a model is made

with BOUND = 2^24 units, 256 as a real number, to which everything that enters a product is clamped.
A product is brought back to the grid at once, by floor(x / 2^s + 1/2): a multiplication by a power
of two and a floor, which IEEE 754 rounds in one way only. With int64 tensors the same functions are
integer arithmetic, the reference.

Scales are classes s in [0, 1024): sigma = 2^(s / 32) units. Networks emit v = log2 sigma in units
of 2^-16, and the class is 32 (v + 16), rounded: no exponential is ever taken.
"""

import torch
from torch import Tensor

FRACTION = 16
WEIGHT_FRACTION = 18
BOUND = 2**24
EXACT = 2**53
OCTAVE = 32
CLASSES = 1024
GRIDS = 16  # of lossy files, from delta on, each half an octave wider
LEVEL = 1 << (FRACTION - 8)  # units to a level of an 8-bit image
FLOAT, INTEGER = torch.float64, torch.int64


def shift_(a: Tensor, bits: int) -> Tensor:
    """floor(a / 2^bits) of whole numbers, in place."""
    if a.is_floating_point():
        return a.mul_(2.0**-bits).floor_()
    return a.bitwise_right_shift_(bits)


def bound_(a: Tensor) -> Tensor:
    """Clamp to what may enter a product, in place."""
    return a.clamp_(-BOUND, BOUND)


def classes(v: Tensor) -> Tensor:
    """The scale classes of v = log2 sigma, sigma as a real number and v in units."""
    bits = FRACTION - OCTAVE.bit_length() + 1
    middle = OCTAVE * FRACTION
    return shift_(v + (1 << (bits - 1)), bits).add_(middle).clamp_(0, CLASSES - 1)


def on_grid(value: Tensor, bits: int) -> Tensor:
    """Real numbers to the nearest whole numbers of units of 2^-bits, int64.

    Raises:
        ValueError: one is not finite or too large to be exact.
    """
    scaled = (value.detach().double() * 2.0**bits).round()
    if not (scaled.abs() < EXACT).all():  # not a number fails too
        raise ValueError(f"{value.abs().max().item()} has no exact place on a grid of 2^-{bits}")
    return scaled.long()


def prove(name: str, weight: Tensor, bias: Tensor) -> None:
    """Show that products with `weight` (k, k, O, I) and `bias` (O,), both integers, are exact.

    Raises:
        ValueError: some output map could reach 2^53.
    """
    half = 1 << (FRACTION + WEIGHT_FRACTION - 1)  # what is added to round, at most
    total = weight.double().abs().sum((0, 1, 3)) * BOUND + bias.double().abs() + half
    if not (total < EXACT).all():
        raise ValueError(
            f"{name}: map {int(total.argmax())} could reach 2^{total.max().log2().item():.1f}, "
            "exact arithmetic ends at 2^53"
        )

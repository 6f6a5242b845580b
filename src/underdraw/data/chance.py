"""Random numbers without state: a hash of (seed, ..., counter).

Every random choice on data must be the same whoever asks for it, in whatever batch and on
whatever machine. So there is no generator to advance. A number is the hash of its key,

    h(k_1, ..., k_n) = mix(... mix(mix(k_1 + g) ^ k_2 + g) ... ^ k_n + g)    in 64 bits,

where `mix` is the finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable
pseudorandom number generators") and g is 2^64 over the golden ratio. Integer arithmetic only:
the numbers do not depend on the version of NumPy.
"""

import numpy as np
from jaxtyping import Float64, Int64, UInt64

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
CROP, BITS, DIGITS, ORDER, SUBSET, BUFFER, DRAIN, HELD_OUT, SHARE, PIXEL = range(1, 11)
CLUTTER, WARP, SHRINK = 11, 12, 13
"""What a number is for: the first part of every key, so that no two uses share a key.

Places of crops; images and pixels (BITS, PIXEL) of dynamic binarisation; digits of pictures and
their places; order of an epoch; random subsets; a stream's shuffle buffer while it is full and
as it empties (BUFFER, DRAIN); the validation images of SVHN; shares of a stored split; places and
pieces of cluttered digits; how those digits are distorted; scales of crops. A new use takes a new
number, and none is ever used again.
"""


def mix(x: UInt64[np.ndarray, "*s"]) -> UInt64[np.ndarray, "*s"]:
    """The finaliser of SplitMix64, a bijection of the 64-bit integers."""
    x = (x ^ (x >> np.uint64(30))) * FIRST
    x = (x ^ (x >> np.uint64(27))) * SECOND
    return x ^ (x >> np.uint64(31))


def hashed(*key: int | np.ndarray) -> UInt64[np.ndarray, "*s"]:
    """Hash the parts of a key, which broadcast against each other.

    Args:
        *key: integers, or arrays of integers, taken modulo 2^64.

    Returns:
        64 random bits for every element of the broadcast shape (at least one axis).
    """
    h = np.zeros(1, np.uint64)
    for part in key:
        k = np.asarray(part)
        bits = k.astype(np.uint64) if k.ndim else np.uint64(int(k) % 2**64)
        h = mix((h ^ bits) + GOLDEN)
    return h


def uniform(*key: int | np.ndarray) -> Float64[np.ndarray, "*s"]:
    """Uniform numbers in [0, 1) with 53 bits, one for every element of the key."""
    return (hashed(*key) >> np.uint64(11)) * 2.0**-53


def below(bound: int | np.ndarray, *key: int | np.ndarray) -> Int64[np.ndarray, "*s"]:
    """Uniform integers in [0, bound), one for every element of the key; bounds broadcast too."""
    return np.floor(uniform(*key) * bound).astype(np.int64)


def permutation(n: int, *key: int) -> Int64[np.ndarray, "n"]:
    """A random order of 0..n-1: a pure function of the key."""
    return np.argsort(hashed(*key, np.arange(n)), kind="stable")

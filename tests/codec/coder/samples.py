"""Numbers and pixels to be coded, and what they cost."""

import math

import numpy as np

from underdraw.codec.coder import Cells, Encoder, Grid, put_gaussians

WIDTH = 256  # units to a level
CASES = [
    ((250, 420), 1000, 1.0),  # rows of many lengths
    ((250, 420), 1000, 4.0),  # many beyond the ends
    ((0, 100), 5000, 1.0),  # narrower than the grid
    ((500, 1024), 700, 1.0),  # with digits below the cells
    ((600, 700), 1, 2.0),  # more than 16 of them
]


def sample(count, scale, delta, seed=0, surprise=1.0):
    """A grid with classes drawn from `scale`, and numbers drawn from it."""
    rng = np.random.default_rng(seed)
    mean = rng.integers(-(1 << 18), 1 << 18, count)
    scale = rng.integers(*scale, count)
    z = mean + surprise * rng.standard_normal(count) * 2.0 ** (scale / 32)
    return np.round(z / delta).astype(np.int64), Grid(delta, mean, scale)


def picture(count, seed=0, scale=(200, 400)):
    rng = np.random.default_rng(seed)
    mean, scale = rng.integers(-2000, 1 << 16, count), rng.integers(*scale, count)
    z = mean + rng.standard_normal(count) * 2.0 ** (scale / 32)
    return np.clip(z // WIDTH, 0, 255).astype(np.int64), Cells(mean, scale, WIDTH)


def encode(k, grid, **how):
    encoder = Encoder()
    put_gaussians([encoder], k, grid, **how)
    return encoder.finish()


def normal_bits(low, high):
    """-log2 of the normal distribution between low and high, in sigmas; by math.erfc."""
    flip = low > 0  # the lower tail is the exact one
    ends = np.where(flip, -high, low), np.where(flip, -low, high)
    pairs = zip(*(end / math.sqrt(2) for end in ends), strict=True)
    return np.array([1 - math.log2(math.erfc(-b) - math.erfc(-a)) for a, b in pairs])


def grid_bits(k, grid):
    ends = ((k + end) * grid.delta - grid.mean for end in (-0.5, 0.5))
    return normal_bits(*(end / 2.0 ** (grid.scale / 32) for end in ends))

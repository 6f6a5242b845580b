"""Rate-distortion optimised rounding against a search of the whole grid in ordinary arithmetic."""

import numpy as np
import pytest

from underdraw.codec.coder import Encoder, Grid, put_gaussians
from underdraw.codec.errors import CodecError
from underdraw.codec.rounding import Rounder, bits_of, slope_of

RNG = np.random.default_rng(0)
N = 400


def case(delta: int = 1000, q_class: int = 350) -> tuple[Grid, np.ndarray]:
    """Priors narrow and wide, posterior means here and there; sigma_q is 1963 units."""
    mean = RNG.integers(-20000, 20000, (1, N))
    grid = Grid(delta, mean, RNG.integers(280, 520, (1, N)))
    return grid, mean + RNG.integers(-9000, 9000, (1, N))


def test_bits_are_logarithms() -> None:
    mass = np.unique(np.concatenate([2 ** np.arange(25), RNG.integers(1, 1 << 24, 5000)]))
    assert np.abs(bits_of(mass) - (24 - np.log2(mass))).max() < 5e-4


def test_costs_are_what_is_written() -> None:
    grid, target = case()
    rounder = Rounder(grid, target, 350)
    k = rounder.choose(np.array([0.5]))
    encoder = Encoder()
    put_gaussians([encoder], k, grid)
    assert rounder.cost(k.reshape(-1)).sum() == pytest.approx(encoder.bits, abs=2)


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0, 4.0, 50.0])
@pytest.mark.parametrize("delta", [1000, 150, 9000])
def test_the_best_point_of_the_grid(slope: float, delta: int) -> None:
    grid, target = case(delta)
    rounder = Rounder(grid, target, 350)
    found = rounder.choose(np.array([slope])).reshape(-1)
    every = np.arange(-40000 // delta, 40000 // delta)[:, None] + np.zeros((1, N), np.int64)
    bits = np.stack([rounder.cost(k) for k in every])
    loss = ((every * delta - target) / 2 ** (350 / 32)) ** 2 / 2 / np.log(2) + slope * bits
    mine = loss[found - every[0, 0], np.arange(N)]
    assert (mine - loss.min(0) < 1e-3 + 0.02 * loss.min(0)).mean() > 0.97
    assert mine.sum() < 1.005 * loss.min(0).sum() + 1e-3


def test_slope_nought_is_the_nearest_point_and_a_steep_one_the_cheapest() -> None:
    grid, target = case()
    rounder = Rounder(grid, target, 350)
    nearest = rounder.choose(np.array([0.0])).reshape(-1)
    assert np.abs(nearest * 1000 - target).max() <= 500
    steep = rounder.choose(np.array([1e6])).reshape(-1)
    assert (rounder.cost(steep) <= rounder.cost(grid.nearest)).all()
    assert ((steep == grid.nearest) | (grid.shift > 0)).mean() > 0.9


def test_each_picture_has_its_own_slope() -> None:
    mean, scale = RNG.integers(-900, 900, (2, 3, 5)), RNG.integers(280, 420, (2, 3, 5))
    target = mean + RNG.integers(-9000, 9000, (2, 3, 5))
    both = Rounder(Grid(700, mean, scale), target, 350).choose(np.array([0.1, 9.0]))
    for i, slope in enumerate((0.1, 9.0)):
        one = Rounder(Grid(700, mean[i], scale[i]), target[i], 350).choose(np.array([slope]))
        assert np.array_equal(one, both[i])


def test_slopes_are_powers_of_two() -> None:
    assert slope_of(0) == 1
    assert slope_of(-64) == 0.25
    assert slope_of(320) == 1024
    assert slope_of(16) == pytest.approx(2**0.5, rel=1e-6)


def test_numbers_out_of_range() -> None:
    with pytest.raises(CodecError, match="scale"):
        Rounder(Grid(1, np.zeros(3), np.zeros(3)), np.zeros(3), 1024)

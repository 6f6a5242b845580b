"""Numbers on grids: they come back, alone and side by side, and cost what they should."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.coder.samples import CASES, WIDTH, encode, grid_bits, sample
from underdraw.codec.coder import (
    Cells,
    Decoder,
    Encoder,
    Grid,
    Stack,
    get_gaussians,
    get_pixels,
    put_gaussians,
)
from underdraw.codec.coder.gaussian import intervals
from underdraw.codec.errors import CodecError


@pytest.mark.parametrize(("scale", "delta", "surprise"), CASES)
def test_gaussians_come_back(scale, delta, surprise):
    k, grid = sample(300, scale, delta, surprise=surprise)
    found = get_gaussians([Decoder(encode(k, grid))], grid)
    assert (found.k == k).all()
    assert found.read.all()


@given(st.data())
def test_any_number_on_any_grid_comes_back(data):
    length = data.draw(st.integers(1, 6))

    def vector(low, high):
        return data.draw(st.lists(st.integers(low, high), min_size=length, max_size=length))

    delta, scale = vector(1, 1 << 24), vector(0, 1023)
    mean = vector(-(1 << 22), 1 << 22)
    k = np.array(vector(-(1 << 20), 1 << 20))
    grid = Grid(delta, mean, scale)
    found = get_gaussians([Decoder(encode(k, grid))], grid)
    assert (found.k == k).all()
    assert found.read.all()
    stack = Stack()
    put_gaussians([stack], k, grid)
    assert (get_gaussians([stack], grid).k == k).all()


@pytest.mark.parametrize(
    ("scale", "delta"), [((300, 480), 1000), ((200, 330), 1000), ((500, 700), 900)]
)
def test_costs_are_those_of_the_distribution(scale, delta):
    k, grid = sample(40_000, scale, delta)
    cost = intervals(1, k, grid)[0]
    excess = (cost.bits.sum() - grid_bits(k, grid).sum()) / len(k)
    assert abs(excess) < 0.002


def test_costs_far_out_are_no_larger_than_the_tail():
    scale, delta = 352, 1000
    k = np.arange(-17, 18)  # 8 sigma
    grid = Grid(delta, np.zeros(len(k)), scale)
    costs = [intervals(1, k[i : i + 1], grid[i : i + 1])[0].bits.sum() for i in range(len(k))]
    assert (costs < grid_bits(k, grid) + 2).all()


def test_coders_side_by_side_write_what_each_would_alone():
    rng = np.random.default_rng(5)
    mean = rng.integers(-(1 << 18), 1 << 18, (3, 2, 40))
    scale, delta = rng.integers(250, 500, (3, 2, 40)), np.array([[700], [900]])
    k = np.round((mean + rng.standard_normal(mean.shape) * 2.0 ** (scale / 32)) / delta)
    together = [Encoder() for _ in k]
    put_gaussians(together, k, Grid(delta, mean, scale))
    alone = [encode(k[i], Grid(delta, mean[i], scale[i])) for i in range(3)]
    assert [encoder.finish() for encoder in together] == alone
    found = get_gaussians([Decoder(data) for data in alone], Grid(delta, mean, scale))
    assert (found.k == k).all()


def test_many_rows_are_made_in_parts():
    k, grid = sample(3000, (480, 481), 1000)
    assert (grid.half == 128).all()  # 257 symbols each: more than are made at once
    data = encode(k, grid)
    pair = [Decoder(data), Decoder(data[:100])]
    twice = Grid(*(np.stack([part, part]) for part in (grid.delta, grid.mean, grid.scale)))
    found = get_gaussians(pair, twice)
    assert (found.k[0] == k).all()
    assert found.read[1].sum() == get_gaussians([Decoder(data[:100])], grid).read.sum()


@pytest.mark.parametrize("k", [[0], [0, 0.5], [0, 1 << 31], [0, math.nan], [[0, 0]]])
def test_numbers_that_are_none_are_refused(k):
    with pytest.raises(CodecError, match="k "):
        put_gaussians([Encoder()], k, Grid(1, [0, 0], 300))


def test_coders_are_counted():
    grid, cells = Grid(1, np.zeros((2, 3)), 300), Cells(np.zeros((2, 3)), np.zeros((2, 3)), WIDTH)
    three = [Decoder(b"")] * 3
    with pytest.raises(CodecError, match="3 coders"):
        get_gaussians(three, grid)
    with pytest.raises(CodecError, match="0 coders"):
        put_gaussians([], np.zeros((2, 3)), grid)
    with pytest.raises(CodecError, match="3 coders"):
        get_pixels(three, cells)

"""Stacks, and bits back."""

import math

import numpy as np
import pytest

from codec.coder.samples import CASES, sample
from underdraw.codec.coder import Grid, Stack, get_gaussians, put_gaussians
from underdraw.codec.errors import CodecError


@pytest.mark.parametrize(("scale", "delta", "surprise"), CASES)
def test_stacks_give_back_what_they_got(scale, delta, surprise):
    k, grid = sample(300, scale, delta, surprise=surprise)
    stack = Stack()
    put_gaussians([stack], k, grid)
    stack = Stack(stack.bytes)
    assert (get_gaussians([stack], grid).k == k).all()
    assert stack.bare


def test_what_is_popped_can_be_pushed_back():
    data = np.random.default_rng(0).bytes(400)
    stack, grid = Stack(data), Grid(512, np.arange(90) * 77, 320)  # delta = sigma / 2
    k = get_gaussians([stack], grid, tails=False).k
    assert (np.abs(k * 512 - grid.mean) <= 8.5 * 1024).all()
    used = 3200 - stack.bits
    assert abs(used / 90 - math.log2(math.sqrt(2 * math.pi * math.e) * 2)) < 0.5
    put_gaussians([stack], k, grid, tails=False)
    assert stack.bytes == data


def test_without_tails_nothing_far_can_be_coded():
    grid = Grid(512, np.zeros(2), 320)
    with pytest.raises(CodecError, match="k=17 is too far"):
        put_gaussians([Stack()], np.array([3, 17]), grid, tails=False)
    put_gaussians([Stack()], np.array([16, -16]), grid, tails=False)


def test_a_stack_says_when_it_is_dry():
    stack = Stack()
    with pytest.raises(CodecError, match="run dry"):
        get_gaussians([stack], Grid(512, np.zeros(30), 320))


@pytest.mark.parametrize("data", [b"", b"abcd", b"abcdefg", b"abcd\x00\x00\x00\x00"])
def test_no_stack(data):
    with pytest.raises(CodecError, match="are no stack"):
        Stack(data)

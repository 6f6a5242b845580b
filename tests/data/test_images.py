import numpy as np
import pytest
import torch

from underdraw.data import DataError, Images, Subset, hold, random_subset, to_bits, to_unit
from underdraw.data.images import View
from underdraw.data.memory import Array

from .conftest import random_levels


def test_levels_are_the_middles_of_their_cells():
    b = np.arange(256, dtype=np.uint8)
    x = to_unit(b)
    assert x.dtype == torch.float32
    assert torch.equal(x, (torch.arange(256) + 0.5) / 256)
    assert torch.equal((x * 256).floor().to(torch.uint8), torch.from_numpy(b))
    assert to_bits(b).sum() == 128
    assert to_bits(b)[128] == 1
    assert to_bits(b)[127] == 0


def test_hold_eight_bits():
    a = random_levels(5, 3, 4, 6)
    images = hold(a, "mine")
    assert isinstance(images, Images)
    assert (images.name, images.shape, images.binary, len(images)) == ("mine", (3, 4, 6), False, 5)
    assert torch.equal(images.take(np.array([4, 0])), to_unit(a[[4, 0]]))


@pytest.mark.parametrize("kind", [bool, np.float32, np.uint8, np.int64])
def test_hold_bits(kind):
    a = (random_levels(5, 4, 6) > 99).astype(kind)
    images = hold(a, binary=True)
    assert images.binary
    assert images.shape == (1, 4, 6)
    assert torch.equal(images.take(np.arange(5))[:, 0], torch.from_numpy(a.astype(np.float32)))


def test_hold_refuses():
    a = np.zeros((2, 1, 3, 3), np.float32)
    a[1, 0, 2, 1] = 0.5
    with pytest.raises(DataError, match=r"mine is not binary: value 0\.5 at .*\(1, 0, 2, 1\)"):
        hold(a, "mine")
    with pytest.raises(DataError, match="float32; uint8"):
        hold(a, "mine", binary=False)
    with pytest.raises(DataError, match=r"shape \(4,\)"):
        hold(np.zeros(4), "mine")
    with pytest.raises(DataError, match="mine has shape"):
        hold(np.zeros((0, 1, 2, 2), np.uint8), "mine")


def test_take_refuses_what_is_not_there():
    images = hold(random_levels(3, 2, 2))
    for bad in (-1, 3):
        with pytest.raises(IndexError, match="set of 3"):
            images.take(np.array([bad]))
    assert images.take(np.zeros(0, np.int64)).shape == (0, 1, 2, 2)


def test_dynamic_binarisation():
    a = np.tile(np.array([0, 64, 191, 255], np.uint8)[:, None, None, None], (1, 1, 40, 40))
    images = View(Array("set", a), "dynamic", seed=3)
    index = np.arange(4)
    x = images.take(index, draw=2)
    assert images.binary
    assert set(x.unique().tolist()) == {0, 1}
    assert np.allclose(x.mean((1, 2, 3)), [0, 64 / 255, 191 / 255, 1], atol=0.04)
    assert torch.equal(x[[2]], images.take(np.array([2]), draw=2))
    assert torch.equal(x, images.take(index, draw=2))
    assert not torch.equal(x, images.take(index, draw=3))
    assert not torch.equal(x, View(Array("set", a), "dynamic", seed=4).take(index, draw=2))
    assert images.take(np.zeros(0, np.int64)).shape == (0, 1, 40, 40)


def test_subset_keeps_the_chance_of_the_whole():
    a = random_levels(20, 1, 9, 9)
    whole = View(Array("set", a), "dynamic", seed=1)
    part = Subset(whole, np.array([5, 17, 5]))
    assert len(part) == 3
    assert part.binary
    assert part.shape == (1, 9, 9)
    assert torch.equal(part.take(np.array([1]), 4), whole.take(np.array([17]), 4))
    inner = Subset(part, np.array([1, 2, 1]))
    assert inner.images is whole
    assert inner.indices.tolist() == [17, 5, 17]
    assert torch.equal(inner.take(np.arange(3), 4), whole.take(np.array([17, 5, 17]), 4))
    with pytest.raises(DataError, match="3 of set"):
        Subset(part, np.array([3]))
    with pytest.raises(DataError, match="empty"):
        Subset(whole, np.zeros(0, np.int64))
    with pytest.raises(DataError, match="20 of set"):
        Subset(whole, np.array([20]))


def test_random_subset_is_no_prefix():
    whole = hold(random_levels(100, 2, 2))
    part = random_subset(whole, 30, seed=1)
    assert isinstance(part, Subset)
    assert len(part) == 30
    chosen = part.indices.tolist()
    assert chosen == sorted(set(chosen))
    assert max(chosen) > 60
    again, other = random_subset(whole, 30, seed=1), random_subset(whole, 30, seed=2)
    assert isinstance(again, Subset)
    assert isinstance(other, Subset)
    assert again.indices.tolist() == chosen != other.indices.tolist()
    assert random_subset(whole, None) is whole
    assert random_subset(whole, 100) is whole
    with pytest.raises(DataError, match="0 images"):
        random_subset(whole, 0)

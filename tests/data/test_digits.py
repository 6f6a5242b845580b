import hashlib

import datasets
import numpy as np
import pytest
import torch

import mnist_small
from underdraw.data import DataConfig, DataError, open_images, to_unit
from underdraw.data.digits import Pairs
from underdraw.data.memory import Array

from .conftest import random_levels, write_table


@pytest.fixture
def mirror(tmp_path):
    home = tmp_path / "ylecun" / "mnist" / "mnist"
    write_table(home / "train-00000-of-00001.parquet", random_levels(30, 28, 28))
    write_table(home / "test-00000-of-00001.parquet", random_levels(7, 28, 28, seed=1))
    return tmp_path


def test_mnist_splits(mirror):
    stored = random_levels(30, 28, 28)[:, None]
    train, valid, test = (open_images("mnist", s, mirror) for s in ("train", "valid", "test"))
    assert (len(train), len(valid), len(test)) == (25, 5, 7)
    assert train.shape == (1, 28, 28)
    assert not train.binary
    assert train.name == "mnist/train"
    assert torch.equal(train.take(np.arange(25)), to_unit(stored[:25]))
    assert torch.equal(valid.take(np.arange(5)), to_unit(stored[25:]))


@pytest.mark.parametrize("inside", ["ylecun/mnist/mnist", "ylecun/mnist", "ylecun"])
def test_root_may_be_the_sets_own_folder(mirror, inside):
    assert len(open_images("mnist", "test", mirror / inside)) == 7


def test_mnist_binarised(mirror):
    images = open_images(DataConfig("mnist", binarize="threshold"), "test", mirror)
    stored = random_levels(7, 28, 28, seed=1)[:, None]
    want = torch.from_numpy(stored >= 128).float()
    assert images.binary
    assert torch.equal(images.take(np.arange(7)), want)
    assert open_images(DataConfig("mnist", binarize="dynamic"), "test", mirror).binary


def test_mnist_of_another_shape(tmp_path):
    write_table(tmp_path / "ylecun/mnist/train.parquet", random_levels(30, 28, 27))
    with pytest.raises(DataError, match=r"row 0 of mnist/train has shape \(1, 28, 27\)"):
        open_images("mnist", "train", tmp_path)
    with pytest.raises(DataError, match="mnist has no test images"):
        open_images("mnist", "test", tmp_path)


def test_two_digits_are_inside_added_and_clipped():
    digits = np.full((6, 1, 28, 28), 200, np.uint8)
    pairs = Pairs(Array("digits/train", digits), seed=0)
    b = pairs.levels(np.arange(300) % 6, 1)
    assert len(pairs) == 6
    assert b.shape[1:] == (1, 60, 60)
    assert set(np.unique(b)) == {0, 200, 255}
    area = (b == 200).sum((1, 2, 3)) + 2 * (b == 255).sum((1, 2, 3))
    assert set(area.tolist()) == {2 * 28 * 28}  # wholly inside, twice where both are


def test_two_digits_reach_every_corner():
    pairs = Pairs(Array("digits/train", np.full((20_000, 1, 28, 28), 255, np.uint8)), seed=0)
    lit = (pairs.levels(np.arange(20_000), 0) > 0).mean((0, 1))
    assert lit[0, 0] > 0
    assert lit[0, 59] > 0
    assert lit[59, 0] > 0
    assert lit[59, 59] > 0
    expected = np.minimum(np.arange(1, 61), np.arange(60, 0, -1)).clip(max=28) / 33
    assert np.abs(lit[30] - (1 - (1 - expected * expected[30]) ** 2)).max() < 0.05


def test_two_digits_are_a_function_of_seed_index_and_draw():
    images = open_images("two_digits", "test")
    assert (images.name, images.shape, images.binary) == ("two_digits/test", (1, 60, 60), True)
    assert len(images) == 10_000
    index = np.array([5, 900])
    x = images.take(index, 3)
    assert torch.equal(x[[1]], images.take(np.array([900]), 3))
    assert not torch.equal(x, images.take(index, 4))
    other = open_images(DataConfig("two_digits", seed=1), "test")
    assert not torch.equal(x, other.take(index, 3))
    assert x.unique().tolist() == [0, 1]


def test_two_digits_of_grey_mnist(mirror):
    images = open_images(DataConfig("two_digits", source="mnist"), "train", mirror)
    assert len(images) == 25
    assert not images.binary
    dynamic = DataConfig("two_digits", source="mnist", binarize="dynamic")
    assert open_images(dynamic, "train", mirror).binary


def test_the_digits_that_ship_are_made_of_mnist(tmp_path, monkeypatch, capsys):
    home, out = tmp_path / "ylecun/mnist", tmp_path / "few.npz"
    for split, count in (("train", 60), ("test", 9)):
        classes = ([i % 10 for i in range(count)], datasets.Value("int64"))
        write_table(home / f"{split}.parquet", random_levels(count, 28, 28), label=classes)
    monkeypatch.setattr(mnist_small, "COUNTS", {"train": 8, "valid": 3, "test": 5})
    mnist_small.main(tmp_path, out)
    assert hashlib.sha256(out.read_bytes()).hexdigest() in capsys.readouterr().out
    stored, numbered = (
        np.load(out),
        {d.tobytes(): i for i, d in enumerate(random_levels(60, 28, 28))},
    )
    for split, count, inside in (("train", 8, range(50)), ("valid", 3, range(50, 60))):
        places = [numbered[digit.tobytes()] for digit in stored[split]]
        assert (len(places), set(places) <= set(inside)) == (count, True)
        assert stored[f"{split}_labels"].tolist() == [i % 10 for i in places]
    assert stored["test"].shape == (5, 28, 28)

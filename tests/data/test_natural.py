import numpy as np
import pytest
import torch

from underdraw.data import DataConfig, DataError, open_images, to_unit
from underdraw.data.splits import share

from .conftest import encode, random_levels, write_table


def test_cifar10(tmp_path):
    a = random_levels(20, 32, 32, 3)
    home = tmp_path / "uoft-cs/cifar10/plain_text"
    webp = [encode(p, "WEBP", lossless=True) for p in a]
    write_table(home / "train-00000-of-00001.parquet", webp, column="img")
    write_table(home / "test-00000-of-00001.parquet", a[:3], column="img")
    train, valid, test = (open_images("cifar10", s, tmp_path) for s in ("train", "valid", "test"))
    assert (len(train), len(valid), len(test)) == (18, 2, 3)
    assert train.shape == (3, 32, 32)
    assert torch.equal(train.take(np.arange(18)), to_unit(a[:18].transpose(0, 3, 1, 2).copy()))
    assert torch.equal(valid.take(np.arange(2)), to_unit(a[18:].transpose(0, 3, 1, 2).copy()))


def test_imagenet(tmp_path):
    a = random_levels(100, 64, 64, 3)
    pictures = [*a[:99], a[99, :, :, 0]]  # the last is grey
    write_table(tmp_path / "tiny-imagenet/train.parquet", pictures)
    write_table(tmp_path / "tiny-imagenet/valid.parquet", a[:5])
    train, valid, test = (
        open_images("imagenet64", s, tmp_path) for s in ("train", "valid", "test")
    )
    assert (len(train), len(valid), len(test)) == (98, 2, 5)
    chosen = share({"train", "valid"}, "valid", 50, "").of(100)
    assert torch.equal(valid.take(np.arange(2)), to_unit(a[chosen].transpose(0, 3, 1, 2).copy()))
    last = train.take(np.array([97]))
    assert last.shape == (1, 3, 64, 64)
    assert torch.equal(last[:, 0], last[:, 1])
    small = open_images("imagenet32", "test", tmp_path)
    means = a[:5].reshape(5, 32, 2, 32, 2, 3).mean((2, 4)).transpose(0, 3, 1, 2)
    assert np.abs(small.take(np.arange(5)).numpy() * 256 - 0.5 - means).max() <= 0.5


def test_too_large_for_memory_is_decoded_as_read(tmp_path):
    a = random_levels(30, 8, 8, 3)
    write_table(tmp_path / "some/thing/data/train-0.parquet", a)
    held = open_images("hub:some/thing", "train", tmp_path)
    read = open_images(DataConfig("hub:some/thing", memory=100), "train", tmp_path)
    index = np.array([3, 20, 3])
    assert type(read.source).__name__ == "Decoded"
    assert type(held.source).__name__ == "Array"
    assert torch.equal(held.take(index), read.take(index))


def test_any_hub_set(tmp_path):
    a = random_levels(40, 9, 12, 3)
    write_table(tmp_path / "some/thing/data/train-0.parquet", a, column="photo")
    train, valid, test = (
        open_images("hub:some/thing", s, tmp_path) for s in ("train", "valid", "test")
    )
    assert (len(train), len(valid), len(test)) == (36, 2, 2)
    assert train.shape == (3, 9, 12)
    config = DataConfig("hub:some/thing", size=4, grey=True, binarize="threshold")
    assert open_images(config, "train", tmp_path).shape == (1, 4, 4)
    with pytest.raises(DataError, match="no column 'picture', only"):
        open_images(DataConfig("hub:some/thing", column="picture"), "train", tmp_path)


def test_configuration_of_a_hub_set(tmp_path):
    write_table(tmp_path / "some/thing/small/train.parquet", random_levels(3, 4, 4, 3))
    write_table(tmp_path / "some/thing/large/train.parquet", random_levels(5, 4, 4, 3))
    images = open_images("hub:some/thing:large", "train", tmp_path)
    assert images.shape == (3, 4, 4)
    with pytest.raises(DataError, match="some/thing"):
        open_images("hub:some/thing", "train", tmp_path)


def test_damaged_row_is_named(tmp_path):
    a = [encode(p) for p in random_levels(5, 9, 9, 3)]
    write_table(tmp_path / "some/thing/train.parquet", [*a[:3], a[3][:60], a[4]])
    with pytest.raises(DataError, match=r"row 3 of hub:some/thing/train cannot be decoded"):
        open_images("hub:some/thing", "train", tmp_path)


def test_sizes_that_differ_are_named(tmp_path):
    pictures = [*random_levels(4, 9, 9, 3), random_levels(1, 9, 8, 3)[0]]
    write_table(tmp_path / "some/thing/train.parquet", pictures)
    with pytest.raises(DataError, match=r"row 4 .*\(3, 9, 8\) .*not \(3, 9, 9\); a size"):
        open_images("hub:some/thing", "train", tmp_path)

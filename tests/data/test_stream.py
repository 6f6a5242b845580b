from itertools import chain, islice

import numpy as np
import pytest
import torch

from underdraw.data import DataConfig, DataError, Images, Stream, loader, open_images

from .conftest import encode, random_levels, write_table


def numbered(n, start=0):
    a = np.arange(start, start + n, dtype=np.uint8)
    return np.broadcast_to(a[:, None, None, None], (n, 4, 4, 3)).copy()


@pytest.fixture
def mirror(tmp_path):
    write_table(tmp_path / "some/thing/train-00000-of-00002.parquet", numbered(60))
    write_table(tmp_path / "some/thing/train-00001-of-00002.parquet", numbered(40, 60))
    return tmp_path


def stream(mirror, split="train", **options):
    return open_images(DataConfig("hub:some/thing", streaming=True, **options), split, mirror)


def first_levels(x):
    return (x[:, 0, 0, 0] * 256).int().tolist()


def all_levels(batches):
    return list(chain.from_iterable(first_levels(x) for x in batches))


def test_a_pass_has_every_image_once(mirror):
    images = stream(mirror, buffer=16)
    assert isinstance(images, Stream)
    assert not isinstance(images, Images)
    assert images.name == "hub:some/thing/train"
    assert images.shape == (3, 4, 4)
    assert not images.binary
    assert len(images) == 90
    seen = all_levels(images.batches(10))
    assert len(set(seen)) == 90
    assert seen != sorted(seen)
    assert seen == all_levels(images.batches(10))
    assert seen != all_levels(images.batches(10, draw=1))


def test_same_splits_as_random_access(mirror):
    for split in ("train", "valid", "test"):
        held = open_images("hub:some/thing", split, mirror)
        one = next(stream(mirror, split).batches(len(held)))
        assert sorted(first_levels(one)) == first_levels(held.take(np.arange(len(held))))


def test_ranks_and_skip(mirror):
    images = stream(mirror, buffer=16, binarize="dynamic")
    assert images.binary
    whole = list(images.batches(8))
    parts = [list(images.batches(8, rank=r, world=2)) for r in range(2)]
    for x, *slices in zip(whole, *parts, strict=True):
        assert torch.equal(x, torch.cat(slices))
    for x, y in zip(whole[5:], images.batches(8, skip=5), strict=True):
        assert torch.equal(x, y)


def test_loader_resumes(mirror):
    images = stream(mirror, buffer=16)
    batches = loader(images, 20, 0)
    whole = list(islice(batches, 10))
    batches.close()
    assert [s for s, _ in whole] == list(range(10))
    batches = loader(images, 20, 0, start=6)
    for (s, x), (t, y) in zip(whole[6:], batches, strict=False):
        assert s == t
        assert torch.equal(x, y)
    batches.close()


def test_refuses(mirror, tmp_path):
    with pytest.raises(DataError, match="9 images does not divide by 2"):
        next(stream(mirror).batches(9, world=2))
    with pytest.raises(DataError, match="91 images"):
        next(loader(stream(mirror), 91, 0))
    with pytest.raises(DataError, match="mnist is not read as a stream"):
        open_images(DataConfig("mnist", streaming=True))
    a = [encode(p) for p in random_levels(30, 9, 9, 3)]
    write_table(tmp_path / "else/where/train.parquet", [*a[:5], a[5][:50], *a[6:]])
    broken = open_images(DataConfig("hub:else/where", streaming=True), "train", tmp_path)
    with pytest.raises(DataError, match="row 5 of hub:else/where/train cannot be decoded"):
        list(broken.batches(26))
    write_table(tmp_path / "no/size/train.parquet", [*a, encode(random_levels(1, 8, 9, 3)[0])])
    uneven = open_images(DataConfig("hub:no/size", streaming=True), "train", tmp_path)
    with pytest.raises(DataError, match=r"row 30 .*\(3, 8, 9\)"):
        list(uneven.batches(27))

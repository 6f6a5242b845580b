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
    held = open_images("hub:some/thing", "train", mirror)
    one = next(stream(mirror).batches(len(held)))
    assert sorted(first_levels(one)) == first_levels(held.take(np.arange(len(held))))


def test_other_splits_are_held(mirror):
    for split in ("valid", "test"):
        for binarize in ("none", "dynamic"):
            held = stream(mirror, split, binarize=binarize)
            whole = open_images(DataConfig("hub:some/thing", binarize=binarize), split, mirror)
            assert isinstance(held, Images)
            assert not isinstance(held, Stream)
            assert (held.name, held.shape, held.binary) == (whole.name, whole.shape, whole.binary)
            assert len(held) == len(whole) == 5
            assert torch.equal(held.take(np.arange(5)), whole.take(np.arange(5)))
    few = stream(mirror, "valid", held=3)
    whole = open_images("hub:some/thing", "valid", mirror)
    assert len(few) == 3
    assert torch.equal(few.take(np.arange(3)), whole.take(np.arange(3)))
    assert len(stream(mirror, "valid", memory=5 * 48)) == 5
    with pytest.raises(DataError, match=r"do not fit in 239 bytes; lower data\.held"):
        stream(mirror, "valid", memory=5 * 48 - 1)


def test_a_stream_that_breaks_off(mirror, monkeypatch):
    def broken(table):
        yield from islice(whole(table), 20)
        raise ConnectionError("no route")

    images = stream(mirror)
    whole = type(images.table).__iter__
    monkeypatch.setattr(type(images.table), "__iter__", broken)
    with pytest.raises(DataError, match=r"hub:some/thing/train cannot be read after row 19: no"):
        list(images.batches(10))


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
    with pytest.raises(DataError, match=r"data\.streaming is True, which means nothing to mnist"):
        open_images(DataConfig("mnist", streaming=True))
    a = [encode(p) for p in random_levels(30, 9, 9, 3)]
    write_table(tmp_path / "else/where/train.parquet", [*a[:5], a[5][:50], *a[6:]])
    broken = open_images(DataConfig("hub:else/where", streaming=True), "train", tmp_path)
    with pytest.raises(DataError, match="row 5 of hub:else/where/train cannot be decoded"):
        list(broken.batches(28))
    odd = encode(random_levels(1, 8, 9, 3)[0])
    write_table(tmp_path / "no/size/train.parquet", [*a[:12], odd, *a[12:]])
    uneven = open_images(DataConfig("hub:no/size", streaming=True), "train", tmp_path)
    with pytest.raises(DataError, match=r"row 12 .*\(3, 8, 9\)"):
        list(uneven.batches(28))

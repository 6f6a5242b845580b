import sys

import datasets
import numpy as np
import pytest
import torch

from underdraw.data import DataError, open_images, tables
from underdraw.data.splits import by_split, meant, share, split_named

from .conftest import encode, random_levels, write_table


def test_missing_mirror(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not a folder"):
        open_images("cifar10", "train", tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no parquet files of uoft-cs/cifar10; .*plain_text"):
        open_images("cifar10", "train", tmp_path)


def test_truncated_file_is_named(tmp_path):
    file = tmp_path / "uoft-cs/cifar10/train.parquet"
    write_table(file, random_levels(3, 32, 32, 3), column="img")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"train\.parquet is not a whole parquet file"):
        open_images("cifar10", "train", tmp_path)
    file.write_bytes(b"")
    with pytest.raises(DataError, match=r"train\.parquet .*\(0 bytes\)"):
        open_images("cifar10", "train", tmp_path)


def test_damaged_file_is_named(tmp_path):
    file = tmp_path / "uoft-cs/cifar10/train.parquet"
    write_table(file, random_levels(3, 32, 32, 3), column="img")
    content = bytearray(file.read_bytes())
    content[-400:-8] = bytes(392)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"train\.parquet cannot be read"):
        open_images("cifar10", "train", tmp_path)


def test_table_without_pictures(tmp_path):
    home = tmp_path / "some/thing"
    home.mkdir(parents=True)
    datasets.Dataset.from_dict({"text": ["a"]}).to_parquet(home / "train.parquet")
    with pytest.raises(DataError, match=r"hub:some/thing/train has no image column.*text"):
        open_images("hub:some/thing", "train", tmp_path)


def test_empty_table(tmp_path):
    write_table(tmp_path / "some/thing/train.parquet", [])
    with pytest.raises(DataError, match="empty"):
        open_images("hub:some/thing", "train", tmp_path)


def test_without_datasets_a_mirror_is_read_all_the_same(tmp_path, monkeypatch):
    home = tmp_path / "uoft-cs/cifar10"
    write_table(home / "train-00000-of-00002.parquet", random_levels(30, 32, 32, 3), column="img")
    pictures = random_levels(10, 32, 32, 3, seed=1)
    write_table(home / "train-00001-of-00002.parquet", pictures, column="img")
    every = np.arange(4)
    expected = open_images("cifar10", "valid", tmp_path).take(every)
    monkeypatch.setitem(sys.modules, "datasets", None)
    assert torch.equal(open_images("cifar10", "valid", tmp_path).take(every), expected)
    with pytest.raises(DataError, match="needs the `datasets` package"):
        open_images("cifar10")


def test_no_network(monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(DataError, match=r"cifar10 could not be fetched .*no route.*--data DIR"):
        open_images("cifar10")


def test_hub(monkeypatch):
    """Without a root the set is asked of the hub, by its name and configuration."""
    asked = []

    def load(*args, **kwargs):
        asked.append((args, kwargs))
        image = {"img": [{"bytes": encode(random_levels(1, 4, 4, 3)[0]), "path": None}] * 40}
        features = datasets.Features({"img": datasets.Image()})
        table = datasets.Dataset.from_dict(image, features=features)
        return datasets.DatasetDict({"train": table, "validation": table, "test": table})

    monkeypatch.setattr(datasets, "load_dataset", load)
    images = open_images("hub:some/thing:fine", "valid")
    assert len(images) == 40
    assert images.shape == (3, 4, 4)
    assert asked == [(("some/thing", "fine"), {"streaming": False})]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("train", "train_extra"), {"train": "train"}),
        (("train_extra", "TRAIN", "odd"), {"train": "TRAIN", "odd": "odd"}),
        (("my_val",), {"valid": "my_val"}),
        (("train_a", "train_b"), "train_a and train_b, of which any may be train"),
        (("validation", "val"), "validation and val, of which any may be valid"),
    ],
)
def test_stored_splits_that_speak_of_one(names, wanted):
    found = by_split(names).items()
    if isinstance(wanted, dict):
        assert {split: meant(split, some, "set") for split, some in found} == wanted
        return
    ((split, some),) = found
    with pytest.raises(DataError, match=f"set has {wanted}"):
        meant(split, some, "set")


def test_what_nobody_asks_for_may_be_any(tmp_path):
    home, pictures = tmp_path / "some/thing", random_levels(40, 4, 4, 3)
    write_table(home / "00000-train.parquet", pictures[:20])
    write_table(home / "00001-train.parquet", pictures[20:])
    write_table(home / "test_seen.parquet", pictures[:9])
    write_table(home / "test_unseen.parquet", pictures[:9])
    assert len(open_images("hub:some/thing", "train", tmp_path)) == 38  # two are for validation
    with pytest.raises(DataError, match="test_seen and test_unseen, of which any may be test"):
        open_images("hub:some/thing", "test", tmp_path)


def test_hub_and_mirror_mean_the_same_of_several_stored_splits(tmp_path, monkeypatch):
    """Parts of one stored split are put together, and two stored ones are not."""
    pictures = random_levels(40, 4, 4, 3)
    image = {"image": [{"bytes": encode(one), "path": None} for one in pictures]}
    table = datasets.Dataset.from_dict(
        image, features=datasets.Features({"image": datasets.Image()})
    )
    stored = datasets.DatasetDict({"train": table, "train_extra": table.select(range(9))})
    with monkeypatch.context() as patched:
        patched.setattr(datasets, "load_dataset", lambda *args, **more: stored)
        assert len(open_images("hub:some/thing", "train")) == 36
    home = tmp_path / "some/thing"
    write_table(home / "train-00000-of-00002.parquet", pictures[:20])
    write_table(home / "train-00001-of-00002.parquet", pictures[20:])
    write_table(home / "train_extra.parquet", pictures[:9])
    assert len(open_images("hub:some/thing", "train", tmp_path)) == 36
    write_table(home / "train_more.parquet", pictures[:9])
    for part in ("0", "1"):
        (home / f"train-0000{part}-of-00002.parquet").unlink()
    with pytest.raises(DataError, match="train_extra and train_more, of which any may be train"):
        open_images("hub:some/thing", "train", tmp_path)


def test_nothing_is_asked_of_the_network_with_a_root(tmp_path, monkeypatch):
    write_table(tmp_path / "some/thing/train.parquet", random_levels(40, 4, 4, 3))
    monkeypatch.setattr(tables, "hub_tables", None)
    assert len(open_images("hub:some/thing", "train", tmp_path)) == 36


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-00000-of-00001", "train"),
        ("validation-00000-of-00001", "valid"),
        ("valid", "valid"),
        ("my_val_2", "valid"),
        ("dev", "valid"),
        ("Test", "test"),
        ("extra-00001-of-00002", "extra"),
        ("training", None),
        ("images_background", None),
        ("contest", None),
    ],
)
def test_split_named(name, split):
    assert split_named(name) == split


@pytest.mark.parametrize(
    "stored",
    [{"train"}, {"train", "test"}, {"train", "valid"}, {"train", "valid", "test"}],
)
def test_splits_do_not_meet(stored):
    parts = [share(stored, s, 10, "set") for s in ("train", "valid", "test")]
    images = [{(p.stored, i) for i in p.of(95)} for p in parts]
    assert not images[0] & images[1] | images[0] & images[2] | images[1] & images[2]
    assert all(images)
    assert len(images[0]) >= 75
    for part in parts:
        assert [i for i in range(95) if part.has(i)] == part.of(95).tolist()
    if "test" in stored:
        assert parts[2].stored == "test"


def test_interleaved_sets_are_split_evenly():
    chosen = share({"train"}, "valid", 20, "set").of(20_000)
    assert len(chosen) == 1000
    assert 400 < (chosen % 2).sum() < 600


def test_no_training_images():
    with pytest.raises(DataError, match=r"set has no training images, only \['test'\]"):
        share({"test"}, "train", 10, "set")

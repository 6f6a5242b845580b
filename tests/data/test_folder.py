import numpy as np
import pytest
import torch
from PIL import Image

from underdraw.data import DataConfig, DataError, open_images, progress, to_unit
from underdraw.data.splits import share

from .conftest import random_levels


def fill(folder, n, *shape, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    a = random_levels(n, *shape, seed=seed)
    for i, picture in enumerate(a):
        Image.fromarray(picture).save(folder / f"{i:03}.png")
    return a


def test_one_folder(tmp_path):
    a = fill(tmp_path / "a", 30, 6, 5, 3)
    fill(tmp_path / "b" / "deep", 10, 6, 5, 3)
    (tmp_path / "notes.txt").write_text("no picture")
    fill(tmp_path / ".hidden", 3, 6, 5, 3)
    name = f"folder:{tmp_path}"
    train, valid, test = (open_images(name, s) for s in ("train", "valid", "test"))
    assert (len(train), len(valid), len(test)) == (36, 2, 2)
    assert train.shape == (3, 6, 5)
    assert not train.binary
    first = share({"train"}, "train", 20, "").of(40)[:1]
    assert torch.equal(train.take(np.array([0])), to_unit(a[first].transpose(0, 3, 1, 2).copy()))


def test_folders_of_splits(tmp_path):
    fill(tmp_path / "train", 4, 6, 6, 3)
    fill(tmp_path / "val", 3, 6, 6, 3)
    fill(tmp_path / "test", 2, 6, 6, 3)
    sizes = [len(open_images(f"folder:{tmp_path}", s)) for s in ("train", "valid", "test")]
    assert sizes == [4, 3, 2]


def test_size_and_grey(tmp_path):
    fill(tmp_path, 3, 12, 9, 3)
    fill(tmp_path / "more", 3, 7, 20)
    config = DataConfig(f"folder:{tmp_path}", size=6, grey=True, binarize="threshold")
    images = open_images(config)
    assert images.shape == (1, 6, 6)
    assert images.binary
    with pytest.raises(DataError, match=r"000\.png has shape .*a size"):
        open_images(f"folder:{tmp_path}")


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder"):
        open_images(f"folder:{tmp_path / 'nowhere'}")
    with pytest.raises(DataError, match="has no images"):
        open_images(f"folder:{tmp_path}")
    fill(tmp_path, 5, 8, 8, 3)
    fill(tmp_path / "one", 1, 8, 8, 3)
    with pytest.raises(DataError, match=r"too few images \(1\) for a test split"):
        open_images(f"folder:{tmp_path / 'one'}", "test")
    file = tmp_path / "003.png"
    file.write_bytes(file.read_bytes()[:70])
    with pytest.raises(DataError, match=r"003\.png cannot be decoded"):
        open_images(f"folder:{tmp_path}")
    file.write_text("not a picture at all")
    with pytest.raises(DataError, match=r"003\.png cannot be decoded"):
        open_images(f"folder:{tmp_path}")


def test_progress_shows_only_to_people(monkeypatch, capsys):
    assert list(progress.watch(range(3), 3, "decoding")) == [0, 1, 2]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    assert list(progress.watch(range(3), 3, "decoding")) == [0, 1, 2]
    said = capsys.readouterr()
    assert said.out == ""
    assert "decoding" in said.err

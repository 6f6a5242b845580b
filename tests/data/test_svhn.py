import datasets
import numpy as np
import pytest
import torch

from underdraw.data import DataError, open_images, to_unit
from underdraw.data.crops import Crops
from underdraw.data.memory import Array
from underdraw.data.svhn import around, decode_number, held_out

from .conftest import encode, random_levels, write_table

BOX = datasets.Sequence(datasets.Value("int32"), length=4)
DIGITS = datasets.Sequence({"bbox": BOX, "label": datasets.Value("int64")})


def write_split(file, n, seed):
    boxes = [{"bbox": [[4, 5, 8, 12], [13, 6, 8, 12]], "label": [1, 2]}] * n
    write_table(file, random_levels(n, 30, 40, 3, seed=seed), digits=(boxes, DIGITS))


@pytest.fixture
def mirror(tmp_path):
    home = tmp_path / "ufldl-stanford" / "svhn" / "full_numbers"
    write_split(home / "train-00000-of-00001.parquet", 60, 0)
    write_split(home / "extra-00000-of-00002.parquet", 30, 1)
    write_split(home / "extra-00001-of-00002.parquet", 30, 2)
    write_split(home / "test-00000-of-00001.parquet", 5, 3)
    return tmp_path


def test_splits_and_shapes(mirror):
    train, valid, test = (open_images("svhn", s, mirror) for s in ("train", "valid", "test"))
    assert (len(train), len(valid), len(test)) == (118, 2, 5)
    for images in (train, valid, test):
        assert images.shape == (3, 54, 54)
        assert not images.binary
        assert images.take(np.arange(2)).shape == (2, 3, 54, 54)
    index = np.arange(4)
    assert torch.equal(train.take(index, 1), train.take(index, 1))
    assert not torch.equal(train.take(index, 1), train.take(index, 2))
    assert torch.equal(test.take(index, 1), test.take(index, 2))


def test_split_of_the_whole_set():
    train, valid = held_out(235_755, "train"), held_out(235_755, "valid")
    assert (len(train), len(valid)) == (231_054, 4_701)
    assert not set(train) & set(valid)
    assert abs(valid.mean() / 235_755 - 0.5) < 0.02


def test_box_is_the_union_and_thirty_percent():
    box = around([[20, 30, 10, 20], [40, 28, 10, 20]], (200, 100))
    assert np.allclose(box, (35 - 19.5, 39 - 14.3, 35 + 19.5, 39 + 14.3))
    assert around([[0, 0, 10, 10]], (10, 10)) == (0, 0, 10, 10)
    with pytest.raises(ValueError, match="outside"):
        around([[50, 0, 10, 10]], (20, 20))
    with pytest.raises(ValueError, match="no digit"):
        around([], (20, 20))


def test_number_fills_the_picture():
    a = np.zeros((90, 120, 3), np.uint8)
    a[20:60, 30:80] = 255
    as_list = [{"bbox": [30, 20, 25, 40], "label": 1}, {"bbox": [55, 20, 25, 40], "label": 2}]
    as_dict = {"bbox": [d["bbox"] for d in as_list], "label": [1, 2]}
    b = decode_number({"image": {"bytes": encode(a)}, "digits": as_list})
    assert b.shape == (3, 64, 64)
    assert np.array_equal(b, decode_number({"image": {"bytes": encode(a)}, "digits": as_dict}))
    assert abs((b / 255).mean() - 1 / 1.3**2) < 0.03
    assert b[0, 32, 32] == 255
    assert b[0, 0, 0] == 0


def test_crops():
    a = random_levels(3, 3, 64, 64)
    centre = Crops(Array("a", a), 54, None).levels(np.arange(3), 7)
    assert np.array_equal(centre, a[:, :, 5:59, 5:59])
    crops = Crops(Array("a", a), 54, 0)
    places = set()
    for draw in range(150):
        b = crops.levels(np.array([1]), draw)[0]
        found = [
            (y, x)
            for y in range(11)
            for x in range(11)
            if np.array_equal(b, a[1, :, y : y + 54, x : x + 54])
        ]
        places.update(found)
        assert len(found) == 1
    assert {y for y, _ in places} == {x for _, x in places} == set(range(11))


def test_npz(tmp_path):
    x = random_levels(40, 32, 32, 3)
    np.savez(tmp_path / "numbers.npz", x=x)
    splits = [open_images("svhn", s, tmp_path / "numbers.npz") for s in ("train", "valid", "test")]
    assert [len(s) for s in splits] == [32, 4, 4]
    assert splits[0].take(np.arange(2)).shape == (2, 3, 54, 54)
    np.savez(tmp_path / "wrong.npz", x=x[..., 0])
    with pytest.raises(DataError, match=r"x in .*wrong\.npz is uint8 \(40, 32, 32\)"):
        open_images("svhn", "train", tmp_path / "wrong.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match=r"broken\.npz cannot be read"):
        open_images("svhn", "train", tmp_path / "broken.npz")


def test_damaged_npz_files_are_named(tmp_path):
    np.savez_compressed(tmp_path / "whole.npz", x=random_levels(40, 32, 32, 3))
    whole, bad = (tmp_path / "whole.npz").read_bytes(), tmp_path / "bad.npz"
    garbled = whole[:200] + bytes(255 - b for b in whole[200:300]) + whole[300:]
    np.save(tmp_path / "one.npy", np.zeros(3))
    cuts = [whole[:count] for count in (0, 3, 60, len(whole) // 2, len(whole) - 1)]
    for content in (*cuts, garbled, (tmp_path / "one.npy").read_bytes()):
        bad.write_bytes(content)
        with pytest.raises(DataError, match=r"bad\.npz cannot be read"):
            open_images("svhn", "train", bad)


def test_digits_column_of_lists_of_structs(tmp_path):
    home = tmp_path / "full_numbers"
    feature = datasets.Features({"d": [{"bbox": [datasets.Value("int32")]}]})["d"]
    digits = [[{"bbox": [4, 5, 8, 12]}]] * 3
    a = random_levels(3, 30, 40, 3)
    write_table(home / "test.parquet", a, digits=(digits, feature))
    x = open_images("svhn", "test", tmp_path).take(np.arange(3))
    row = {"image": {"bytes": encode(a[0])}, "digits": digits[0]}
    assert torch.equal(x[0], to_unit(decode_number(row)[:, 5:59, 5:59]))

import numpy as np
import pytest
import torch

from underdraw.data import DataError, Labelled, hold, labelled, open_images, random_subset
from underdraw.data.labels import LabelledView
from underdraw.data.memory import Array, choose

from .conftest import random_levels, write_table


def images(labels, count=6):
    found = np.array(labels, np.int64)
    return LabelledView(Array("mine", random_levels(count, 1, 2, 2)), lambda: found, classes=3)


def test_labels():
    view = images([0, 2, 1, 1, 0, 2])
    assert isinstance(view, Labelled)
    y = view.labels(np.array([1, 1, 4]))
    assert y.dtype == torch.int64
    assert y.tolist() == [2, 2, 0]
    with pytest.raises(IndexError, match="set of 6"):
        view.labels(np.array([6]))


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([0, 1, 2, 3, 0, 1], r"label 3 of mine is 3; 0\.\.2 wanted"),
        ([0, 1, -1, 0, 0, 1], r"label 2 of mine is -1; 0\.\.2 wanted"),
        ([0, 1], "mine has 2 labels for 6 images"),
    ],
)
def test_wrong_labels_are_named(labels, said):
    view = images(labels)
    view.take(np.arange(6))  # the images can be used all the same
    with pytest.raises(DataError, match=said):
        view.labels(np.array([0]))


def test_images_without_labels():
    plain = hold(random_levels(4, 3, 3), "plain")
    assert not isinstance(plain, Labelled)
    assert not isinstance(random_subset(plain, 2), Labelled)
    with pytest.raises(DataError, match="plain has no labels"):
        labelled(plain)


def test_part_of_a_labelled_set():
    part = labelled(choose(images([0, 2, 1, 1, 0, 2]), np.array([5, 2, 3])))
    assert (part.classes, part.labels(np.array([2, 0])).tolist()) == (3, [1, 2])
    inner = labelled(choose(part, np.array([1, 0])))
    assert inner.labels(np.arange(2)).tolist() == [1, 2]
    with pytest.raises(IndexError, match="set of 2"):
        inner.labels(np.array([2]))
    whole = images(np.arange(90) % 3, 90)
    few = labelled(random_subset(whole, 20, seed=1))
    assert few.labels(np.arange(20)).tolist() == (few.indices % 3).tolist()


@pytest.mark.parametrize("with_datasets", [True, False])
def test_labels_of_mnist(tmp_path, monkeypatch, with_datasets):
    if not with_datasets:
        monkeypatch.setattr("underdraw.data.tables.is_wanted", lambda: True)
    write_table(tmp_path / "ylecun/mnist/train.parquet", random_levels(12, 28, 28))
    valid = labelled(open_images("mnist", "valid", tmp_path))
    with pytest.raises(DataError, match=r"label 0 of mnist/valid is 10; 0\.\.9 wanted"):
        valid.labels(np.array([0]))
    train = labelled(open_images("mnist", "train", tmp_path))
    assert train.labels(np.array([9, 3])).tolist() == [9, 3]
    clutter = labelled(open_images("mnist_cluttered", "train", tmp_path))
    assert clutter.labels(np.array([9, 3])).tolist() == [9, 3]
    assert clutter.take(np.array([9])).shape == (1, 1, 100, 100)


def test_labels_that_are_not_there(tmp_path):
    import datasets

    file = tmp_path / "ylecun/mnist/train.parquet"
    write_table(file, random_levels(12, 28, 28))
    table = datasets.Dataset.from_parquet(str(file))
    table.remove_columns("label").to_parquet(file)
    with pytest.raises(DataError, match=r"mnist/train has no column 'label', only \['image'\]"):
        labelled(open_images("mnist", "train", tmp_path)).labels(np.array([0]))
    words = table.cast_column("label", datasets.Value("string"))
    words.to_parquet(file)
    with pytest.raises(DataError, match="'label' of mnist/train holds <U2; integers wanted"):
        labelled(open_images("mnist", "train", tmp_path)).labels(np.array([0]))

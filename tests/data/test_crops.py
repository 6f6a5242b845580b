"""Crops: random in training, from the centre elsewhere."""

import numpy as np
import pytest
from PIL import Image

from underdraw.data import DataConfig, DataError, open_images


@pytest.fixture
def folder(tmp_path):
    """Forty pictures whose red is the column, green the row and blue the picture's number."""
    y, x = np.mgrid[:12, :16].astype(np.uint8)
    for i in range(40):
        picture = np.stack([x, y, np.full_like(x, i)], -1)
        Image.fromarray(picture).save(tmp_path / f"{i:02d}.png")
    return DataConfig(f"folder:{tmp_path}", crop=8)


def places(x):
    """Left and top of each crop; the crops must be of one piece."""
    levels = np.floor(256 * x.numpy()).astype(int)
    left, top = levels[:, 0, 0, 0], levels[:, 1, 0, 0]
    rows, columns = np.mgrid[:8, :8]
    assert (levels[:, 0] == left[:, None, None] + columns).all()
    assert (levels[:, 1] == top[:, None, None] + rows).all()
    return set(zip(left.tolist(), top.tolist(), strict=True))


def test_training_sees_random_crops_and_others_the_centre(folder):
    train, valid = open_images(folder, "train"), open_images(folder, "valid")
    assert train.shape == valid.shape == (3, 8, 8)
    index = np.arange(len(train))
    everywhere = set().union(*(places(train.take(index, draw)) for draw in range(30)))
    assert everywhere == {(left, top) for left in range(9) for top in range(5)}
    assert (train.take(index, 3) == train.take(index, 3)).all()
    assert places(valid.take(np.arange(len(valid)), 5)) == {(4, 2)}


def test_crops_larger_than_the_images_and_of_other_sets_are_refused(folder):
    with pytest.raises(DataError, match="crop is 13"):
        open_images(DataConfig(folder.name, crop=13), "train")
    with pytest.raises(DataError, match="crop is 0"):
        DataConfig(folder.name, crop=0)
    with pytest.raises(DataError, match="crop is 8"):
        open_images(DataConfig("binarized_mnist", crop=8))

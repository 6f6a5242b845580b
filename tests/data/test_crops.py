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


def test_crops_are_seen_at_several_scales(tmp_path):
    """Twice as large half of the time; each pixel is then the mean of a box, rounded half up."""
    levels = np.random.default_rng(0).integers(0, 256, (40, 12, 16, 3), dtype=np.uint8)
    for i, picture in enumerate(levels):
        Image.fromarray(picture).save(tmp_path / f"{i:02d}.png")
    config = DataConfig(f"folder:{tmp_path}", crop=5, shrink=2)
    plain = DataConfig(f"folder:{tmp_path}", crop=10)
    valid, large = open_images(config, "valid"), open_images(plain, "valid")
    index = np.arange(len(valid))
    whole = np.floor(256 * large.take(index).numpy()).astype(int)
    boxes = np.floor(whole.reshape(-1, 3, 5, 2, 5, 2).mean((3, 5)) + 0.5)
    found = np.floor(256 * valid.take(index).numpy())
    assert np.array_equal(found[1::2], boxes[1::2])
    middle = np.floor(
        256 * open_images(DataConfig(config.name, crop=5), "valid").take(index).numpy()
    )
    assert np.array_equal(found[::2], middle[::2])
    train, index = open_images(config, "train"), np.arange(30)
    rough = [train.take(index, draw).std((1, 2, 3)) for draw in range(20)]
    small = np.mean([(one < 0.22).float().mean().item() for one in rough])
    assert 0.4 < small < 0.6  # a mean of four has half the spread
    assert (train.take(index, 3)[4:6] == train.take(index[4:6], 3)).all()
    with pytest.raises(DataError, match="shrink is 3"):
        open_images(DataConfig(config.name, crop=5, shrink=3), "train")


@pytest.mark.parametrize("field", ["shrink", "enlarge"])
def test_scales_without_crops_are_refused(tmp_path, field):
    config = DataConfig(f"folder:{tmp_path}", **{field: 2})
    with pytest.raises(DataError, match=rf"data\.{field} is 2, .* without data\.crop"):
        open_images(config, "train")


def test_crops_are_enlarged(tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (80, 12, 16, 3), dtype=np.uint8)
    for i, picture in enumerate(levels):
        Image.fromarray(picture).save(tmp_path / f"{i:02d}.png")
    config = DataConfig(f"folder:{tmp_path}", crop=5, shrink=2, enlarge=3)
    valid, index = open_images(config, "valid"), np.arange(4)
    found = np.floor(256 * valid.take(index).numpy()).astype(np.uint8)
    for i, (part, times) in enumerate(((5, 1), (10, 1), (3, 2), (2, 3))):
        plain = open_images(DataConfig(config.name, crop=part), "valid")
        cut = np.floor(256 * plain.take(index[i : i + 1])[0].numpy()).astype(np.uint8)
        if times > 1:
            image = Image.fromarray(cut.transpose(1, 2, 0))
            large = image.resize((times * part,) * 2, Image.Resampling.BICUBIC)
            assert np.array_equal(found[i], np.array(large).transpose(2, 0, 1)[:, :5, :5])
        elif part == 5:
            assert np.array_equal(found[i], cut)
    train = open_images(DataConfig(config.name, crop=8, enlarge=2), "train")
    steep = [
        np.abs(np.diff(train.take(np.arange(30), d).numpy())).mean((1, 2, 3)) for d in range(9)
    ]
    assert 0.4 < (np.concatenate(steep) < 0.23).mean() < 0.6

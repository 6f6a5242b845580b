import numpy as np
import pytest
import torch

from underdraw.data import DataConfig, omniglot, open_images

from .conftest import random_levels, write_table


@pytest.fixture(autouse=True)
def forget():
    omniglot.drawings.cache_clear()


def drawings(n):
    return np.where(random_levels(n, 105, 105) > 30, 255, 0).astype(np.uint8)


def test_ink_is_averaged_by_area():
    a = drawings(1)[0]
    fine = (255 - a.astype(float)).repeat(4, 0).repeat(4, 1)  # 105 * 4 = 28 * 15
    means = fine.reshape(28, 15, 28, 15).mean((1, 3))
    from .conftest import encode

    b = omniglot.decode_drawing({"image": {"bytes": encode(a)}})
    assert b.shape == (1, 28, 28)
    assert np.abs(b[0] - means).max() <= 0.501


def test_splits_do_not_depend_on_storage(tmp_path):
    a = drawings(120)
    write_table(tmp_path / "one/omniglot/images_background.parquet", a[:70])
    write_table(tmp_path / "one/omniglot/images_evaluation.parquet", a[70:])
    write_table(tmp_path / "two/omniglot/all.parquet", a[::-1])
    index = np.arange(5)
    sizes, seen = [], set()
    for split in ("train", "valid", "test"):
        one = open_images("omniglot", split, tmp_path / "one")
        two = open_images("omniglot", split, tmp_path / "two")
        assert one.shape == (1, 28, 28)
        assert not one.binary
        assert torch.equal(one.take(index), two.take(index))
        sizes.append(len(one))
        seen |= {x.numpy().tobytes() for x in one.take(np.arange(len(one)))}
    assert sizes == [85, 5, 30]
    assert len(seen) == 120
    config = DataConfig("omniglot", binarize="dynamic")
    assert open_images(config, "test", tmp_path / "one").binary
    assert open_images("omniglot", "test", tmp_path / "one").take(index).mean() < 0.3


def test_validation_and_test_are_binarised_once_whatever_the_seed(tmp_path):
    write_table(tmp_path / "omniglot/all.parquet", drawings(120))
    for split in ("train", "valid", "test"):
        one, other = (
            open_images(DataConfig("omniglot", binarize="dynamic", seed=seed), split, tmp_path)
            for seed in (0, 1)
        )
        a, b = (images.take(np.arange(len(images))) for images in (one, other))
        assert one.binary
        assert set(a.unique().tolist()) == {0.0, 1.0}
        assert torch.equal(a, b) == (split != "train")
        assert torch.equal(a[3:4], one.take(np.array([3])))

import subprocess
import sys

import numpy as np
import pytest
import torch

from underdraw.data import DataConfig, DataError, binarized, open_images


@pytest.mark.parametrize(
    ("split", "count", "mean"),
    [("train", 50_000, 0.130562), ("valid", 10_000, 0.131127), ("test", 10_000, 0.132512)],
)
def test_the_fixed_split(split, count, mean):
    images = open_images(DataConfig("binarized_mnist"), split)
    assert (images.name, images.shape) == (f"binarized_mnist/{split}", (1, 28, 28))
    assert images.binary
    assert len(images) == count
    x = images.take(np.arange(count))
    assert round(float(x.double().mean()), 6) == mean
    assert torch.equal(x, x.bool().float())


def test_digits_are_upright():
    """The first test digits are zeros: a ring, with a hole."""
    x = open_images("binarized_mnist", "test").take(np.arange(200))[:, 0].mean(0)
    assert x[13:15, 13:15].max() < 0.2
    assert x[5:9, 12:18].max() > 0.5
    assert torch.all(x[:2] == 0)


def test_damaged_file(tmp_path, monkeypatch):
    content = bytearray(binarized.FILE.read_bytes())
    content[1000] ^= 1
    damaged = tmp_path / "binarized_mnist.npz"
    damaged.write_bytes(content)
    monkeypatch.setattr(binarized, "FILE", damaged)
    with pytest.raises(DataError, match=r"binarized_mnist\.npz is damaged"):
        open_images("binarized_mnist")
    monkeypatch.setattr(binarized, "FILE", tmp_path / "nothing.npz")
    with pytest.raises(DataError, match=r"nothing\.npz is missing"):
        open_images("binarized_mnist")


def test_works_without_datasets():
    script = """
import sys
sys.modules["datasets"] = None
import numpy as np, underdraw.data
x = underdraw.data.open("binarized_mnist", "test").take(np.arange(3))
assert x.shape == (3, 1, 28, 28)
assert underdraw.data.open("two_digits").take(np.arange(2)).shape == (2, 1, 60, 60)
try:
    underdraw.data.open("mnist", root=".")
except underdraw.data.DataError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "no parquet files of ylecun/mnist" in run.stdout

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from underdraw.data.picture import overlaps, read_picture, resize, square, to_levels

from .conftest import encode, random_levels


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 0.4), st.floats(0.6, 1))
def test_overlaps_share_out_everything(size, out, lo, hi):
    w = overlaps(size, lo * size, hi * size, out)
    assert w.shape == (out, size)
    assert (w >= 0).all()
    assert np.allclose(w.sum(1), 1, atol=1e-5)


def test_resize_is_the_mean_by_area():
    a = random_levels(1, 30, 40, 3)[0]
    b = resize(Image.fromarray(a), 5)
    means = a.reshape(5, 6, 5, 8, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.abs(b - means).max() <= 0.501
    assert np.array_equal(resize(Image.fromarray(a[:5, :5]), 5), a[:5, :5].transpose(2, 0, 1))
    assert resize(Image.fromarray(a[:3]), 5).shape == (3, 5, 5)


def test_square_is_central():
    a = np.zeros((10, 30), np.uint8)
    a[:, 10:20] = 200
    assert (square(Image.fromarray(a), 5) == 200).all()


def test_exif_orientation():
    a = np.zeros((16, 32, 3), np.uint8)
    a[:, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to look at it
    b = to_levels(read_picture(encode(a, "JPEG", exif=exif, quality=95), grey=True))
    assert b.shape == (1, 32, 16)
    assert b[0, :14].min() > 240
    assert b[0, 18:].max() < 15


@pytest.mark.parametrize("grey", [True, False])
def test_modes(grey):
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0] = (255, 0, 0, 255)
    b = to_levels(read_picture(encode(rgba), grey))
    assert b.shape == (1 if grey else 3, 2, 2)
    assert (b[:, 1] == 255).all()
    assert b[0, 0, 0] == (76 if grey else 255)
    deep = np.array([[0, 256], [65535, 32768]], np.uint16)
    assert to_levels(read_picture(encode(deep), grey))[0].tolist() == [[0, 1], [255, 128]]
    out = io.BytesIO()
    Image.fromarray(rgba[..., :3]).convert("P").save(out, "GIF")
    assert to_levels(read_picture(out.getvalue(), grey)).shape == b.shape
    one = encode(np.array([[True, False]]))
    assert to_levels(read_picture(one, grey))[0].tolist() == [[255, 0]]

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from underdraw.data import DataError, read_image, to_bits, to_unit
from underdraw.data.picture import fit, overlaps, read_picture, resize, to_levels

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
    b = resize(Image.fromarray(a), 5, 5)
    means = a.reshape(5, 6, 5, 8, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.abs(b - means).max() <= 0.501
    assert np.array_equal(resize(Image.fromarray(a[:5, :5]), 5, 5), a[:5, :5].transpose(2, 0, 1))
    assert resize(Image.fromarray(a[:3]), 5, 5).shape == (3, 5, 5)


def test_fit_is_central():
    a = np.zeros((10, 30), np.uint8)
    a[:, 10:20] = 200
    assert (fit(Image.fromarray(a), 5, 5) == 200).all()
    assert (fit(Image.fromarray(a.T.copy()), 5, 5) == 200).all()
    assert (fit(Image.fromarray(a), 20, 20)[..., 1:-1] == 200).all()
    assert fit(Image.fromarray(a), 5, 15)[0, 2].tolist() == [0] * 5 + [200] * 5 + [0] * 5


@settings(max_examples=100, deadline=None)
@given(*[st.integers(1, 40)] * 4)
def test_fit_of_every_size(width, height, w, h):
    picture = Image.new("L", (width, height), 99)
    assert fit(picture, h, w).shape == (1, h, w)
    assert (fit(picture, h, w) == 99).all()


def test_read_image(tmp_path):
    a = random_levels(1, 30, 40, 3)[0]
    file = tmp_path / "picture.png"
    file.write_bytes(encode(a))
    x = read_image(file, (3, 6, 8), binary=False)
    means = a.reshape(6, 5, 8, 5, 3).mean((1, 3)).transpose(2, 0, 1)
    assert x.shape == (1, 3, 6, 8)
    assert np.abs(x[0].numpy() * 256 - 0.5 - means).max() <= 0.501
    whole = a.transpose(2, 0, 1)[None].copy()
    assert torch.equal(read_image(str(file), (3, 30, 40), binary=False), to_unit(whole))
    assert torch.equal(read_image(file, (3, 30, 40), binary=True), to_bits(whole))
    assert read_image(file, (1, 60, 81), binary=True).unique().tolist() == [0, 1]
    file.write_bytes(encode(np.zeros((4, 4, 4), np.uint8)))
    assert (read_image(file, (1, 4, 4), binary=True) == 1).all()  # transparent: white


def test_read_image_names_what_it_cannot_read(tmp_path, monkeypatch):
    shape = (1, 4, 4)
    with pytest.raises(DataError, match=r"none\.png cannot be read.*: No such file"):
        read_image(tmp_path / "none.png", shape, False)
    with pytest.raises(DataError, match="cannot be read"):
        read_image(tmp_path, shape, False)
    file = tmp_path / "bad.png"
    whole = encode(random_levels(1, 40, 40)[0])
    for content in (b"", b"no picture", whole[:200], whole[:20], whole[:30] + b"x" + whole[31:]):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"bad\.png cannot be read as an image"):
            read_image(file, shape, False)
    file.write_bytes(whole)
    with pytest.raises(DataError, match=r"bad\.png cannot be read as \(2, 4, 4\)"):
        read_image(file, (2, 4, 4), False)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"bad\.png cannot be read as an image.*bomb"):
        read_image(file, shape, False)


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

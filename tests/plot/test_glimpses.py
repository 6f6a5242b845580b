"""Pictures of a classifier that looks."""

import numpy as np
import pytest
import torch
from PIL import Image

from underdraw.models import build
from underdraw.models.convnet import ConvNetConfig
from underdraw.models.glimpser import GlimpserConfig
from underdraw.plot import animate_glimpses, glimpse_sheet
from underdraw.plot.glimpses import bars, cell, framed, seen
from underdraw.plot.pixels import GAP
from underdraw.plot.windows import READ, WRITE


@pytest.fixture
def x():
    return torch.rand(2, 1, 20, 24)


@pytest.fixture
def looks(x):
    model = build(GlimpserConfig((1, 20, 24), 4, steps=3, read_size=4, hidden=8, embedding=0))
    with torch.no_grad():
        return list(model.looks(x))


def has(picture, colour):
    return (np.asarray(picture) == np.array(colour)).all(-1).any()


def test_a_sheet_has_a_row_an_image_and_a_column_a_glimpse(x, looks):
    one = glimpse_sheet(x[:1], looks[:1], scale=4)
    assert one.size == (4 * 24, 4 * 20 + 4 * 12)
    page = glimpse_sheet(x, looks, torch.tensor([1, 2]), scale=4)
    assert page.size == (3 * one.width + 8, 2 * one.height + 4)
    assert glimpse_sheet(x, looks, title="Digits", scale=4).height > page.height


def test_the_window_is_over_the_image(x, looks):
    plain = framed(x[0], looks[0]._replace(window=None), 0, 4)
    assert not has(plain, READ)
    assert has(framed(x[0], looks[0], 0, 4), READ)


def test_the_likeliest_class_is_green_where_it_is_right_and_red_where_it_is_wrong():
    logits = torch.tensor([0.0, 3.0, 0.0])
    right, wrong, unknown = (bars(logits, label, 60, 60) for label in (1, 2, None))
    assert has(right, READ)
    assert not has(right, WRITE)
    assert has(wrong, WRITE)
    assert not has(wrong, READ)
    assert has(unknown, READ)


def test_bars_are_as_long_as_what_they_say():
    def length(share):
        picture = bars(torch.tensor([share, 1 - share]).log(), 0, 120, 40)
        return (picture == np.array(READ if share > 0.5 else WRITE)).all(-1).any(0).sum()

    assert length(0.9) > length(0.6)
    assert length(0.999) == pytest.approx(100, abs=2)


def test_what_is_seen_is_stretched_from_black_to_white(looks):
    picture = seen(looks[1], 0, 64, 1)
    inner = picture[4:60, 4:60]
    assert inner.min() == 0
    assert inner.max() == 255
    assert (picture[:4] == GAP).all()


def test_of_several_windows_the_narrowest_is_shown(x):
    model = build(GlimpserConfig((1, 20, 24), 4, steps=1, read_size=4, hidden=8, scales=3))
    with torch.no_grad():
        (look,) = model.looks(x)
    near = look._replace(patch=look.patch[:, :1])
    assert np.array_equal(cell(x, look, 0, 1, 4), cell(x, near, 0, 1, 4))


def test_a_network_that_looks_once_without_a_window_is_shown_too(x):
    model = build(ConvNetConfig((1, 20, 24), 4, kernel=5, stride=3, hidden=0))
    (look,) = model.looks(x)
    assert cell(x, look, 0, 1, 4).shape == (4 * 20 + 48, 96, 3)


def test_an_animation_has_a_frame_a_glimpse(x, looks, tmp_path):
    with Image.open(animate_glimpses(x, looks, tmp_path / "a.gif", torch.tensor([1, 2]))) as gif:
        assert gif.n_frames == 3
    with pytest.raises(ValueError, match=r"\.bmp"):
        animate_glimpses(x, looks, tmp_path / "a.bmp")


def test_nothing_to_show_is_an_error(x, looks, tmp_path):
    with pytest.raises(ValueError, match="0 images and 3 glimpses"):
        glimpse_sheet(x[:0], looks)
    with pytest.raises(ValueError, match="2 images and 0 glimpses"):
        animate_glimpses(x, [], tmp_path / "a.gif")

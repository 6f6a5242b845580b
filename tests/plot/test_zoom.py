import numpy as np
import pytest
import torch
from PIL import Image

from underdraw.nn.attention import extract, filters, spread
from underdraw.plot import look, settings, zoom_figure
from underdraw.plot.windows import READ, WRITE, box_of
from underdraw.plot.zoom import SCALE, panels_of, to_tensor


def photograph(height=60, width=90):
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * x / width, 255 * y / height, 0 * x + 90], 2).astype(np.uint8)


def test_shrinks_and_keeps_its_shape():
    assert to_tensor(photograph(), 45).shape == (1, 3, 30, 45)
    assert to_tensor(photograph(), None).shape == (1, 3, 60, 90)
    assert to_tensor(photograph()[..., 0], 100).shape == (1, 1, 60, 90)
    assert to_tensor(Image.fromarray(photograph()).convert("P"), 100).shape == (1, 3, 60, 90)


def test_the_picture_given_keeps_its_size():
    image = Image.fromarray(photograph())
    to_tensor(image, 10)
    assert image.size == (90, 60)


def test_settings_are_those_of_figure_3():
    zoom, sampled, blurred = settings(60, 90)
    assert zoom.delta < sampled.delta / 3
    assert zoom.sigma2 > sampled.sigma2
    assert blurred.delta == sampled.delta
    assert blurred.sigma2 > 9 * sampled.sigma2
    for glimpse in (sampled, blurred):
        box = box_of(glimpse)
        assert 0 < box.top < 5
        assert 55 < box.bottom < 60
        assert (box.left + box.right) / 2 == pytest.approx(45)


def test_settings_look_where_they_are_told():
    box = box_of(settings(60, 90, at=(0.25, 0.7))[0])
    assert (box.left + box.right) / 2 == pytest.approx(22.5)
    assert (box.top + box.bottom) / 2 == pytest.approx(42)


def test_panels():
    x, glimpse = to_tensor(photograph(), None), look(40.0, 30.0, 3.0, 1.0, 12)
    window, lit, patch, back = panels_of(x, glimpse)
    f_y, f_x = filters(glimpse, 60, 90)
    read = extract(x, f_y, f_x)
    level = (256 * read[0]).floor().permute(1, 2, 0)
    assert np.array_equal(patch, level.numpy().astype(np.uint8))
    assert tuple(window[int(30 * SCALE), round((39.5 - 16.5) * SCALE)]) == READ
    assert tuple(lit[14 * SCALE + 1, 24 * SCALE + 1]) != tuple(lit[0, 0])
    inside = spread(read, f_y, f_x)[0].mean(0)[10:50, 20:60].mean()
    assert inside > 0
    assert back[:, : 15 * SCALE].max() == 0  # nothing comes back from outside the window
    assert back[14 * SCALE : 46 * SCALE, 24 * SCALE : 56 * SCALE].max() > 60


def test_first_and_last_filter_have_colours():
    lit = panels_of(to_tensor(photograph(), None), look(40.5, 30.5, 4.0, 1.0, 3))[1]
    first, last = lit[26 * SCALE + 1, 36 * SCALE + 1], lit[34 * SCALE + 1, 44 * SCALE + 1]
    assert np.abs(first.astype(int) - READ).max() <= 1
    assert np.abs(last.astype(int) - WRITE).max() <= 1


def test_white_gives_back_white():
    back = panels_of(torch.ones(1, 1, 20, 30), look(15.0, 10.0, 2.0, 1.0, 4))[3]
    assert back.max() == 255


def test_figure_has_a_row_per_glimpse():
    three = zoom_figure(photograph())
    one = zoom_figure(photograph(), settings(60, 90)[:1])
    assert three.mode == "RGB"
    assert three.width == one.width
    assert 2.3 < three.height / one.height < 3
    with pytest.raises(ValueError, match="glimpse"):
        zoom_figure(photograph(), [])

import math

import numpy as np
import pytest
import torch

from underdraw.nn.attention import Glimpse, centres, filters
from underdraw.plot.windows import READ, WRITE, Box, border, box_of, covered, outline


def look(g_x, g_y, delta, sigma, size):
    values = (g_x, g_y, delta, sigma**2, 0.0)
    return Glimpse(*(torch.tensor([float(v)]) for v in values), size=size)


def drawn(glimpse, scale=4, pixels=28):
    black = np.zeros((pixels * scale, pixels * scale, 3), np.uint8)
    return outline(black, box_of(glimpse), scale, WRITE)


def extent(picture):
    """First and one past the last inked column and row."""
    ink = picture.any(2)
    x, y = np.flatnonzero(ink.any(0)), np.flatnonzero(ink.any(1))
    return x[0], y[0], x[-1] + 1, y[-1] + 1


def test_box_goes_through_the_outermost_filters():
    glimpse = look(12.0, 9.0, 2.5, 1.0, 5)
    mu_x, mu_y = (centres(g, glimpse.delta, 5)[0] for g in (glimpse.g_x, glimpse.g_y))
    want = [mu_x[0] - 0.5, mu_y[0] - 0.5, mu_x[-1] - 0.5, mu_y[-1] - 0.5, 1.0]
    assert box_of(glimpse) == pytest.approx([float(v) for v in want])


def test_border_lies_where_the_filters_look():
    glimpse = look(10.0, 15.0, 3.0, 1.0, 5)
    f_y, f_x = filters(glimpse, 28, 28)
    corner = int(f_y[0, 0].argmax()), int(f_x[0, 0].argmax())
    picture = drawn(glimpse)
    y, x = (4 * i + 2 for i in corner)  # the middle of the pixel, on the line
    assert tuple(picture[y, x]) == WRITE
    assert corner == (8, 3)
    assert extent(picture) == (4 * 3.5 - 1, 4 * 8.5 - 1, 4 * 15.5 + 1, 4 * 20.5 + 1)


def test_border_is_hollow_and_as_wide_as_half_sigma():
    row = drawn(look(14.5, 14.5, 3.0, 2.0, 5))[14 * 4, :, 0]
    assert np.flatnonzero(row).tolist() == [*range(30, 34), *range(78, 82)]
    thin = drawn(look(14.5, 14.5, 3.0, 1.0, 5))[14 * 4, :, 0]
    assert np.flatnonzero(thin).tolist() == [31, 32, 79, 80]


def test_width_of_the_border_is_bounded():
    assert border(0.01, 112, 4) == 1.0
    assert border(1.0, 112, 4) == 2.0
    assert border(50.0, 112, 4) == 7.0
    assert border(0.01, 900, 4) == 5.0
    assert border(50.0, 8, 1) == 2.0


def test_part_of_a_pixel_is_part_of_the_colour():
    picture = drawn(look(14.5, 14.5, 3.0, 0.75, 5))  # 1.5 px wide, centred on a pixel's edge
    assert picture[56, 31].tolist() == [round(0.75 * c) for c in WRITE]
    assert covered(0.25, 2.5, 4).tolist() == [0.75, 1.0, 0.5, 0.0]
    assert covered(2.0, 1.0, 4).tolist() == [0.0] * 4


def test_partly_outside_is_cut():
    picture = drawn(look(1.0, 14.5, 3.0, 2.0, 5))
    x0, y0, x1, y1 = extent(picture)
    assert (x0, y0, x1, y1) == (0, 30, 4 * 6.5 + 2, 82)
    assert not picture[56, :20].any()  # no line along the picture's own edge


@pytest.mark.parametrize("g", [(-40.0, 14.0), (14.0, 90.0), (1e9, -1e9)])
def test_wholly_outside_shows_nothing(g):
    assert not drawn(look(*g, 2.0, 1.0, 5)).any()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_not_drawn(bad):
    assert not drawn(look(bad, 14.0, 2.0, 1.0, 5)).any()
    assert not drawn(look(14.0, 14.0, 2.0, bad, 5)).any()


def test_larger_than_the_picture_shows_nothing():
    assert not drawn(look(14.5, 14.5, 40.0, 1.0, 5)).any()


def test_one_filter_is_a_filled_square_whatever_the_stride():
    picture = drawn(look(10.5, 10.5, 13.0, 2.0, 1))
    assert extent(picture) == (38, 38, 42, 42)
    assert np.all(picture[38:42, 38:42] == WRITE)


def test_the_picture_given_stays_as_it_was():
    before = np.full((8, 8, 3), 9, np.uint8)
    after = outline(before, Box(2.0, 2.0, 6.0, 6.0, 1.0), 1, READ)
    assert np.all(before == 9)
    assert (after != 9).any()


def test_colours_differ_without_hue():
    read, write = (np.dot(c, (0.2126, 0.7152, 0.0722)) for c in (READ, WRITE))
    assert read > 1.6 * write

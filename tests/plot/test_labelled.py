import math

import numpy as np
import pytest
import torch
from PIL import Image

from underdraw.plot import labelled_sheet, side_by_side
from underdraw.plot.labelled import fitting
from underdraw.plot.pixels import GAP


def tiles(rows, columns, value=1.0):
    return torch.full((rows, columns, 1, 4, 4), value)


def bright(picture, level=255):
    """How many pixels have exactly this level in all channels."""
    return int((np.asarray(picture) == level).all(2).sum())


def test_every_tile_is_there_at_its_scale():
    page = labelled_sheet(tiles(2, 3), "title", ["a", "b", "c"], scale=5)
    assert page.mode == "RGB"
    assert bright(page) == 6 * 20 * 20


def test_tiles_lie_by_row_and_column():
    images = tiles(2, 2, 0.0)
    images[0, 1] = 1.0
    page = np.asarray(labelled_sheet(images, "t", ["a", "b"], pad=2, scale=5))
    y, x = np.nonzero((page == 255).all(2))
    black_y, black_x = np.nonzero((page == 0).all(2))
    assert (y.min(), x.min()) == (black_y.min(), black_x.min() + 22)
    assert black_y.max() == y.max() + 22


def test_a_tile_of_nothing_is_left_empty():
    images = tiles(1, 3)
    images[0, 1] = math.nan
    page = labelled_sheet(images, "t", ["a", "b", "c"], scale=5)
    assert bright(page) == 2 * 20 * 20
    assert bright(page, 0) == 0
    assert bright(page, GAP) > 20 * 20


def test_blocks_are_set_apart():
    heads = ["a"]
    plain = labelled_sheet(tiles(4, 1), "t", heads, pad=2, scale=5)
    blocks = labelled_sheet(tiles(4, 1), "t", heads, pad=2, scale=5, block=2)
    assert blocks.height - plain.height == 2 * 4  # one gap five times as wide


def test_groups_of_columns_are_set_apart_under_one_head():
    plain = labelled_sheet(tiles(1, 4), "t", ["a"] * 4, pad=2, scale=5)
    groups = labelled_sheet(tiles(1, 4), "t", ["a", "b"], pad=2, scale=5, group=2)
    assert groups.width - plain.width == 2 * 4
    _, x = np.nonzero((np.asarray(groups) == 255).all(2))
    columns = np.unique(x)
    assert np.diff(columns).max() == 11  # ten pixels of gap between the groups
    assert np.count_nonzero(np.diff(columns) == 3) == 2
    assert bright(labelled_sheet(tiles(1, 3), "t", ["a", "b"], scale=5, group=2)) == 3 * 20 * 20


def test_names_take_a_column_beside_the_rows():
    plain = labelled_sheet(tiles(2, 9), "t", "abcdefghi", scale=5)
    named = labelled_sheet(tiles(2, 9), "t", "abcdefghi", ["one", "another"], scale=5)
    assert named.width > plain.width
    assert named.height == plain.height
    assert bright(named) == bright(plain)


def test_long_titles_and_heads_have_room():
    short = labelled_sheet(tiles(1, 1), "t", ["a"], scale=5)
    wide = labelled_sheet(tiles(1, 1), "a title much wider than the picture", ["a"], scale=5)
    tall = labelled_sheet(tiles(1, 1), "t", ["a\nb\nc"], scale=5)
    assert wide.width > 2 * short.width
    assert tall.height > short.height


def test_colour_and_scale():
    images = torch.zeros(1, 1, 3, 64, 64)
    images[:, :, 0] = 1.0
    a = np.asarray(labelled_sheet(images, "t", ["a"]))
    assert ((a[..., 0] == 255) & (a[..., 1] == 0)).sum() == 64 * 64
    assert [fitting(width) for width in (28, 32, 64, 500)] == [3, 3, 1, 1]


def test_pictures_side_by_side():
    small, large = Image.new("L", (30, 20), 255), Image.new("RGB", (50, 60), (255, 255, 255))
    page = side_by_side([small, large], ["one", "two\nlines"], "t", pad=10)
    assert bright(page) == 30 * 20 + 50 * 60
    assert page.width >= 30 + 10 + 50


def test_names_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="no images"):
        labelled_sheet(tiles(0, 2), "t", ["a", "b"])
    with pytest.raises(ValueError, match="1 heads and 0 names for 1 rows of 2"):
        labelled_sheet(tiles(1, 2), "t", ["a"])
    with pytest.raises(ValueError, match="1 names for 2 rows"):
        labelled_sheet(tiles(2, 1), "t", ["a"], ["x"])
    with pytest.raises(ValueError, match="0 names for 0 pictures"):
        side_by_side([], [], "t")

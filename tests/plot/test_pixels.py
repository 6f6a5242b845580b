import numpy as np
import pytest
import torch
from PIL import Image

from underdraw.plot import sheet, to_image, to_images
from underdraw.plot.pixels import GAP


def test_every_level_comes_back():
    b = torch.arange(256).reshape(1, 16, 16)
    assert np.array_equal(np.asarray(to_image((b + 0.5) / 256)), b[0].numpy())


def test_binary_clipped_and_not_a_number():
    x = torch.tensor([[[0.0, 1.0, -3.0, 7.0, torch.nan, torch.inf]]])
    assert np.asarray(to_image(x)).tolist() == [[0, 255, 0, 255, 0, 255]]


def test_modes_and_channel_order():
    assert [i.mode for i in to_images(torch.zeros(2, 1, 4, 5))] == ["L", "L"]
    colour = to_image(torch.tensor([1.0, 0.5, 0.0])[:, None, None].expand(3, 4, 5))
    assert (colour.mode, colour.size) == ("RGB", (5, 4))
    assert colour.getpixel((0, 0)) == (255, 128, 0)


def test_two_channels_are_shown_by_their_mean():
    x = torch.stack([torch.full((4, 4), 0.2), torch.full((4, 4), 0.6)])
    assert to_image(x).getpixel((0, 0)) == int(256 * 0.4)


def test_sheet_places_tiles_and_gaps():
    x = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0])[:, None, None, None].expand(-1, 1, 4, 6)
    page = np.asarray(sheet(x, columns=3, pad=2, scale=5))
    assert page.shape == (2 * 20 + 2, 3 * 30 + 2 * 2)
    assert np.all(page[:20, 32:62] == 64)
    assert np.all(page[22:, 32:62] == 255)
    assert np.all(page[:, 30:32] == GAP)
    assert np.all(page[22:, 64:] == GAP)  # the place of the sixth


def test_sheet_enlarges_by_nearest_neighbour():
    x = torch.rand(1, 1, 3, 3)
    page = np.asarray(sheet(x, scale=4))
    small = np.asarray(to_image(x[0]))
    assert np.array_equal(page, np.kron(small, np.ones((4, 4), np.uint8)))


def test_sheet_is_square_by_default_and_keeps_to_its_images():
    assert sheet(torch.zeros(9, 3, 4, 4), pad=0, scale=1).size == (12, 12)
    assert sheet(torch.zeros(2, 3, 4, 4), columns=8, pad=0, scale=1).size == (8, 4)
    assert isinstance(sheet(torch.zeros(1, 3, 4, 4)), Image.Image)


@pytest.mark.parametrize(("name", "value"), [("columns", 0), ("pad", -1), ("scale", 0)])
def test_sheet_refuses(name, value):
    with pytest.raises(ValueError, match=f"{name}.*{value}"):
        sheet(torch.zeros(4, 1, 4, 4), **{name: value})


def test_an_empty_sheet_is_refused():
    with pytest.raises(ValueError, match="no images"):
        sheet(torch.zeros(0, 1, 4, 4))

"""Levels of pictures."""

import math

import numpy as np
import pytest

from codec.coder.samples import WIDTH, normal_bits, picture
from underdraw.codec.coder import Cells, Decoder, Encoder, Stack, get_pixels, put_pixels
from underdraw.codec.coder.pixels import intervals as pixel_intervals
from underdraw.codec.errors import CodecError


def test_pixels_come_back():
    levels, cells = picture(5000)
    levels[:256] = np.arange(256)  # the last things one would expect, too
    encoder, stack = Encoder(), Stack()
    put_pixels([encoder], levels, cells)
    put_pixels([stack], levels, cells)
    assert (get_pixels([Decoder(encoder.finish(), complete=True)], cells) == levels).all()
    assert (get_pixels([stack], cells) == levels).all()
    assert stack.bare


def test_pixels_side_by_side():
    levels, cells = picture((3, 1, 50, 40))
    together = [Encoder() for _ in levels]
    put_pixels(together, levels, cells)
    for i in range(3):
        one, (mean, scale) = Encoder(), (cells.twice // 2, cells.scale)
        part = slice(2000 * i, 2000 * (i + 1))
        put_pixels([one], levels[i].reshape(-1), Cells(mean[part], scale[part], WIDTH))
        assert one.finish() == together[i].finish()
    readers = [Decoder(encoder.finish(), complete=True) for encoder in together]
    assert (get_pixels(readers, cells) == levels).all()


def test_costs_of_pixels_are_those_of_the_distribution():
    levels, cells = picture(20_000, scale=(256, 400))
    low, high = (
        (b * WIDTH - cells.twice / 2) * 2.0 ** (-cells.scale / 32) for b in (levels, levels + 1)
    )
    true = normal_bits(np.where(levels == 0, -50, low), np.where(levels == 255, 50, high))
    bits = sum(part.bits.sum() for part in pixel_intervals(1, levels, cells)[0])
    assert abs(bits - true.sum()) / len(levels) < 0.002


@pytest.mark.parametrize(
    ("mean", "scale", "width"),
    [([0], [0, 0], 256), ([math.nan], [0], 256), ([0], [1024], 256), ([0], [0], 0)],
)
def test_cells_refuse(mean, scale, width):
    with pytest.raises(CodecError, match=r"mean|scale|width"):
        Cells(mean, scale, width)


def test_levels_that_are_none_are_refused():
    cells = Cells([0, 0], [0, 0], WIDTH)
    for levels in ([0, 256], [-1, 0], [0], [0, math.nan]):
        with pytest.raises(CodecError, match="levels"):
            put_pixels([Encoder()], levels, cells)


def test_pixels_that_are_not_there_are_an_error():
    levels, cells = picture(500)
    encoder = Encoder()
    put_pixels([encoder], levels, cells)
    data = encoder.finish()
    for cut in (0, 5, len(data) // 2):
        with pytest.raises(CodecError, match="before the last pixel"):
            get_pixels([Decoder(data[:cut])], cells)

"""The same words out of plain Python."""

import numpy as np
import pytest

from codec.coder.samples import CASES, WIDTH, encode, picture, sample
from codec.plain_coder import (
    Damaged,
    PlainEncoder,
    PlainReader,
    PlainStack,
    gaussian_row,
    read_gaussians,
    read_pixels,
)
from underdraw.codec.coder import (
    Decoder,
    Encoder,
    Grid,
    Stack,
    get_gaussians,
    put_gaussians,
    put_pixels,
)
from underdraw.codec.coder.gaussian import intervals
from underdraw.codec.errors import CodecError


def plain_symbols(parts):
    for symbols in parts:
        yield from zip(symbols.low.tolist(), symbols.mass.tolist(), strict=True)


@pytest.mark.parametrize(("scale", "delta", "surprise"), CASES)
def test_plain_coder_writes_the_same_bytes(scale, delta, surprise):
    k, grid = sample(150, scale, delta, surprise=surprise)
    symbols = list(plain_symbols(intervals(1, k, grid)))
    plain, stack, plain_stack = PlainEncoder(), Stack(), PlainStack()
    for pair in symbols:
        plain.put(*pair)
    for pair in reversed(symbols):
        plain_stack.put(*pair)
    put_gaussians([stack], k, grid)
    assert plain.finish() == encode(k, grid)
    assert plain_stack.bytes == stack.bytes


@pytest.mark.parametrize(("scale", "delta", "surprise"), CASES)
def test_plain_decoder_reads_the_stream(scale, delta, surprise):
    k, grid = sample(60, scale, delta, surprise=surprise)
    data = encode(k, grid)
    for cut in (len(data), len(data) - 1, len(data) // 2, 1, 0):
        found = get_gaussians([Decoder(data[:cut])], grid)
        parts = (part.tolist() for part in (grid.delta, grid.mean, grid.scale))
        plain, read = read_gaussians(PlainReader(data[:cut]), *parts)
        assert found.k.tolist() == plain
        assert found.read.tolist() == read
    assert not any(read)


def test_plain_decoder_reads_pixels():
    levels, cells = picture(300)
    encoder = Encoder()
    put_pixels([encoder], levels, cells)
    mean, scale = (cells.twice // 2).tolist(), cells.scale.tolist()
    assert read_pixels(PlainReader(encoder.finish()), mean, scale, WIDTH) == levels.tolist()


def test_both_refuse_numbers_that_are_too_large():
    """The last cell of a row, and 2^31 - 1 or 2^31 - 3 beyond it: 2^31 + 1, or 2^31 - 1."""
    row, grid = gaussian_row(1000, 0, 100), Grid(1000, np.zeros(1), 100)
    assert len(row) == 6
    for length, digits, fits in ((31, 0, False), (30, (1 << 30) - 2, True)):
        encoder = PlainEncoder()
        encoder.put(row[-2], row[-1] - row[-2])
        encoder.put(length << 19, 1 << 19)
        upper = length - 16
        encoder.put(digits >> 16 << 24 - upper, 1 << 24 - upper)
        encoder.put(digits % 2**16 << 8, 1 << 8)
        data = encoder.finish()
        if fits:
            assert get_gaussians([Decoder(data)], grid).k.tolist() == [2**31 - 1]
            assert read_gaussians(PlainReader(data), [1000], [0], [100]) == ([2**31 - 1], [True])
            continue
        with pytest.raises(CodecError, match="no number that could have been coded"):
            get_gaussians([Decoder(data)], grid)
        with pytest.raises(Damaged):
            read_gaussians(PlainReader(data), [1000], [0], [100])

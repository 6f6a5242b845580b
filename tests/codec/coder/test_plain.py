"""The same words out of plain Python."""

import pytest

from codec.coder.samples import CASES, WIDTH, encode, picture, sample
from codec.plain_coder import PlainEncoder, PlainReader, PlainStack, read_gaussians, read_pixels
from underdraw.codec.coder import Decoder, Encoder, Stack, get_gaussians, put_gaussians, put_pixels
from underdraw.codec.coder.gaussian import intervals


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

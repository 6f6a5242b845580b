"""Streams: every prefix, and any bytes."""

from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.coder.samples import encode, sample
from codec.plain_coder import PlainEncoder
from underdraw.codec.coder import Decoder, Encoder, Grid, get_gaussians, put_gaussians, streams
from underdraw.codec.coder.gaussian import intervals
from underdraw.codec.errors import CodecError


def order(grid):
    """Places in the order of coding."""
    return np.argsort(-grid.half, kind="stable")


def test_every_cut_gives_the_beginning():
    k, grid = sample(80, (250, 420), 1000)
    data = encode(k, grid)
    cost = intervals(1, k, grid)[0].bits.cumsum()
    last, wasted = 0, []
    for cut in range(len(data) + 1):
        found = get_gaussians([Decoder(data[:cut])], grid)
        read = found.read[order(grid)]
        count = int(read.sum())
        assert read[:count].all()
        assert last <= count
        assert (found.k[found.read] == k[found.read]).all()
        assert (found.k[~found.read] == grid.nearest[~found.read]).all()
        wasted.append(8 * cut - (cost[count] if count < len(k) else 8 * cut))
        last = count
    assert last == len(k)
    assert np.mean(wasted) < 2.0  # bits that were there and of no use, beyond the symbol cut
    assert max(wasted) < 12


def test_cuts_within_digits_keep_the_cells():
    k, grid = sample(40, (500, 700), 1000, surprise=4.0)
    data = encode(k, grid)
    cell = 1 << grid.shift
    partly = 0
    for cut in range(len(data)):
        found = get_gaussians([Decoder(data[:cut])], grid)
        inside = np.abs(k - grid.nearest) < (grid.half - 2) * cell
        near = np.abs(found.k - k) < cell
        assert near[found.read & inside].all()
        partly += bool((found.read & (found.k != k)).any())
    assert partly


@given(st.binary(max_size=60), st.integers(0, 2**32))
def test_any_bytes_are_read_to_some_end(data, seed):
    _, grid = sample(60, (200, 700), 800, seed=seed % 1000)
    try:
        found = get_gaussians([Decoder(data)], grid)
    except CodecError as error:
        assert "could have been coded" in str(error)  # noqa: PT017
        return
    assert found.k.shape == (60,)


def test_a_quotient_that_is_no_symbol_ends_the_stream():
    k, grid = sample(20, (300, 301), 1000)
    for complete in (False, True):
        found = get_gaussians([Decoder(b"\xff" * 30, complete=complete)], grid)
        assert not found.read.any()
    short = encode(k, grid)
    ended = Decoder(short)
    get_gaussians([ended], grid)
    assert not ended.ended
    get_gaussians([ended], Grid(1000, np.zeros(50), 400))
    assert ended.ended
    assert not get_gaussians([ended], grid).read.any()


def test_empty_streams():
    assert Encoder().finish() == b""
    nothing = Grid(1, np.zeros(0), np.zeros(0))
    assert encode(np.zeros(0), nothing) == b""
    assert get_gaussians([Decoder(b"")], nothing).k.shape == (0,)
    assert not get_gaussians([Decoder(b"")], Grid(1, np.zeros(3), 300)).read.any()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 99))
def test_the_end_is_as_short_as_it_can_be(lengths, seed):
    rng = np.random.default_rng(seed)
    encoder, plain = Encoder(), PlainEncoder()
    for length in lengths:
        k = rng.integers(-3, 4, length)
        grid = Grid(1000, np.zeros(length), rng.integers(0, 400, length))
        put_gaussians([encoder], k, grid)
        for symbols in intervals(1, k, grid):
            for pair in zip(symbols.low.tolist(), symbols.mass.tolist(), strict=True):
                plain.put(*pair)
    assert encoder.finish() == plain.finish()
    assert 0 <= 8 * len(encoder.finish()) - encoder.bits < 11


def test_no_more_is_looked_at_than_symbols_can_take():
    k, grid = sample(300, (200, 500), 1000)
    data, seen = encode(k, grid), []
    true = streams.to_words
    with mock.patch.object(streams, "to_words", lambda d: seen.append(len(d)) or true(d)):
        for more in (b"", b"\x00" * (1 << 20), b"\xff" * (1 << 20)):
            found = get_gaussians([Decoder(data + more)], grid)
            assert (found.k == k).all()
            assert sum(seen) < 2 * 4 * (
                2 * 300 + 100
            )  # both ends, two symbols each, some at the end
            seen.clear()

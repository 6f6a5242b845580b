import copy
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.crops import bound, crops, tiny
from underdraw.codec import archive as module
from underdraw.codec.archive import (
    decode,
    decode_block,
    encode,
    encode_block,
    groups,
    order,
)
from underdraw.codec.coder import Grid, Stack, get_gaussians
from underdraw.codec.container import Block, build_archive, parse_archive
from underdraw.codec.errors import CodecError
from underdraw.codec.exact import Twin
from underdraw.codec.lanes import lanes_for, latents_of, needed
from underdraw.codec.lossless import encode as encode_single


@pytest.mark.parametrize(
    ("count", "height", "width", "channels", "lanes"),
    [(7, 8, 10, 3, 2), (3, 8, 10, 3, 5), (1, 9, 7, 3, None), (6, 12, 8, 1, 1)],
)
def test_blocks_come_back(count, height, width, channels, lanes):
    levels = crops(count, height, width, channels)
    block, data = encode_block(tiny(), levels, lanes)
    assert block == Block(count, height, width, channels, min(count, lanes or 1))
    found = decode_block(tiny(), block, data)
    assert found.dtype == np.uint8
    assert (found == levels).all()


@pytest.mark.parametrize("lanes", [1, 3])
def test_first_rounds_pop_what_they_can(monkeypatch, lanes):
    """With so few bits to a latent that a single picture does not pay for the next."""
    levels = crops(9, 8, 10)
    plain = len(encode_block(tiny(), levels, lanes)[1])
    monkeypatch.setattr("underdraw.codec.lanes._NEED", 12.0)
    block, data = encode_block(tiny(), levels, lanes)
    start = data[0], data[1]
    assert start[0] == 0
    assert 1 < start[1] <= 9 // lanes
    told = list(data[2 : 2 + start[1]])
    assert told[0] == 0
    assert told == sorted(told)
    assert 0 < told[-1] < len(tiny().sites)
    monkeypatch.undo()
    assert (decode_block(tiny(), block, data) == levels).all()
    monkeypatch.setattr(module, "affordable", lambda twin, size, bits: 0)
    assert plain < len(data) < len(encode_block(tiny(), levels, lanes)[1])


def test_rate_is_the_bound():
    levels = crops(24)
    block, data = encode_block(tiny(), levels)
    singles = data[0]
    assert singles == 1
    first = 8 * len(encode_single(tiny(), levels[:1])[0])
    later = (8 * len(data) - first) / levels[1:].size
    assert abs(later - bound(tiny(), levels[1:]).mean()) < 0.03  # one sample each, of either
    assert (decode_block(tiny(), block, data) == levels).all()


def widest():
    """Spacing and class of those posteriors that take most bits to pop, and how many, about."""
    twin, found = tiny(), []
    for site in twin.sites:
        pairs = zip(twin.delta(site).tolist(), twin.q_scale(site).tolist(), strict=True)
        found += [(scale / 32 - math.log2(delta), delta, scale) for delta, scale in pairs]
    ratio, delta, scale = max(found)
    return delta, scale, ratio + math.log2(math.sqrt(2 * math.pi * math.e))


def test_a_stack_has_what_is_needed():
    latents = latents_of(tiny(), (32, 32))
    assert latents == latents_of(tiny(), (31, 32)) == 4 * 3 * 16 * 16
    delta, scale, bits = widest()
    rng = np.random.default_rng(0)
    for count in (1, 10, 100, latents) * 5:
        grid = Grid(delta, np.zeros(count), scale)
        stack = Stack(rng.bytes(4 * int(needed(count) // 32)) + b"\0\0\0\1")
        assert 0 <= stack.bits - needed(count) + 32 < 64
        before = stack.bits
        get_gaussians([stack], grid, tails=False)  # or it has run dry
        assert stack.bits >= 32
    assert abs((before - stack.bits) / latents - bits) < 0.05
    few = Stack(rng.bytes(4 * int(0.9 * needed(latents) // 32)) + b"\0\0\0\1")
    with pytest.raises(CodecError, match="run dry"):
        get_gaussians([few], Grid(delta, np.zeros(latents), scale), tails=False)


def test_lanes_cost_little():
    lanes = [lanes_for(tiny(), (n, 3, 32, 32)) for n in (1, 24, 125, 500, 5000)]
    assert lanes == [1, 1, 2, 8, 32]  # a latent to each dimension, one single picture to a lane
    assert latents_of(tiny(), (32, 32)) == 3072


def test_archives_come_back():
    small, grey = crops(4, 8, 8), crops(2, 8, 8, 1)
    large = crops(3, 10, 14)
    pictures = [small[0], large[0], grey[0], small[1], large[1], small[2], grey[1], small[3]]
    names = [f"{'abcdefgh'[i]}.png" for i in range(8)]
    data = encode(tiny(), pictures, names, most=3)
    archive = parse_archive(data)
    assert [block.images for block in archive.blocks] == [3, 1, 2, 2]
    places = order(tiny(), [picture.shape for picture in pictures], 3)
    assert places == [0, 3, 5, 7, 1, 4, 2, 6]
    for place, found in zip(places, decode(tiny(), data), strict=True):
        assert (found == pictures[place]).all()
    assert archive.read_names(data) == [names[i] for i in places]
    assert parse_archive(encode(tiny(), pictures[:1])).letters == 0


def test_blocks_have_a_limit_of_pixels():
    shapes = [(3, 4096, 2048)] * 5 + [(3, 5000, 5000)] * 2
    assert groups(tiny(), shapes) == [[0, 1], [2, 3], [4], [5], [6]]
    assert groups(tiny(), [(3, 1, 1 << 22)] * 5) == [[0, 1], [2, 3], [4]]  # two rows are drawn


def test_blocks_for_which_too_much_would_be_drawn(monkeypatch):
    block, data = encode_block(tiny(), crops(4, 3, 7), 2)
    content = build_archive(tiny().hash, [(block, data)])
    assert len(list(decode(tiny(), content, most=4 * 4 * 8))) == 4
    monkeypatch.setattr(Twin, "paint", lambda *given, **told: pytest.fail("drawn"))
    with pytest.raises(CodecError, match="drawn as 4 times 8 x 4: more than 127 pixels"):
        list(decode(tiny(), content, most=127))
    with pytest.raises(CodecError, match="drawn as 1024 times 16384 x 2: more than 16777216"):
        decode_block(tiny(), Block(1 << 10, 1, 1 << 14, 3, 1), data)
    with pytest.raises(CodecError, match="drawn as 2 times 8388608 x 2: more than 16777216"):
        encode_block(tiny(), np.broadcast_to(np.uint8(0), (2, 3, 1, 1 << 23)))


def test_another_model_is_refused():
    data = build_archive(bytes(8), [])
    with pytest.raises(CodecError, match="needs the model 0000000000000000, not"):
        list(decode(tiny(), data))


def test_blocks_that_lie():
    levels = crops(3, 8, 8)
    block, data = encode_block(tiny(), levels)
    with pytest.raises(CodecError, match="1 bytes follow the last stack"):
        decode_block(tiny(), block, data + b"\0")
    with pytest.raises(CodecError, match=r"single pictures must be in 0\.\.3, is 4"):
        decode_block(tiny(), block, b"\x04" + data[1:])
    for head, said in (
        (b"\0\0", r"that round latents must be in 1\.\.3, is 0"),
        (b"\0\4", r"that round latents must be in 1\.\.3, is 4"),
        (b"\0\1\x7f", rf"sites of a round must be in 0\.\.{len(tiny().sites)}, is 127"),
        (b"\0\1", "the sites of a round needs byte"),
    ):
        with pytest.raises(CodecError, match=said):
            decode_block(
                tiny(), block, head if len(head) == 2 and head[1] == 1 else head + data[1:]
            )
    with pytest.raises(CodecError, match="a stack needs byte"):
        decode_block(tiny(), block, data[:-1])
    with pytest.raises(CodecError, match="no stack"):
        decode_block(tiny(), block, b"\1\0")
    with pytest.raises(CodecError, match=r"left on a stack|run dry|too far|could have"):
        decode_block(tiny(), block._replace(images=2), data)
    with pytest.raises(CodecError, match=r"run dry|left on a stack|too far|could have"):
        decode_block(tiny(), block._replace(images=4), data)
    with pytest.raises(CodecError, match="2 channels"):
        decode_block(tiny(), block._replace(channels=2), data)
    with pytest.raises(CodecError, match="a block needs pictures"):
        encode_block(tiny(), levels[:0])
    for lanes in (-1, 0, 1025):
        with pytest.raises(CodecError, match=rf"lanes must be in 1\.\.1024, got {lanes}"):
            encode_block(tiny(), levels, lanes)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]])
def test_every_picture_needs_a_name(names):
    with pytest.raises(CodecError, match=f"{len(names)} names for 2 pictures"):
        encode(tiny(), list(crops(2, 8, 8)), names)


@settings(max_examples=20)
@given(st.binary(min_size=8, max_size=400), st.integers(0, 2))
def test_any_stack_is_an_error(data, singles):
    words = len(data) // 4
    start = bytes([singles] if singles else [0, 1, 2])
    data = start + bytes([words]) + data[: 4 * words]
    with pytest.raises(CodecError):
        decode_block(tiny(), Block(2, 6, 6, 3, 1), data)


def test_blocks_of_a_model_that_codes_no_map():
    twin = copy.deepcopy(tiny())
    for site in twin.sites:
        twin.posterior(site).active.zero_()
    for count, lanes in ((1, 1), (5, 2)):
        levels = crops(count, 8, 8)
        block, data = encode_block(twin, levels, lanes)
        assert data[:3] == bytes([0, 1, len(twin.sites)])
        assert (decode_block(twin, block, data) == levels).all()


def test_rounds_need_not_grow(monkeypatch):
    """A stack may give fewer bits after a round than before it."""
    levels = crops(6, 12, 12)
    plans = iter([0, 4, 2, 4, 4, 4])
    true = module.affordable
    monkeypatch.setattr(module, "affordable", lambda *args: min(next(plans), true(*args)))
    block, data = encode_block(tiny(), levels, 1)
    assert data[:5] == bytes([0, 3, 0, 4, 2])
    assert (decode_block(tiny(), block, data) == levels).all()

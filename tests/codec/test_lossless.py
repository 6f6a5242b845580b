import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.crops import bound, crops, tiny
from underdraw.codec.coder import Stack
from underdraw.codec.errors import CodecError
from underdraw.codec.exact.cost import share
from underdraw.codec.lossless import Rounded, Taken, decode, encode, push, rounded_scale, take


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(32, 32, 3), (13, 21, 3), (1, 1, 3), (16, 10, 1)]
)
def test_pictures_come_back(height, width, channels):
    levels = crops(3, height, width, channels)
    streams = encode(tiny(), levels)
    found = decode(tiny(), streams, (height, width), channels)
    assert found.dtype == np.uint8
    assert (found == levels).all()
    stacks = [Stack() for _ in levels]
    push(Rounded(tiny()), stacks, levels)
    assert (take(Taken(tiny(), stacks), (height, width), channels) == levels).all()
    assert all(stack.bare for stack in stacks)


def test_hostile_pictures_come_back():
    levels = np.stack(
        [
            np.zeros((3, 8, 8), np.uint8),
            np.full((3, 8, 8), 255, np.uint8),
            np.random.default_rng(0).integers(0, 256, (3, 8, 8)).astype(np.uint8),
            np.indices((3, 8, 8)).sum(0).astype(np.uint8) % 2 * 255,
        ]
    )
    assert (decode(tiny(), encode(tiny(), levels), (8, 8), 3) == levels).all()


def test_pictures_do_not_depend_on_their_neighbours():
    levels = crops(3)
    together = encode(tiny(), levels)
    assert [encode(tiny(), one[None])[0] for one in levels] == together
    assert (decode(tiny(), together[1:2], (32, 32), 3) == levels[1]).all()


def test_rate_is_near_the_bound():
    levels = crops(12)
    bits = 8 * np.array([len(stream) for stream in encode(tiny(), levels)]) / levels[0].size
    latents = share(tiny()) * 4 * 3 * 16 * 16 / levels[0].size  # to a dimension
    excess = (bits - bound(tiny(), levels)).mean()
    assert 0.2 * latents < excess < 0.28 * latents  # 0.25 by theory


def test_scales_of_rounded_means():
    wide, narrow = np.arange(200, 1024), 200
    expected = np.maximum(2.0 ** (wide / 16) - 2.0 ** (narrow / 16), 2.0 ** (narrow / 16) / 8)
    found = rounded_scale(wide, np.array(narrow))
    assert np.abs(found - 16 * np.log2(expected)).max() <= 1
    assert rounded_scale(np.array([0, 1023]), np.array([1023, 0])).tolist() == [975, 1023]
    assert rounded_scale(np.array([3]), np.array([3])).tolist() == [0]


def test_streams_that_are_cut_are_refused():
    (stream,) = encode(tiny(), crops(1, 8, 8))
    for cut in [*range(0, len(stream) - 4, 7), *range(len(stream) - 4, len(stream))]:
        with pytest.raises(CodecError):
            decode(tiny(), [stream[:cut]], (8, 8), 3)


def test_streams_that_go_on_are_refused():
    (stream,) = encode(tiny(), crops(1, 8, 8))
    for more in (b"\0", b"\xff" * 5, stream):
        with pytest.raises(CodecError, match=f"{len(stream) + len(more)} bytes and does not end"):
            decode(tiny(), [stream + more], (8, 8), 3)


def test_streams_that_end_in_another_way_are_refused():
    """The last byte has room for more than one, of which the least is written."""
    (stream,) = encode(tiny(), crops(1, 8, 8))
    other = stream[:-1] + bytes([stream[-1] + 1])
    with pytest.raises(CodecError, match=f"{len(stream)} bytes and does not end as one"):
        decode(tiny(), [other], (8, 8), 3)


@settings(max_examples=15)
@given(st.binary(max_size=300))
def test_any_stream_is_a_picture_or_an_error(data):
    try:
        found = decode(tiny(), [data], (6, 6), 3)
    except CodecError:
        return
    assert found.shape == (1, 3, 6, 6)


def test_channels_are_those_of_the_model():
    with pytest.raises(CodecError, match="2 channels, the model draws 3"):
        decode(tiny(), [b""], (8, 8), 2)
    with pytest.raises(CodecError, match="4 channels, the model draws 3"):
        encode(tiny(), np.zeros((1, 4, 8, 8), np.uint8))

import math

import numpy as np
import pytest

from underdraw.codec.errors import CodecError
from underdraw.codec.philox import gaussians, philox, words

PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((ONES,) * 4, (ONES, ONES), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (PI, (0xA4093822, 0x299F31D0), "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_known_answers(counter, key, expected):
    """The vectors that come with Random123."""
    drawn = philox(np.array(counter, dtype=np.uint64), np.array(key, dtype=np.uint64))
    assert " ".join(f"{word:08x}" for word in drawn.tolist()) == expected


def test_words_stand_at_their_places():
    seed = 0x123456789ABCDEF0
    counter = np.array([2, 7, 9, 0], dtype=np.uint64)
    there = philox(counter, np.array([0x9ABCDEF0, 0x12345678], dtype=np.uint64)).tolist()
    assert words(seed, (7, 9), 12)[8:].tolist() == there
    assert words(seed, (7, 9), 5).tolist() == words(seed, (7, 9), 12)[:5].tolist()
    assert len(words(0, (0, 0), 0)) == 0
    assert words([3, seed], (7, 9), 12)[1].tolist() == words(seed, (7, 9), 12).tolist()
    assert words([3, seed], (7, 9), 12)[0].tolist() == words(3, (7, 9), 12).tolist()


def test_gaussians_are_gaussian():
    z = gaussians(1, (2, 3), np.full((100, 400), 5000), 320)
    assert z.shape == (100, 400)
    assert abs(z.mean() - 5000) < 4 * 1024 / 200
    assert abs(z.std() - 1024) < 4 * 1024 / math.sqrt(80_000)
    below = (z < 5000 - 1024).mean()
    assert abs(below - 0.158655) < 0.008


def test_gaussians_do_not_depend_on_their_neighbours():
    mean, scale = np.arange(6) * 1000, np.array([0, 100, 320, 600, 900, 1023])
    together = gaussians(5, (0, 1), mean, scale)
    zeros = gaussians(5, (0, 1), np.zeros(6), scale)
    assert (together - zeros).tolist() == mean.tolist()


def test_gaussians_are_the_format():
    z = gaussians(2**64 - 1, (3, 4), np.arange(5) * 100, np.array([0, 320, 320, 480, 1023]))
    assert z.tolist() == [0, -406, -82, 40820, 1712572983]


@pytest.mark.parametrize(
    ("seed", "stream", "count"),
    [(-1, (0, 0), 1), (2**64, (0, 0), 1), (0, (2**32, 0), 1), (0, (0, -1), 1), (0, (0, 0), -1)],
)
def test_numbers_out_of_range_are_refused(seed, stream, count):
    with pytest.raises(CodecError, match=r"must be in 0\.\.2\^"):
        words(seed, stream, count)


@pytest.mark.parametrize(("mean", "scale"), [(math.nan, 0), (0, 1024), (0.5, 3), (2**53, 3)])
def test_gaussians_refuse(mean, scale):
    with pytest.raises(CodecError, match="must be"):
        gaussians(0, (0, 0), mean, scale)

"""Every prefix of a lossy file is a picture, from the end of the header on."""

import numpy as np
import pytest

from codec.crops import crops, tiny
from underdraw.codec import lossy
from underdraw.codec.container import Incomplete, parse
from underdraw.codec.decoding import decompress
from underdraw.codec.encoding import compress
from underdraw.codec.measures import psnr

BATCH = 64
FILES = {"32 x 32, fine": (0, 32, 45.0), "32 x 32, coarse": (1, 32, 15.0), "64 x 64": (2, 64, 20.0)}


def picture(which: int, side: int) -> np.ndarray:
    return crops(3, side, side)[which]


def prefixes(content: bytes) -> np.ndarray:
    """What all prefixes decode to that hold the header, together."""
    header, payload = parse(content)
    streams = [payload[:cut] for cut in range(len(payload) + 1)]
    size, parts = (header.height, header.width), range(0, len(streams), BATCH)
    shown = [lossy.decode(tiny(), streams[i : i + BATCH], size, 3, header.steps) for i in parts]
    return np.concatenate(shown)


@pytest.mark.parametrize("name", FILES)
def test_every_prefix_decodes_or_lacks_its_header(name: str) -> None:
    which, side, quality = FILES[name]
    levels = picture(which, side)
    content = compress(levels.transpose(1, 2, 0), tiny(), quality=quality)
    head = len(content) - len(parse(content)[1])
    for cut in range(head):
        with pytest.raises(Incomplete, match="header is incomplete"):
            decompress(content[:cut], model=tiny())
    shown = prefixes(content)
    assert shown.shape == (len(content) - head + 1, 3, side, side)
    for cut in {0, 1, 2, 17, len(shown) // 2, len(shown) - 1}:  # by the usual way
        found = decompress(content[: head + cut], model=tiny())
        assert np.array_equal(np.asarray(found).transpose(2, 0, 1), shown[cut])
    (whole,) = lossy.decode(tiny(), [parse(content)[1]], (side, side), 3)
    assert np.array_equal(shown[-1], whole)
    told = np.array([psnr(levels, one) for one in shown])
    fifth = len(told) // 5
    assert (np.diff([told[i * fifth : (i + 1) * fifth].mean() for i in range(5)]) > 0).all()
    assert told[-1] > told[0] + 3
    # a byte more never makes much worse what was told, and nearly every byte tells something
    assert np.diff(told).min() > -0.5
    assert (shown[1:] != shown[:-1]).any((1, 2, 3)).mean() > 0.7

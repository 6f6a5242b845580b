"""Bytes that are deflated: nothing is made that is not wanted."""

import tracemalloc
import zlib

import pytest

from underdraw.codec.deflated import deflate, inflate, inflate_to
from underdraw.codec.errors import CodecError


@pytest.mark.parametrize("header", [False, True])
def test_a_bomb_takes_no_memory(header: bool) -> None:
    content = bytes(1 << 26)
    packed = zlib.compress(content, 9) if header else deflate(content)
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match="holds more than 10 bytes"):
            inflate(packed, 10, header)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_count_is_exact() -> None:
    packed = deflate(b"seven b")
    assert inflate_to(packed, 7) == inflate(packed, 7) == inflate(packed) == b"seven b"
    with pytest.raises(CodecError, match="holds 7 bytes, not 8"):
        inflate_to(packed, 8)
    for other in (packed[:-1], packed + b"x", zlib.compress(b"seven b")):
        with pytest.raises(CodecError, match="a deflated section is"):
            inflate_to(other, 7)

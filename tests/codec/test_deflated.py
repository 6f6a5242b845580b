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
        with pytest.raises(CodecError, match="what is sent is cut, or holds more than 10 bytes"):
            inflate(packed, "what is sent", 10, header)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_count_is_exact() -> None:
    packed = deflate(b"seven b")
    found = inflate_to(packed, "it", 7), inflate(packed, "it", 7), inflate(packed, "it")
    assert set(found) == {b"seven b"}
    with pytest.raises(CodecError, match="it holds 7 bytes, not 8"):
        inflate_to(packed, "it", 8)
    for other in (packed[:-1], packed + b"x", zlib.compress(b"seven b")):
        with pytest.raises(CodecError, match=r"it is (damaged|cut)"):
            inflate_to(other, "it", 7)

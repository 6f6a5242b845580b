"""Checksums and varints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underdraw.codec.container import Bytes, Incomplete, varint
from underdraw.codec.container.reading import crc8, crc32
from underdraw.codec.errors import CodecError


def test_a_known_checksum():
    assert crc8(b"123456789") == b"\xdf"  # CRC-8/AUTOSAR
    assert crc32(b"123456789").hex() == "cbf43926"


@given(st.integers(0, 2**35 - 1))
def test_varints_come_back(value):
    source = Bytes(varint(value))
    assert source.number("it") == value
    assert source.place == len(source.data) == max(-(-value.bit_length() // 7), 1)


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff\xff\xff\xff\xff\x01", b"\x80" * 9])
def test_varints_have_one_form(data):
    with pytest.raises(CodecError, match="it has more"):
        Bytes(data).number("it")


def test_varints_end():
    assert Bytes(b"\xff\xff\xff\xff\x7f").number("it") == 2**35 - 1
    with pytest.raises(Incomplete, match="it needs byte 2 of 1"):
        Bytes(b"\x80").number("it")
    for value in (-1, 2**35):
        with pytest.raises(CodecError, match="must be in"):
            varint(value)

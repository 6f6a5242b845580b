"""Bytes taken one after the other, with a reason when they are not there or not right.

varint   7 bits a byte, the lowest first; the top bit says that another byte follows.
         At most 5 bytes, and no more than the number needs.
crc32    as in zlib and PNG, 4 bytes, big-endian
crc8     polynomial x^8 + x^5 + x^3 + x^2 + x + 1 (0x2F), from 0xFF, the result inverted
"""

import zlib

from underdraw.codec.errors import CodecError

MOST = (1 << 35) - 1  # the largest number in a varint


class Incomplete(CodecError):
    """The bytes end before the header does."""


class Bytes:
    """What is read from, and how far it has been.

    Args:
        data: the file.
        place: where to begin.
        whole: there is no more of it, so that what is missing is damage.
    """

    def __init__(self, data: bytes, place: int = 0, whole: bool = False) -> None:
        self.data, self.place, self.whole = data, place, whole

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes.

        Raises:
            Incomplete: there are fewer, so far.
            CodecError: there are fewer.
        """
        end = self.place + count
        if end > len(self.data):
            short = f"{what} needs byte {end} of {len(self.data)}"
            if self.whole:
                raise CodecError(short)
            raise Incomplete(f"the header is incomplete: {short}")
        taken = self.data[self.place : end]
        self.place = end
        return taken

    def number(self, what: str, low: int = 0, high: int = MOST) -> int:
        """The next varint.

        Raises:
            Incomplete: it is not all there.
            CodecError: it is no varint, or not in low .. high.
        """
        value = 0
        for shift in range(0, 35, 7):
            byte = self.take(1, what)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        else:
            raise CodecError(f"{what} has more than 5 bytes")
        if not byte and shift:
            raise CodecError(f"{what} has more bytes than it needs")
        if not low <= value <= high:
            raise CodecError(f"{what} must be in {low}..{high}, is {value}")
        return value

    def check(self, what: str, first: int = 0) -> None:
        """Compare the checksum that is next with that of the bytes from `first` on.

        Raises:
            Incomplete: it is not there.
            CodecError: they differ.
        """
        before = self.data[first : self.place]
        if self.take(4, f"the checksum of {what}") != crc32(before):
            raise CodecError(f"{what} is damaged: its checksum is wrong")


def varint(value: int) -> bytes:
    """A number, 0 .. 2^35 - 1, as a varint.

    Raises:
        CodecError: it is outside.
    """
    if not 0 <= value <= MOST:
        raise CodecError(f"a number in a header must be in 0..2^35 - 1, got {value}")
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def crc32(data: bytes | memoryview) -> bytes:
    """The checksum of long headers and payloads."""
    return zlib.crc32(data).to_bytes(4, "big")


def crc8(data: bytes) -> bytes:
    """The checksum of short headers: it sees up to three wrong bits in 14 bytes."""
    check = 0xFF
    for byte in data:
        check ^= byte
        for _ in range(8):
            check = (check << 1 ^ (0x2F if check & 0x80 else 0)) & 0xFF
    return bytes([check ^ 0xFF])

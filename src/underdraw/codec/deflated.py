"""Bytes that are deflated, and opacity among them; never more is made of them than is wanted."""

import zlib

import numpy as np
from jaxtyping import UInt8

from underdraw.codec.errors import CodecError

EXPANSION = 1032
"""Times that what is deflated may be longer than its deflated bytes; more is impossible."""
MAX_PROFILE = 1 << 24
"""Bytes of a colour profile, at most."""


def deflate(content: bytes) -> bytes:
    """Deflated, without a header."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeeze.compress(content) + squeeze.flush()


def inflate(packed: bytes, what: str, most: int = MAX_PROFILE, header: bool = False) -> bytes:
    """What was deflated, of at most so many bytes, and nothing after it.

    Args:
        packed: with or without the `header` of zlib.
        what: it is, for messages.
        most: bytes that are made, at most.
        header: whether it is there.

    Raises:
        CodecError: anything else.
    """
    swell = zlib.decompressobj(15 if header else -15)
    try:
        content = swell.decompress(packed, most + 1)
    except zlib.error as error:
        raise CodecError(f"{what} is damaged: {error}") from error
    if len(content) > most or not swell.eof or swell.unused_data:
        raise CodecError(f"{what} is cut, or holds more than {most} bytes")
    return content


def inflate_to(packed: bytes, what: str, count: int, header: bool = False) -> bytes:
    """What was deflated, of exactly so many bytes; see `inflate`.

    Raises:
        CodecError: anything else.
    """
    found = inflate(packed, what, count, header)
    if len(found) != count:
        raise CodecError(f"{what} holds {len(found)} bytes, not {count}")
    return found


def unpack_profile(packed: bytes | None) -> bytes | None:
    """The colour profile in an extra; None if there is no extra, or nothing in it.

    Raises:
        CodecError: the bytes are damaged, or it is too large.
    """
    return (None if packed is None else inflate(packed, "the colour profile")) or None


def pack_alpha(alpha: UInt8[np.ndarray, "h w"]) -> bytes:
    """Opacity as bytes: differences to the pixel before, in raster order, mod 256, deflated."""
    return deflate(np.diff(alpha.ravel(), prepend=np.uint8(0)).tobytes())


def unpack_alpha(packed: bytes, size: tuple[int, int]) -> UInt8[np.ndarray, "h w"]:
    """What `pack_alpha` packed, of this height and width.

    Raises:
        CodecError: the bytes are damaged or of another size.
    """
    steps = np.frombuffer(inflate_to(packed, "opacity", size[0] * size[1]), np.uint8)
    return np.cumsum(steps, dtype=np.uint8).reshape(size)

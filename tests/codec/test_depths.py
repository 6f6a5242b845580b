"""Pictures of more than 8 bits a channel are refused, whatever Pillow would make of them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from underdraw.codec.depths import bits_of
from underdraw.codec.errors import CodecError
from underdraw.codec.image import read

LEVELS = np.random.default_rng(0).integers(0, 256, (6, 7, 4), np.uint8)
SIZ = b"\xff\x4f\xff\x51"


def saved(form: str, channels: int = 3, **options: object) -> bytes:
    out = io.BytesIO()
    levels = LEVELS[..., :channels].squeeze()
    Image.fromarray(levels).save(out, format=form, **options)  # pyrefly: ignore
    return out.getvalue()


def png(kind: int, channels: int) -> bytes:
    """A 2 x 2 PNG of 16 bits."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", 2, 2, 16, kind, 0, 0, 0)
    rows = zlib.compress(2 * (b"\0" + bytes(4 * channels)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg2000(bits: int, channels: int = 3, component: int = 0, jp2: bool = True) -> bytes:
    """A file of so many bits in one component and 8 in the others; it does decode."""
    content = bytearray(saved("JPEG2000", channels, no_jp2=not jp2))
    content[content.find(SIZ) + 42 + 3 * component] = bits - 1
    return bytes(content)


def avif(bits: int) -> bytes:
    """A file whose boxes av1C and pixi say that it has so many."""
    content = bytearray(saved("AVIF"))
    content[content.find(b"av1C") + 6] |= {10: 0x40, 12: 0x60}[bits]
    first = content.find(b"pixi") + 9
    content[first : first + 3] = bytes([bits] * 3)
    return bytes(content)


def refused(content: bytes, bits: int) -> None:
    with pytest.raises(CodecError, match=f"the picture has {bits} bits a channel: only 8-bit"):
        read(content)


@pytest.mark.parametrize(("kind", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_png(kind: int, channels: int) -> None:
    refused(png(kind, channels), 16)
    with pytest.raises(CodecError, match="more than 8 bits a channel"):
        read(png(0, 1))  # Pillow itself keeps these


@pytest.mark.parametrize("jp2", [True, False])
@pytest.mark.parametrize(("bits", "channels"), [(16, 3), (9, 3), (12, 4), (16, 2), (38, 3)])
def test_jpeg2000(bits: int, channels: int, jp2: bool) -> None:
    for component in range(channels):
        refused(jpeg2000(bits, channels, component, jp2), bits)


def test_jpeg2000_in_boxes_of_other_lengths() -> None:
    content = jpeg2000(16)
    box = content.find(b"jp2c") - 4
    before, body = content[:box], content[box + 8 :]
    more = struct.pack(">I4s", 12, b"xml ") + SIZ  # not the codestream
    refused(before + more + struct.pack(">I4s", 0, b"jp2c") + body, 16)
    length = struct.pack(">I4sQ", 1, b"jp2c", 16 + len(body))
    refused(before + length + body, 16)
    for damaged in (before, before + struct.pack(">I4s", 3, b"xml "), content[: box + 30]):
        with pytest.raises(CodecError, match="cannot be read as a picture"):
            read(damaged)


def test_ppm() -> None:
    pixels = bytes(range(12))
    refused(b"P6 2 1 65535\n" + pixels, 16)
    refused(b"P6 2 1 1023\n" + pixels, 10)
    refused(b"P3 1 1 256\n0 1 256", 9)
    assert read(b"P6 4 1 100\n" + pixels).size == (1, 4)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sgi(channels: int) -> None:
    refused(saved("SGI", channels, bpc=2), 16)
    assert read(saved("SGI", channels)).size == (6, 7)


def test_bmp_of_16_bits_a_pixel() -> None:
    head = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    start = struct.pack("<IHHI", 14 + 40 + 12 + 4, 0, 0, 14 + 40 + 12)
    picture = read(b"BM" + start + head + masks + struct.pack("<HH", 0xF800, 0x7E0))
    assert np.array_equal(picture.levels[:, 0], [[255, 0], [0, 255], [0, 0]])


def test_avif() -> None:
    refused(avif(10), 10)
    refused(avif(12), 12)


@pytest.mark.parametrize("form", ["PNG", "JPEG2000", "AVIF", "PPM", "TIFF", "WEBP", "JPEG"])
def test_eight_bits_are_taken(form: str) -> None:
    content = saved(form)
    assert read(content).size == (6, 7)
    with Image.open(io.BytesIO(content)) as image:
        assert bits_of(image) == 8
        image.load()  # looking has moved nothing
        assert bits_of(image) == 8
    assert bits_of(Image.fromarray(LEVELS)) == 8


@pytest.mark.parametrize(("channels", "jp2"), [(1, True), (2, False), (3, True), (4, False)])
def test_jpeg2000_of_eight_bits(channels: int, jp2: bool) -> None:
    content = saved("JPEG2000", channels, no_jp2=not jp2)
    picture = read(content)
    colours = 1 if channels < 3 else 3
    assert np.array_equal(picture.levels, LEVELS[..., :colours].transpose(2, 0, 1))

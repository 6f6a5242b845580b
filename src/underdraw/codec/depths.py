"""Bits a channel of picture files that Pillow opens as if they had 8, and makes 8 when they load.

PNG, TIFF, SGI     ";16" in the raw mode of what is about to be unpacked, but for two where that
                   is bits a pixel; or a decoder of that name
PPM                the greatest value, above 255
JPEG 2000          Ssiz in the SIZ marker of the codestream, for each component: bits less 1, and
                   128 more if they are signed (ITU-T T.800, A.5.1 and I.4)
AVIF               high_bitdepth and twelve_bit in the boxes av1C (AV1 in ISO base media files, 2.3)
"""

import re
import struct
from typing import Any

from PIL import Image

_CODESTREAM = b"\xff\x4f\xff\x51"  # its start, and the SIZ marker that has to follow
_PIXELS = ("BGR;16", "RGB;16")  # raw modes of 5, 6 and 5 bits
_COUNT, _FIRST = 40, 42  # where a codestream has the number of components, and the first Ssiz


def bits_of(image: Image.Image) -> int:
    """Bits a channel in the file of a picture that has not been loaded; 8 if that is not known."""
    tiles, file = getattr(image, "tile", []), getattr(image, "fp", None)
    found = [8, *(bits for tile in tiles for bits in _told(tile.args))]
    found += [16 for tile in tiles if tile.codec_name == "SGI16"]
    if tiles and file is not None and image.format in _READ:
        place = file.tell()
        found += _READ[image.format](file)
        file.seek(place)
    return max(found)


def _told(arguments: object) -> list[int]:
    """Bits that what Pillow unpacks with speaks of."""
    parts = arguments if isinstance(arguments, tuple) else (arguments,)
    sixteen = [16 for part in parts if ";16" in str(part) and part not in _PIXELS]
    rgb, most = parts if len(parts) == 2 else (None, 0)
    return sixteen + ([most.bit_length()] if rgb == "RGB" and isinstance(most, int) else [])


def _jpeg2000(file: Any) -> list[int]:  # noqa: ANN401
    """Bits of each component; none where the file is damaged, which Pillow will say."""
    file.seek(0)
    if file.read(4) != _CODESTREAM and not _to_codestream(file):
        return []
    head = _CODESTREAM + file.read(_FIRST - 4)
    if len(head) < _FIRST:
        return []
    sizes = file.read(3 * int.from_bytes(head[_COUNT:_FIRST], "big"))
    return [(size & 0x7F) + 1 for size in sizes[::3]]


def _to_codestream(file: Any) -> bool:  # noqa: ANN401
    """Go behind the first markers of the codestream in the boxes of a JP2 file."""
    file.seek(0)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        before = 8
        if length == 1:
            length, before = int.from_bytes(file.read(8), "big"), 16
        if kind == b"jp2c":
            return file.read(4) == _CODESTREAM
        if length < before:  # 0: to the end of the file
            return False
        file.seek(length - before, 1)
    return False


def _avif(file: Any) -> list[int]:  # noqa: ANN401
    """Bits of each of the pictures that one is made of."""
    file.seek(0)
    flags = [found[1][0] for found in re.finditer(rb"av1C..(.)", file.read(), re.DOTALL)]
    return [8 if not one & 0x40 else 12 if one & 0x20 else 10 for one in flags]


_READ = {"JPEG2000": _jpeg2000, "AVIF": _avif}

r"""Archives: many pictures in blocks, each of which can be decoded alone.

    0xD5 U D \n · version 1 · kind 2 · the model's hash, 8 bytes
    varint number of blocks; each: varints images, height, width, channels, lanes, length in bytes ·
        crc32 of the block
    varint length of the names, varint length of them deflated · crc32 of them deflated
    crc32 of all this
    the names, deflated (zlib) · the blocks, one after the other

The pictures of a block have one size. Names are UTF-8, a zero byte between two, in the order of the
blocks and of the pictures in them; without names both lengths are 0. A name is a relative path that
leads to no other place: parts between slashes, none of them empty, . or .., no backslash, no
control character, no colon in the second place. No name is there twice, or a folder of another.
So a list of names has at least two bytes for each picture, but for the last zero.

What is damaged costs itself alone: a block its pictures, the names the names. Only where the
header is damaged or cut nothing can be read.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from underdraw.codec.container.reading import Bytes, crc32, varint
from underdraw.codec.container.single import (
    ARCHIVE,
    HASH,
    MAGIC,
    VERSION,
    limit,
    start,
)
from underdraw.codec.deflated import EXPANSION, inflate_to
from underdraw.codec.errors import CodecError
from underdraw.codec.usual import MAX_PIXELS

MAX_IMAGES = 1 << 16  # of a block
MAX_ALL = 1 << 20  # pictures of an archive
MAX_LANES = 1 << 10
_LETTERS = 1 << 26  # of all names together
_LONGEST = 4096  # bytes of a name
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]|^.:")  # Unicode's Cc, Cs; \ and c:
LIST = "the list of names"


class Block(NamedTuple):
    """Pictures that are coded together.

    Attributes:
        images: how many.
        height: of each, in pixels.
        width: of each, in pixels.
        channels: 1 for grey, 3 for RGB.
        lanes: how many stacks they are coded on, side by side.
    """

    images: int
    height: int
    width: int
    channels: int
    lanes: int


class Place(NamedTuple):
    """Where something stands in a file.

    Attributes:
        first: its first byte.
        length: how many.
        check: their checksum.
    """

    first: int
    length: int
    check: bytes

    def read(self, data: bytes, what: str) -> bytes:
        """The bytes there.

        Raises:
            CodecError: they are damaged, or the file ends before.
        """
        found = data[self.first : self.first + self.length]
        if len(found) < self.length:
            raise CodecError(f"{what} is cut: {len(found)} of {self.length} bytes are there")
        if crc32(found) != self.check:
            raise CodecError(f"{what} is damaged: its checksum is wrong")
        return found


class Archive(NamedTuple):
    """What the header of an archive says.

    Attributes:
        model: hash of the model, 8 bytes.
        blocks: what they hold.
        places: where they stand.
        names: where the names stand.
        letters: length of the names.
    """

    model: bytes
    blocks: tuple[Block, ...]
    places: tuple[Place, ...]
    names: Place
    letters: int

    @property
    def images(self) -> int:
        """Pictures in all blocks."""
        return sum(block.images for block in self.blocks)

    def read_block(self, data: bytes, i: int) -> bytes:
        """The bytes of block i.

        Raises:
            CodecError: there is no such block, it is damaged, or the file ends before.
        """
        if not 0 <= i < len(self.blocks):
            raise CodecError(f"there is no block {i}: the archive has {len(self.blocks)}")
        return self.places[i].read(data, f"block {i}")

    def read_names(self, data: bytes) -> list[str] | None:
        """The names of all pictures, or None if they have none.

        Raises:
            CodecError: they are damaged, or no names.
        """
        if not self.letters:
            return None
        packed = self.names.read(data, LIST)
        text = inflate_to(packed, LIST, self.letters, header=True)
        check_count(self.images, text.count(b"\0") + 1)  # before they are made
        try:
            return check_names(part.decode() for part in _parts(text))
        except UnicodeDecodeError as error:
            raise CodecError(f"{LIST} is no UTF-8: {error}") from None


def _parts(text: bytes) -> Iterator[bytes]:
    """What stands between zero bytes."""
    first = 0
    while (end := text.find(b"\0", first)) >= 0:
        yield text[first:end]
        first = end + 1
    yield text[first:]


def check_count(images: int, names: int | None = None) -> None:
    """Refuse more pictures than an archive may have, and more or fewer names than pictures.

    Raises:
        CodecError: with the numbers.
    """
    if images > MAX_ALL:
        raise CodecError(f"{images} pictures are more than an archive may have, {MAX_ALL}")
    if names not in (None, images):
        raise CodecError(f"there are {names} names for {images} pictures")


def check_names(names: Iterable[str]) -> list[str]:
    """Refuse names that could lead out of their folder, or of which one is in another's way.

    They are looked at one by one, and no further than to the first that is wrong or there twice.

    Returns:
        The names.

    Raises:
        CodecError: naming them.
    """
    found: dict[str, None] = {}
    for name in names:
        check_name(name)
        if name in found:
            raise CodecError(f"the name {name!r} is there twice")
        found[name] = None
    ways = sorted(name.encode().replace(b"/", b"\0") for name in found)
    for way, after in pairwise(ways):  # what is below a name is right behind it
        if after.startswith(way + b"\0"):
            raise CodecError(f"the name {_name(way)!r} is a folder of {_name(after)!r}, too")
    return list(found)


def _name(way: bytes) -> str:
    return way.replace(b"\0", b"/").decode()


def check_name(name: str) -> None:
    """Refuse a name that could lead out of the folder it is unpacked in.

    Raises:
        CodecError: it could.
    """
    parts = name.split("/")
    unsafe = _UNSAFE.search(name) or {"", ".", ".."} & set(parts)
    if unsafe or len(name.encode()) > _LONGEST:
        raise CodecError(f"{name!r} is no safe name of a file")


def build_archive(
    model: bytes, blocks: Sequence[tuple[Block, bytes]], names: Sequence[str] | None = None
) -> bytes:
    """An archive.

    Args:
        model: hash of the model, 8 bytes.
        blocks: what each holds, and its bytes.
        names: of all pictures, in the order of the blocks.

    Raises:
        CodecError: a number, a name or their count is wrong.
    """
    if len(model) != HASH:
        raise CodecError(f"model must be named by 8 bytes, is by {len(model)}")
    images = sum(block.images for block, _ in blocks)
    check_count(images, None if names is None else len(names))
    check_names(names or ())
    letters = b"" if names is None else "\0".join(names).encode()
    if len(letters) > _LETTERS:
        raise CodecError(f"{len(letters)} bytes of names are more than {_LETTERS}")
    packed = zlib.compress(letters, 9) if letters else b""
    head = MAGIC + bytes([VERSION, ARCHIVE]) + model + varint(len(blocks))
    for block, data in blocks:
        head += b"".join(map(varint, (*block, len(data)))) + crc32(data)
    head += varint(len(letters)) + varint(len(packed)) + crc32(packed)
    return b"".join([head, crc32(head), packed, *(data for _, data in blocks)])


def parse_archive(data: bytes, most: int = MAX_PIXELS) -> Archive:
    """The header of an archive, which may be cut or damaged behind it.

    Args:
        data: the file.
        most: pixels that a block may have.

    Raises:
        Incomplete: the header is not all there.
        CodecError: it is no archive, it is damaged, it has too many pictures, or a block is too
            large.
    """
    source = Bytes(data)
    if start(source) != ARCHIVE:
        raise CodecError("this is a single picture, not an archive")
    model, blocks, entries = source.take(HASH, "the model"), [], []
    for _ in range(source.number("the number of blocks")):
        blocks.append(_block(source))
        entries.append((source.number("the length of a block"), source.take(4, "a checksum")))
    letters = source.number("the length of the names", 0, _LETTERS)
    packed = source.number("the length of the deflated names"), source.take(4, "a checksum")
    source.check("the header")
    for block in blocks:
        limit(block.height, block.width, most, block.images)
    images = sum(block.images for block in blocks)
    check_count(images)
    _check_letters(letters, packed[0], images)
    place, places = source.place, []
    for length, check in [packed, *entries]:
        places.append(Place(place, length, check))
        place += length
    return Archive(model, tuple(blocks), tuple(places[1:]), places[0], letters)


def _check_letters(letters: int, packed: int, images: int) -> None:
    """Refuse lists of names that cannot be those of so many pictures.

    Raises:
        CodecError: with the numbers.
    """
    if letters > EXPANSION * packed:
        raise CodecError(f"{packed} bytes cannot hold names of {letters}")
    if packed and not letters:
        raise CodecError(f"there are {packed} bytes of names that have none")
    if letters and not 2 * images - 1 <= letters < (_LONGEST + 1) * images:
        raise CodecError(f"{letters} bytes cannot be the names of {images} pictures")


def _block(source: Bytes) -> Block:
    images = source.number("the number of pictures in a block", 1, MAX_IMAGES)
    height, width = (source.number(what, 1) for what in ("height", "width"))
    channels = source.number("channels", 1, 3)
    if channels == 2:
        raise CodecError("channels must be 1 or 3, is 2")
    lanes = source.number("lanes", 1, min(images, MAX_LANES))
    return Block(images, height, width, channels, lanes)

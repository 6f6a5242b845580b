r"""Files of one picture: a header in one of two forms, then the payload.

Short: 8 bytes for a lossy file of up to 127 x 127 pixels

    0xE1 lossy or 0xF1 lossless (the lower digit is the version) · \n · first 2 bytes of the
    model's hash · steps, and 128 more if grey · varint height · varint width · crc8 of this
    lossless: · crc32 of the payload

Long: whatever the short form cannot say

    0xD5 U D \n · version 1 · kind: 0 lossy, 1 lossless · the model's hash, 8 bytes
    varints: height, width, channels, steps
    varint number of extras; each: varint tag, varint length, so many bytes; tags ascend
    lossless: varint length of the payload · crc32 of the payload
    crc32 of all this

The payload is last and, in a lossy file, may be cut anywhere. What is behind the payload of a
lossless file makes it damaged. An extra with an even tag that a decoder does not know is a reason
to refuse the file; one with an odd tag is passed over. Pixels are counted before anything is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from underdraw.codec.container.reading import Bytes, crc8, crc32, varint
from underdraw.codec.errors import CodecError, more_than
from underdraw.codec.usual import MAX_PIXELS

MAGIC = b"\xd5UD\n"
VERSION = 1
LOSSY, LOSSLESS, ARCHIVE = range(3)
KINDS = ("lossy", "lossless", "archive")
HASH = 8  # bytes that name a model in a long header
MAX_STEPS = 1 << 16
MAX_EXTRAS = 1 << 8

INDEX = 1
"""Tag: for each step, the varint length of what it adds to the payload, in bytes."""
ALPHA = 2
"""Tag: the opacity of each pixel."""
PROFILE = 3
"""Tag: an ICC profile, deflated."""
TILE = 4
"""Tag: varint height and varint width of the tiles that a lossy picture is made of."""
_KNOWN = (INDEX, ALPHA, PROFILE, TILE)

_SHORT = {0xE0 | VERSION: LOSSY, 0xF0 | VERSION: LOSSLESS}
_ID = 2  # bytes that name a model in a short header
_GREY = 128
_SIDE = 1 << 14  # of pictures in short headers, two bytes a side


@dataclass(frozen=True)
class Header:
    """What a file says of its one picture.

    Raises:
        CodecError: a field is out of range.
    """

    kind: int
    """LOSSY or LOSSLESS."""
    model: bytes
    """Hash of the model: 8 bytes, or the first 2 of them."""
    height: int
    """Of the picture, in pixels."""
    width: int
    """Of the picture, in pixels."""
    channels: int
    """1 for grey, 3 for RGB."""
    steps: int
    """Steps of the model that are stored."""
    extras: Mapping[int, bytes] = field(default_factory=dict)
    """By tag: INDEX, ALPHA, PROFILE, TILE."""
    tile: tuple[int, int] | None = field(init=False, compare=False)
    """Height and width of the tiles, if there are any."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "extras", MappingProxyType(dict(sorted(self.extras.items()))))
        if self.kind not in (LOSSY, LOSSLESS):
            raise CodecError(f"kind must be 0 or 1, is {self.kind}")
        if len(self.model) not in (_ID, HASH):
            raise CodecError(f"model must be named by 2 or 8 bytes, is by {len(self.model)}")
        if min(self.height, self.width) < 1:
            raise CodecError(f"no picture is {self.width} x {self.height}")
        if self.channels not in (1, 3):
            raise CodecError(f"channels must be 1 or 3, is {self.channels}")
        if not 0 <= self.steps <= MAX_STEPS:
            raise CodecError(f"steps must be in 0..{MAX_STEPS}, is {self.steps}")
        if len(self.extras) > MAX_EXTRAS:
            raise CodecError(f"there are {len(self.extras)} extras, more than {MAX_EXTRAS}")
        for tag in self.extras:
            if tag % 2 == 0 and tag not in _KNOWN:
                raise CodecError(f"the file has something this version cannot read (tag {tag})")
        object.__setattr__(self, "tile", self._tile())

    def _tile(self) -> tuple[int, int] | None:
        if TILE not in self.extras:
            return None
        source = Bytes(self.extras[TILE], whole=True)
        height = source.number("the height of a tile", 1, self.height)
        width = source.number("the width of a tile", 1, self.width)
        if source.place != len(source.data) or self.kind != LOSSY:
            raise CodecError("what is said of tiles is damaged")
        return height, width

    @property
    def short(self) -> bool:
        """Whether the short form can say this."""
        small = max(self.height, self.width) < _SIDE and self.steps < _GREY
        return small and not self.extras


def names(model: bytes, name: bytes) -> bool:
    """Whether `name`, as a header has it, names the model with the hash `model`."""
    return model[: len(name)] == name


def build(header: Header, payload: bytes | memoryview, short: bool = True) -> bytes:
    """A file.

    Args:
        header: what it says; its model is named in full.
        payload: what it holds.
        short: take the short form where it will do. Two models may share the first 2 bytes.

    Raises:
        CodecError: the model is not named in full, or a number is too large.
    """
    if len(header.model) != HASH:
        raise CodecError(f"model must be named by 8 bytes, is by {len(header.model)}")
    return (_short if short and header.short else _long)(header, payload) + payload


def _short(header: Header, payload: bytes | memoryview) -> bytes:
    first = next(byte for byte, kind in _SHORT.items() if kind == header.kind)
    told = header.steps | (_GREY if header.channels == 1 else 0)
    head = bytes([first]) + b"\n" + header.model[:_ID] + bytes([told])
    head += varint(header.height) + varint(header.width)
    return head + crc8(head) + (crc32(payload) if header.kind == LOSSLESS else b"")


def _long(header: Header, payload: bytes | memoryview) -> bytes:
    head = MAGIC + bytes([VERSION, header.kind]) + header.model
    numbers = (header.height, header.width, header.channels, header.steps, len(header.extras))
    head += b"".join(map(varint, numbers))
    for tag, extra in header.extras.items():
        head += varint(tag) + varint(len(extra)) + extra
    if header.kind == LOSSLESS:
        head += varint(len(payload)) + crc32(payload)
    return head + crc32(head)


class BadPayload(CodecError):
    """The header is right, and the payload is not what it says."""


def parse(data: bytes, most: int = MAX_PIXELS, check: bool = True) -> tuple[Header, memoryview]:
    """The header and the payload of a file of one picture.

    Args:
        data: the file; a lossy one may be cut behind its header.
        most: pixels that the picture may have.
        check: whether the payload of a lossless file has to be what the header says.

    Returns:
        The header, and a view of the payload: whatever follows it there is not copied.

    Raises:
        Incomplete: the header is not all there.
        BadPayload: it is, and a lossless payload is cut or damaged, or something follows it.
        CodecError: it is no such file, its header is damaged, or its picture is too large.
    """
    source = Bytes(data)
    kind = start(source)
    if kind == ARCHIVE:
        raise CodecError("this is an archive, not a single picture")
    header, length, sums = (_parse_long if source.place > 2 else _parse_short)(source, kind)
    limit(header.height, header.width, most)
    payload = memoryview(data)[source.place :]
    if check and length is not None and length != len(payload):
        raise BadPayload(f"the payload has {len(payload)} bytes, not {length}")
    if check and sums and sums != crc32(payload):
        raise BadPayload("the payload is damaged: its checksum is wrong")
    return header, payload


def kind_of(data: bytes) -> int:
    """LOSSY, LOSSLESS or ARCHIVE, from the first bytes of a file; raises as `start`."""
    return start(Bytes(data))


def start(source: Bytes) -> int:
    """The kind of a file; `source`, at its first byte, is then behind what tells.

    Raises:
        Incomplete: it is not all there.
        CodecError: it is no such file, or of another version.
    """
    if source.data[:1] and source.data[0] in _SHORT and source.data[1:2] in (b"", b"\n"):
        return _SHORT[source.take(2, "the magic number")[0]]
    begin = source.data[: len(MAGIC)]
    if begin != MAGIC[: len(begin)]:
        raise CodecError(f"not an underdraw file: it begins with {begin.hex(' ')}")
    source.take(len(MAGIC), "the magic number")
    version, kind = source.take(2, "the version")
    if version != VERSION:
        raise CodecError(f"the file has version {version} of the format; this reads {VERSION}")
    if kind not in (LOSSY, LOSSLESS, ARCHIVE):
        raise CodecError(f"the file is of an unknown kind, {kind}")
    return kind


def _parse_short(source: Bytes, kind: int) -> tuple[Header, int | None, bytes]:
    """The header, and what it says of a payload: length and checksum, if anything."""
    model = source.take(_ID, "the model")
    told = source.take(1, "the steps")[0]
    height, width = (source.number(what, 1, _SIDE - 1) for what in ("height", "width"))
    head = source.data[: source.place]
    if source.take(1, "the checksum of the header") != crc8(head):
        raise CodecError("the header is damaged: its checksum is wrong")
    channels = 1 if told & _GREY else 3
    header = Header(kind, model, height, width, channels, told & (_GREY - 1))
    return header, None, source.take(4, "the checksum of the payload") if kind == LOSSLESS else b""


def _parse_long(source: Bytes, kind: int) -> tuple[Header, int | None, bytes]:
    """As of the short form."""
    model = source.take(HASH, "the model")
    height, width = (source.number(what, 1) for what in ("height", "width"))
    channels, steps = source.number("channels"), source.number("steps")
    extras = _extras(source)
    length, check = None, b""
    if kind == LOSSLESS:
        length = source.number("the length of the payload")
        check = source.take(4, "the checksum of the payload")
    source.check("the header")
    return Header(kind, model, height, width, channels, steps, extras), length, check


def _extras(source: Bytes) -> dict[int, bytes]:
    extras: dict[int, bytes] = {}
    last = 0
    for _ in range(source.number("the number of extras", 0, MAX_EXTRAS)):
        last = source.number("the tag of an extra", last + 1)
        extras[last] = source.take(source.number("the length of an extra"), "an extra")
    return extras


def limit(height: int, width: int, most: int, images: int = 1) -> None:
    """Refuse more pixels than `most`.

    Raises:
        CodecError: there are more.
    """
    if height * width * images > most:
        count = f"{images} pictures of " if images > 1 else ""
        raise CodecError(f"{count}{width} x {height} are {more_than(most)}")

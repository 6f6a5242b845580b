"""A header with a payload, and the blocks of an archive, which are never decoded."""

from underdraw.codec.container import ALPHA, INDEX, LOSSY, PROFILE, Block, Header, varint
from underdraw.codec.container.reading import crc32

MODEL = bytes.fromhex("0123456789abcdef")
SMALL = Header(LOSSY, MODEL, 32, 48, 3, 16)
EXTRAS = {PROFILE: b"icc", ALPHA: b"alpha", INDEX: varint(300) + varint(7)}
PAYLOAD = b"some payload"
BLOCKS = [(Block(2, 32, 48, 3, 1), b"first block"), (Block(1, 900, 1000, 1, 1), b"second")]
NAMES = ["a.png", "folder/b.png", "ünï.png"]


def sealed(head):
    return head + crc32(head)

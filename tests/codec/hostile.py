"""Files of the tiny model that are damaged, lie or were never written by it, and what they cost.

What a decoder does is counted: multiplications of the network, cells of the tables that symbols are
looked up in, and the peak of Python's and NumPy's memory. What torch holds follows from the shapes
that the network runs on, and these from the multiplications.
"""

import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from unittest import mock

import numpy as np

from codec.crops import crops, tiny
from underdraw.codec import archive, lanes
from underdraw.codec.coder import Stack, gaussian, streams
from underdraw.codec.container import (
    ARCHIVE,
    LOSSLESS,
    LOSSY,
    Archive,
    Block,
    Header,
    build,
    build_archive,
    kind_of,
    parse,
    parse_archive,
)
from underdraw.codec.container.reading import crc8, crc32
from underdraw.codec.decoding import picture_of
from underdraw.codec.encoding import compress_all
from underdraw.codec.errors import CodecError
from underdraw.codec.exact.product import Product
from underdraw.codec.library import twin_of
from underdraw.codec.rounding import Rounder
from underdraw.codec.wishes import Wish
from underdraw.latent import Size

MOST = 1024
"""Pixels that pictures may have here."""
MORE = 1.5
"""Times the work and memory of an honest file that any other may take."""
CELL = 32
"""Products of the network in the time of a cell, about: some nanoseconds."""
FAR = (1 << 31) + 5
SLACK = 1 << 16  # bytes of memory, whatever is done


@dataclass
class Work:
    """What was done."""

    products: int = 0
    """Multiplications of the network."""
    cells: int = 0
    """Numbers in the rows of symbols that were read or written."""

    @property
    def cost(self) -> int:
        """The time it takes, in products."""
        return self.products + CELL * self.cells

    def within(self, other: "Work") -> bool:
        """Whether it is not much more than what an honest file takes."""
        return self.cost <= MORE * other.cost and self.products <= MORE * other.products


@contextmanager
def counted() -> Iterator[Work]:
    """Count the work that is done inside."""
    work = Work()
    accumulate, attempt, pop, put = Product.accumulate, streams._attempt, Stack._pop, Stack.put

    def products(self, a, strip, wide, offset):
        work.products += self.weight.numel() * (strip.stop - strip.start)
        return accumulate(self, a, strip, wide, offset)

    def attempts(coder, model, parameters):
        work.cells += parameters.size
        return attempt(coder, model, parameters)

    def pops(self, model, parameters):
        work.cells += parameters.size
        return pop(self, model, parameters)

    def puts(self, *parts):
        work.cells += 3 * sum(len(part.low) for part in parts)
        put(self, *parts)

    with (
        mock.patch.object(Product, "accumulate", products),
        mock.patch.object(streams, "_attempt", attempts),
        mock.patch.object(Stack, "_pop", pops),
        mock.patch.object(Stack, "put", puts),
    ):
        yield work


def decoded(content: bytes) -> list[np.ndarray] | None:
    """The pictures in a file, or None if it is refused for a reason; nothing else may happen."""
    try:
        if kind_of(content) == ARCHIVE:
            index = parse_archive(content, MOST)
            index.read_names(content)
            return list(archive.decode(twin_of(index.model, tiny()), content, index))
        header, payload = parse(content, MOST)
        return [picture_of(header, payload, twin_of(header.model, tiny())).levels]
    except CodecError as error:
        reason = str(error)
    assert reason
    return None


def claim(content: bytes) -> Header | Archive | None:
    """What a file says of itself, if it can be read."""
    try:
        if kind_of(content) == ARCHIVE:
            return parse_archive(content, MOST)
        return parse(content, MOST)[0]
    except CodecError:
        return None


def honest(said: Header | Archive, content: bytes) -> Work:
    """What an honest file takes that says the same."""
    if isinstance(said, Archive):
        return total(_block_of(said, content, i) for i in range(len(said.blocks)))
    return _picture(said.kind, said.height, said.width, said.channels, said.steps, said.tile)


def total(parts: Iterable[Work]) -> Work:
    """All of it."""
    parts = list(parts)
    return Work(sum(part.products for part in parts), sum(part.cells for part in parts))


def _block_of(said: Archive, content: bytes, i: int) -> Work:
    block = said.blocks[i]
    rounds, every = -(-block.images // block.lanes), len(tiny().sites)
    try:
        first, _ = archive._stacks(said.read_block(content, i), block.lanes, rounds, every)
    except CodecError:
        return Work()
    sizes = [min(block.lanes, block.images - k * block.lanes) for k in range(rounds)]
    what = block.height, block.width, block.channels
    told = [*first, *[every] * (rounds - len(first))]
    return total(round_of(count, *what, sites) for count, sites in zip(sizes, told, strict=True))


@cache
def round_of(count: int, height: int, width: int, channels: int, sites: int) -> Work:
    """What a round of an honest block takes, by bits-back at so many sites."""
    rng, levels = np.random.default_rng(0), made(count, height, width, channels)
    words = int(lanes.needed(lanes.latents_of(tiny(), (height, width)))) // 16 + 8
    stacks = [Stack(rng.bytes(4 * words) + b"\1" * 4) for _ in levels]
    archive.push_back(tiny(), stacks, levels, sites)
    with counted() as work:
        archive.take_back(tiny(), stacks, (height, width), channels, sites)
    return work


@cache
def _picture(
    kind: int, height: int, width: int, channels: int, steps: int, tile: Size | None = None
) -> Work:
    wish = Wish(steps=min(steps, tiny().steps), tile=tile)
    wish = Wish(lossless=True) if kind == LOSSLESS else wish
    levels = made(1, height, width, channels)[0].transpose(1, 2, 0)
    (content,) = compress_all([levels], tiny(), wish)
    with counted() as work:
        assert decoded(content)
    return work


def made(count: int, height: int, width: int, channels: int) -> np.ndarray:
    """Pictures of a size, (count, channels, height, width): pieces of photographs, repeated."""
    part = crops(min(count, 16), min(height, 64), min(width, 64), channels)
    rest = [max(want - have, 0) for want, have in zip((height, width), part.shape[2:], strict=True)]
    part = np.pad(part, [(0, 0), (0, 0), *((0, more) for more in rest)], "wrap")
    return np.resize(part, (count, *part.shape[1:]))


def judge(content: bytes) -> bool:
    """Whether a file gives pictures; it must not take more work than an honest one."""
    with counted() as work:
        shown = decoded(content)
    said = claim(content)
    if shown is not None and isinstance(said, Header):
        assert shown[0].shape == (said.channels, said.height, said.width)
    if work.products or work.cells:
        assert said is not None
        assert work.within(honest(said, content)), (work, honest(said, content), content.hex())
    return shown is not None


def peak(content: bytes) -> int:
    """Bytes of memory that Python and NumPy take to decode a file."""
    decoded(content)  # what is cached is not counted
    tracemalloc.start()
    decoded(content)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@cache
def samples() -> dict[str, bytes]:
    """Small files of each kind."""
    levels = crops(1, 6, 5)[0].transpose(1, 2, 0)
    clear = np.dstack([levels, np.arange(30, dtype=np.uint8).reshape(6, 5)])
    many = [*crops(4, 3, 4), crops(1, 2, 3, 1)[0]]
    return {
        "lossy": compress_all([levels], tiny(), Wish())[0],
        "clear": compress_all([clear], tiny(), Wish())[0],
        "lossless": compress_all([levels], tiny(), Wish(lossless=True))[0],
        "tiles": compress_all([levels], tiny(), Wish(tile=(4, 3)))[0],
        "long": compress_all([clear], tiny(), Wish(lossless=True))[0],
        "archive": archive.encode(tiny(), many, [f"{i}.png" for i in range(len(many))], lanes=2),
        "mixed": archive.encode(tiny(), [np.full((3, 12, 12), 99, np.uint8)] * 4, lanes=1),
    }


def signed(content: bytes) -> bytes:
    """A file whose checksums are made right again, as far as its structure can still be read."""
    try:
        kind = kind_of(content)
    except CodecError:
        return content
    if kind == ARCHIVE:
        return _signed_archive(content)
    return _signed_long(content, kind) if content[0] == 0xD5 else _signed_short(content, kind)


def _signed_short(content: bytes, kind: int) -> bytes:
    end = 5
    for _ in range(2):  # two varints
        while end < len(content) and content[end] & 0x80:
            end += 1
        end += 1
    body = end + 1 + (4 if kind == LOSSLESS else 0)
    if body > len(content):
        return content
    check = crc32(content[body:]) if kind == LOSSLESS else b""
    return content[:end] + crc8(content[:end]) + check + content[body:]


def _signed_long(content: bytes, kind: int) -> bytes:
    """Found by trial: the header ends where its own end says so."""
    for end in range(14, len(content) - 3):
        head = content[: end - 4] + crc32(content[end + 4 :]) if kind == LOSSLESS else content[:end]
        whole = head + crc32(head) + content[end + 4 :]
        if _read(whole) == end + 4:
            return whole
    return content


def _read(content: bytes) -> int | None:
    try:
        return len(content) - len(parse(content, MOST)[1])
    except CodecError:
        return None


def _signed_archive(content: bytes) -> bytes:
    for end in range(14, len(content) - 3):
        head = content[:end] + crc32(content[:end])
        try:
            index = parse_archive(head, MOST)
        except CodecError:
            continue
        parts = [content[p.first : p.first + p.length] for p in index.places]
        names = content[index.names.first : index.names.first + index.names.length]
        for place, part in zip([index.names, *index.places], [names, *parts], strict=True):
            head = head.replace(place.check, crc32(part), 1)
        head = head[:-4] + crc32(head[:-4])
        return head + content[end + 4 :]
    return content


def wild(levels: np.ndarray) -> bytes:
    """A lossy file of numbers k = `FAR`, which no encoder writes."""
    far = mock.patch.object(Rounder, "choose", lambda self, slopes: np.full(self.grid.shape, FAR))
    with far, mock.patch.object(gaussian, "LIMIT", FAR + 1):
        return compress_all([levels], tiny(), Wish())[0]


def lying(height: int, width: int, payload: bytes, kind: int = LOSSY, steps: int = 4) -> bytes:
    """A file whose header claims a size."""
    return build(Header(kind, tiny().hash, height, width, 3, steps), payload)


def lying_archive(*blocks: tuple[Block, bytes]) -> bytes:
    """An archive whose blocks claim sizes."""
    return build_archive(tiny().hash, blocks)

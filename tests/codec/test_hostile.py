"""Any bytes at all give pictures or a `CodecError`, for 1.5 times an honest file's work at most.

With each damaged file goes the same one with its checksums made right again, which is what somebody
who means harm would send.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec import hostile
from codec.crops import crops, tiny
from codec.hostile import decoded, judge, peak, samples, signed
from underdraw.codec import archive
from underdraw.codec.container import (
    LOSSLESS,
    LOSSY,
    TILE,
    Block,
    Header,
    build,
    parse,
    parse_archive,
    varint,
)
from underdraw.codec.decoding import decompress
from underdraw.codec.encoding import compress_all
from underdraw.codec.errors import CodecError
from underdraw.codec.wishes import Wish

KINDS = ("archive", "clear", "long", "lossless", "lossy", "mixed", "tiles")
CUT = ("lossy", "clear", "tiles")
SEVERAL = (0, 1, 5, 17, 64)


def flipped(content: bytes, bit: int) -> bytes:
    return content[: bit // 8] + bytes([content[bit // 8] ^ 1 << bit % 8]) + content[bit // 8 + 1 :]


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation(kind: str) -> None:
    content = samples()[kind]
    shown = [judge(content[:cut]) for cut in range(len(content) + 1)]
    assert shown[-1]
    assert any(shown[:-1]) == (kind in CUT)
    for cut in range(0, len(content), 1 if len(content) < 200 else 7):
        judge(signed(content[:cut]))


def flips(kind: str, stride: int) -> None:
    content = samples()[kind]
    for bit in range(0, 8 * len(content), stride):
        plain = flipped(content, bit)
        shown = judge(plain)
        assert not shown or kind in CUT, "the checksum did not see it"
        judge(signed(plain))


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bits(kind: str) -> None:
    flips(
        kind,
        {
            "archive": 61,
            "lossless": 9,
            "long": 11,
            "clear": 5,
            "lossy": 3,
            "mixed": 97,
            "tiles": 5,
        }[kind],
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit(kind: str) -> None:
    flips(kind, 7 if kind == "mixed" else 1)  # all of its bits would take an hour


def test_signing_mends_what_was_damaged() -> None:
    """Or the files above would be refused for their checksums alone."""
    for kind in ("lossless", "archive"):
        content = samples()[kind]
        assert signed(content) == content
        damaged = flipped(content, 8 * len(content) - 3)
        assert decoded(damaged) is None
        with hostile.counted() as work:
            decoded(signed(damaged))
        assert work.products
    damaged = flipped(samples()["lossy"], 8 * 5 + 2)  # the height
    assert decoded(damaged) is None
    assert decoded(signed(damaged)) is not None


def test_the_count_sees_more_work() -> None:
    small, large = (hostile._picture(LOSSY, side, side, 3, 4) for side in (16, 32))
    assert not large.within(small)
    assert small.within(large)
    once, twice = (hostile.round_of(2, 8, 8, 3, sites) for sites in (0, len(tiny().sites)))
    assert not twice.within(once)


@pytest.mark.parametrize("kind", [LOSSY, LOSSLESS])
@pytest.mark.parametrize("size", [(32, 32), (1, 1024), (1024, 1), (7, 99)])
@pytest.mark.parametrize("count", SEVERAL)
def test_sizes_that_lie(kind: int, size: tuple[int, int], count: int) -> None:
    for fill in (b"\x00", b"\xff", b"\x5a"):
        shown = judge(hostile.lying(*size, fill * count, kind))
        assert shown or kind == LOSSLESS


@pytest.mark.parametrize("fill", [0, 255, 90])
def test_archives_that_lie(fill: int) -> None:
    for block in (Block(30, 1, 1, 3, 1), Block(4, 8, 8, 3, 4), Block(1, 32, 32, 1, 1)):
        for start in (b"\1", b"\2", b"\0\1\2"):
            for words in (1, 2, 30):
                lane = bytes([fill]) * (4 * words)
                data = start + bytes([words]) * block.lanes + lane * block.lanes
                assert not judge(hostile.lying_archive((block, data)))


@pytest.mark.parametrize("sides", [(0, 5), (5, 0), (65, 64), (1 << 14, 1 << 14), (1 << 34, 1)])
def test_sizes_that_cannot_be(sides: tuple[int, int]) -> None:
    files = []
    for kind in (LOSSY, LOSSLESS):
        header = Header(kind, tiny().hash, 1, 1, 3, 4)
        for name, side in zip(("height", "width"), sides, strict=True):
            object.__setattr__(header, name, side)
        files += [build(header, b"payload", short=False)]
    for blocks in (1, 40):
        files += [hostile.lying_archive(*[(Block(1, *sides, 3, 1), b"data")] * blocks)]
        files += [hostile.lying_archive(*[(Block(sides[1], 9, 500, 3, 1), b"data")] * blocks)]
    for content in files:
        with pytest.raises(CodecError, match=r"pixels|must be in"):
            (parse if content[5] < 2 else parse_archive)(content, hostile.MOST)
        assert decoded(content) is None
        assert peak(content) < hostile.SLACK


def test_other_models() -> None:
    for content in samples().values():
        at = 2 if content[0] != 0xD5 else 6
        for bit in (0, 13):
            other = signed(flipped(content, 8 * at + bit))
            assert decoded(other) is None
            if content[0] != 0xD5:
                with pytest.raises(CodecError, match="needs the model"):
                    decompress(other, model=tiny())
                with pytest.raises(CodecError, match="no shipped model has the hash"):
                    decompress(other)


def test_bytes_that_follow() -> None:
    for more in (b"\x00", b"\xff" * 9, samples()["lossy"]):
        for kind in CUT:  # of a stream, every continuation says the same
            (shown,) = decoded(samples()[kind] + more) or [None]
            assert np.array_equal(shown, decoded(samples()[kind])[0])
        for kind in ("lossless", "long"):  # these end where they end
            assert decoded(samples()[kind] + more) is None
            assert not judge(signed(samples()[kind] + more))
        judge(samples()["archive"] + more)
    index = parse_archive(samples()["archive"])
    block, data = index.blocks[0], index.read_block(samples()["archive"], 0)
    for more in (b"\x00", b"\x00" * 4, data):
        with pytest.raises(CodecError):
            archive.decode_block(tiny(), block, data + more)


@pytest.mark.parametrize("kind", [*CUT, "lossless"])
def test_what_follows_costs_nothing(kind: str) -> None:
    content = samples()[kind]
    long = content + bytes(1 << 21)
    long = signed(long) if kind == "lossless" else long
    assert len(long) - len(content) == 1 << 21
    assert (decoded(long) is not None) == (kind in CUT)
    assert peak(long) <= hostile.MORE * peak(content) + hostile.SLACK
    judge(long)


def test_memory() -> None:
    """Of files that say what honest files say: cut, filled with other bytes, and flipped."""
    levels = crops(1, 24, 20)[0].transpose(1, 2, 0)
    rng = np.random.default_rng(0)
    for wish in (Wish(), Wish(lossless=True)):
        (content,) = compress_all([levels], tiny(), wish)
        header, payload = parse(content)
        kinds = [payload[: len(payload) // 2], b"", rng.bytes(len(payload)), b"\xff" * len(payload)]
        room = hostile.MORE * peak(content) + hostile.SLACK
        assert all(peak(build(header_in_full(header), other)) <= room for other in kinds)
    block, data = archive.encode_block(tiny(), crops(12, 12, 10), 2)
    room = hostile.MORE * peak(hostile.lying_archive((block, data))) + hostile.SLACK
    start = 3 if data[1] < 128 and data[2] < 128 else 5
    body = len(data) - start
    for other in (rng.bytes(body), bytes(body), b"\xff" * body):
        assert peak(hostile.lying_archive((block, data[:start] + other))) <= room


def header_in_full(header: Header) -> Header:
    return Header(header.kind, tiny().hash, header.height, header.width, 3, header.steps)


Making = tuple[Callable[..., bytes], tuple[Any, ...]]


def making(function: Callable[..., bytes], *arguments: st.SearchStrategy[Any]) -> Any:
    """How to make a file, which strategies do not do: what checks types there rolls dice."""
    return st.tuples(st.just(function), st.tuples(*arguments))


def damages() -> st.SearchStrategy[Making]:
    """Files of each kind after some accidents."""
    place = st.integers(0, 1 << 12)
    accident = st.one_of(
        st.tuples(st.sampled_from(["flip", "cut"]), place, st.just(b"")),
        st.tuples(
            st.sampled_from(["put", "over", "drop"]), place, st.binary(min_size=1, max_size=9)
        ),
    )
    accidents = st.lists(accident, min_size=1, max_size=4)
    return making(happened, st.sampled_from(KINDS), accidents, st.booleans())


def happened(kind: str, accidents: list[tuple[str, int, bytes]], mended: bool) -> bytes:
    content = samples()[kind]
    for what, place, data in accidents:
        at = place % (len(content) + 1)
        before, behind = content[:at], content[at:]
        if what == "flip" and content:
            content = flipped(content, place % (8 * len(content)))
        elif what in ("put", "over"):
            content = before + data + behind[len(data) if what == "over" else 0 :]
        elif what in ("cut", "drop"):
            content = before + (behind[len(data) :] if what == "drop" else b"")
    return signed(content) if mended else content


def single(
    numbers: tuple[int, ...],
    tile: tuple[int, int] | None,
    extras: dict[int, bytes],
    payload: bytes,
    short: bool,
) -> bytes:
    kind, *rest = numbers
    if tile is not None and kind == LOSSY:
        sides = (min(side, most) for side, most in zip(tile, rest, strict=False))
        extras = extras | {TILE: b"".join(map(varint, sides))}
    return build(Header(kind, tiny().hash, *rest, extras), payload, short)


def many(blocks: list[tuple[tuple[int, ...], bytes, int, bytes]]) -> bytes:
    made = []
    for (images, height, width, channels, lanes), start, words, data in blocks:
        lanes = min(images, lanes)
        head = start + bytes([words]) * lanes
        made.append((Block(images, height, width, channels, lanes), head + data))
    return hostile.lying_archive(*made)


def claims() -> st.SearchStrategy[Making]:
    """Files that are made to measure, around any payload."""
    side, payload, channels = st.integers(1, 40), st.binary(max_size=200), st.sampled_from([1, 3])
    kind = st.sampled_from([LOSSY, LOSSLESS])
    numbers = st.tuples(kind, side, side, channels, st.integers(0, 6))
    extras = st.dictionaries(st.sampled_from([1, 2, 3, 5]), st.binary(max_size=40), max_size=2)
    small = st.integers(1, 9)
    block = st.tuples(st.integers(1, 6), small, small, channels, st.integers(1, 3))
    start = st.sampled_from([b"\1", b"\0\1\2"])
    blocks = st.lists(st.tuples(block, start, st.integers(2, 16), payload), max_size=3)
    tile = st.none() | st.tuples(side, side)
    one = making(single, numbers, tile, extras, payload, st.booleans())
    return one | making(many, blocks)


def noise(start: bytes, rest: bytes, mended: bool) -> bytes:
    return signed(start + rest) if mended else start + rest


def anything() -> st.SearchStrategy[Making]:
    start = st.sampled_from([b"", b"\xd5UD\n\x01", b"\xe1\n", b"\xf1\n"])
    return damages() | claims() | making(noise, start, st.binary(max_size=80), st.booleans())


@settings(max_examples=300)
@given(anything())
def test_anything(made: Making) -> None:
    function, arguments = made
    judge(function(*arguments))


@pytest.mark.slow
@settings(max_examples=10_000)
@given(anything())
def test_anything_at_length(made: Making) -> None:
    function, arguments = made
    judge(function(*arguments))

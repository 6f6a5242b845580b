"""Archives, byte by byte: what comes back, and what is refused."""

import tracemalloc
import zlib

import pytest

from codec.container.samples import BLOCKS, MODEL, NAMES, SMALL, sealed
from underdraw.codec.container import (
    ARCHIVE,
    MAX_ALL,
    Block,
    Incomplete,
    build,
    build_archive,
    check_name,
    kind_of,
    parse_archive,
    varint,
)
from underdraw.codec.container.reading import crc32
from underdraw.codec.errors import CodecError


def test_archives_come_back():
    data = build_archive(MODEL, BLOCKS, NAMES)
    archive = parse_archive(data)
    assert archive.model == MODEL
    assert archive.blocks == tuple(block for block, _ in BLOCKS)
    assert [archive.read_block(data, i) for i in range(2)] == [b"first block", b"second"]
    assert archive.read_names(data) == NAMES
    assert archive.images == 3
    assert kind_of(data) == ARCHIVE
    nameless = build_archive(MODEL, BLOCKS)
    assert parse_archive(nameless).read_names(nameless) is None
    empty = build_archive(MODEL, [])
    assert parse_archive(empty).images == 0


def test_archives_byte_by_byte():
    packed = zlib.compress("\0".join(NAMES).encode(), 9)
    head = b"\xd5UD\n\x01\x02" + MODEL + bytes.fromhex("02 02 20 30 03 01 0b")
    head += crc32(b"first block") + bytes.fromhex("01 8407 e807 01 01 06") + crc32(b"second")
    head += varint(len("\0".join(NAMES).encode())) + varint(len(packed)) + crc32(packed)
    expected = head + crc32(head) + packed + b"first blocksecond"
    assert build_archive(MODEL, BLOCKS, NAMES) == expected


def test_damage_costs_itself_alone():
    data = build_archive(MODEL, BLOCKS, NAMES)
    whole = parse_archive(data)
    parts = {
        "names": lambda archive, data: archive.read_names(data),
        0: lambda archive, data: archive.read_block(data, 0),
        1: lambda archive, data: archive.read_block(data, 1),
    }
    places = {"names": whole.names, 0: whole.places[0], 1: whole.places[1]}
    for where in range(whole.names.first, len(data)):
        wrong = bytearray(data)
        wrong[where] ^= 64
        archive = parse_archive(bytes(wrong))
        for part, read in parts.items():
            place = places[part]
            if place.first <= where < place.first + place.length:
                with pytest.raises(CodecError, match="is damaged"):
                    read(archive, bytes(wrong))
            else:
                assert read(archive, bytes(wrong)) == read(whole, data)


def test_archives_may_be_cut():
    data = build_archive(MODEL, BLOCKS, NAMES)
    archive = parse_archive(data)
    for cut in range(archive.names.first):
        with pytest.raises(Incomplete):
            parse_archive(data[:cut])
    cut = data[: archive.places[1].first + 1]
    assert parse_archive(cut).read_block(cut, 0) == b"first block"
    with pytest.raises(CodecError, match="block 1 is cut: 1 of 6 bytes"):
        parse_archive(cut).read_block(cut, 1)


def test_every_wrong_bit_of_a_header_of_many():
    data = build_archive(MODEL, BLOCKS, NAMES)
    for bit in range(8 * parse_archive(data).names.first):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CodecError):
            parse_archive(bytes(wrong))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        "./a",
        ".",
        "a\\b",
        "c:x",
        "a\nb",
        "a\x7f",
        "\ud800",
        "x" * 4097,
    ],
)
def test_unsafe_names(name):
    with pytest.raises(CodecError, match="no safe name"):
        check_name(name)
    with pytest.raises(CodecError, match="no safe name"):
        build_archive(MODEL, BLOCKS, ["a", "b", name])


def test_names_are_those_of_the_pictures():
    with pytest.raises(CodecError, match="2 names for 3 pictures"):
        build_archive(MODEL, BLOCKS, NAMES[:2])
    with pytest.raises(CodecError, match=r"'a\.png' is there twice"):
        build_archive(MODEL, BLOCKS, ["a.png", "b", "a.png"])


@pytest.mark.parametrize(
    "names", [["a.png", "a.png/b.png", "c"], ["a/b/c", "a-b", "a/b"], ["a", "a!", "a/b/c"]]
)
def test_no_name_is_the_folder_of_another(names):
    with pytest.raises(CodecError, match=r"the name '\S+' is a folder of '\S+', too"):
        build_archive(MODEL, BLOCKS, names)
    plain = [name.replace("/", "+") for name in names]
    data = build_archive(MODEL, BLOCKS, plain)
    letters, told = (zlib.compress("\0".join(some).encode(), 9) for some in (plain, names))
    swapped = data.replace(letters, told)
    assert len(letters) == len(told)
    head = data[: data.index(letters) - 8].replace(crc32(letters), b"") + crc32(told)
    index = parse_archive(head + crc32(head) + swapped[len(head) + 4 :])
    with pytest.raises(CodecError, match="is a folder of"):
        index.read_names(head + crc32(head) + swapped[len(head) + 4 :])


def archive_of(block, letters=0, packed=b"", length=None, blocks=1):
    told = b"".join(map(varint, (*block, 0))) + crc32(b"")
    head = b"\xd5UD\n\x01\x02" + MODEL + varint(blocks) + blocks * told
    head += varint(letters) + varint(len(packed) if length is None else length) + crc32(packed)
    return sealed(head) + packed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (archive_of((0, 5, 5, 3, 1)), "pictures in a block must be in 1"),
        (archive_of((1, 5, 5, 2, 1)), "channels must be 1 or 3"),
        (archive_of((1, 5, 5, 3, 2)), r"lanes must be in 1\.\.1"),
        (archive_of((1 << 34, 5, 5, 3, 1)), r"pictures in a block must be in 1\.\.65536"),
        (archive_of((1 << 16, 50, 50, 3, 1)), "65536 pictures of 50 x 50 are more than"),
        (archive_of((1, 5, 5, 3, 1), 5000, b"x"), "1 bytes cannot hold names of 5000"),
        (archive_of((1, 5, 5, 3, 1), 0, b"x"), "1 bytes of names that have none"),
        (archive_of((3, 5, 5, 3, 1), 4, b"x"), "4 bytes cannot be the names of 3 pictures"),
        (archive_of((2, 5, 5, 3, 1), 8194, b"x" * 9), "8194 bytes cannot be the names of 2"),
        (archive_of((65536, 1, 1, 3, 1), blocks=17), "1114112 pictures are more than an archive"),
        (archive_of((1, 5, 5, 3, 1), 1 << 30, b"", 1 << 30), "length of the names must be in"),
        (sealed(b"\xd5UD\n\x01\x02" + MODEL + varint(1 << 34)), "the header is incomplete"),
    ],
)
def test_archives_that_lie(data, reason):
    with pytest.raises(CodecError, match=reason):
        parse_archive(data)


@pytest.mark.parametrize(
    ("letters", "packed", "reason"),
    [
        (5, zlib.compress(b"a.png" * 200), "the list of names is cut, or holds more than 5 bytes"),
        (9, zlib.compress(b"a.png"), "the list of names holds 5 bytes, not 9"),
        (5, zlib.compress(b"a.png") + b"x", "more than 5 bytes"),
        (5, b"no zlib", "the list of names is damaged"),
        (5, zlib.compress(b"\xff\xff\xff\xff\xff"), "the list of names is no UTF-8"),
        (5, zlib.compress(b"a\0b\0c"), "3 names for 1 pictures"),
        (5, zlib.compress(b"../.."), "no safe name"),
    ],
)
def test_names_that_lie(letters, packed, reason):
    data = archive_of((1, 5, 5, 3, 1), letters, packed)
    with pytest.raises(CodecError, match=reason):
        parse_archive(data).read_names(data)


def test_single_and_many_are_not_confused():
    with pytest.raises(CodecError, match="single picture, not an archive"):
        parse_archive(build(SMALL, b""))
    with pytest.raises(CodecError, match="no block 2"):
        parse_archive(build_archive(MODEL, BLOCKS)).read_block(b"", 2)


def test_names_are_counted_before_they_are_made() -> None:
    letters = b"\0" * (1 << 20)
    block = Block(1, 2, 2, 3, 1)
    content = build_archive(bytes(8), [(block, b"data")], ["a"])
    index = parse_archive(content)
    packed = zlib.compress(letters)
    place = index.names._replace(first=0, length=len(packed), check=crc32(packed))
    lying = index._replace(names=place, letters=len(letters))
    assert memory_of(lying, packed, "1048577 names for 1 picture") < 3 * len(letters)


def test_as_many_pictures_as_an_archive_may_have():
    data = archive_of((65536, 1, 1, 3, 1), blocks=16)
    assert parse_archive(data).images == MAX_ALL
    letters = 2 * MAX_ALL - 1
    for count, fits in ((letters, True), (letters - 1, False)):
        data = archive_of((65536, 1, 1, 3, 1), count, bytes(1 << 12), blocks=16)
        if fits:
            assert parse_archive(data).letters == letters
        else:
            with pytest.raises(CodecError, match="2097150 bytes cannot be the names of 1048576"):
                parse_archive(data)


def test_names_are_looked_at_as_they_are_made():
    names = b"abc\0" * (MAX_ALL - 1) + b"abc"
    data = archive_of((65536, 1, 1, 3, 1), len(names), zlib.compress(names), blocks=16)
    assert memory_of(parse_archive(data), data, "'abc' is there twice") < 4 * len(names)


def memory_of(index, data, reason):
    """What is taken to refuse names."""
    tracemalloc.start()
    try:
        with pytest.raises(CodecError, match=reason):
            index.read_names(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_more_pictures_than_an_archive_may_have_are_not_written():
    blocks = [(Block(65536, 1, 1, 3, 1), b"")] * 17
    with pytest.raises(CodecError, match="1114112 pictures are more than an archive may have"):
        build_archive(MODEL, blocks)


def test_safe_names():
    for name in ("a", "a/b:c", "\x80".encode("latin1").decode("cp1252"), "\u2028", "x" * 4096):
        check_name(name)
    for code in [*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF]:
        with pytest.raises(CodecError, match="no safe name"):
            check_name(f"a{chr(code)}")
    for name in ("\n:b", "a:", "é:x"):
        with pytest.raises(CodecError, match="no safe name"):
            check_name(name)

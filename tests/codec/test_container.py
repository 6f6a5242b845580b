import dataclasses
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from underdraw.codec.container import (
    ALPHA,
    ARCHIVE,
    INDEX,
    LOSSLESS,
    LOSSY,
    PROFILE,
    Block,
    Bytes,
    Header,
    Incomplete,
    build,
    build_archive,
    check_name,
    kind_of,
    names,
    parse,
    parse_archive,
    varint,
)
from underdraw.codec.container.reading import crc8, crc32
from underdraw.codec.errors import CodecError

MODEL = bytes.fromhex("0123456789abcdef")
SMALL = Header(LOSSY, MODEL, 32, 48, 3, 16)
EXTRAS = {PROFILE: b"icc", ALPHA: b"alpha", INDEX: varint(300) + varint(7)}
PAYLOAD = b"some payload"


def headers():
    sides = st.integers(1, 4096)
    return st.builds(
        Header,
        st.sampled_from([LOSSY, LOSSLESS]),
        st.binary(min_size=8, max_size=8),
        sides,
        sides,
        st.sampled_from([1, 3]),
        st.integers(0, 300),
        st.dictionaries(st.sampled_from([1, 2, 3, 5, 77]), st.binary(max_size=9), max_size=3),
    )


@given(headers(), st.binary(max_size=20), st.booleans())
def test_headers_come_back(header, payload, short):
    data = build(header, payload, short)
    found, rest = parse(data)
    assert rest == payload
    assert names(header.model, found.model)
    assert dataclasses.replace(found, model=header.model) == header
    assert kind_of(data) == header.kind
    assert len(found.model) == (2 if short and header.short else 8)


def test_short_headers_byte_by_byte():
    head = bytes.fromhex("e10a0123102030")
    assert build(SMALL, PAYLOAD) == head + crc8(head) + PAYLOAD
    assert len(build(SMALL, b"")) == 8
    head = bytes.fromhex("f10a0123902080" + "01")
    grey = dataclasses.replace(SMALL, kind=LOSSLESS, width=128, channels=1)
    assert build(grey, PAYLOAD) == head + crc8(head) + crc32(PAYLOAD) + PAYLOAD


def test_long_headers_byte_by_byte():
    header = dataclasses.replace(SMALL, kind=LOSSLESS, extras={ALPHA: b"a", INDEX: b""})
    head = b"\xd5UD\n" + bytes.fromhex("0101" + "0123456789abcdef" + "20300310" + "02 0100 0201")
    head += b"a" + bytes([len(PAYLOAD)]) + crc32(PAYLOAD)
    assert build(header, PAYLOAD) == head + crc32(head) + PAYLOAD


def test_a_known_checksum():
    assert crc8(b"123456789") == b"\xdf"  # CRC-8/AUTOSAR
    assert crc32(b"123456789").hex() == "cbf43926"


@pytest.mark.parametrize("kind", [LOSSY, LOSSLESS])
@pytest.mark.parametrize("extras", [{}, EXTRAS])
@pytest.mark.parametrize("short", [True, False])
def test_every_cut(kind, extras, short):
    header = dataclasses.replace(SMALL, kind=kind, extras=extras)
    data = build(header, PAYLOAD, short)
    head = len(data) - len(PAYLOAD)
    for cut in range(len(data)):
        if cut < head:
            with pytest.raises(Incomplete, match=f"the header is incomplete.* of {cut}"):
                parse(data[:cut])
        elif kind == LOSSY:
            assert parse(data[:cut])[1] == PAYLOAD[: cut - head]
        else:
            with pytest.raises(CodecError, match=r"payload (is damaged|has \d+ bytes)"):
                parse(data[:cut])
    if kind == LOSSLESS:
        with pytest.raises(CodecError, match=r"payload (is damaged|has \d+ bytes)"):
            parse(data + b"\x00")


@pytest.mark.parametrize("kind", [LOSSY, LOSSLESS])
@pytest.mark.parametrize("extras", [{}, EXTRAS])
@pytest.mark.parametrize("short", [True, False])
def test_every_wrong_bit_is_seen(kind, extras, short):
    data = build(dataclasses.replace(SMALL, kind=kind, extras=extras), PAYLOAD, short)
    last = len(data) - (len(PAYLOAD) if kind == LOSSY else 0)
    for bit in range(8 * last):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CodecError):
            parse(bytes(wrong))


@settings(max_examples=300)
@given(st.binary(max_size=80), st.sampled_from([b"", b"\xd5UD\n\x01", b"\xe1\n", b"\xf1\n"]))
def test_any_bytes_are_a_file_or_an_error(data, start):
    for read in (parse, parse_archive, kind_of):
        try:
            read(start + data)
        except CodecError as error:
            assert str(error)  # noqa: PT017


def sealed(head):
    return head + crc32(head)


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ([0, 5, 3, 1, 0], "height must be in 1"),
        ([5, 0, 3, 1, 0], "width must be in 1"),
        ([5, 5, 2, 1, 0], "channels must be 1 or 3"),
        ([5, 5, 3, 1 << 20, 0], "steps must be in"),
        ([1 << 12, (1 << 12) + 1, 3, 1, 0], "more than 16777216 pixels"),
        ([(1 << 35) - 1] * 2 + [3, 1, 0], "more than 16777216 pixels"),
        ([5, 5, 3, 1, 1 << 30], r"extras must be in 0\.\.256"),
        ([5, 5, 3, 1, 256], "the header is incomplete"),
        ([5, 5, 3, 1, 1, 2, 1 << 34], "the header is incomplete"),
        ([5, 5, 3, 1, 1, 4, 0], "cannot read"),
        ([5, 5, 3, 1, 2, 3, 0, 3, 0], "the tag of an extra must be in 4"),
    ],
)
def test_headers_that_lie(numbers, reason):
    data = sealed(b"\xd5UD\n\x01\x00" + MODEL + b"".join(map(varint, numbers)))
    tracemalloc.start()
    with pytest.raises(CodecError, match=reason):
        parse(data)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n", "not an underdraw file: it begins with 89 50 4e 47"),
        (b"\xd5UD\r\n", "not an underdraw file"),
        (b"\xe1\r\n", "not an underdraw file"),
        (b"\xe2\n", "not an underdraw file"),
        (b"\xd5UD\n\x02\x00", "has version 2 of the format; this reads 1"),
        (b"\xd5UD\n\x01\x03", "unknown kind, 3"),
        (b"\xd5UD\n\x01\x02", "this is an archive"),
        (b"", "the header is incomplete"),
    ],
)
def test_files_of_another_kind(data, reason):
    with pytest.raises(CodecError, match=reason):
        parse(data)


def test_the_cap_on_pixels_is_the_callers():
    assert parse(build(SMALL, b""), most=32 * 48)[0].height == 32
    with pytest.raises(CodecError, match="48 x 32 are more than 1535 pixels"):
        parse(build(SMALL, b""), most=32 * 48 - 1)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ARCHIVE},
        {"model": b"abc"},
        {"height": 0},
        {"width": -3},
        {"channels": 4},
        {"steps": -1},
        {"extras": {6: b""}},
    ],
)
def test_headers_refuse(change):
    with pytest.raises(CodecError):
        dataclasses.replace(SMALL, **change)


def test_models_are_named_in_full_to_build():
    with pytest.raises(CodecError, match="by 8 bytes, is by 2"):
        build(dataclasses.replace(SMALL, model=MODEL[:2]), b"")
    assert names(MODEL, MODEL[:2])
    assert not names(MODEL, MODEL[1:])


# --- numbers ----------------------------------------------------------------------------------


@given(st.integers(0, 2**35 - 1))
def test_varints_come_back(value):
    source = Bytes(varint(value))
    assert source.number("it") == value
    assert source.place == len(source.data) == max(-(-value.bit_length() // 7), 1)


@pytest.mark.parametrize("data", [b"\x80\x00", b"\xff\xff\xff\xff\xff\x01", b"\x80" * 9])
def test_varints_have_one_form(data):
    with pytest.raises(CodecError, match="it has more"):
        Bytes(data).number("it")


def test_varints_end():
    assert Bytes(b"\xff\xff\xff\xff\x7f").number("it") == 2**35 - 1
    with pytest.raises(Incomplete, match="it needs byte 2 of a file of 1"):
        Bytes(b"\x80").number("it")
    for value in (-1, 2**35):
        with pytest.raises(CodecError, match="must be in"):
            varint(value)


# --- archives ---------------------------------------------------------------------------------

BLOCKS = [(Block(2, 32, 48, 3, 1), b"first block"), (Block(1, 900, 1000, 1, 1), b"second")]
NAMES = ["a.png", "folder/b.png", "ünï.png"]


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


def archive_of(block, letters=0, packed=b"", length=None):
    head = b"\xd5UD\n\x01\x02" + MODEL + varint(1) + b"".join(map(varint, (*block, 0))) + crc32(b"")
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
        (5, zlib.compress(b"a.png" * 200), "has not 5 bytes"),
        (9, zlib.compress(b"a.png"), "has not 9 bytes"),
        (5, zlib.compress(b"a.png") + b"x", "has not 5 bytes"),
        (5, b"no zlib", "no such list"),
        (5, zlib.compress(b"\xff\xff\xff\xff\xff"), "no such list"),
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
    tracemalloc.start()
    with pytest.raises(CodecError, match="1048577 names for 1 picture"):
        lying.read_names(packed)
    assert tracemalloc.get_traced_memory()[1] < 3 * len(letters)
    tracemalloc.stop()

"""Files of one picture, byte by byte: what comes back, and what is refused."""

import dataclasses
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.container.samples import EXTRAS, MODEL, PAYLOAD, SMALL, sealed
from underdraw.codec.container import (
    ALPHA,
    ARCHIVE,
    INDEX,
    LOSSLESS,
    LOSSY,
    Header,
    Incomplete,
    build,
    kind_of,
    names,
    parse,
    parse_archive,
    varint,
)
from underdraw.codec.container.reading import crc8, crc32
from underdraw.codec.errors import CodecError


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
        ([5, 5, 3, 1, 1, 6, 0], "cannot read"),
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

"""A second decoder of lossless pictures and archives, from docs/format.md, file bytes to pixels.

Tables and random words are the library's: other tests compare them with what the page says.
"""

import zlib
from functools import cache

import numpy as np
import pytest

from codec.crops import crops, tiny
from codec.plain_coder import (
    SIGMA,
    Damaged,
    PlainReader,
    PlainStack,
    centre,
    gaussian_parts,
    read_gaussians,
    read_pixels,
)
from codec.plain_model import PlainModel
from codec.test_plain_model import plain, tower
from underdraw.codec.archive import encode_block
from underdraw.codec.container import LOSSLESS, Header, build, build_archive
from underdraw.codec.encoding import compress
from underdraw.codec.errors import CodecError
from underdraw.codec.image import Picture
from underdraw.codec.lossless import decode, encode
from underdraw.codec.philox import words


@cache
def narrowed(d: int) -> int:
    """M(d)."""

    def a(v: int) -> int:
        return SIGMA[2 * v % 32] * 2 ** (v // 16 + 3) // 8

    if d > 320:
        return d
    found = [m for m in range(-48, d + 1) if a(m) <= a(d) - 2**20]
    return max(found, default=-48)


class Round:
    """A picture taken from a stream, or off a stack with bits-back at the first sites."""

    def __init__(self, model: PlainModel, reader, sites: int) -> None:
        self.model, self.reader, self.sites = model, reader, sites
        self.known: list[np.ndarray] = []
        self.back: list[tuple] = []

    def about(self, site: int, name: str) -> np.ndarray:
        layers = len(self.model.stride)
        layer = layers - 1 - site % layers
        return self.model.numbers[f"layers.{layer}.to_q.{name}"][site // layers]

    def popped(self, site: int, mu, s, mean) -> np.ndarray:
        """The latents of a site, told the first time."""
        delta, scale, active, order = (
            self.about(site, name) for name in ("delta", "scale", "active", "order")
        )
        z = np.empty_like(mu)
        for m, y, x in np.ndindex(*mu.shape):
            z[m, y, x] = centre(int(delta[m]), int(mu[m, y, x]), 0) * int(delta[m])
        at = [(int(m), y, x) for m in order if active[m] for y, x in np.ndindex(*mu.shape[1:])]
        grids = []
        w = words(0, (1, site), len(at)).tolist()
        for (m, y, x), word in zip(at, w, strict=True):
            prior, wide, d = int(mu[m, y, x]), int(s[m, y, x]), int(delta[m])
            if site < self.sites:
                grids.append((d, prior, wide, 0))
                continue
            o, q = word * 7 * d // 2**32, int(scale[m])
            c = q + narrowed(wide - q)
            grids.append((7 * d, prior - o, min(max(c, 0), 1023), o))
        d, means, classes, offsets = zip(*grids, strict=True) if grids else ((),) * 4
        k, read = read_gaussians(self.reader, d, means, classes)
        if not all(read):
            raise Damaged
        for where, n, spacing, o in zip(at, k, d, offsets, strict=True):
            z[where] = n * spacing + o
        self.known.append(z)
        if site < self.sites:
            self.back.append((at, k, d))
        return z

    def picture(self, size: tuple[int, int], channels: int) -> np.ndarray:
        mean, s = self.model.tell(self.popped, size)
        if channels < len(mean):
            mean, s = mean.sum(0, keepdims=True) // 3, s.sum(0, keepdims=True) // 3
        levels = read_pixels(self.reader, mean.ravel().tolist(), s.ravel().tolist(), 256)
        if levels is None:
            raise Damaged
        found = np.array(levels, np.uint8).reshape(channels, *size)
        if self.sites:
            self.give_back(found, size)
        return found

    def give_back(self, levels: np.ndarray, size: tuple[int, int]) -> None:
        """Push what bits-back had taken."""
        means: list[np.ndarray] = []

        def choose(site, mu, s, mean):
            means.append(mean)
            return self.known[site]

        seen = np.broadcast_to(levels, (3, *size))
        self.model.tell(choose, size, seen)
        for site, (at, k, d) in reversed(list(enumerate(self.back))):
            scale = self.about(site, "scale")
            mu = [int(means[site][where]) for where in at]
            parts = gaussian_parts(k, d, mu, [int(scale[m]) for m, _, _ in at])
            for low, mass in reversed(parts):
                self.reader.put(low, mass)


class Bytes:
    """A file, read from the front."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def take(self, count: int) -> bytes:
        self.place += count
        return self.data[self.place - count : self.place]

    def varint(self) -> int:
        value, shift = 0, 0
        while True:
            (byte,) = self.take(1)
            value, shift = value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value

    def check(self, start: int = 0) -> None:
        told = zlib.crc32(self.data[start : self.place])
        assert int.from_bytes(self.take(4), "big") == told


def single(model: PlainModel, payload: bytes, size: tuple[int, int], channels: int) -> np.ndarray:
    """The picture in a payload."""
    reader = PlainReader(payload)
    found = Round(model, reader, 0).picture(size, channels)
    if not reader.whole:
        raise Damaged
    return found


def read_extras(file: Bytes) -> dict[int, bytes]:
    """The extras of a long header, by tag."""
    found, last = {}, 0
    for _ in range(file.varint()):
        tag = file.varint()
        assert tag > last
        found[tag], last = file.take(file.varint()), tag
    return found


def opacity(packed: bytes, size: tuple[int, int]) -> np.ndarray:
    """What an extra says of it."""
    found, last = [], 0
    for step in zlib.decompress(packed, -15):
        last = (last + step) % 256
        found.append(last)
    return np.array(found, np.uint8).reshape(size)


def long(model: PlainModel, data: bytes) -> tuple[np.ndarray, dict[int, bytes]]:
    """The picture of a lossless file in the long form, and its extras."""
    file = Bytes(data)
    assert file.take(6) == b"\xd5UD\n\x01\x01"
    file.take(8)  # hash
    size, channels = (file.varint(), file.varint()), file.varint()
    file.varint()  # steps
    extras = read_extras(file)
    length, told = file.varint(), int.from_bytes(file.take(4), "big")
    file.check()
    payload = file.take(length)
    assert zlib.crc32(payload) == told
    assert file.place == len(data)
    return single(model, payload, size, channels), extras


def short(model: PlainModel, data: bytes) -> np.ndarray:
    """The picture of a lossless file in the short form."""
    file = Bytes(data)
    assert file.take(2) == b"\xf1\n"
    file.take(2)  # of the hash
    channels = 1 if file.take(1)[0] & 128 else 3
    size = file.varint(), file.varint()
    file.take(1)  # crc8
    told = int.from_bytes(file.take(4), "big")
    payload = data[file.place :]
    assert zlib.crc32(payload) == told
    return single(model, payload, size, channels)


def block(model: PlainModel, data: bytes, count: int, size, channels: int, lanes: int):
    """The pictures of a block, and how many sites of each round are told by bits-back."""
    file, rounds = Bytes(data), -(-count // lanes)
    first = file.varint()
    partly = first or file.varint()
    sites = [0 if first else file.varint() for _ in range(partly)]
    every = len(model.stride) * model.steps
    sites += [every] * (rounds - partly)
    lengths = [file.varint() for _ in range(lanes)]
    stacks = [PlainStack(file.take(4 * length)) for length in lengths]
    assert file.place == len(data)
    found = [None] * count
    for i in reversed(range(count)):  # lanes do not know of each other
        found[i] = Round(model, stacks[i % lanes], sites[i // lanes]).picture(size, channels)
    assert all((stack.state, stack.words) == (2**32, []) for stack in stacks)
    return np.stack(found), sites


def archive(model: PlainModel, data: bytes) -> tuple[list, list[str]]:
    """The blocks of an archive, and its names."""
    file = Bytes(data)
    assert file.take(6) == b"\xd5UD\n\x01\x02"
    file.take(8)
    blocks = [
        ([file.varint() for _ in range(6)], int.from_bytes(file.take(4), "big"))
        for _ in range(file.varint())
    ]
    length, deflated = file.varint(), file.varint()
    told = int.from_bytes(file.take(4), "big")
    file.check()
    names = file.take(deflated)
    assert zlib.crc32(names) == told
    names = zlib.decompress(names)
    assert len(names) == length
    found = []
    for (count, height, width, channels, lanes, size), crc in blocks:
        payload = file.take(size)
        assert zlib.crc32(payload) == crc
        found.append(block(model, payload, count, (height, width), channels, lanes))
    return found, names.decode().split("\0")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_second_decoder_reads_a_lossless_file(channels):
    twin, (picture,) = tiny(), crops(1, 9, 6, channels)
    header = Header(LOSSLESS, twin.hash, 9, 6, channels, twin.config.steps)
    data = build(header, encode(twin, picture[None])[0])
    assert np.array_equal(short(plain(twin), data), picture)
    data = build(header, encode(twin, picture[None])[0], short=False)
    found, extras = long(plain(twin), data)
    assert np.array_equal(found, picture)
    assert not extras


def test_a_second_decoder_reads_opacity_and_profile():
    twin, (levels,), icc = tiny(), crops(1, 5, 6), b"a profile, or anything else"
    alpha = np.arange(0, 240, 8, dtype=np.uint8).reshape(5, 6)[::-1].copy()
    found, extras = long(plain(twin), compress(Picture(levels, alpha, icc), twin, lossless=True))
    assert np.array_equal(found, levels)
    assert extras.keys() == {2, 3}
    assert np.array_equal(opacity(extras[2], (5, 6)), alpha)
    assert zlib.decompress(extras[3], -15) == icc


def test_a_second_decoder_refuses_what_is_too_short_or_too_long():
    twin = tiny()
    (stream,) = encode(twin, crops(1, 4, 3))
    assert single(plain(twin), stream, (4, 3), 3).shape == (3, 4, 3)
    others = [stream[:-1], stream[:-3], stream[: len(stream) // 2], b"", stream + b"\0"]
    others += [stream + stream, stream[:-1] + bytes([stream[-1] + 1])]
    for other in others:
        with pytest.raises(Damaged):
            single(plain(twin), other, (4, 3), 3)
        with pytest.raises(CodecError):
            decode(twin, [other], (4, 3), 3)


@pytest.mark.parametrize("make", [tiny, tower])
def test_a_second_decoder_reads_an_archive(make):
    twin, colour, grey = make(), crops(7, 6, 9), crops(2, 7, 6, 1)
    parts = [encode_block(twin, colour, lanes=2), encode_block(twin, grey, lanes=1)]
    names = [f"{i}.png" for i in range(9)]
    data = build_archive(twin.hash, parts, names)
    ((first, back), (second, _)), told = archive(plain(twin), data)
    assert np.array_equal(first, colour)
    assert np.array_equal(second, grey)
    assert told == names
    every = twin.config.steps * len(twin.config.stride)
    assert back[1:] == [every] * 3


def test_a_second_decoder_reads_rounds_that_do_both():
    twin, pictures = tiny(), crops(3, 7, 6, 1)
    _, data = encode_block(twin, pictures, lanes=1)
    found, sites = block(plain(twin), data, 3, (7, 6), 1, 1)
    assert np.array_equal(found, pictures)
    assert any(0 < count < twin.config.steps for count in sites)

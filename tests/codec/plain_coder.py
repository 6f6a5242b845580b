"""The coder again, from docs/format.md alone: plain Python integers, one symbol at a time."""

import hashlib
from fractions import Fraction

from underdraw.codec.tables import normal

FREE, TOTAL = 2**24 - 2**9, 2**24


TABLE = normal().tolist()  # test_tables.py compares it with math.erfc


def root(exponent):
    """round(2^20 2^(exponent / 32))."""
    value, goal = round(2**20 * 2 ** (exponent / 32)), Fraction(2) ** (20 * 32 + exponent)
    while Fraction(2 * value + 1, 2) ** 32 < goal:
        value += 1
    while Fraction(2 * value - 1, 2) ** 32 > goal:
        value -= 1
    return value


SIGMA = [root(r) for r in range(32)]
INVERSE = [root(-r) for r in range(32)]


def cdf(twice, scale):
    """T at twice / 2 units from the mean."""
    e = scale // 32
    index = 2**14 + (twice * INVERSE[scale % 32] + 2 ** (9 + e)) // 2 ** (10 + e)
    return TABLE[min(max(index, 0), 2**15)]


def sizes(delta, scale):
    """(j, h) of a Gaussian on a grid."""
    q = 11 * SIGMA[scale % 32] * 2 ** (scale // 32) // 2**20 // (2 * delta)
    j = (q // 127).bit_length()
    h = 2
    while h < (q >> j) + 2:
        h *= 2
    return j, h


def centre(delta, mean, j):
    return ((2 * mean + delta) // (2 * delta)) >> j


def gaussian_row(delta, mean, scale):
    """C_0 .. C_n."""
    j, h = sizes(delta, scale)
    n, first = 2 * h + 1, centre(delta, mean, j) - h
    row = [0]
    for u in range(1, n):
        twice = (2 * 2**j * (first + u) - 1) * delta - 2 * mean
        row.append(cdf(twice, scale) + u + (512 - n if u > h else 0))
    return [*row, TOTAL]


def level_masses(mean, scale, width):
    """t_0 .. t_256."""
    inner = [cdf(2 * (b * width - mean), scale) for b in range(1, 256)]
    return [0, *inner, FREE]


def first_row(mean, scale, width):
    t = level_masses(mean, scale, width)
    return [t[16 * i] + 32 * i for i in range(17)]


def second_row(mean, scale, width, a):
    t = level_masses(mean, scale, width)[16 * a : 16 * a + 17]
    if t[16] == t[0]:
        return [(FREE // 16 + 32) * i for i in range(17)]
    return [FREE * (t[i] - t[0]) // (t[16] - t[0]) + 32 * i for i in range(17)]


def even_row(bits):
    return [v << (24 - bits) for v in range(2**bits + 1)]


class Damaged(Exception):
    """What a decoder refuses."""


class PlainEncoder:
    """The range coder, with `low` as one long number."""

    def __init__(self):
        self.low, self.range, self.words = 0, 2**64 - 1, 0

    def put(self, low, mass):
        scale = self.range >> 24
        self.low, self.range = self.low + scale * low, scale * mass
        if self.range < 2**32:
            self.low, self.range, self.words = self.low << 32, self.range << 32, self.words + 1

    def finish(self):
        if self.range == 2**64 - 1:
            return b""
        size = 4 * self.words + 8
        for kept in range(size + 1):
            unit = 256 ** (size - kept)
            start = -(-self.low // unit) * unit
            if start + unit <= self.low + self.range:
                return (start // unit).to_bytes(kept, "big")
        raise AssertionError


class PlainDecoder:
    """The same, reading one continuation of the bytes."""

    def __init__(self, data, end):
        self.digits = data + end * 10_000
        self.point, self.place = int.from_bytes(self.digits[:8], "big"), 8
        self.range = 2**64 - 1  # point is counted from low

    def get(self, row):
        scale = self.range >> 24
        quotient = self.point // scale
        if quotient >= TOTAL:
            return None
        symbol = next(i for i in range(len(row) - 1) if quotient < row[i + 1])
        self.point -= scale * row[symbol]
        self.range = scale * (row[symbol + 1] - row[symbol])
        if self.range < 2**32:
            word = int.from_bytes(self.digits[self.place : self.place + 4], "big")
            self.point, self.place = self.point << 32 | word, self.place + 4
            self.range <<= 32
        return symbol


class PlainReader:
    """The rule of prefixes: both continuations, as long as they agree."""

    def __init__(self, data):
        self.pair = PlainDecoder(data, b"\x00"), PlainDecoder(data, b"\xff")
        self.ended, self.data, self.told = False, data, PlainEncoder()

    def get(self, row):
        if self.ended:
            return None
        first, second = (decoder.get(row) for decoder in self.pair)
        self.ended = first is None or first != second
        if self.ended:
            return None
        self.told.put(row[first], row[first + 1] - row[first])
        return first

    @property
    def whole(self):
        """Whether all that was asked for is there, and nothing else."""
        return not self.ended and self.told.finish() == self.data


class PlainStack:
    """Asymmetric numeral systems, from the bytes of a stack or empty."""

    def __init__(self, data=None):
        self.state, self.words = 2**32, []
        if data is not None:
            *self.words, low, high = (
                int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4)
            )
            self.state = high << 32 | low

    def get(self, row):
        quotient = self.state % TOTAL
        symbol = next(i for i in range(len(row) - 1) if quotient < row[i + 1])
        low, mass = row[symbol], row[symbol + 1] - row[symbol]
        self.state = mass * (self.state >> 24) + quotient - low
        if self.state < 2**32 and self.words:
            self.state = self.state << 32 | self.words.pop()
        return symbol

    def put(self, low, mass):
        if self.state >= mass << 40:
            self.words.append(self.state & 0xFFFFFFFF)
            self.state >>= 32
        self.state = (self.state // mass << 24) + low + self.state % mass

    @property
    def bytes(self):
        words = [*self.words, self.state & 0xFFFFFFFF, self.state >> 32]
        return b"".join(word.to_bytes(4, "big") for word in words)


def read_even(reader, bits, middle=True):
    """Numbers of so many bits, the upper parts first."""
    values = [2 ** (b - 1) if b and middle else 0 for b in bits]
    for upper in (True, False):
        for i, b in enumerate(bits):
            if (b <= 16) if upper else (b == 0):
                continue
            digit = reader.get(even_row(b - 16 if upper else min(b, 16)))
            if digit is not None:
                values[i] = digit * 2**16 + 2**15 if upper else values[i] // 2**16 * 2**16 + digit
    return values


def read_gaussians(reader, deltas, means, scales, tails=True):
    """A vector of numbers under Gaussians, and which of them the stream holds."""
    grids = list(zip(deltas, means, scales, strict=True))
    k = [centre(d, m, 0) for d, m, _ in grids]
    read = [False] * len(k)
    for h in (128, 64, 32, 16, 8, 4, 2):
        found = []
        for i in [i for i, (d, _, s) in enumerate(grids) if sizes(d, s)[1] == h]:
            u = reader.get(gaussian_row(*grids[i]))
            if u is not None:
                found.append((i, sizes(grids[i][0], grids[i][2])[0], u))
        lower = read_even(reader, [j for _, j, _ in found])
        beyond = [i for i, (_, _, u) in enumerate(found) if tails and u in (0, 2 * h)]
        lengths = read_even(reader, [5] * len(beyond), middle=False)
        number = read_even(reader, lengths)
        e = {b: 2**n + v - 1 for b, n, v in zip(beyond, lengths, number, strict=True)}
        for place, ((i, j, u), low) in enumerate(zip(found, lower, strict=True)):
            cell = centre(deltas[i], means[i], j) - h + u
            cell += (e[place] if u > h else -e[place]) if place in e else 0
            k[i], read[i] = cell * 2**j + low, True
    if any(abs(n) >= 2**31 for n in k):
        raise Damaged
    return k, read


def gaussian_parts(k, deltas, means, scales):
    """The intervals of a vector of numbers under Gaussians without tails, in their order."""
    parts, grids = [], list(zip(k, deltas, means, scales, strict=True))
    for h in (128, 64, 32, 16, 8, 4, 2):
        some = [(n, *sizes(d, s), d, m, s) for n, d, m, s in grids if sizes(d, s)[1] == h]
        for n, j, _, d, m, s in some:
            row, u = gaussian_row(d, m, s), (n >> j) - centre(d, m, j) + h
            parts.append((row[u], row[u + 1] - row[u]))
        for upper in (True, False):
            for n, j, *_ in some:
                low, bits = n % 2**j, j - 16 if upper else min(j, 16)
                if bits > 0:
                    part = low >> 16 if upper else low % 2**16
                    parts.append((part << (24 - bits), 1 << (24 - bits)))
    return parts


def read_pixels(reader, means, scales, width):
    """A vector of levels; None if the stream does not hold it all."""
    levels = []
    for start in range(0, len(means), 4096):
        run = list(zip(means[start : start + 4096], scales[start : start + 4096], strict=True))
        first = [reader.get(first_row(m, s, width)) for m, s in run]
        if None in first:
            return None
        second = [
            reader.get(second_row(*pair, width, a)) for pair, a in zip(run, first, strict=True)
        ]
        if None in second:
            return None
        levels += [16 * a + b for a, b in zip(first, second, strict=True)]
    return levels


def digest(table):
    """SHA-256 of a table, as numbers of 8 bytes."""
    return hashlib.sha256(table.astype(">i8").tobytes()).hexdigest()

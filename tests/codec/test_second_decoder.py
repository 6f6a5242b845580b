"""A second decoder of lossy files, written from docs/format.md, sees the same pictures."""

import math
from bisect import bisect_right

import numpy as np
import pytest

from codec.crops import crops, tiny
from codec.plain_coder import FREE, SIGMA, TABLE, PlainReader, read_even, read_gaussians
from codec.plain_model import PlainModel
from codec.test_plain_model import plain
from codec.test_second_lossless import Bytes, opacity, read_extras
from underdraw.codec import lossy
from underdraw.codec.container import parse
from underdraw.codec.decoding import decompress
from underdraw.codec.encoding import compress
from underdraw.codec.philox import words


class Asked(Exception):
    """A story has come to a latent that is not known yet: its prior is."""


class PlainDecoder:
    """Of one picture of tiles; a picture without any is one tile."""

    def __init__(self, model: PlainModel, payload: bytes, tau: float = 0.0, seed: int = 0) -> None:
        self.model, self.reader, self.tau, self.seed = model, PlainReader(payload), tau, seed
        (self.g,) = read_even(self.reader, [4], middle=False)
        self.known: list[list[np.ndarray]] = []  # of every site, the latents of every tile

    def story(self, tile: int, size: tuple[int, int]):
        """A tile's pixels; or, before all latents are known, the prior of the next."""

        def choose(site, mu, s, mean):
            if site == len(self.known):
                raise Asked(mu, s)
            return self.known[site][tile]

        return self.model.tell(choose, size)

    def prior(self, tile: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        with pytest.raises(Asked) as asked:
            self.story(tile, size)
        return asked.value.args

    def unread(self, tile: int, mu: np.ndarray, s: np.ndarray, maps: list[int]) -> np.ndarray:
        """What stands for latents of a tile that are not read: means, or samples."""
        z = mu.copy()
        if not self.tau:
            return z
        drawn = words((self.seed + tile) % 2**64, (0, len(self.known)), mu.size).tolist()
        for place, (m, y, x) in enumerate(np.ndindex(*mu.shape)):
            if m in maps:
                mean, far = int(mu[m, y, x]), gaussian(drawn[place], int(s[m, y, x]))
                z[m, y, x] = mean + math.floor(self.tau * far + 0.5)
        return z

    def latents(self, priors: list[tuple[np.ndarray, np.ndarray]], told: bool) -> list[np.ndarray]:
        """Those of the next site, for every tile; its layer is the only one."""
        step = len(self.known)
        delta, active, order, shift = (
            self.model.numbers[f"layers.0.to_q.{name}"][step]
            for name in ("delta", "active", "order", "shift")
        )
        maps = [m for m in order if active[m]]
        z = [self.unread(i, *prior, maps) for i, prior in enumerate(priors)]
        if not told or not maps:
            return z
        height, width = z[0].shape[1:]
        w = words(0, (1, step), len(maps) * height * width).reshape(len(maps), height, width)
        at, spacing, means, classes = [], [], [], []
        for place, m in enumerate(maps):
            wide = SIGMA[16 * (self.g % 2)] * 2 ** (self.g // 2) * int(delta[m]) // 2**20
            d = min(wide, 2**24)
            for tile, (_, s) in enumerate(priors):
                for y, x in np.ndindex(height, width):
                    o = int(w[place, y, x]) * d // 2**33 - d // 4
                    at.append((tile, m, y, x))
                    spacing.append(d)
                    means.append(-o)
                    classes.append(min(max(int(s[m, y, x]) + int(shift[self.g][m]), 0), 1023))
        k, read = read_gaussians(self.reader, spacing, means, classes)
        for (tile, *where), one, d, o, there in zip(at, k, spacing, means, read, strict=True):
            if there:
                z[tile][tuple(where)] = priors[tile][0][tuple(where)] + one * d - o
        return z

    def picture(self, size, tile, steps, channels=3) -> np.ndarray:
        rows, columns = (-(-side // part) for side, part in zip(size, tile, strict=True))
        for step in range(self.model.steps):
            priors = [self.prior(i, tile) for i in range(rows * columns)]
            self.known.append(self.latents(priors, step < steps))
        found = np.zeros((channels, rows * tile[0], columns * tile[1]), np.uint8)
        for i, (row, column) in enumerate(np.ndindex(rows, columns)):
            means, _ = self.story(i, tile)
            if channels == 1:
                means = means.sum(0, keepdims=True) // 3
            top, left = row * tile[0], column * tile[1]
            found[:, top : top + tile[0], left : left + tile[1]] = np.clip(means // 256, 0, 255)
        return found[:, : size[0], : size[1]]


def gaussian(v: int, s: int) -> int:
    """How far from its mean a sample of class s lies, by a word v."""
    i = bisect_right(TABLE, FREE * v // 2**32, hi=2**15) - 1
    wide = 2**8 * SIGMA[s % 32] * 2 ** (s // 32) // 2**20
    return ((2 * i + 1 - 2**15) * wide + 2**19) // 2**20


def whole(model: PlainModel, data: bytes, tau: float = 0.0, seed: int = 0) -> np.ndarray:
    """The picture (H, W, channels) in a lossy file of the long form, with its opacity."""
    file = Bytes(data)
    assert file.take(6) == b"\xd5UD\n\x01\x00"
    file.take(8)  # hash
    size, channels, steps = (file.varint(), file.varint()), file.varint(), file.varint()
    extras = read_extras(file)
    file.check()
    sides = Bytes(extras[4]) if 4 in extras else None
    tile = size if sides is None else (sides.varint(), sides.varint())
    decoder = PlainDecoder(model, data[file.place :], tau, seed)
    found = decoder.picture(size, tile, steps, channels)
    planes = [*found, *([opacity(extras[2], size)] if 2 in extras else [])]
    return np.stack(planes, axis=2)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("tile", [None, (8, 8)])
def test_a_second_decoder_reads_files_with_extras_and_samples(channels, tile):
    twin, size = tiny(), (10, 13)
    alpha = np.arange(130, dtype=np.uint8).reshape(*size, 1)
    levels = np.dstack([crops(1, *size, channels)[0].transpose(1, 2, 0), alpha])
    content = compress(levels, twin, tile=tile, quality=60.0)
    start = len(content) - len(parse(content)[1])
    for length in (len(content), start + 40, start):
        cut = content[:length]
        for tau, seed in ((0.0, 0), (0.8, 7), (1.0, 2**64 - 1)):
            shown = np.asarray(decompress(cut, model=twin, temperature=tau, seed=seed))
            assert np.array_equal(whole(plain(twin), cut, tau, seed), shown)


@pytest.mark.parametrize("tile", [None, (8, 8)])
@pytest.mark.parametrize("power", [-253, -60])
def test_a_second_decoder_sees_the_same_picture(power, tile):
    size, steps = (12, 15), 3
    (stream,) = lossy.encode(tiny(), crops(1, *size), [power], steps, tile=tile)
    for length in (len(stream), len(stream) // 2, 3, 0):
        cut = stream[:length]
        (ours,) = lossy.decode(tiny(), [cut], size, 3, steps, tile=tile)
        theirs = PlainDecoder(plain(tiny()), cut).picture(size, tile or size, steps)
        assert np.array_equal(ours, theirs), length

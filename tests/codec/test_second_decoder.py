"""A second decoder of lossy payloads, written from docs/format.md, sees the same pictures."""

import numpy as np
import pytest

from codec.crops import crops, tiny
from codec.plain_coder import SIGMA, PlainReader, read_even, read_gaussians
from codec.plain_model import PlainModel
from codec.test_plain_model import plain
from underdraw.codec import lossy
from underdraw.codec.philox import words


class Asked(Exception):
    """A story has come to a latent that is not known yet: its prior is."""


class PlainDecoder:
    """Of one picture of tiles; a picture without any is one tile."""

    def __init__(self, model: PlainModel, payload: bytes) -> None:
        self.model, self.reader = model, PlainReader(payload)
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

    def latents(self, priors: list[tuple[np.ndarray, np.ndarray]], told: bool) -> list[np.ndarray]:
        """Those of the next site, for every tile; its layer is the only one."""
        step = len(self.known)
        delta, active, order, shift = (
            self.model.numbers[f"layers.0.to_q.{name}"][step]
            for name in ("delta", "active", "order", "shift")
        )
        z = [mu.copy() for mu, _ in priors]
        maps = [m for m in order if active[m]]
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
                z[tile][tuple(where)] += one * d - o
        return z

    def picture(self, size, tile, steps) -> np.ndarray:
        rows, columns = (-(-side // part) for side, part in zip(size, tile, strict=True))
        for step in range(self.model.steps):
            priors = [self.prior(i, tile) for i in range(rows * columns)]
            self.known.append(self.latents(priors, step < steps))
        found = np.zeros((3, rows * tile[0], columns * tile[1]), np.uint8)
        for i, (row, column) in enumerate(np.ndindex(rows, columns)):
            means, _ = self.story(i, tile)
            top, left = row * tile[0], column * tile[1]
            found[:, top : top + tile[0], left : left + tile[1]] = np.clip(means // 256, 0, 255)
        return found[:, : size[0], : size[1]]


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

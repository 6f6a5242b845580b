"""Lossless coding of single pictures: dithered latents, then the pixels they leave uncertain.

Without bits-back, latents are posterior means rounded to a grid of spacing D. Rounding errors that
all follow the picture add up in the pixels; so the grid of each latent is moved by an offset o,
the same for everybody, after which errors are as even noise over a cell, like those of a sample of
q if D^2 / 12 = sigma_q^2. The twin's grid has delta = sigma_q / 2 about, and D = 7 delta:

    k = floor((2 (mu_q - o) + D) / (2 D)),   z = k D + o,   o = floor(w D / 2^32)

with w the words of `philox` under the seed 0, stream (1, site), over the maps that are coded. What
is rounded is the mean of q, which is spread less than z: k is coded under N(mu_p - o, sigma_m^2),

    sigma_m^2 = max(sigma_p^2 - sigma_q^2, sigma_q^2 / 8).

In classes that is s_q + M(s_p - s_q). With A(v) = floor(2^floor(v / 16) SIGMA[2 v mod 32]), M(d) is
the largest m in -48 .. d with A(m) <= A(d) - 2^20, or -48; and d for d > 320. Bits-back would be
shorter by log2(2 pi e / 12) / 2 = 0.25 bits for each latent that is coded.

The latents of all sites come in the order of `codec.lossy`, then the levels of the picture as one
vector, channel by channel. A stream keeps this order; on a stack it is the order of popping.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from underdraw.codec.coder import (
    Cells,
    Decoder,
    Encoder,
    Grid,
    Stack,
    Stream,
    get_gaussians,
    get_pixels,
    put_gaussians,
    put_pixels,
)
from underdraw.codec.errors import CodecError, Whole
from underdraw.codec.exact import ExactPixels, Twin
from underdraw.codec.image import as_seen, grey
from underdraw.codec.lossy import Levels, coded_maps
from underdraw.codec.philox import words
from underdraw.codec.tables import SCALES, roots
from underdraw.distributions import Gaussian
from underdraw.latent import Site, Size

COARSE = 7
"""Spacing of the grid of single pictures, in steps of the twin's."""
WIDTH = 256
"""Units to a level."""
_DITHER = 1  # of the streams of random numbers
_NARROWEST, _WIDEST = -48, 320


class Told(NamedTuple):
    """Latents of one site: whole numbers, and the grids they are coded on; (B, maps, h, w)."""

    k: Whole
    grid: Grid


class Latents(ABC):
    """A source that fills the maps that are coded, and lets the others rest.

    Args:
        twin: the model.
        sites: at how many of the first sites latents lie on the twin's own grids, as samples of
            the posterior do (see `codec.archive`); at the others, on the moved ones of rounded
            means.
    """

    def __init__(self, twin: Twin, sites: int = 0) -> None:
        self.twin, self.sites = twin, sites

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        """The latent at `site`, in units."""
        z, maps = self.twin.rest(site, p), coded_maps(self.twin, site)
        if len(maps):
            grid, offset = self.place(site, p, maps)
            k = self.choose(site, maps, grid, offset, q)
            z[:, maps] = torch.from_numpy(k * grid.delta.reshape(grid.shape) + offset).to(z)
        return z

    def samples(self, site: Site) -> bool:
        """Whether latents are samples of the posterior here."""
        return site.index < self.sites

    def place(self, site: Site, p: Gaussian, maps: Tensor) -> tuple[Grid, Whole]:
        """The grids of the maps, (B, maps, h, w), and where their zero is, in units."""
        delta, narrow = (
            part(site)[maps][:, None, None].numpy() for part in (self.twin.delta, self.twin.q_scale)
        )
        mean, wide = (part[:, maps].numpy().astype(np.int64) for part in (p.mu, p.log_sigma))
        if self.samples(site):
            return Grid(delta, mean, wide), np.zeros(1, dtype=np.int64)
        offset = words(0, (_DITHER, site.index), mean[0].size).reshape(mean[0].shape)
        offset = offset * (COARSE * delta) >> 32
        return Grid(COARSE * delta, mean - offset, rounded_scale(wide, narrow)), offset

    @abstractmethod
    def choose(
        self, site: Site, maps: Tensor, grid: Grid, offset: Whole, q: Gaussian | None
    ) -> Whole:
        """The numbers k at `site`, of the shape of `grid`."""


def rounded_scale(wide: Whole, narrow: Whole) -> Whole:
    """Class of the means that are rounded, from those of priors and posteriors."""
    more = wide - narrow
    at = np.clip(more, _NARROWEST, _WIDEST) - _NARROWEST
    return np.clip(narrow + np.where(more > _WIDEST, more, _narrowed()[at]), 0, SCALES - 1)


@cache
def _narrowed() -> Whole:
    """M(d) for d = -48 .. 320."""
    v = np.arange(_NARROWEST, _WIDEST + 1)
    power = roots()[0][2 * v % 32] << (v // 16 - _NARROWEST // 16) >> (-_NARROWEST // 16)
    place = np.searchsorted(power, power - (1 << 20), side="right") - 1
    return v[np.maximum(place, 0)]


class Rounded(Latents):
    """Posterior means, rounded.

    Attributes:
        told: what was chosen, site by site.
    """

    def __init__(self, twin: Twin, sites: int = 0) -> None:
        super().__init__(twin, sites)
        self.told = list[Told]()

    def choose(
        self, site: Site, maps: Tensor, grid: Grid, offset: Whole, q: Gaussian | None
    ) -> Whole:
        """The nearest points of the grid."""
        assert q is not None
        delta = grid.delta.reshape(grid.shape)
        away = q.mu[:, maps].numpy().astype(np.int64) - offset
        self.told.append(Told((2 * away + delta) // (2 * delta), grid))
        return self.told[-1].k


class Taken(Latents):
    """Latents read from streams or popped off stacks, under the prior.

    Attributes:
        ks: what was read, site by site.
    """

    def __init__(self, twin: Twin, readers: Sequence[Decoder | Stack], sites: int = 0) -> None:
        super().__init__(twin, sites)
        self.readers, self.ks = readers, list[Whole]()

    def choose(
        self, site: Site, maps: Tensor, grid: Grid, offset: Whole, q: Gaussian | None
    ) -> Whole:
        """What comes next."""
        self.ks.append(get_gaussians(self.readers, grid).k)
        return self.ks[-1]


def cells(pixels: ExactPixels, channels: int) -> Cells:
    """What a model says of the pixels of pictures of so many channels, (B, channels, H, W)."""
    mean, scale = pixels if channels == pixels.mean.shape[1] else grey(*pixels)
    return Cells(mean.numpy(), scale.numpy(), WIDTH)


def paint(
    source: Latents, levels: Levels | None = None, n: int = 1, size: Size | None = None
) -> ExactPixels:
    """What the model says of the pixels in the end, of pictures it sees or of n unseen ones."""
    twin = source.twin
    x = None if levels is None else twin.see(as_seen(levels, twin.shape[0]))
    canvas = None
    for frame, _ in twin.paint(source, x, n, size=size):
        canvas = frame.canvas
    assert canvas is not None
    return twin.pixels(canvas)


def push(source: Rounded, stacks: Sequence[Stack], levels: Levels) -> None:
    """Push pictures (B, 1 or C, H, W) with the latents of a source, each onto its stack."""
    pixels = paint(source, levels)
    put_pixels(stacks, levels, cells(pixels, levels.shape[1]))
    for k, grid in reversed(source.told):
        put_gaussians(stacks, k, grid)


def encode(twin: Twin, levels: Levels) -> list[bytes]:
    """Streams of pictures of one size, (B, 1 or C, H, W).

    Raises:
        CodecError: the model draws no such pictures.
    """
    source, writers = Rounded(twin), [Encoder() for _ in levels]
    pixels = paint(source, levels)
    for k, grid in source.told:
        put_gaussians(writers, k, grid)
    put_pixels(writers, levels, cells(pixels, levels.shape[1]))
    return [writer.finish() for writer in writers]


def take(source: Taken, size: Size, channels: int) -> Levels:
    """Pictures (B, channels, H, W) from what a source reads.

    Raises:
        CodecError: it is not what an encoder writes.
    """
    pixels = paint(source, n=len(source.readers), size=size)
    return get_pixels(source.readers, cells(pixels, channels)).astype(np.uint8)


def decode(twin: Twin, streams: Sequence[Stream], size: Size, channels: int) -> Levels:
    """Pictures (B, channels, H, W) from complete streams.

    Args:
        twin: the model that wrote them.
        streams: one for each picture, all of one size.
        size: height and width.
        channels: 1 for grey pictures.

    Raises:
        CodecError: a stream is not what an encoder writes.
    """
    if channels not in (1, twin.shape[0]):
        raise CodecError(f"has {channels} channels, the model draws {twin.shape[0]}")
    readers = [Decoder(stream, complete=True) for stream in streams]
    levels = take(Taken(twin, readers), size, channels)
    for reader in readers:
        reader.close()
    return levels

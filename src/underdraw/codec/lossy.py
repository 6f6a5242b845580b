"""Lossy streams: the latents of the first steps, in the order in which the model makes them.

A stream begins with a number g of 4 bits, which says how coarse it is. Sites follow the model's
order. Of a site, the maps that are coded come in the twin's order, those first that tell most, each
in raster order, as one vector (see `coder.gaussian`) of numbers k under a Gaussian:

    z = mu_p + k D + o,    D = floor(delta 2^(g / 2)),    class = the prior's + shift

The grid is centred on the prior's mean but for o, a fixed pseudo-random offset of up to a quarter
of D either way that keeps errors from being alike: k = 0 is nearly what the model would have drawn
anyway. k is coded under the mean -o.
What is coded is a rounded mean of q and no sample of it, so it lies closer to mu_p than p says, and
on coarse grids, where later steps correct earlier ones, farther: `shift` corrects the scale for
each map, step and g. It comes with the twin (see `codec.matching`).

The encoder runs in a closed loop: each posterior has seen what the earlier choices became, so that
later steps make up for what was rounded or left out. One slope sets g and, by a share of it, the
rounding.

A picture may be made of tiles (`codec.tiles`), stories that are told side by side: the vector of a
site then holds, map by map, that map of every tile.

Any prefix of a stream decodes. What it does not hold any more, all steps that were not stored and
all maps that are not coded have z = mu_p; or, with a temperature, maps that are coded get a sample,

    z = mu_p + floor(temperature (G - mu_p) + 1/2),

with G the Gaussian whole number of `philox` in stream (0, site), over all maps in their own order;
the seed of tile i is larger by i, modulo 2^64.
"""

from collections.abc import Sequence
from math import prod
from typing import SupportsFloat, SupportsIndex

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from underdraw.codec.coder import (
    Decoder,
    Encoder,
    Grid,
    Stream,
    even,
    get_gaussians,
    put_gaussians,
    read_even,
)
from underdraw.codec.coder.grid import MAX_DELTA
from underdraw.codec.errors import CodecError, Whole, real_number, whole_number
from underdraw.codec.exact import GRIDS, ExactPixels, Twin
from underdraw.codec.image import as_seen, grey
from underdraw.codec.philox import gaussians, words
from underdraw.codec.rounding import Rounder, slope_of
from underdraw.codec.tables import OCTAVE, SCALES, roots
from underdraw.codec.tiles import apart, cut, laid, tiling, woven, woven_grid
from underdraw.distributions import Gaussian
from underdraw.latent import Site, Size

Levels = UInt8[np.ndarray, "b c h w"]
FINEST, COARSEST = -253, 67
"""Powers of slopes, from the best to the worst quality: g from 0 to 10; more would draw noise."""
_BITS = 4  # of g
SHARE = 0.25
"""Of the slope, that rounding looks at: what it gives up, later steps have to correct."""
FIRST = 269
"""What is added to the power of a slope, before its octave is g."""


def coded_maps(twin: Twin, site: Site) -> Tensor:
    """Maps at `site` that are stored, in the order of the stream."""
    order = twin.order(site)
    return order[twin.active(site)[order]]


def coarseness(power: int) -> int:
    """The g that goes with the slope 2^(power / 32): D^2 = 60 slope sigma_q^2, about."""
    return min(max((power + FIRST) // OCTAVE, 0), GRIDS - 1)


def matched(twin: Twin, site: Site, p: Gaussian, maps: Tensor, g: Whole) -> Grid:
    """What numbers k of some maps are coded under, (B, maps, h, w), for g (B,)."""
    delta = twin.delta(site)[maps].numpy()
    wide = roots()[0][(g & 1) * (OCTAVE // 2)] << (g >> 1)
    spacing = np.minimum((wide[:, None] * delta) >> 20, MAX_DELTA)[..., None, None]
    scale = p.log_sigma[:, maps].numpy() + twin.shift(site).numpy()[g][:, maps.numpy(), None, None]
    w = words(0, (1, site.index), scale[0].size).reshape(scale[0].shape)
    dither = (w * spacing >> 33) - (spacing >> 2)
    return Grid(spacing, -dither, np.clip(scale, 0, SCALES - 1))


def rounder(grid: Grid, p: Gaussian, q: Gaussian, maps: Tensor) -> Rounder:
    """What chooses numbers k of some maps on their `matched` grid."""
    away = (q.mu - p.mu)[:, maps].numpy() + grid.mean.reshape(grid.shape)
    return Rounder(grid, away, q.log_sigma[:, maps].numpy())


def placed(grid: Grid, k: Whole) -> Tensor:
    """How far from the prior's mean numbers k are, in units, float64 of their shape."""
    return torch.from_numpy((k.reshape(-1) * grid.delta - grid.mean).reshape(grid.shape)).double()


class Push:
    """A source that chooses points near the posterior mean, and writes them.

    Args:
        twin: the model.
        powers: of the slope of rate against distortion, 2^(power / 32), one for each stream.
        tiles: stories to a stream.
    """

    def __init__(self, twin: Twin, powers: Sequence[int], tiles: int = 1) -> None:
        self.twin = twin
        g = np.array([coarseness(power) for power in powers])
        self.slopes = np.repeat([SHARE * slope_of(power) for power in powers], tiles)
        self.g = np.repeat(g, tiles)
        self.writers = [Encoder() for _ in powers]
        for writer, one in zip(self.writers, g, strict=True):
            writer.put(*even(np.array([one]), np.array([_BITS])))

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        """The latent at `site`, in units."""
        assert q is not None
        z, maps = p.mu.clone(), coded_maps(self.twin, site)
        if len(maps):
            grid = matched(self.twin, site, p, maps, self.g)
            k = rounder(grid, p, q, maps).choose(self.slopes)
            count = len(self.writers)
            put_gaussians(self.writers, woven(k, count), woven_grid(grid, count))
            z[:, maps] += placed(grid, k)
        return z

    def exceed(self, budgets: Sequence[int]) -> bool:
        """Whether all streams are longer than so many bytes, whatever comes."""
        lengths = [writer.bits for writer in self.writers]
        return all(bits > 8 * b + 32 for bits, b in zip(lengths, budgets, strict=True))


class Pull:
    """A source that reads latents, and dreams what is not stored.

    Args:
        twin: the model.
        streams: one for each picture, each whole or cut anywhere.
        steps: how many are stored.
        temperature: factor on the prior's standard deviation where latents are dreamt.
        seed: of the dream.
        tiles: stories to a stream.
    """

    def __init__(
        self,
        twin: Twin,
        streams: Sequence[Stream],
        steps: int,
        temperature: SupportsFloat = 0.0,
        seed: SupportsIndex = 0,
        tiles: int = 1,
    ) -> None:
        temperature = real_number("temperature", temperature)
        if not 0 <= temperature < 1e3:  # not a number fails too
            raise CodecError(f"temperature must be at least 0 and below 1000, got {temperature}")
        seed = whole_number("seed", seed)  # NumPy's end at 2^63
        if not 0 <= seed < 2**64:
            raise CodecError(f"seed must be in 0..2^64 - 1, got {seed}")
        self.twin, self.steps = twin, steps
        self.temperature, self.seed = temperature, seed
        self.readers = [Decoder(stream) for stream in streams]
        g = [read_even(reader, np.array([_BITS]))[0] for reader in self.readers]
        self.g, self.tiles = np.repeat(g, tiles), tiles

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        """The latent at `site`, in units."""
        maps = coded_maps(self.twin, site)
        z = self._dream(site, p, maps)
        if site.step < self.steps and not all(reader.ended for reader in self.readers):
            self._read(site, p, z, maps)
        return z

    def _read(self, site: Site, p: Gaussian, z: Tensor, maps: Tensor) -> None:
        if len(maps):
            grid = matched(self.twin, site, p, maps, self.g)
            found = get_gaussians(self.readers, woven_grid(grid, len(self.readers)))
            k, read = (apart(part) for part in found)
            stored = p.mu[:, maps] + placed(grid, k)
            z[:, maps] = torch.where(torch.from_numpy(read), stored, z[:, maps])

    def _dream(self, site: Site, p: Gaussian, maps: Tensor) -> Tensor:
        z = p.mu.clone()
        if self.temperature:
            mean, scale = p.mu.numpy(), p.log_sigma.numpy()
            seeds = [(self.seed + i % self.tiles) % 2**64 for i in range(len(mean))]
            drawn = gaussians(seeds, (0, site.index), mean, scale)
            moved = np.floor(self.temperature * (drawn - mean) + 0.5)
            z[:, maps] += torch.from_numpy(moved)[:, maps]
        return z


def steps_of(twin: Twin, steps: SupportsIndex | None) -> int:
    """How many steps are meant; all if None.

    Raises:
        CodecError: the model has not so many, or there are none.
    """
    if steps is None:
        return twin.steps
    steps = whole_number("steps", steps)
    if not 0 <= steps <= twin.steps:
        raise CodecError(f"steps must be in 0..{twin.steps}, got {steps}")
    return steps


def encode(
    twin: Twin,
    levels: Levels,
    powers: Sequence[int],
    steps: int | None = None,
    budgets: Sequence[int] | None = None,
    tile: Size | None = None,
) -> list[bytes]:
    """Streams of pictures of one size, (B, 1 or C, H, W).

    Args:
        twin: the model.
        levels: the pictures.
        powers: of the slope of each picture; see `Push`.
        steps: how many are stored; all if None.
        budgets: bytes that each stream may have; it is cut there.
        tile: height and width of the tiles that the pictures are cut into, if they are.

    Raises:
        CodecError: the pictures or the steps are none of the model's.
    """
    if tile is not None:
        levels = cut(levels, tile)
    source = Push(twin, powers, len(levels) // len(powers))
    told = range(steps_of(twin, steps))
    x = twin.see(as_seen(levels, twin.shape[0]))
    for _ in zip(told, twin.paint(source, x), strict=False):
        if budgets is not None and source.exceed(budgets):
            break
    streams = [writer.finish() for writer in source.writers]
    return streams if budgets is None else [s[:b] for s, b in zip(streams, budgets, strict=True)]


def decode(
    twin: Twin,
    streams: Sequence[Stream],
    size: Size,
    channels: int,
    steps: int | None = None,
    temperature: SupportsFloat = 0.0,
    seed: SupportsIndex = 0,
    tile: Size | None = None,
) -> Levels:
    """Pictures (B, channels, H, W) from streams, whole or cut anywhere.

    Args:
        twin: the model that wrote them.
        streams: one for each picture, all of one size.
        size: height and width.
        channels: 1 for grey pictures.
        steps: how many are stored; or fewer, to see what they tell.
        temperature: 0 takes the prior's mean where nothing is stored, 1 a sample of it.
        seed: of the sample.
        tile: height and width of the tiles that the pictures are made of, if they are.

    Raises:
        CodecError: an argument is out of range, or a stream holds what no encoder writes.
    """
    tiles = 1 if tile is None else prod(tiling(size, tile))
    source = Pull(twin, streams, steps_of(twin, steps), temperature, seed, tiles)
    canvas = None
    for frame, _ in twin.paint(source, n=len(streams) * tiles, size=tile or size):
        canvas = frame.canvas
    assert canvas is not None
    levels = shown(twin.pixels(canvas), channels)
    return levels if tile is None else laid(levels, size)


def shown(pixels: ExactPixels, channels: int) -> Levels:
    """The picture that is most likely, of so many channels."""
    if channels != pixels.mean.shape[1]:
        pixels = ExactPixels(*grey(*pixels))
    return pixels.levels.numpy()

"""Lossy streams: the latents of the first steps, in the order in which the model makes them.

Sites follow the model's order. Of a site, the maps that are coded come in the twin's order, those
first that tell most, each in raster order, as one vector under the prior (see `coder.gaussian`).
The encoder runs in a closed loop: each posterior has seen what the earlier choices became, so that
later steps make up for what was rounded or left out.

Any prefix of a stream decodes. What it does not hold any more, and all steps that were not stored,
come from the prior: its mean, or with a temperature a sample of it,

    z = mean + floor(temperature (g - mean) + 1/2),

with g the Gaussian whole number of `philox` in stream (0, site), over all maps in their own order.
Maps that are not coded rest at the point of their grid that is nearest to the prior's mean.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from underdraw.codec.coder import Decoder, Encoder, Grid, get_gaussians, put_gaussians
from underdraw.codec.errors import CodecError
from underdraw.codec.exact import ExactPixels, Twin
from underdraw.codec.image import as_seen, grey
from underdraw.codec.philox import gaussians
from underdraw.codec.rounding import Rounder, slope_of
from underdraw.distributions import Gaussian
from underdraw.latent import Site, Size

Levels = UInt8[np.ndarray, "b c h w"]
FINEST, COARSEST, STRIDE = -128, 512, 4
"""Powers of the slopes that are tried to meet a rate, and the distance between them."""


def coded_maps(twin: Twin, site: Site) -> Tensor:
    """Maps at `site` that are stored, in the order of the stream."""
    order = twin.order(site)
    return order[twin.active(site)[order]]


def grid_of(twin: Twin, site: Site, p: Gaussian, maps: Tensor) -> Grid:
    """The grids of some maps, (B, maps, h, w)."""
    delta = twin.delta(site)[maps][:, None, None]
    return Grid(delta.numpy(), p.mu[:, maps].numpy(), p.log_sigma[:, maps].numpy())


class Push:
    """A source that chooses points of the grid near the posterior mean, and writes them.

    Args:
        twin: the model.
        slopes: of rate against distortion, one for each picture.
    """

    def __init__(self, twin: Twin, slopes: Sequence[float]) -> None:
        self.twin, self.slopes = twin, np.array(slopes, np.float64)
        self.writers = [Encoder() for _ in slopes]

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        """The latent at `site`, in units."""
        assert q is not None
        z, maps = self.twin.rest(site, p), coded_maps(self.twin, site)
        if len(maps):
            grid = grid_of(self.twin, site, p, maps)
            mean, scale = (part[:, maps].numpy() for part in (q.mu, q.log_sigma))
            k = Rounder(grid, mean, scale).choose(self.slopes)
            put_gaussians(self.writers, k, grid)
            z[:, maps] = torch.from_numpy(k * grid.delta.reshape(grid.shape)).to(z)
        return z


class Pull:
    """A source that reads latents, and dreams what is not stored.

    Args:
        twin: the model.
        streams: one for each picture, each whole or cut anywhere.
        steps: how many are stored.
        temperature: factor on the prior's standard deviation where latents are dreamt.
        seed: of the dream.
    """

    def __init__(
        self,
        twin: Twin,
        streams: Sequence[bytes],
        steps: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> None:
        if not 0 <= temperature < 1e3:  # not a number fails too
            raise CodecError(f"temperature must be in 0..1000, got {temperature}")
        self.twin, self.steps = twin, steps
        self.temperature, self.seed = temperature, seed
        self.readers = [Decoder(stream) for stream in streams]

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        """The latent at `site`, in units."""
        active = self.twin.active(site)[:, None, None]
        z = torch.where(active, self._dream(site, p), self.twin.rest(site, p))
        if site.step < self.steps and not all(reader.ended for reader in self.readers):
            self._read(site, p, z)
        return z

    def _read(self, site: Site, p: Gaussian, z: Tensor) -> None:
        maps = coded_maps(self.twin, site)
        if len(maps):
            grid = grid_of(self.twin, site, p, maps)
            k, read = get_gaussians(self.readers, grid)
            stored = torch.from_numpy(k * grid.delta.reshape(grid.shape)).to(z)
            z[:, maps] = torch.where(torch.from_numpy(read), stored, z[:, maps])

    def _dream(self, site: Site, p: Gaussian) -> Tensor:
        if not self.temperature:
            return p.mu
        mean, scale = p.mu.numpy(), p.log_sigma.numpy()
        one = [
            gaussians(self.seed, (0, site.index), m, s) for m, s in zip(mean, scale, strict=True)
        ]
        moved = np.floor(self.temperature * (np.stack(one) - mean) + 0.5)
        return torch.from_numpy(mean + moved)


def steps_of(twin: Twin, steps: int | None) -> int:
    """How many steps are meant; all if None.

    Raises:
        CodecError: the model has not so many, or there are none.
    """
    if steps is None:
        return twin.steps
    if not 0 <= steps <= twin.steps:
        raise CodecError(f"steps must be in 0..{twin.steps}, got {steps}")
    return steps


def encode(
    twin: Twin, levels: Levels, slopes: Sequence[float], steps: int | None = None
) -> list[bytes]:
    """Streams of pictures of one size, (B, 1 or C, H, W), each with its own slope.

    Raises:
        CodecError: the pictures or the steps are none of the model's.
    """
    source = Push(twin, slopes)
    x = twin.see(as_seen(levels, twin.shape[0]))
    for _ in zip(range(steps_of(twin, steps)), twin.paint(source, x), strict=False):
        pass
    return [writer.finish() for writer in source.writers]


def decode(
    twin: Twin,
    streams: Sequence[bytes],
    size: Size,
    channels: int,
    steps: int | None = None,
    temperature: float = 0.0,
    seed: int = 0,
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

    Raises:
        CodecError: an argument is out of range, or a stream holds what no encoder writes.
    """
    source = Pull(twin, streams, steps_of(twin, steps), temperature, seed)
    canvas = None
    for frame, _ in twin.paint(source, n=len(streams), size=size):
        canvas = frame.canvas
    assert canvas is not None
    return shown(twin.pixels(canvas), channels)


def shown(pixels: ExactPixels, channels: int) -> Levels:
    """The picture that is most likely, of so many channels."""
    if channels != pixels.mean.shape[1]:
        pixels = ExactPixels(*grey(*pixels))
    return pixels.levels.numpy()


def encode_within(
    twin: Twin, levels: Levels, budgets: Sequence[int], steps: int | None = None
) -> list[bytes]:
    """Streams of at most so many bytes each: the lowest slopes that will do, by bisection.

    Where even the highest needs more, its stream is cut.

    Raises:
        CodecError: as `encode`.
    """
    low, high = [np.full(len(levels), end // STRIDE) for end in (FINEST, COARSEST)]
    found = encode(twin, levels, [slope_of(COARSEST)] * len(levels), steps)
    while (low < high).any():
        middle = (low + high) // 2
        tried = encode(twin, levels, [slope_of(int(m) * STRIDE) for m in middle], steps)
        for i, stream in enumerate(tried):
            if len(stream) <= budgets[i]:
                found[i], high[i] = stream, middle[i]
            else:
                low[i] = middle[i] + 1
    return [stream[:budget] for stream, budget in zip(found, budgets, strict=True)]


def slope_for(quality: float) -> float:
    """The slope of a quality in 0..100: 75 is the model's own balance, 8 halve or double it.

    Raises:
        CodecError: it is outside.
    """
    if not 0 <= quality <= 100:
        raise CodecError(f"quality must be in 0..100, got {quality}")
    return slope_of(round(4 * (75 - quality)))

"""Bits-back as it is usually written: what the codec's speed is compared with.

One image at a time on one stack of random bits, constriction's own Gaussians for each vector of
latents. The networks are those of the exact twin; the coding is not portable.
"""

from collections.abc import Callable
from typing import Any

import constriction
import numpy as np
import torch

from underdraw.codec.exact import Twin
from underdraw.codec.lossy import coded_maps
from underdraw.distributions import Gaussian
from underdraw.latent import Site

SUPPORT = 1 << 9  # steps from the mean of the prior; wider ones leak into wild latents
STREAM: Any = vars(constriction)["stream"]
Levels = np.ndarray


class Plain:
    """Bits-back, one image at a time."""

    def __init__(self, twin: Twin, words: int) -> None:
        self.twin = twin
        self.coder = STREAM.stack.AnsCoder(
            np.random.default_rng(0).integers(1, 1 << 32, words, dtype=np.uint32)
        )
        self.latents = STREAM.model.QuantizedGaussian(-SUPPORT, SUPPORT)
        self.levels = STREAM.model.QuantizedGaussian(0, 255)

    def parameters(self, site: Site, d: Gaussian, p: Gaussian) -> tuple[np.ndarray, np.ndarray]:
        """Means and deviations in steps of the grid from where the prior rests, flat."""
        maps = coded_maps(self.twin, site)
        delta = self.twin.delta(site)[maps][:, None, None]
        mean = (d.mu - self.twin.rest(site, p))[0, maps] / delta
        sigma = (d.log_sigma[0, maps] / 32).exp2() / delta
        return mean.flatten().numpy(), sigma.flatten().numpy()

    def story(self, choose: Callable[..., np.ndarray], x: torch.Tensor | None, size: Any) -> Any:  # noqa: ANN401
        """What the model says of the pixels, with latents from `choose(site, p, q)`."""

        def source(site: Site, p: Gaussian, q: Gaussian | None) -> torch.Tensor:
            z, maps = self.twin.rest(site, p), coded_maps(self.twin, site)
            if len(maps):
                delta = self.twin.delta(site)[maps][:, None, None]
                k = torch.from_numpy(choose(site, p, q).astype(np.float64))
                z[0, maps] += k.view(len(maps), *z.shape[2:]) * delta
            return z

        frame = self.twin.unroll(source, x, size=size).frames[-1]
        mean, scale = self.twin.pixels(frame.canvas)
        return (mean.flatten() / 256 - 0.5).numpy(), ((scale.flatten() / 32).exp2() / 256).numpy()

    def push(self, levels: Levels) -> None:
        """Encode an image (3, H, W)."""
        told = []

        def choose(site: Site, p: Gaussian, q: Gaussian) -> np.ndarray:
            k = self.coder.decode(self.latents, *self.parameters(site, q, p))
            told.append((k, self.parameters(site, p, p)))
            return k

        said = self.story(choose, self.twin.see(torch.from_numpy(levels[None])), None)
        self.coder.encode_reverse(levels.reshape(-1).astype(np.int32), self.levels, *said)
        for k, p in reversed(told):
            self.coder.encode_reverse(k, self.latents, *p)

    def pop(self, size: tuple[int, int]) -> Levels:
        """Decode an image."""
        ks, told = [], []

        def first(site: Site, p: Gaussian, q: Gaussian | None) -> np.ndarray:
            ks.append(self.coder.decode(self.latents, *self.parameters(site, p, p)))
            return ks[-1]

        def again(site: Site, p: Gaussian, q: Gaussian) -> np.ndarray:
            told.append((ks[len(told)], self.parameters(site, q, p)))
            return told[-1][0]

        said = self.story(first, None, size)
        levels = self.coder.decode(self.levels, *said).astype(np.uint8).reshape(3, *size)
        self.story(again, self.twin.see(torch.from_numpy(levels[None])), None)
        for k, q in reversed(told):
            self.coder.encode_reverse(k, self.latents, *q)
        return levels

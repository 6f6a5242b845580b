"""Scales matched to what lossy streams hold: the `shift` of a twin, found on pictures.

For each g, from fine to coarse, pictures are encoded, and at each site each map takes the shift
that makes its rate-distortion sum

    sum over pictures and pixels of min_k J(k)                (`codec.rounding`)

least; or the largest that costs next to nothing more, as other pictures may hold what these do
not. As later sites see what the earlier ones became, one pass for each g is enough; the shifts of
the g before are where the search begins. Grids coarser than encoders use get those of the last.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from underdraw.codec.exact import Twin
from underdraw.codec.lossy import COARSEST, FIRST, coarseness, coded_maps, matched, placed, rounder
from underdraw.codec.rounding import slope_of
from underdraw.codec.tables import OCTAVE
from underdraw.distributions import Gaussian
from underdraw.latent import Site

STEP = 16
"""Classes between two shifts that are tried: half an octave."""
WHOLE = range(-12, 9)
NEAR = range(-3, 4)
SLACK = 1e-3


def widest(sums: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each column of `sums`, the last row that is within `SLACK` of the least."""
    return len(sums) - 1 - (sums <= (1 + SLACK) * sums.min(0))[::-1].argmax(0)


class Match:
    """A source that sets the shifts of one g as it goes."""

    def __init__(self, twin: Twin, g: int, tried: range) -> None:
        self.twin, self.g, self.tried = twin, g, tried

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        """The latent at `site`, in units, chosen under the shifts that were found for it."""
        assert q is not None
        z, maps = p.mu.clone(), coded_maps(self.twin, site)
        if len(maps):
            shift = self.twin.shift(site)
            start = shift[max(self.g - 1, 0)].clone()
            sums = []
            for i in self.tried:
                shift[self.g] = start + STEP * i
                sums.append(self._choose(site, p, q, maps)[1])
            best = torch.from_numpy(widest(np.stack(sums))) + self.tried.start
            shift[self.g] = start
            shift[self.g, maps] += STEP * best
            z[:, maps] += self._choose(site, p, q, maps)[0]
        return z

    def _choose(
        self, site: Site, p: Gaussian, q: Gaussian, maps: Tensor
    ) -> tuple[Tensor, np.ndarray]:
        """How far latents are from the prior mean, and the sum of J for each map."""
        slope = np.full(len(p.mu), slope_of(OCTAVE * self.g + OCTAVE // 2 - FIRST))
        grid = matched(self.twin, site, p, maps, np.full(len(p.mu), self.g))
        chooser = rounder(grid, p, q, maps)
        k = chooser.choose(slope)
        score = chooser.score(k.reshape(-1), np.repeat(slope, k[0].size)).reshape(k.shape)
        return placed(grid, k), score.sum((0, 2, 3))


def match(twin: Twin, levels: Tensor) -> None:
    """Find the shifts of `twin` on 8-bit images (N, C, H, W); its hash must then be made anew."""
    x, last = twin.see(levels), coarseness(COARSEST)
    for g in range(last + 1):
        for _ in twin.paint(Match(twin, g, NEAR if g else WHOLE), x):
            pass
    for site in twin.sites:
        twin.shift(site)[last + 1 :] = twin.shift(site)[last]

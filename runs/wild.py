"""What the wildest latents cost a decoder: `python runs/wild.py [NAME]`.

An honest stream holds rounded posterior means of a picture. A wild one, of a header that says the
same, holds numbers as large as there are, of a random sign for each map: the network saturates,
priors become wide and the coder's rows long, as no picture and no damage makes them. Decoding both
is timed, on one thread, the best of three; nothing else should run. The numbers go to
runs/results/wild.json.
"""

import time
from typing import Any

import numpy as np
import torch
import tyro
from PIL import Image

import record
from underdraw.codec import exact, lossy
from underdraw.codec.coder import put_gaussians
from underdraw.codec.exact import Twin
from underdraw.codec.tiles import woven, woven_grid
from underdraw.distributions import Gaussian
from underdraw.latent import Site

POWERS = (-253, -125, 3)
LARGE = 1 << 24  # units
PHOTO = record.ROOT / "src" / "underdraw" / "demo" / "parrots.png"


class Wild(lossy.Push):
    """Writes numbers as large as there are, of one random sign for each map."""

    def __init__(self, twin: Twin, power: int, seed: int) -> None:
        super().__init__(twin, [power])
        self.chance = np.random.default_rng(seed)

    def __call__(self, site: Site, p: Gaussian, q: Gaussian | None) -> torch.Tensor:
        """The latent at `site`, in units."""
        z, maps = p.mu.clone(), lossy.coded_maps(self.twin, site)
        if len(maps):
            grid = lossy.matched(self.twin, site, p, maps, self.g)
            sign = self.chance.choice([-1, 1], size=(1, len(maps), 1, 1))
            k = sign * (LARGE // grid.delta.reshape(grid.shape))
            put_gaussians(self.writers, woven(k, 1), woven_grid(grid, 1))
            z[:, maps] += lossy.placed(grid, k)
        return z


def stream(twin: Twin, levels: np.ndarray, source: lossy.Push) -> bytes:
    """What a source writes."""
    for _ in twin.paint(source, twin.see(torch.from_numpy(levels))):
        pass
    return source.writers[0].finish()


def timed(twin: Twin, content: bytes, levels: np.ndarray) -> dict[str, Any]:
    """Seconds to decode a stream, and its length."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        lossy.decode(twin, [content], (levels.shape[2], levels.shape[3]), 3)
        taken.append(time.perf_counter() - start)
    return {"seconds": min(taken), "bytes": len(content)}


def main(name: tyro.conf.Positional[str] = "convdraw_photo") -> None:
    """Measure, print, keep.

    Args:
        name: of a shipped exact model.
    """
    torch.set_num_threads(1)
    twin, rows = exact.load(name), list[dict[str, Any]]()
    with Image.open(PHOTO) as photo:
        levels = np.array(photo.convert("RGB")).transpose(2, 0, 1)[None].copy()
    for power in POWERS:
        honest = timed(twin, stream(twin, levels, lossy.Push(twin, [power])), levels)
        wild = timed(twin, stream(twin, levels, Wild(twin, power, 0)), levels)
        ratio = wild["seconds"] / honest["seconds"]
        rows.append({"power": power, "honest": honest, "wild": wild, "ratio": ratio})
        print(f"power {power}: {ratio:.2f} times the time, {honest} and {wild}", flush=True)
    record.write("wild", model=name, size=list(levels.shape[2:]), rows=rows)


if __name__ == "__main__":
    tyro.cli(main)

"""Noise as a function of what it is for.

Every random number of a run is computed from the seed and its place, never from a hidden state:

    training    N(seed, step)[image in the joint batch]
    evaluation  N(seed, image, sample)

So a killed run resumes to the last bit, W processes see what one would, and a bound can be
repeated whatever the batch size. Evaluation uses the Philox counter-based generator, whose key
holds seed and sample and whose counter begins at the image; training draws a joint batch from one
seeded generator and cuts out its share.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from underdraw.latent import LatentModel, Size

LATENTS, PIXELS = 0, 1  # streams


def training_noise(
    model: LatentModel[Any],
    key: tuple[int, int],
    share: tuple[int, int],
    batch: int,
    steps: int | None = None,
) -> tuple[list[Tensor], Tensor | None]:
    """Latent noise and dequantisation noise for one rank's share of a joint batch.

    Args:
        model: whose sites to fill.
        key: (seed, training step).
        share: (rank, processes).
        batch: images in the joint batch, a multiple of the processes.
        steps: glimpses to take, all of the model's if None.

    Returns:
        A tensor per site, (batch / processes, ...), and u in [0, 1) of the images' shape, or None
        when the likelihood needs none.
    """
    rank, world = share
    mine = slice(rank * batch // world, (rank + 1) * batch // world)
    generator = torch.Generator().manual_seed(_fold(*key))
    z = [noise[mine] for noise in model.noise(batch, generator, steps)]
    if not model.likelihood.continuous:
        return z, None
    return z, torch.rand(batch, *model.shape, generator=generator)[mine]


def image_noise(
    model: LatentModel[Any],
    seed: int,
    images: Sequence[int],
    sample: int,
    size: Size | None = None,
) -> tuple[list[Tensor], Tensor | None]:
    """Evaluation noise of these images, by their place in the split; see `training_noise`.

    `size` is their height and width, where that is not in the model's shape.
    """
    shapes = [model.latent_shape(site, size) for site in model.sites]
    sizes = [int(np.prod(shape)) for shape in shapes]
    rows = np.stack(
        [
            _philox(seed, image, sample, LATENTS).standard_normal(sum(sizes), dtype=np.float32)
            for image in images
        ]
    )
    parts = torch.from_numpy(rows).split(sizes, 1)
    z = [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]
    if not model.likelihood.continuous:
        return z, None
    shape = (model.shape[0], *(size or model.shape[1:]))
    u = [_philox(seed, i, sample, PIXELS).random(shape, dtype=np.float32) for i in images]
    return z, torch.from_numpy(np.stack(u))


def _philox(seed: int, image: int, sample: int, stream: int) -> np.random.Generator:
    key = np.array([seed, 2 * sample + stream], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, image, 0]))


def _fold(seed: int, step: int) -> int:
    """One 63-bit seed from two numbers."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)

"""Nearest training images: did the model learn, or copy?

    argmin_j |s - t_j|^2 = argmin_j |t_j|^2 - 2 s . t_j

for every sample s over training images t (pixelwise L2, Figs 6, 9 and 12 of the DRAW paper). The
product is taken in float64, where the cancellation in it does no harm, over a chunk of training
images at a time.
"""

from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

Images: TypeAlias = Tensor | np.ndarray
"""Images (N, C, H, W): floats in [0, 1], or uint8 levels b that stand for (b + 1/2) / 256. An
array may be memory-mapped."""


def take(images: Images, which: Int64[Tensor, " k"] | slice) -> Float[Tensor, "k c h w"]:
    """Some of the images, as floats in [0, 1] on the CPU."""
    if isinstance(images, Tensor):
        some = images[which.to(images.device) if isinstance(which, Tensor) else which].cpu()
    else:
        some = torch.tensor(images[which.numpy() if isinstance(which, Tensor) else which])
    return (some.float() + 0.5) / 256 if some.dtype == torch.uint8 else some.detach().float()


def nearest(
    samples: Float[Tensor, "b c h w"], training: Images, chunk: int = 1024
) -> Int64[Tensor, " b"]:
    """Index of the training image closest in L2 to each sample; of equals, the first.

    Args:
        samples: values in [0, 1].
        training: floats in [0, 1] or uint8 levels, (N, C, H, W) with the samples' C, H and W.
        chunk: training images looked at together; memory is 8 chunk (2 C H W + B) bytes or so.

    Raises:
        ValueError: there are no training images, or they are not of the samples' shape.
    """
    if len(training) == 0:
        raise ValueError("there are no training images to compare with")
    if tuple(training.shape[1:]) != tuple(samples.shape[1:]):
        raise ValueError(
            f"samples are {tuple(samples.shape[1:])}, training images {tuple(training.shape[1:])}"
        )
    s = samples.detach().cpu().double().flatten(1)
    least = torch.full((len(s),), torch.inf, dtype=torch.float64)
    index = torch.zeros(len(s), dtype=torch.int64)
    for first in range(0, len(training), chunk):
        t = take(training, slice(first, first + chunk)).double().flatten(1)
        distance, j = ((t * t).sum(1) - 2 * s @ t.mT).min(1)
        closer = distance < least
        least = torch.where(closer, distance, least)
        index = torch.where(closer, first + j, index)
    return index

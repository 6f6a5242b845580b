"""Images of any size for models that draw multiples of a stride: padded before, cut after."""

import torch.nn.functional as F
from torch import Tensor

from underdraw.latent.trace import Frame

Size = tuple[int, int]
"""Height and width, pixels."""


def padded(x: Tensor, size: Size) -> Tensor:
    """Images (B, C, H, W) continued downwards and to the right by their last row and column."""
    (height, width), (h, w) = size, x.shape[2:]
    return F.pad(x, (0, width - w, 0, height - h), mode="replicate")


def cropped(frame: Frame, size: Size) -> Frame:
    """The frame with the upper left part of its canvas, of `size`."""
    return frame._replace(canvas=frame.canvas[..., : size[0], : size[1]])

"""From tensors to pictures: levels, PIL images, whole-number enlargement, a grid of tiles.

A value x in [0, 1] is shown as the level b = floor(256 x), at most 255: the inverse of
x = (b + 1/2) / 256 for 8-bit data, and 0 and 255 for binary 0 and 1. What lies outside [0, 1] is
clipped (a Gaussian mean may), and not-a-number is black.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

GAP = 44
"""Level of the thin lines between tiles: dark, so that they do not dazzle between digits."""

Tiles = UInt8[np.ndarray, "b h w k"]
"""Pictures as levels; k is 1 (grey) or 3 (RGB)."""


def to_levels(x: Float[Tensor, "b c h w"]) -> Tiles:
    """Levels of images (B, C, H, W), channels last; other than 1 or 3 channels by their mean."""
    if x.shape[1] not in (1, 3):
        x = x.mean(1, keepdim=True)
    level = torch.floor(256 * x.detach().float().cpu().nan_to_num(0.0, 1.0, 0.0)).clamp(0, 255)
    return level.to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def from_levels(levels: UInt8[np.ndarray, "h w k"]) -> Image.Image:
    """One picture, mode L for k = 1 and RGB for k = 3."""
    return Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)


def to_image(x: Float[Tensor, "c h w"]) -> Image.Image:
    """One image with values in [0, 1] as a picture, mode L or RGB."""
    return from_levels(to_levels(x[None])[0])


def to_images(x: Float[Tensor, "b c h w"]) -> list[Image.Image]:
    """Images with values in [0, 1] as pictures, mode L or RGB."""
    return [from_levels(tile) for tile in to_levels(x)]


def enlarge(tiles: Tiles, scale: int) -> UInt8[np.ndarray, "b y x k"]:
    """Every pixel as a square of `scale` x `scale`; ValueError if `scale` is below 1."""
    if scale < 1:
        raise ValueError(f"scale must be at least 1, got {scale}")
    return tiles.repeat(scale, axis=1).repeat(scale, axis=2)


def coloured(tiles: Tiles) -> UInt8[np.ndarray, "b h w 3"]:
    """Tiles with three channels, each a copy if they are grey."""
    return tiles.repeat(3, axis=3) if tiles.shape[3] == 1 else tiles


def grid(tiles: Tiles, columns: int, pad: int) -> UInt8[np.ndarray, "y x k"]:
    """Tiles row by row with gaps of `pad` pixels between them and none around.

    Raises:
        ValueError: there is no tile, `columns` is below 1 or `pad` is negative.
    """
    n, h, w, k = tiles.shape
    if n == 0:
        raise ValueError("there are no images to show")
    if columns < 1 or pad < 0:
        raise ValueError(f"need columns >= 1 and pad >= 0, got {columns} and {pad}")
    rows, columns = math.ceil(n / columns), min(n, columns)
    page = np.full((rows * (h + pad) - pad, columns * (w + pad) - pad, k), GAP, np.uint8)
    for i, tile in enumerate(tiles):
        y, x = i // columns * (h + pad), i % columns * (w + pad)
        page[y : y + h, x : x + w] = tile
    return page

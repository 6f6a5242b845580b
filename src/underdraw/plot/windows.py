"""Attention windows as rectangles (DRAW, 2015, Figs 1, 3, 5 and 10).

Pixel i, counted from 1, covers [i - 1, i] of a picture and is centred at i - 1/2. The outermost
filters of a window of N x N filters with centre g and stride delta stand at

    g - 1/2 -+ (N - 1) / 2 delta

and the rectangle's border is centred on them. Its width shows the precision: it is sigma / 2, at
least one pixel of the enlarged picture and 1/180 of its side, at most 1/16 of its side. N = 1, or
a stride near 0, leaves a filled square of that width.

An edge between pixels colours both by the share it covers, so that windows glide in animations.
What lies outside the picture is cut off; a window that is not finite is not drawn.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from underdraw.nn.attention import Glimpse

Colour = tuple[int, int, int]

READ: Colour = (34, 197, 148)
"""Green of reading windows; lighter than `WRITE`, so that the two differ without hue too."""

WRITE: Colour = (235, 64, 37)
"""Red of writing windows."""


class Box(NamedTuple):
    """A rectangle in pixels from the top left corner, and the sigma of its filters, pixels."""

    left: float
    top: float
    right: float
    bottom: float
    sigma: float


def box_of(glimpse: Glimpse, image: int = 0) -> Box:
    """The rectangle through the outermost filters of one image's window."""
    numbers = (glimpse.g_x, glimpse.g_y, glimpse.delta, glimpse.sigma2)
    g_x, g_y, delta, sigma2 = (float(v[image].detach()) for v in numbers)
    half = (glimpse.size - 1) / 2 * delta
    left, right = g_x - 0.5 - half, g_x - 0.5 + half
    top, bottom = g_y - 0.5 - half, g_y - 0.5 + half
    return Box(left, top, right, bottom, math.sqrt(sigma2))


def border(sigma: float, side: int, scale: int) -> float:
    """Width of the line, pixels of a picture whose longer side is `side` after enlargement."""
    return min(max(scale * sigma / 2, side / 180, 1.0), max(side / 16, 2.0))


def covered(lo: float, hi: float, pixels: int) -> Float[np.ndarray, " pixels"]:
    """Share of each of `pixels` cells [j, j + 1] that lies in [lo, hi]; 0 if hi < lo."""
    j = np.arange(pixels)
    return np.clip(np.minimum(hi, j + 1) - np.maximum(lo, j), 0.0, 1.0)


def outline(
    picture: UInt8[np.ndarray, "h w 3"], box: Box, scale: int, colour: Colour
) -> UInt8[np.ndarray, "h w 3"]:
    """The picture, already enlarged by `scale`, with the border of `box` over it.

    Args:
        picture: RGB levels.
        box: rectangle in pixels before enlargement.
        scale: pixels of `picture` to a pixel of `box`.
        colour: of the line.
    """
    if not all(math.isfinite(side) for side in box):
        return picture
    h, w = picture.shape[:2]
    x0, y0, x1, y1 = (scale * side for side in box[:4])
    r = border(box.sigma, max(h, w), scale) / 2
    outer = np.outer(covered(y0 - r, y1 + r, h), covered(x0 - r, x1 + r, w))
    inner = np.outer(covered(y0 + r, y1 - r, h), covered(x0 + r, x1 - r, w))
    ink = (outer - inner)[..., None]
    return np.rint(picture + ink * (np.array(colour) - picture)).astype(np.uint8)

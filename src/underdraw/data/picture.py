"""One stored picture to levels (C, H, W).

Shrinking is by area: an output pixel is the mean of what lies under it,

    out = W_y a W_x^T,    W[i, j] = |[lo + i s, lo + (i+1) s] with [j, j+1]| / s,

with s the length of an output pixel in input pixels, which need not be whole. Enlarging, on
either axis, is bilinear.
"""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageOps

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


def read_picture(content: bytes | Path, grey: bool) -> Image.Image:
    """Decode a picture, upright by its EXIF orientation, as mode L or RGB.

    Transparency is laid on white; 16-bit grey keeps its upper 8 bits. Raises what Pillow raises
    (OSError, SyntaxError, ValueError, DecompressionBombError) for what it cannot decode.
    """
    with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as image:
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            over = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
        mode = "L" if grey else "RGB"
        return image if image.mode == mode else image.convert(mode)


def to_levels(image: Image.Image) -> UInt8[np.ndarray, "c h w"]:
    """The levels of a picture of mode L or RGB."""
    a = np.array(image, np.uint8)
    return a[None] if a.ndim == 2 else np.ascontiguousarray(a.transpose(2, 0, 1))


@lru_cache(maxsize=256)
def overlaps(size: int, lo: float, hi: float, out: int) -> Float32[np.ndarray, "out size"]:
    """W above: the share of every input pixel in every output pixel of [lo, hi]."""
    edges = np.linspace(lo, hi, out + 1)[:, None]
    pixel = np.arange(size)
    covered = np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)
    return (np.maximum(covered, 0) * out / (hi - lo)).astype(np.float32)


def resize(image: Image.Image, size: int, box: Box | None = None) -> UInt8[np.ndarray, "c s s"]:
    """Bring the part of a picture inside `box` to size x size levels."""
    left, top, right, bottom = box or (0.0, 0.0, float(image.width), float(image.height))
    if right - left < size or bottom - top < size:
        bilinear = Image.Resampling.BILINEAR
        return to_levels(image.resize((size, size), bilinear, box=(left, top, right, bottom)))
    w_x = overlaps(image.width, left, right, size)
    w_y = overlaps(image.height, top, bottom, size)
    means = w_y @ to_levels(image).astype(np.float32) @ w_x.T
    return np.floor(means + 0.5).clip(0, 255).astype(np.uint8)


def square(image: Image.Image, size: int) -> UInt8[np.ndarray, "c s s"]:
    """The largest central square of a picture, at size x size."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return resize(image, size, (left, top, left + side, top + side))

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
from jaxtyping import Float, Float32, UInt8
from PIL import Image, ImageOps
from torch import Tensor

from underdraw.data.errors import DataError
from underdraw.data.images import to_bits, to_unit

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


def read_image(
    path: Path | str, shape: tuple[int, int, int], binary: bool
) -> Float[Tensor, "1 c h w"]:
    """Read one image file as a model sees it, just as sets are read.

    It is decoded as by `read_picture` and brought to (H, W) by `fit`: a centred crop, then area
    averaging, or bilinear where it must grow.

    Args:
        path: the file.
        shape: (C, H, W) wanted; C is 1 or 3.
        binary: give exactly 0 and 1 (levels from 128 on) instead of x = (b + 1/2) / 256.

    Returns:
        (1, C, H, W) in [0, 1].

    Raises:
        DataError: the file is missing, no image, damaged or too large, or there is no image of
            this shape; the message names the file.
    """
    channels, height, width = shape
    if channels not in (1, 3) or height < 1 or width < 1:
        raise DataError(f"{path} cannot be read as {shape}: (1 or 3, height, width) wanted")
    try:
        levels = fit(read_picture(Path(path), channels == 1), height, width)[None]
    except Exception as error:  # Pillow raises nearly every kind for damaged files
        reason = getattr(error, "strerror", None) or error  # without the path, which we say
        raise DataError(f"{path} cannot be read as an image: {reason}") from error
    return to_bits(levels) if binary else to_unit(levels)


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


def resize(
    image: Image.Image, height: int, width: int, box: Box | None = None
) -> UInt8[np.ndarray, "c h w"]:
    """Bring the part of a picture inside `box` to height x width levels."""
    left, top, right, bottom = box or (0.0, 0.0, float(image.width), float(image.height))
    if right - left < width or bottom - top < height:
        bilinear = Image.Resampling.BILINEAR
        return to_levels(image.resize((width, height), bilinear, box=(left, top, right, bottom)))
    w_x = overlaps(image.width, left, right, width)
    w_y = overlaps(image.height, top, bottom, height)
    means = w_y @ to_levels(image).astype(np.float32) @ w_x.T
    return np.floor(means + 0.5).clip(0, 255).astype(np.uint8)


def fit(image: Image.Image, height: int, width: int) -> UInt8[np.ndarray, "c h w"]:
    """The largest central part of a picture of the aspect height : width, at that size."""
    if image.size == (width, height):
        return to_levels(image)
    scale = min(image.width / width, image.height / height)
    w, h = min(scale * width, image.width), min(scale * height, image.height)
    left, top = (image.width - w) / 2, (image.height - h) / 2
    right, bottom = min(left + w, image.width), min(top + h, image.height)  # rounding adds
    return resize(image, height, width, (left, top, float(right), float(bottom)))

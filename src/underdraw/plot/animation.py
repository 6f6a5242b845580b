"""The drawing as an animation: every image of a trace in one grid, one frame per step.

Written by Pillow as GIF, APNG (.png, .apng) or WebP. A GIF has one palette for all frames, fitted
to them, and no dither, and only what changes is stored, which keeps it small and its greys still.
APNG and WebP are lossless.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from underdraw.files import aside
from underdraw.latent import LatentModel, Trace
from underdraw.plot.pixels import from_levels, grid
from underdraw.plot.sequence import shown

FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".gif": ("GIF", {"optimize": True}),
    ".png": ("PNG", {}),
    ".apng": ("PNG", {}),
    ".webp": ("WEBP", {"lossless": True, "quality": 50, "method": 2}),
}
"""Suffix to Pillow's format and its options."""

GREYS = 64
"""Colours of a GIF of grey images, their windows included: fewer change less from step to step."""

COLOURS = 255
"""Colours of a GIF of colour images; one is left for "as before"."""


def animate(
    model: LatentModel[Any],
    trace: Trace,
    path: str | Path,
    fps: float = 12.0,
    hold: float = 2.0,
    *,
    columns: int | None = None,
    windows: bool = True,
    pad: int = 2,
    scale: int = 3,
) -> Path:
    """Write the drawing of all images of a trace as an endless animation.

    With windows a last frame without them is added; the last frame is held.

    Args:
        model: what the trace was made with.
        trace: of `model.unroll(..., frames="all")`.
        path: ends in .gif, .png, .apng or .webp.
        fps: frames a second, at most 50 (viewers slow faster GIFs down).
        hold: how long the last frame stays, seconds.
        columns: images in a row; about twice as wide as high if None.
        windows: draw them, if the model has any.
        pad: width of the gaps, pixels.
        scale: every pixel becomes `scale` x `scale`.

    Returns:
        The path.

    Raises:
        ValueError: an unknown suffix, a rate or time out of range, or nothing to show.
        OSError: the file cannot be written.
    """
    path = Path(path)
    _check(path, fps, hold)
    return write_frames(path, _pictures(model, trace, columns, windows, pad, scale), fps, hold)


def write_frames(path: Path, pictures: Sequence[Image.Image], fps: float, hold: float) -> Path:
    """Write pictures as an endless animation whose last frame is held; see `animate`."""
    _check(path, fps, hold)
    durations = [round(1000 / fps)] * len(pictures)
    durations[-1] = max(round(1000 * hold), durations[-1])
    _write(path, pictures, durations)
    return path


def _check(path: Path, fps: float, hold: float) -> None:
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise ValueError(f"animations end in {known}; got {path.suffix!r} in {str(path)!r}")
    if not 0 < fps <= 50 or not 0 <= hold < math.inf:
        raise ValueError(f"need 0 < fps <= 50 and hold >= 0, got {fps} and {hold}")


def _pictures(
    model: LatentModel[Any],
    trace: Trace,
    columns: int | None,
    windows: bool,
    pad: int,
    scale: int,
) -> list[Image.Image]:
    if not trace.frames:
        raise ValueError('the trace has no frames; make it with unroll(..., frames="all")')
    last = trace.frames[-1]
    columns = math.ceil(math.sqrt(2 * len(last.canvas))) if columns is None else columns
    tiles = [shown(model, frame, scale, windows, early=True) for frame in trace.frames[:-1]]
    tiles.append(shown(model, last, scale, windows))
    if windows and (last.read is not None or last.write is not None):
        tiles.append(shown(model, last, scale, windows=False))
    pictures = [from_levels(grid(tile, columns, pad)) for tile in tiles]
    mode = "RGB" if any(picture.mode == "RGB" for picture in pictures) else "L"
    return [picture.convert(mode) for picture in pictures]


def _write(path: Path, pictures: Sequence[Image.Image], durations: Sequence[int]) -> None:
    name, options = FORMATS[path.suffix.lower()]
    if name == "GIF":
        pictures = one_palette(pictures)
    with aside(path) as temporary:
        pictures[0].save(
            temporary,
            format=name,
            save_all=True,
            append_images=pictures[1:],
            duration=list(durations),
            loop=0,
            **options,
        )


def one_palette(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """The pictures in one palette: even greys, or colours fitted to a handful of them."""
    if pictures[0].mode == "L":
        return [_even_greys(picture) for picture in pictures]
    which = np.linspace(0, len(pictures) - 1, min(len(pictures), 8)).round().astype(int)
    some = Image.fromarray(np.concatenate([np.asarray(pictures[i]) for i in which]))
    grey = np.ptp(np.asarray(pictures[-1]), axis=2).max() == 0
    palette = some.quantize(GREYS if grey else COLOURS, method=Image.Quantize.MEDIANCUT)
    return [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]


def _even_greys(picture: Image.Image) -> Image.Image:
    step = 255 / (GREYS - 1)
    reduced = Image.fromarray(np.rint(np.asarray(picture) / step).astype(np.uint8))
    reduced.putpalette(np.rint(step * np.arange(GREYS)).astype(np.uint8).repeat(3).tobytes())
    return reduced

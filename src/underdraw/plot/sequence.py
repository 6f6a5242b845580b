"""How an image comes to be: the canvas after every step, with the windows (Figs 1, 7 and 10).

Frame t shows the mean of p(x | c_t), the canvas after the step's stroke, or where a likelihood is
made for the last canvas alone, its glance at earlier ones; the red rectangle is
where that stroke went, the green one where the step had looked. A model without attention has no
windows and shows the canvas alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from underdraw.latent import Frame, LatentModel, Trace
from underdraw.plot.pixels import GAP, Tiles, coloured, enlarge, from_levels, grid, to_levels
from underdraw.plot.windows import READ, WRITE, box_of, outline


def shown(
    model: LatentModel[Any], frame: Frame, scale: int, windows: bool = True, early: bool = False
) -> Tiles:
    """One enlarged picture per image of a frame; RGB if there are windows to draw.

    `early` says that others follow.
    """
    likelihood, canvas = model.likelihood, frame.canvas
    with torch.no_grad():
        mean = likelihood.glance(canvas) if early else likelihood(canvas).mean
        tiles = enlarge(to_levels(mean), scale)
    for glimpse, colour in ((frame.read, READ), (frame.write, WRITE)):
        if windows and glimpse is not None:
            tiles = np.stack(
                [
                    outline(tile, box_of(glimpse, i), scale, colour)
                    for i, tile in enumerate(coloured(tiles))
                ]
            )
    return tiles


def spaced(steps: int, columns: int) -> list[int]:
    """At most `columns` of `steps` steps, counted from 0, evenly apart, the last among them."""
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    if columns == 1:
        return [steps - 1]
    columns = min(columns, steps)
    return [round(i * (steps - 1) / max(columns - 1, 1)) for i in range(columns)]


def sequence_sheet(
    model: LatentModel[Any],
    trace: Trace,
    rows: int | Sequence[int] = 8,
    columns: int = 12,
    *,
    x: Float[Tensor, "b c h w"] | None = None,
    windows: bool = True,
    pad: int = 2,
    scale: int = 3,
) -> Image.Image:
    """One row per image, one column per step; the steps' numbers stand above.

    Args:
        model: what the trace was made with.
        trace: of `model.unroll(..., frames="all")`.
        rows: how many images, the first ones, or which.
        columns: how many steps, evenly apart, the last among them.
        x: the images that were seen, shown after the last step.
        windows: draw them, if the model has any.
        pad: width of the gaps, pixels of the sheet.
        scale: every pixel becomes `scale` x `scale`.

    Raises:
        ValueError: there is nothing to show, or an argument is out of range.
    """
    frames = _frames(trace)
    n = len(frames[0].canvas)
    which = _which(range(min(rows, n)) if isinstance(rows, int) else rows, n)
    steps = spaced(len(frames), columns)
    names = [str(t + 1) for t in steps]
    stages = [
        coloured(shown(model, frames[t], scale, windows, t < len(frames) - 1)[which]) for t in steps
    ]
    if x is not None:
        stages.append(coloured(enlarge(to_levels(x), scale)[which]))
        names.append("x")
    tiles = np.stack(stages, 1).reshape(-1, *stages[0].shape[1:])
    page = grid(tiles, len(stages), pad)
    return from_levels(np.concatenate([_heads(names, stages[0].shape[2], pad), page]))


def canvas_strip(
    model: LatentModel[Any],
    trace: Trace,
    image: int = 0,
    every: int = 1,
    columns: int = 16,
    *,
    windows: bool = True,
    pad: int = 2,
    scale: int = 3,
) -> Image.Image:
    """One image after every `every`-th step and the last, wrapped after `columns` pictures.

    Args:
        model: what the trace was made with.
        trace: of `model.unroll(..., frames="all")`.
        image: which of the trace's images.
        every: steps from one picture to the next, counted back from the last.
        columns: pictures in a row.
        windows: draw them, if the model has any.
        pad: width of the gaps, pixels of the strip.
        scale: every pixel becomes `scale` x `scale`.

    Raises:
        ValueError: there is nothing to show, or an argument is out of range.
    """
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    frames = _frames(trace)[::-1][::every][::-1]
    which = _which([image], len(frames[0].canvas))
    tiles = [
        coloured(shown(model, frame, scale, windows, t < len(frames))[which])
        for t, frame in enumerate(frames, 1)
    ]
    return from_levels(grid(np.concatenate(tiles), columns, pad))


def _frames(trace: Trace) -> list[Frame]:
    if not trace.frames:
        raise ValueError('the trace has no frames; make it with unroll(..., frames="all")')
    return trace.frames


def _which(images: Sequence[int], n: int) -> list[int]:
    for i in images:
        if not 0 <= i < n:
            raise ValueError(f"the trace has {n} images, there is no image {i}")
    return list(images)


def _heads(names: Sequence[str], width: int, pad: int) -> UInt8[np.ndarray, "y x 3"]:
    """A dark line with a name centred above every column."""
    size = 11
    head = Image.new("RGB", (len(names) * (width + pad) - pad, size + 7), (GAP, GAP, GAP))
    draw, font = ImageDraw.Draw(head), ImageFont.load_default(size)
    for i, name in enumerate(names):
        at = (i * (width + pad) + width / 2, head.height / 2)
        draw.text(at, name, fill=(200, 200, 200), font=font, anchor="mm")
    return np.asarray(head)

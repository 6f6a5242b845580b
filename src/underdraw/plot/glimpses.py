"""How a classifier looks: one glimpse after another (DRAW, 2015, Fig. 5).

A row is an image and a column a glimpse. Above is the image with the window, whose border is the
wider the blurrier it looks; below left what the glimpse sees, gamma F_y x F_x^T, stretched from its
darkest to its brightest value; below right the probability of every class after it, the likeliest
bright, green where it is right and red where it is wrong.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from underdraw.classifier import Look
from underdraw.plot.animation import write_frames
from underdraw.plot.labelled import BRIGHT, titled
from underdraw.plot.pixels import GAP, coloured, enlarge, from_levels, grid, to_levels
from underdraw.plot.windows import READ, WRITE, Colour, box_of, outline

WIDTH = 160  # pixels to which images are enlarged, about
TEXT = 11
BAR: Colour = (120, 120, 120)

Page = UInt8[np.ndarray, "_ _ 3"]


def glimpse_sheet(
    x: Float[Tensor, "b c h w"],
    looks: Sequence[Look],
    labels: Int64[Tensor, "b"] | None = None,
    title: str = "",
    *,
    scale: int | None = None,
) -> Image.Image:
    """One row per image, one column per glimpse.

    Args:
        x: the images, values in [0, 1].
        looks: what the model showed of them, of every step.
        labels: the classes they have, if they are known.
        title: stands above all, if not empty.
        scale: every pixel becomes `scale` x `scale`; about 160 pixels an image if None.

    Raises:
        ValueError: there is nothing to show.
    """
    if not len(x) or not looks:
        raise ValueError(f"{len(x)} images and {len(looks)} glimpses are nothing to show")
    scale = max(1, round(WIDTH / x.shape[3])) if scale is None else scale
    cells = [
        cell(x, look, i, None if labels is None else int(labels[i]), scale)
        for i in range(len(x))
        for look in looks
    ]
    page = grid(np.stack(cells), len(looks), 4)
    return titled(page, title) if title else from_levels(page)


def cell(x: Tensor, look: Look, image: int, label: int | None, scale: int) -> Page:
    """One image after one glimpse: the window, what is seen there, the classes."""
    whole = framed(x[image], look, image, scale)
    width = whole.shape[1]
    below = width // 2
    parts = [
        seen(look, image, below, x.shape[1]),
        bars(look.logits[image], label, width - below, below),
    ]
    return np.concatenate([whole, np.concatenate(parts, 1)])


def framed(x: Float[Tensor, "c h w"], look: Look, image: int, scale: int) -> Page:
    """An enlarged image with the window over it."""
    tile = coloured(enlarge(to_levels(x[None]), scale))[0]
    if look.window is None:
        return tile
    return outline(tile, box_of(look.window, image), scale, READ)


def seen(look: Look, image: int, side: int, channels: int) -> Page:
    """What a glimpse sees of so many channels, in a square; empty for a model without windows."""
    empty = np.full((side, side, 3), GAP, np.uint8)
    if look.patch is None or look.window is None:
        return empty
    patch = look.patch[image : image + 1, :channels].detach().float()  # of the narrowest window
    low, high = patch.min(), patch.max()
    tile = coloured(to_levels((patch - low) / (high - low).clamp(min=1e-6)))[0]
    room = side - 8
    picture = Image.fromarray(tile).resize((room, room), Image.Resampling.NEAREST)
    empty[4 : 4 + room, 4 : 4 + room] = np.asarray(picture)
    return empty


def bars(logits: Float[Tensor, " classes"], label: int | None, width: int, height: int) -> Page:
    """The probability of every class as a bar beside its number."""
    shares = logits.detach().float().softmax(0).tolist()
    best = max(range(len(shares)), key=shares.__getitem__)
    picture = Image.new("RGB", (width, height), (GAP, GAP, GAP))
    draw = ImageDraw.Draw(picture)
    step = (height - 4) / len(shares)
    font = ImageFont.load_default(max(6, min(TEXT, math.floor(step) + 2)))
    for k, share in enumerate(shares):
        middle = 2 + (k + 0.5) * step
        likely = READ if label in (None, k) else WRITE
        named = BRIGHT if k == label or (label is None and k == best) else (120, 120, 120)
        draw.text((8, middle), str(k), fill=named, font=font, anchor="mm")
        end = 15 + share * (width - 20)
        box = (15, middle - step / 2 + 1, max(end, 16), middle + step / 2 - 1)
        draw.rectangle(box, fill=likely if k == best else BAR)
    return np.asarray(picture)


def animate_glimpses(
    x: Float[Tensor, "b c h w"],
    looks: Sequence[Look],
    path: str | Path,
    labels: Int64[Tensor, "b"] | None = None,
    *,
    fps: float = 1.5,
    hold: float = 2.5,
    columns: int | None = None,
) -> Path:
    """Write the looking as an endless animation: all images, one frame a glimpse.

    Args:
        x: the images, values in [0, 1].
        looks: what the model showed of them, of every step.
        path: ends in .gif, .png, .apng or .webp.
        labels: the classes they have, if they are known.
        fps: frames a second.
        hold: how long the last frame stays, seconds.
        columns: images in a row; about twice as wide as high if None.

    Raises:
        ValueError: an unknown suffix, a rate or time out of range, or nothing to show.
    """
    if not len(x) or not looks:
        raise ValueError(f"{len(x)} images and {len(looks)} glimpses are nothing to show")
    scale = max(1, round(WIDTH / x.shape[3]))
    columns = math.ceil(math.sqrt(2 * len(x))) if columns is None else columns
    known = [None] * len(x) if labels is None else labels.tolist()
    frames = []
    for look in looks:
        cells = [cell(x, look, i, label, scale) for i, label in enumerate(known)]
        frames.append(from_levels(grid(np.stack(cells), columns, 4)))
    return write_frames(Path(path), frames, fps, hold)

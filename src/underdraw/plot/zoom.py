"""What a window sees, and what it gives back (DRAW, 2015, Figs 3 and 4).

Three settings of one N x N window on a photograph x, a row each:

    small delta, high sigma     a zoomed-in but blurry view of one place
    large delta, low sigma      the whole picture, sampled coarsely
    large delta, high sigma     the whole picture, blurred

and in each row the picture with the window, two of the N^2 filters (the first and the last), the
patch F_y x F_x^T, and what the transposed filters make of it, F_y^T patch F_x. The latter spreads
each of the patch's values over the pixels it came from, so it is dim where filters are wide; it is
scaled such that the brightest pixel of an all-white picture comes back white.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from underdraw.nn.attention import Glimpse, extract, filters, spread
from underdraw.plot.figures import INK, new_figure, render
from underdraw.plot.pixels import coloured, enlarge, to_levels
from underdraw.plot.windows import READ, WRITE, box_of, outline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALE = 6  # pixels of the figure's pictures to a pixel of the image
LEFT, HEAD, GUTTER = 1.05, 0.42, 0.14  # margins and gaps, inches
Levels = UInt8[np.ndarray, "_ _ 3"]


def settings(
    height: int, width: int, size: int = 12, at: tuple[float, float] = (0.5, 0.5)
) -> list[Glimpse]:
    """The three windows of Fig. 3 for an image of `height` x `width` pixels.

    Args:
        height: of the image, pixels.
        width: of the image, pixels.
        size: filters on a side, N.
        at: where the first window looks, as shares of width and height; the others are centred.
    """
    whole = 0.92 * (min(height, width) - 1) / max(size - 1, 1)
    middle = ((width + 1) / 2, (height + 1) / 2)
    there = (0.5 + at[0] * width, 0.5 + at[1] * height)
    return [
        look(*there, whole / 4, whole / 4, size),
        look(*middle, whole, whole / 8, size),
        look(*middle, whole, whole / 1.5, size),
    ]


def look(g_x: float, g_y: float, delta: float, sigma: float, size: int) -> Glimpse:
    """A glimpse of one image: centre, stride and sigma in pixels counted from 1, gamma = 1."""
    numbers = (g_x, g_y, delta, sigma * sigma, 0.0)
    return Glimpse(*(torch.tensor([v], dtype=torch.float32) for v in numbers), size=size)


def to_tensor(image: Image.Image | np.ndarray, longest: int | None) -> Float[Tensor, "1 c h w"]:
    """A picture, or its levels (H, W) or (H, W, 3), with its longer side at most `longest`."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture = picture.convert("L" if picture.mode in ("1", "L") else "RGB")
    if longest is not None:
        picture.thumbnail((longest, longest), Image.Resampling.BOX)
    levels = np.array(picture, np.uint8).reshape(picture.height, picture.width, -1)
    return (torch.from_numpy(levels).permute(2, 0, 1)[None].float() + 0.5) / 256


def zoom_figure(
    image: Image.Image | np.ndarray,
    glimpses: Sequence[Glimpse] | None = None,
    longest: int | None = 128,
    at: tuple[float, float] = (0.5, 0.5),
) -> Image.Image:
    """The figure: a row per glimpse; picture and window, two filters, patch, what comes back.

    Args:
        image: a photograph, or uint8 levels (H, W) or (H, W, 3).
        glimpses: windows on the image after shrinking, one image each; `settings` if None.
        longest: the longer side is shrunk to this, pixels; None leaves the image as it is.
        at: where the first of the `settings` looks, as shares of width and height.

    Raises:
        ValueError: there are no glimpses.
    """
    x = to_tensor(image, longest)
    height, width = x.shape[2:]
    glimpses = settings(height, width, at=at) if glimpses is None else glimpses
    if not glimpses:
        raise ValueError("zoom_figure needs at least one glimpse")
    panels = [panels_of(x, glimpse) for glimpse in glimpses]
    high = 2.2
    wide = [high * p.shape[1] / p.shape[0] for p in panels[0]]
    whole = (LEFT + sum(wide) + GUTTER * len(wide), HEAD + (high + GUTTER) * len(panels))
    figure = new_figure(*whole)
    for i, (row, glimpse) in enumerate(zip(panels, glimpses, strict=True)):
        bottom = whole[1] - HEAD - (i + 1) * high - i * GUTTER
        _row(figure, (bottom, high), row, wide, glimpse)
    _heads(figure, wide, glimpses[0].size)
    return render(figure)


def panels_of(x: Float[Tensor, "1 c h w"], glimpse: Glimpse) -> list[Levels]:
    """Window on the picture, two filters, patch, what comes back: enlarged pictures."""
    f_y, f_x = filters(glimpse, x.shape[2], x.shape[3])
    patch = extract(x, f_y, f_x)
    white = spread(torch.ones_like(patch), f_y, f_x).amax()
    picture = _enlarged(x)
    return [
        outline(picture, box_of(glimpse), SCALE, READ),
        _lit(x, f_y[0], f_x[0]),
        coloured(to_levels(patch))[0],
        _enlarged(spread(patch, f_y, f_x) / white),
    ]


def _enlarged(x: Float[Tensor, "1 c h w"]) -> Levels:
    return coloured(enlarge(to_levels(x), SCALE))[0]


def _lit(
    x: Float[Tensor, "1 c h w"], f_y: Float[Tensor, "n h"], f_x: Float[Tensor, "n w"]
) -> Levels:
    """The picture in the dark, with the first and the last filter as light of two colours."""
    lit = 0.25 * x.expand(-1, 3, -1, -1)
    for i, colour in ((0, READ), (-1, WRITE)):
        weight = torch.outer(f_y[i], f_x[i])
        light = torch.tensor(colour)[:, None, None] / 255
        lit = torch.lerp(lit, light.expand_as(lit), (weight / weight.max()).expand_as(lit))
    return _enlarged(lit)


def _row(
    figure: "Figure",
    place: tuple[float, float],
    panels: Sequence[Levels],
    wide: Sequence[float],
    glimpse: Glimpse,
) -> None:
    """Put one row's pictures at `place` = (bottom, height), inches, and name its window."""
    (bottom, high), left = place, LEFT
    width, height = figure.get_size_inches()
    for panel, w in zip(panels, wide, strict=True):
        axes = figure.add_axes((left / width, bottom / height, w / width, high / height))
        axes.imshow(panel, interpolation="nearest", aspect="auto")
        axes.set_axis_off()
        left += w + GUTTER
    delta, sigma = float(glimpse.delta[0]), float(glimpse.sigma2[0]) ** 0.5
    text = f"$\\delta$ = {delta:.1f} px\n$\\sigma$ = {sigma:.1f} px"
    middle = (bottom + high / 2) / height
    figure.text(0.12 / width, middle, text, color=INK, fontsize=10, va="center", linespacing=1.7)


def _heads(figure: "Figure", wide: Sequence[float], size: int) -> None:
    """What the columns show, above them."""
    names = (
        "picture $x$ and window",
        f"first and last of {size * size} filters",
        f"patch $F_y\\, x\\, F_x^T$, ${size} \\times {size}$",
        "given back, $F_y^T$ patch $F_x$",
    )
    width, height = figure.get_size_inches()
    left, up = LEFT, 1 - (HEAD - 0.12) / height
    for name, w in zip(names, wide, strict=True):
        figure.text(left / width, up, name, color=INK, fontsize=10, va="baseline")
        left += w + GUTTER

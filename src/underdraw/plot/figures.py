"""The look of charts: sizes, colours and axes; drawn with matplotlib, handed on as PIL images.

Figures are made without pyplot, so they leave no global state and need no display. The colours
are those of Okabe and Ito ("Color universal design", 2008), told apart in every kind of sight.
"""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5A5A5A")
INK = "#222222"
FAINT = "#8A8A8A"


def new_figure(width: float, height: float, dpi: int = 144) -> "Figure":
    """An empty white figure of `width` x `height` inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def render(figure: "Figure") -> Image.Image:
    """The figure as an RGB picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def plain(axes: "Axes", x_label: str, y_label: str) -> None:
    """Two thin axes, a faint horizontal grid, and what is measured in which unit."""
    axes.set_xlabel(x_label, color=INK, fontsize=10)
    axes.set_ylabel(y_label, color=INK, fontsize=10)
    axes.tick_params(which="both", colors=INK, labelsize=9, length=3, width=0.8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set(color=FAINT, linewidth=0.8)
    axes.grid(which="both", axis="y", color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)

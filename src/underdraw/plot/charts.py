"""Training and validation curves (DRAW, 2015, Fig. 11), and the KL of every step.

A log is a list of rows, as a run writes them: {"kind": "train" or "valid", "step": 400,
"nats": 97.1, ...}; other kinds are passed over. A run that was resumed, or went back to older
parameters, has rows twice: a row replaces the earlier ones at and after its step.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from PIL import Image

from underdraw.plot.figures import COLOURS, FAINT, INK, new_figure, plain, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Log: TypeAlias = Sequence[Mapping[str, Any]]
Line: TypeAlias = list[tuple[float, float]]

UNITS = {
    "step": "updates",
    "images": "images seen",
    "epoch": "epochs",
    "minutes": "minutes",
    "seconds": "seconds",
    "nats": "nats per image",
    "distortion": "distortion, nats per image",
    "rate": "rate, nats per image",
    "images_per_s": "images per second",
    "bits_per_dim": "bits per dimension",
}
"""What the axis of a key says; other keys stand for themselves."""


def line(log: Log, kind: str, along: str, of: str) -> Line:
    """Points (along, of) of the rows of one kind; rows without them or not finite are left out."""
    points: Line = []
    for row in log:
        here, value = row.get(along), row.get(of)
        if row.get("kind") == kind and here is not None and value is not None:
            x, y = float(here), float(value)
            while points and points[-1][0] >= x:
                points.pop()
            if math.isfinite(x) and math.isfinite(y):
                points.append((x, y))
    return points


def limits(lines: Sequence[Line], top: float | None = None) -> tuple[float, float]:
    """A range for the vertical axis in which the start does not flatten the rest.

    It reaches from the least value to `top` or, if that is None, to the greatest value after the
    first tenth of each line; what is above runs out of the picture.
    """
    least = min(y for points in lines for _, y in points)
    if top is None:
        late = [
            y
            for points in lines
            for x, y in points
            if x >= points[0][0] + 0.1 * (points[-1][0] - points[0][0])
        ]
        top = max(late)
    room = 0.05 * (top - least) or 0.05 * abs(top) or 1.0
    return least - room, top + room


def curves(
    logs: Mapping[str, Log],
    along: str = "step",
    of: str = "nats",
    top: float | None = None,
    log_y: bool = False,
    log_x: bool = False,
) -> Image.Image:
    """Curves of one or more runs: training thin and pale, validation strong.

    Args:
        logs: rows of each run, by the name it is shown under.
        along: key of the horizontal axis, e.g. "step", "images" or "minutes".
        of: key of the vertical axis, e.g. "nats".
        top: upper end of the vertical axis; see `limits`.
        log_y: logarithmic vertical axis, of all values unless `top` is given.
        log_x: logarithmic horizontal axis, for runs of very different length.

    Raises:
        ValueError: no row has both keys and finite values.
    """
    kinds = ("train", "valid")
    runs = {name: [line(log, kind, along, of) for kind in kinds] for name, log in logs.items()}
    runs = {name: pair for name, pair in runs.items() if any(pair)}
    if not runs:
        raise ValueError(f"no row of {list(logs)} has a finite {of!r} along {along!r}")
    width = 6.2 + 0.082 * max(map(len, runs))
    figure = new_figure(width, 4.2)
    axes = figure.add_axes((0.72 / width, 0.14, 4.9 / width, 0.8))
    ends = [_run(axes, name, pair, i) for i, (name, pair) in enumerate(runs.items())]
    plain(axes, UNITS.get(along, along), UNITS.get(of, of))
    lines = [points for pair in runs.values() for points in pair if points]
    _scale(axes, lines, top, log_y)
    if log_x:
        _logarithmic(axes, lines)
    _name(axes, ends)
    if any(train and valid for train, valid in runs.values()):
        _explain(axes, "lower left" if log_x else "upper right")
    return render(figure)


def _logarithmic(axes: "Axes", lines: Sequence[Line]) -> None:
    """A logarithmic horizontal axis, with labels at 1, 2 and 5 times the powers of ten."""
    from matplotlib.ticker import LogLocator

    least = min((x for points in lines for x, _ in points if x > 0), default=1.0)
    axes.set(xscale="log", xlim=(least, max(axes.get_xlim()[1], 2 * least)))
    axes.xaxis.set_major_locator(LogLocator(10, (1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.10g}")
    axes.xaxis.set_minor_formatter("")  # or labels would meet


def _run(axes: "Axes", name: str, pair: Sequence[Line], i: int) -> tuple[str, float, str]:
    """Draw one run; returns its name with its last value, that value, and the colour."""
    train, valid = pair
    colour = COLOURS[i % len(COLOURS)]
    if train:
        axes.plot(*zip(*train, strict=True), color=colour, linewidth=0.9, alpha=0.45)
    if valid:
        axes.plot(*zip(*valid, strict=True), color=colour, linewidth=2.0)
    end = (valid or train)[-1][1]
    return f"{name}  {end:#.4g}", end, colour


def _scale(axes: "Axes", lines: Sequence[Line], top: float | None, log_y: bool) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(min(0.0, *(p[0][0] for p in lines)), max(p[-1][0] for p in lines) or 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.10g}"))
    if log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.4g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda y, _: f"{y:.4g}"))
        axes.set_ylim(top=top)
    else:
        axes.set_ylim(*limits(lines, top))


def _name(axes: "Axes", ends: Sequence[tuple[str, float, str]]) -> None:
    """Write the runs' names at their ends, moved apart where they would touch."""
    apart, below = 0.055, -math.inf
    to_axes = axes.transData + axes.transAxes.inverted()
    edge = axes.get_xlim()[1]
    heights = [(to_axes.transform((edge, end))[1], name, colour) for name, end, colour in ends]
    for height, name, colour in sorted(heights):
        below = max(min(height, 1.0), below + apart)
        where = axes.transAxes
        text = axes.text(1.015, below, name, color=colour, fontsize=9.5, transform=where)
        text.set(verticalalignment="center", parse_math=False)


def _explain(axes: "Axes", where: Literal["lower left", "upper right"]) -> None:
    from matplotlib.lines import Line2D

    keys = [
        Line2D([], [], color=INK, linewidth=2.0, label="validation"),
        Line2D([], [], color=INK, linewidth=0.9, alpha=0.45, label="training"),
    ]
    axes.legend(handles=keys, frameon=False, fontsize=9, labelcolor=FAINT, loc=where)

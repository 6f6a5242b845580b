"""How often a classifier is wrong: after each glimpse, and among more or less clutter.

    glimpse_errors    error after t glimpses of T, with its 95 % interval
    clutter           error among so many pieces of clutter, none of them trained for but one

The model stays as it is: one trained with a cost after the last glimpse only was not asked to be
right before it, and one trained with 8 pieces never saw 16.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from underdraw.classifier import Classifier
from underdraw.data import Images
from underdraw.files import write_json
from underdraw.grade import grade, wilson
from underdraw.plot import save
from underdraw.plot.figures import COLOURS, INK, new_figure, plain, render

Report = Callable[[int], None]
PIECES = (0, 4, 8, 16)
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)  # per cent


def glimpse_errors(
    model: Classifier[Any],
    images: Images,
    out: Path,
    *,
    batch: int = 100,
    title: str = "",
    report: Report = lambda done: None,
) -> dict[str, Any]:
    """Measure the error after each glimpse; writes glimpses.png and glimpses.json to `out`.

    Args:
        model: in evaluation mode.
        images: to measure on, with labels.
        out: folder to write.
        batch: images at a time.
        title: of the chart.
        report: called with the number of images done.

    Returns:
        For each count of glimpses the error, a fraction, its interval, and the cross-entropy, nats.

    Raises:
        ValueError: images that the model cannot classify.
    """
    found = grade(model, images, batch=min(batch, len(images)), report=report)
    pairs = zip(found.error_per_glimpse, found.nats_per_glimpse, strict=True)
    rows = [
        {"glimpses": t, **interval(error, found.images), "nats": nats}
        for t, (error, nats) in enumerate(pairs, 1)
    ]
    numbers = {"images": found.images, "split": images.name, "errors": rows}
    return _left(numbers, rows, "glimpses", "glimpses taken", title, out)


def clutter(
    model: Classifier[Any],
    sets: Mapping[int, Images],
    out: Path,
    *,
    batch: int = 100,
    title: str = "",
    report: Report = lambda done: None,
) -> dict[str, Any]:
    """Measure the error for several amounts of clutter; writes clutter.png and clutter.json.

    Args:
        model: in evaluation mode.
        sets: images to measure on, with labels, by pieces of clutter.
        out: folder to write.
        batch: images at a time.
        title: of the chart.
        report: called with the number of images done, over all sets.

    Returns:
        For each number of pieces the fields of a `Grade`.

    Raises:
        ValueError: no sets, or images that the model cannot classify.
    """
    if not sets:
        raise ValueError("name at least one number of pieces of clutter")
    rows, done = [], 0
    for pieces, images in sorted(sets.items()):
        before = done
        found = grade(
            model, images, batch=min(batch, len(images)), report=lambda n, at=before: report(at + n)
        )
        rows.append({"pieces": pieces, **asdict(found)})
        done += len(images)
    first = next(iter(sets.values()))
    numbers = {"images": len(first), "split": first.name, "errors": rows}
    return _left(numbers, rows, "pieces", "pieces of clutter", title, out, "clutter")


def interval(error: float, images: int) -> dict[str, float]:
    """An error, a fraction of so many images, with the ends of its 95 % interval."""
    low, high = wilson(round(error * images), images)
    return {"error": error, "low": low, "high": high}


def _left(
    numbers: dict[str, Any], rows: Sequence[dict[str, Any]], key: str, label: str, title: str,
    out: Path, name: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Write the numbers and their chart; returns the numbers and where both are."""
    name = name or key
    write_json(out / f"{name}.json", numbers)
    picture = save(chart(rows, key, label, title), out / f"{name}.png")
    return {**numbers, "picture": str(picture), "numbers": str(out / f"{name}.json")}


def chart(rows: Sequence[dict[str, Any]], key: str, label: str, title: str = "") -> Image.Image:
    """Error in per cent against `key`, with its intervals; on a logarithmic scale."""
    figure = new_figure(6.4, 4.0)
    axes = figure.add_axes((0.11, 0.14, 0.86, 0.76))
    plain(axes, label, "error, %")
    x = [row[key] for row in rows]
    error = [100 * row["error"] for row in rows]
    ends = [[100 * abs(row[end] - row["error"]) for row in rows] for end in ("low", "high")]
    axes.errorbar(
        x, error, ends, color=COLOURS[0], linewidth=2, marker="o", markersize=4, capsize=3
    )
    for at, value in zip(x, error, strict=True):
        text = axes.annotate(f"{value:.3g}", (at, value), (5, 6), textcoords="offset points")
        text.set(fontsize=9, color=INK)
    if min(error) > 0:
        axes.set_yscale("log")
        low, high = (
            100 * of(row[end] for row in rows) for of, end in ((min, "low"), (max, "high"))
        )
        axes.set_yticks([tick for tick in TICKS if low / 1.5 <= tick <= 1.5 * high])
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    axes.set_title(title, loc="left", fontsize=10, color=INK, parse_math=False)
    axes.set_xticks(x)
    axes.margins(x=0.08)
    return render(figure)

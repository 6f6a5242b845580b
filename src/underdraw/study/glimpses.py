"""What the bound is when a model takes its first t steps only.

    bound_t(x) = -log p(x | z_1..t) + sum_{i <= t} KL(q_i || p_i)

a bound for every t: a model that stops early is a model too. One trained to take T steps only was
not asked to be good after fewer; one trained with fewer at first was, for a while.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from underdraw.data import Images
from underdraw.evaluate import evaluate
from underdraw.files import write_json
from underdraw.latent import LatentModel
from underdraw.plot import save
from underdraw.plot.figures import COLOURS, INK, new_figure, plain, render
from underdraw.study.parts import apart, bound_of, check_counts, chosen_steps


def glimpses(
    model: LatentModel[Any],
    images: Images,
    out: Path,
    *,
    steps: Sequence[int] = (),
    seed: int = 0,
    batch: int = 100,
    title: str = "",
    report: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """Measure the bound after the first steps; writes glimpses.png and glimpses.json to `out`.

    Args:
        model: in evaluation mode.
        images: to measure on.
        out: folder to write.
        steps: counts of steps; see `default_steps`.
        seed: of the noise, which does not change with the count.
        batch: images at a time.
        title: of the chart.
        report: called with the number of steps taken for all images, see `steps_taken`.

    Returns:
        For each count the fields of an `Evaluation`; nats per image.

    Raises:
        ValueError: a count that the model does not have, or a number out of range.
    """
    check_counts(batch=batch)
    rows, done = [], 0
    for t in chosen_steps(model, steps):
        found = evaluate(model, images, seed=seed, batch=min(batch, len(images)), steps=t)
        rows.append({"steps": t, **bound_of(found)})
        report(done := done + t)
    numbers: dict[str, Any] = {
        "images": len(images), "split": images.name, "seed": seed, "bounds": rows,
    }  # fmt: skip
    write_json(out / "glimpses.json", numbers)
    picture = save(chart(rows, images.binary, title), out / "glimpses.png")
    return {**numbers, "picture": str(picture), "numbers": str(out / "glimpses.json")}


def steps_taken(model: LatentModel[Any], steps: Sequence[int] = ()) -> int:
    """What `report` counts to: steps taken over all evaluations."""
    return sum(chosen_steps(model, steps))


def chart(rows: Sequence[dict[str, Any]], binary: bool, title: str = "") -> Image.Image:
    """Bound against steps, as the sum of rate (below) and distortion (above).

    In nats per image for binary images, else in bits per dimension.
    """
    figure = new_figure(7.6, 4.2)
    axes = figure.add_axes((0.09, 0.13, 0.88, 0.78))
    plain(axes, "steps taken", "nats per image" if binary else "bits per dimension")
    t = [row["steps"] for row in rows]
    unit = 1.0 if binary else rows[0]["bits_per_dim"] / rows[0]["nats"]
    rate, bound = ([row[key] * unit for row in rows] for key in ("rate", "nats"))
    axes.fill_between(t, rate, bound, color=COLOURS[0], alpha=0.25, linewidth=0, label="distortion")
    axes.fill_between(t, 0, rate, color=COLOURS[1], alpha=0.35, linewidth=0, label="rate")
    axes.plot(t, bound, color=COLOURS[0], linewidth=2, marker="o", markersize=4, label="bound")
    digits = 1 if binary else 2
    points = [(float(x), y, f"{y:.{digits}f}") for x, y in zip(t, bound, strict=True)]
    for x, y, name in apart(points, 0.06 * (t[-1] - t[0])):
        text = axes.annotate(name, (x, y), (4, 5), textcoords="offset points")
        text.set(fontsize=9, color=INK)
    axes.set_title(title, loc="left", fontsize=10, color=INK, parse_math=False)
    axes.set_ylim(0, 1.08 * max(bound))
    axes.set_xticks(t)
    axes.margins(x=0.07)
    axes.legend(
        frameon=False, fontsize=9.5, labelcolor=INK, loc="lower right", ncols=3,
        bbox_to_anchor=(1.01, 0.985), borderaxespad=0.2,
    )  # fmt: skip
    return render(figure)

"""Where the information is: KL of every layer and step (Convolutional DRAW, 2016, Fig. 9).

    I[l, t] = mean over images of KL(q(z_tl | x, z_<) || p(z_tl | z_<)),     z ~ q

in nats and bits per image. Their sum is the rate. In a model of several layers the upper ones are
expected to say their part first, about the whole, and the lowest one to fill in details.
"""

import math
import operator
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from torch import Tensor

from underdraw.data import Images
from underdraw.files import write_json
from underdraw.latent import LatentModel
from underdraw.noise import image_noise
from underdraw.plot import save
from underdraw.plot.figures import COLOURS, INK, new_figure, plain, render
from underdraw.study.parts import BITS, batches, check_counts, layers_of, steps_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Matrix = list[list[float | None]]


def information(
    model: LatentModel[Any],
    images: Images,
    out: Path,
    *,
    seed: int = 0,
    batch: int = 100,
    title: str = "",
    report: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """Measure KL per layer and step; writes information.png and information.json to `out`.

    Args:
        model: in evaluation mode.
        images: to measure on.
        out: folder to write.
        seed: of the noise; an image meets the noise that it meets in an evaluation.
        batch: images at a time.
        title: of the chart.
        report: called with the number of images done.

    Returns:
        `nats` and `bits` by layer and step (null where a layer makes no choice), their sums by
        layer and in all, and what they were measured on.

    Raises:
        ValueError: the images are not of the model's shape, or a number is out of range.
    """
    check_counts(batch=batch)
    means = torch.cat(list(_rates(model, images, seed, batch, report)), 1).mean(1)
    nats = by_layer(model, means)
    layer_nats = [sum(v for v in row if v is not None) for row in nats]
    numbers: dict[str, Any] = {
        "images": len(images), "split": images.name, "seed": seed,
        "nats": nats, "bits": [[None if v is None else v * BITS for v in row] for row in nats],
        "layer_nats": layer_nats, "layer_bits": [v * BITS for v in layer_nats],
        "total_nats": sum(layer_nats), "total_bits": sum(layer_nats) * BITS,
    }  # fmt: skip
    write_json(out / "information.json", numbers)
    picture = save(chart(nats, title), out / "information.png")
    return {**numbers, "picture": str(picture), "numbers": str(out / "information.json")}


@torch.no_grad()
def _rates(
    model: LatentModel[Any], images: Images, seed: int, batch: int, report: Callable[[int], None]
) -> "list[Tensor]":
    """KL of each site and image, (sites, B) a batch, in double precision."""
    device, found, done = next(model.parameters()).device, [], 0
    for places, x in batches(images, batch):
        z, _ = image_noise(model, seed, places, 0, size=(x.shape[2], x.shape[3]))
        _, rates = model.outcome(x.to(device), [e.to(device) for e in z])
        found.append(rates.double().cpu())
        report(done := done + len(places))
    return found


def by_layer(model: LatentModel[Any], of_sites: Tensor) -> Matrix:
    """Numbers of the sites as rows of layers, columns of steps; None where there is no site."""
    rows: Matrix = [[None] * steps_of(model) for _ in range(layers_of(model))]
    for site, value in zip(model.sites, of_sites.tolist(), strict=True):
        rows[site.layer][site.step] = (rows[site.layer][site.step] or 0.0) + value
    return rows


def chart(nats: Matrix, title: str = "") -> Image.Image:
    """Bars for one layer, a line for each of several; nats on the left, bits on the right."""
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(7.6, 3.8)
    axes = figure.add_axes((0.085, 0.145, 0.825, 0.73))
    plain(axes, "step", "KL, nats per image")
    for layer, row in enumerate(nats):
        total = sum(v for v in row if v is not None)
        name = f"layer {layer + 1}: {total:.1f} nats, {total * BITS:.1f} bits"
        values = [math.nan if v is None else v for v in row]
        t, colour = range(1, len(row) + 1), COLOURS[layer % len(COLOURS)]
        if len(nats) == 1:
            axes.bar(t, values, width=0.82, color=colour)
        else:
            axes.plot(t, values, color=colour, linewidth=1.8, marker="o", markersize=3, label=name)
    total = sum(v for row in nats for v in row if v is not None)
    head = f"{total:.1f} nats ({total * BITS:.1f} bits) in all"
    axes.set_title(head, loc="right", fontsize=10, color=INK)
    axes.set_title(title, loc="left", fontsize=10, color=INK, parse_math=False)
    axes.set_xlim(0.3, len(nats[0]) + 0.7)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))  # there is no half a step
    axes.set_ylim(bottom=0)
    if len(nats) > 1:
        axes.legend(frameon=False, fontsize=9.5, labelcolor=INK, handlelength=1.2)
    _bits(axes)
    return render(figure)


def _bits(axes: "Axes") -> None:
    """The same scale in bits, on the right."""
    to_bits, to_nats = partial(operator.mul, BITS), partial(operator.mul, 1 / BITS)
    right = axes.secondary_yaxis("right", functions=(to_bits, to_nats))
    right.set_ylabel("bits per image", color=INK, fontsize=10)
    right.tick_params(colors=INK, labelsize=9, length=3, width=0.8)
    right.spines["right"].set_visible(False)

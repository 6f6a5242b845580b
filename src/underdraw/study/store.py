"""Conceptual compression: store some latents, dream the rest (Convolutional DRAW, 2016, Figs 1, 2).

For every part of the latents that is stored (`underdraw.study.sending`): its price, and what
becomes of the image when the rest is generated with full variance (z ~ p) or zero variance
(z = mu_p).

    mse = mean over images and pixels of (x' - x)^2        psnr = -10 log10 mse,   pixels in [0, 1]
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from underdraw.data import Images
from underdraw.files import write_json
from underdraw.latent import LatentModel, Source, mode, prior
from underdraw.noise import image_noise
from underdraw.plot import labelled_sheet, save
from underdraw.plot.figures import COLOURS, FAINT, INK, new_figure, plain, render
from underdraw.study.parts import BITS, apart, batches, check_counts, steps_of
from underdraw.study.sending import Part, parts, receive, send

Report = Callable[[int], None]
WIDEST = 12  # samples beside each other


@torch.no_grad()
def store(
    model: LatentModel[Any],
    images: Images,
    out: Path,
    *,
    steps: Sequence[int] = (),
    layers: Sequence[int] = (),
    rows: int = 6,
    samples: int = 3,
    seed: int = 0,
    batch: int = 50,
    title: str = "",
    report: Report = lambda done: None,
) -> dict[str, Any]:
    """Store parts of the latents and generate the rest.

    Writes to `out`: zero_variance.png (a row an image, a column a part), full_variance.png
    (several samples an image), curve.png (PSNR against bits), and store.json.

    Args:
        model: in evaluation mode.
        images: the numbers are means over all of them.
        out: folder to write.
        steps: store the first so many steps, for each of these; see `default_steps`.
        layers: or store the layers from l up, counted from 1, for each of these.
        rows: images to show.
        samples: samples to show of each, with full variance.
        seed: of all noise.
        batch: images at a time.
        title: of the pictures.
        report: called with the number of images done, out of those measured and those shown.

    Returns:
        For each part the bits stored (mean over images) and the error of the zero-variance
        reconstruction: `mse` on pixels in [0, 1], `psnr` = -10 log10(mse) in dB.

    Raises:
        ValueError: a part that the model does not have, or a number out of range.
    """
    check_counts(rows=rows, samples=samples, batch=batch)
    chosen = parts(model, steps, layers)
    prices, errors, done = [], [], 0
    for places, x in batches(images, batch):
        x = x.to(next(model.parameters()).device)
        sent = send(model, x, places, seed)
        made = [receive(model, part, sent, mode) for part in chosen]
        prices.append(torch.stack([each.nats for each in made]).double().cpu())
        errors.append(torch.stack([_error(each.pictures, x) for each in made]).cpu())
        report(done := done + len(places))
    table = rates(math.prod(images.shape), chosen, torch.cat(prices, 1), torch.cat(errors, 1))
    few = _spread(images, rows)
    numbers: dict[str, Any] = {
        "images": len(images), "split": images.name, "seed": seed, "shown": few[0], "stored": table,
    }  # fmt: skip
    write_json(out / "store.json", numbers)
    heads = [
        f"{part.name}\n{row['bits']:,.0f} bits" for part, row in zip(chosen, table, strict=True)
    ]
    shown = Shown(model, chosen, [*heads, "original"], few, seed, title)
    paths = {
        "zero_variance": save(shown.zero_variance(), out / "zero_variance.png"),
        "full_variance": save(
            shown.full_variance(samples, lambda n: report(done + n * len(few[0]))),
            out / "full_variance.png",
        ),
        "curve": save(curve(table, [part.name for part in chosen], title), out / "curve.png"),
        "numbers": out / "store.json",
    }
    return {**numbers, **{name: str(path) for name, path in paths.items()}}


def images_seen(images: int, rows: int, samples: int) -> int:
    """What `report` counts to."""
    return images + min(rows, images) * samples


def rates(pixels: int, chosen: Sequence[Part], nats: Tensor, mse: Tensor) -> list[dict[str, Any]]:
    """A row for each part; price and error of each image, of so many values, (parts, images)."""
    table = []
    for part, price, error in zip(chosen, nats.mean(1).tolist(), mse.mean(1).tolist(), strict=True):
        bits = price * BITS
        table.append({
            **part.key, "nats": price, "bits": bits, "bits_per_dim": bits / pixels, "mse": error,
            "psnr": -10 * math.log10(error) if error > 0 else None,
        })  # fmt: skip
    return table


def _error(made: Tensor, x: Tensor) -> Tensor:
    """Mean squared error of each image, (B,)."""
    return (made - x).double().square().flatten(1).mean(1)


def _spread(images: Images, rows: int) -> tuple[list[int], Tensor]:
    """Images evenly apart: a split may be sorted by class."""
    where = np.linspace(0, len(images) - 1, min(rows, len(images))).round().astype(int)
    places = np.asarray(getattr(images, "indices", np.arange(len(images))))
    return places[where].tolist(), images.take(where)


class Shown(NamedTuple):
    """The images on show and how."""

    model: LatentModel[Any]
    chosen: Sequence[Part]
    heads: Sequence[str]
    few: tuple[list[int], Tensor]
    seed: int
    title: str

    def zero_variance(self) -> Image.Image:
        """A row an image, a column a part, the original last."""
        page = torch.stack([*self._received(mode), self.few[1]], 1)
        what = "the rest generated with zero variance"
        return labelled_sheet(page, self._title(what), self.heads)

    def full_variance(self, samples: int, report: Report) -> Image.Image:
        """`samples` of each image and part: beside each other if they are few, else below."""
        places, x = self.few
        device, made = next(self.model.parameters()).device, []
        size = x.shape[2], x.shape[3]
        for k in range(samples):
            noise, _ = image_noise(self.model, self.seed, places, 1 + k, size)
            dreamt = prior(1.0, [e.to(device) for e in noise])
            made.append(torch.stack(self._received(dreamt), 1))
            report(k + 1)
        title = self._title(f"the rest generated with full variance, {samples} samples each")
        if samples * len(self.chosen) <= WIDEST:
            page = torch.cat([torch.stack(made, 2).flatten(1, 2), x[:, None]], 1)
            return labelled_sheet(page, title, self.heads, group=samples)
        nothing = torch.full_like(x, math.nan)
        last = torch.stack([x, *[nothing] * (samples - 1)], 1)[:, :, None]
        page = torch.cat([torch.stack(made, 1), last], 2).flatten(0, 1)
        return labelled_sheet(page, title, self.heads, block=samples)

    def _received(self, dreamt: Source) -> list[Tensor]:
        places, x = self.few
        sent = send(self.model, x.to(next(self.model.parameters()).device), places, self.seed)
        return [receive(self.model, part, sent, dreamt).pictures.cpu() for part in self.chosen]

    def _title(self, what: str) -> str:
        by_step = "steps" in self.chosen[0].key
        stored = f"The first t of {steps_of(self.model)} steps" if by_step else "The upper layers"
        return f"{self.title}\n{stored} stored, {what}".strip()


def curve(table: Sequence[dict[str, Any]], names: Sequence[str], title: str = "") -> Image.Image:
    """PSNR of the zero-variance reconstruction against bits stored."""
    figure = new_figure(6.4, 4.2)
    axes = figure.add_axes((0.115, 0.13, 0.84, 0.78))
    plain(axes, "stored, bits per image", "PSNR with zero variance, dB")
    points = [
        (row["bits"], row["psnr"], name)
        for row, name in zip(table, names, strict=True)
        if row["psnr"] is not None
    ]
    bits, psnr, _ = zip(*points, strict=True)
    axes.plot(bits, psnr, color=COLOURS[0], marker="o", linewidth=1.8, clip_on=False)
    for x, y, name in apart(points, 0.07 * max(bits)):
        text = axes.annotate(name, (x, y), (5, -12), textcoords="offset points")
        text.set(fontsize=9, color=FAINT)
    axes.set_title(title, loc="left", fontsize=10, color=INK, parse_math=False)
    axes.margins(y=0.12)
    axes.set_xlim(0, 1.16 * max(bits) or 1.0)
    return render(figure)

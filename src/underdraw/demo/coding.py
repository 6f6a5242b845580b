"""The demo's photograph as a file, and what is left of it when the file is cut."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from underdraw import plot
from underdraw.codec import exact, lossy
from underdraw.codec.container import parse
from underdraw.codec.decoding import picture_of
from underdraw.codec.encoding import compress
from underdraw.codec.image import Picture, read
from underdraw.codec.library import DEFAULT, twin_of
from underdraw.codec.measures import psnr
from underdraw.demo.page import Figure, Section

SHARES = (0.0, 0.02, 0.05, 0.1, 0.3, 1.0)
"""Of the payload that is kept."""
QUALITIES = (5.0, 20.0, 45.0)
"""Of small files, beside that of the usual quality."""


def there(model: str = DEFAULT) -> bool:
    """Whether the model that compresses ships with the package."""
    return any(name.rpartition("@")[0] == model for name in exact.shipped())


def coding(out: Path, model: str | Path | exact.Twin | None = None) -> Section:
    """Compress the photograph, cut the file in several places, and decode."""
    photo = resources.files("underdraw.demo") / "parrots.png"
    with resources.as_file(photo) as path:
        picture, png = read(path), path.stat().st_size
    whole = compress(picture, model, lossless=True)
    content = compress(picture, model)
    (out / "parrots.udr").write_bytes(content)
    header, payload = parse(content)
    twin = twin_of(header.model, model)
    cuts = [round(share * len(payload)) for share in SHARES]
    shown = lossy.decode(twin, [payload[:cut] for cut in cuts], picture.size, 3, header.steps)
    heads = len(content) - len(payload)
    figure = beside(picture, shown, [heads + cut for cut in cuts])
    path = plot.save(figure, out / "cuts.png")
    text = (
        f"A photograph of {picture.size[1]} x {picture.size[0]} pixels, as PNG {png:,} bytes, "
        f"takes <b>{len(content):,} bytes</b> at the usual quality and {len(whole):,} without "
        "loss, where a file of its own gains nothing and only archives of many pictures do. The "
        "lossy file holds the model's choices in the order in which it makes them, so "
        "that it can be cut anywhere: what is missing, the model fills in by itself. "
        "<code>underdraw decompress parrots.udr -o parrots.png</code> gives the picture back. "
        "Below, small files, written by the models that are made for them."
    )
    figures = [Figure(path.name, "The file, cut to length")]
    figures.append(Figure(small(picture, out, model).name, "Small files, each as it is"))
    return Section("A file that may be cut", text, figures)


def small(picture: Picture, out: Path, model: str | Path | exact.Twin | None) -> Path:
    """Files of low qualities, and what they decode to."""
    files = [compress(picture, model, quality=quality) for quality in QUALITIES]
    shown = [picture_of(*parse(f), twin_of(parse(f)[0].model, model)).levels for f in files]
    figure = beside(picture, np.stack(shown), list(map(len, files)), "Small files")
    return plot.save(figure, out / "small_files.png")


def beside(
    picture: Picture, shown: np.ndarray, lengths: Sequence[int], title: str = "One file, cut"
) -> Image.Image:
    """The picture beside what files of these lengths decode to."""
    levels = torch.from_numpy(np.stack([picture.levels, *shown]))
    pairs = zip(lengths, shown, strict=True)
    told = [f"{length:,} bytes\n{psnr(picture.levels, one):.1f} dB" for length, one in pairs]
    x = (levels.float() + 0.5) / 256
    return plot.labelled_sheet(x[None], title, ["original", *told], scale=1)

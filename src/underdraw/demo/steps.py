"""The steps of the demo, one function each; every one returns the section that it adds."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from underdraw import checkpoint, gallery, plot
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.demo.coding import coding, there
from underdraw.demo.looking import looking
from underdraw.demo.page import Figure, Section, page
from underdraw.evaluate import Evaluation, evaluate
from underdraw.files import check_folder, write_json, write_text
from underdraw.latent import LatentModel
from underdraw.presets import preset
from underdraw.train import read_log, train

NAME, SMALL = "draw_mnist", "draw_mnist_small"
DIGITS, MINUTES = 500, 1.25
Say = Callable[[str], None]


def run(out: Path, seed: int = 0, say: Say = print) -> dict[str, Any]:
    """Do the whole demo and return its numbers.

    Args:
        out: folder to write; pictures of an earlier demo there are replaced.
        seed: of everything random.
        say: shows a line to the person waiting.

    Raises:
        CheckpointError: the shipped model is missing or damaged.
        NotADirectoryError: `out` cannot be a folder.
    """
    check_folder(out)
    start = time.monotonic()
    model = checkpoint.load_latent(NAME)
    test = digits("test")
    say(f"{NAME}: measuring the bound on {DIGITS} random test digits")
    measured = evaluate(model, random_subset(test, DIGITS, seed), seed=seed, batch=250)
    say(f"  {measured.nats:.2f} +- {measured.stderr:.2f} nats per image")
    sections = [bound(measured, out), *_drawing(model, seed, out, say)]
    sections += [reconstructing(model, test, seed, out), seeing(out)]
    say("looking for digits among clutter")
    looked, graded = looking(out, seed)
    sections.append(looked)
    if there():
        say("compressing a photograph, and cutting the file")
        sections.append(coding(out))
    say(f"training {SMALL} on the shipped digits for about a minute")
    learnt, trained = training(seed, out)
    sections.append(learnt)
    numbers = {
        "model": NAME,
        "nats": measured.nats,
        "stderr": measured.stderr,
        "images": measured.images,
        "cluttered_error": graded.error,
        **trained,
        "minutes": (time.monotonic() - start) / 60,
    }
    write_text(out / "index.html", page(sections, numbers))
    write_json(out / "numbers.json", {**numbers, "evaluation": asdict(measured)})
    say(f"done in {numbers['minutes']:.1f} minutes: open {out / 'index.html'}")
    return {**numbers, "page": str(out / "index.html")}


def digits(split: str) -> Images:
    """A split of the digits in the package."""
    images = open_images(DataConfig("binarized_mnist"), split)
    assert isinstance(images, Images)
    return images


def bound(measured: Evaluation, out: Path) -> Section:
    """The bound, and what each step pays."""
    figure = plot.kl_figure(torch.tensor(measured.rate_per_step))
    path = plot.save(figure, out / "rate_per_step.png")
    text = (
        f"On {measured.images} random digits of the test split the model needs at most "
        f"<b>{measured.nats:.2f} ± {measured.stderr:.2f} nats</b> an image: "
        f"{measured.rate:.2f} for the latents (the rate) and {measured.distortion:.2f} for the "
        "pixels given the latents (the distortion). A uniform guess needs 543.4. Below, where in "
        "the sequence the rate is paid."
    )
    return Section("How well it knows digits", text, [Figure(path.name, "KL of each step, nats")])


def _drawing(model: LatentModel[Any], seed: int, out: Path, say: Say) -> list[Section]:
    say("drawing samples, and how they come about")
    trace = gallery.dream(model, 64, 1.0, seed)
    few = gallery.dream(model, 24, 1.0, seed)
    animation = Path(plot.animate(model, few, out / "drawing.gif"))
    paths = gallery.samples(model, trace, out, animate=False)
    near = gallery.beside_nearest(model, trace, digits("train"), out)
    return [
        Section(
            "Drawing digits, stroke by stroke",
            "Nothing is shown to the model: each step draws a latent from the prior, the decoder "
            "moves the writing window (the rectangle; its border is as wide as the filters are "
            "blurred) and adds a stroke to the canvas.",
            [
                Figure(animation.name, "24 digits in the making"),
                Figure(paths["sequence"].name, "One digit a row, from the first step to the last"),
            ],
        ),
        Section(
            "Samples",
            "Means of the pixels after the last step. On the right each sample stands beside the "
            "training digit nearest to it: alike, but not copies.",
            [
                Figure(paths["sheet"].name, "64 samples"),
                Figure(near.name, "Sample and nearest training digit, pair by pair"),
            ],
        ),
    ]


def reconstructing(model: LatentModel[Any], test: Images, seed: int, out: Path) -> Section:
    """Reconstructions of test digits."""
    paths, _ = gallery.reconstructions(model, gallery.some(test, 24, seed), out)
    text = (
        "Now the encoder looks, through a reading window of 2x2 filters (its rectangle has its own "
        "colour), at the image and at what the canvas still gets wrong, and the latents say what "
        "it saw. Left of each pair a test digit, right what is drawn of it."
    )
    return Section(
        "Looking and redrawing",
        text,
        [
            Figure(paths["pairs"].name, "Test digit and reconstruction, pair by pair"),
            Figure(paths["sequence"].name, "How they were redrawn"),
        ],
    )


def seeing(out: Path) -> Section:
    """The zoom figure on a photograph."""
    photo = resources.files("underdraw.demo") / "parrots.png"
    with resources.as_file(photo) as path, Image.open(path) as image:
        figure = plot.zoom_figure(image, at=(0.73, 0.35))
    path = plot.save(figure, out / "window.png")
    text = (
        "A grid of Gaussian filters reads a patch of any place and zoom, differentiably; "
        "transposed, the same filters write one. Small stride: a detail, blurred. Large stride: "
        "the whole picture, coarse. Large stride and width: the whole picture, blurred."
    )
    shown = [Figure(path.name, "12x12 filters at three zooms")]
    return Section("What a window sees (DRAW, Figs 3 and 4)", text, shown)


def _clear(folder: Path) -> None:
    """Remove the run of an earlier demo, and nothing else."""
    if not folder.exists():
        return
    mark = folder / "preset.json"
    if not mark.is_file() or json.loads(mark.read_text(encoding="utf-8")).get("name") != SMALL:
        raise ValueError(f"{folder} is in the way: it is not the run of an earlier demo")
    shutil.rmtree(folder)


def training(seed: int, out: Path) -> tuple[Section, dict[str, Any]]:
    """Train a small DRAW and show the nats fall."""
    folder = out / "run"
    _clear(folder)
    small = preset(SMALL)
    small = replace(small, train=replace(small.train, seed=seed))
    outcome = train(small, folder, max_minutes=MINUTES)
    if outcome.signal:
        raise KeyboardInterrupt
    log = read_log(folder)
    chart = plot.save(plot.curves({SMALL: log}), out / "curves.png")
    learnt = checkpoint.load_latent(folder)
    sheet = plot.save(
        plot.sheet(gallery.pictures(learnt, gallery.dream(learnt, 32, 1.0, seed))),
        out / "small_samples.png",
    )
    best = float(outcome.best if outcome.best is not None else "nan")
    text = (
        f"{outcome.step} updates of a DRAW with 10 glimpses, from nothing, on the digits in the "
        f"package: {log[0]['nats']:.0f} nats at first, <b>{best:.1f}</b> on validation digits at "
        "its best. It goes on falling for hours; <code>underdraw train draw_mnist</code> trains "
        "the big one."
    )
    figures = [Figure(chart.name, "Bound while it learns"), Figure(sheet.name, "Its samples")]
    trained: dict[str, Any] = {"small_updates": outcome.step, "small_nats": best}
    return Section("Learning, in a minute", text, figures), trained

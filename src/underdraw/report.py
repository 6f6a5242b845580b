"""The results of the shipped weights, and the figures of both papers redrawn with them.

Everything is measured or drawn anew from what the package holds; the numbers of whole test splits
are those that the weights were shipped with. Figures for which no weights ship yet are listed with
the command that would make them.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from underdraw import checkpoint, gallery, plot
from underdraw.data import Images, random_subset
from underdraw.demo.page import Figure, Section, page
from underdraw.demo.steps import digits, seeing
from underdraw.evaluate import evaluate
from underdraw.files import write_json, write_text
from underdraw.latent import LatentModel
from underdraw.study import glimpses, information, store

NAME = "draw_mnist"
DIGITS = 500  # random test digits for what is measured anew
LEAD = """What the shipped weights come to, and the figures of the two papers (Gregor et al., 2015:
DRAW; Gregor et al., 2016: Convolutional DRAW) redrawn with them, in our words."""
MISSING = (
    ("DRAW, Fig. 5", "glimpses of a classifier on cluttered digits", "the classifier is not here"),
    ("DRAW, Fig. 7", "digits without attention", "underdraw train draw_mnist_noattention"),
    ("DRAW, Fig. 8", "two digits", "underdraw train draw_two_digits"),
    ("DRAW, Figs 9-11", "house numbers and cost curves", "underdraw train draw_svhn"),
    ("DRAW, Fig. 12", "CIFAR-10", "underdraw train draw_cifar10"),
    ("Convolutional DRAW, Figs 1 and 5", "characters", "underdraw train convdraw_omniglot_small"),
    (
        "Convolutional DRAW, Figs 2, 6 and 7",
        "photographs",
        "underdraw train convdraw_cifar10_small",
    ),
    ("Convolutional DRAW, Figs 4, 12 and 13", "compression side by side", "the codec is not here"),
    ("Convolutional DRAW, Fig. 8", "cost for several T", "underdraw study steps PRESET"),
    ("Convolutional DRAW, Figs 10 and 11", "several beta", "underdraw study beta PRESET"),
)
Say = Callable[[str], None]


def run(out: Path, seed: int = 0, say: Say = print) -> dict[str, Any]:
    """Write the report and return its numbers.

    Args:
        out: folder to write; index.html and pictures of an earlier report there are replaced.
        seed: of everything random.
        say: shows a line to the person waiting.

    Raises:
        CheckpointError: a shipped model is missing or damaged.
    """
    start = time.monotonic()
    model, test = checkpoint.load_latent(NAME), digits("test")
    some = random_subset(test, DIGITS, seed)
    say(f"measuring {NAME} on {DIGITS} random test digits")
    measured = evaluate(model, some, seed=seed, batch=250)
    say("drawing")
    sections = [results(), *drawing(model, test, seed, out), seeing(out)]
    say("studying")
    sections += [*studying(model, some, seed, out), missing()]
    numbers: dict[str, Any] = {
        "models": {name: _measured(name) for name in checkpoint.shipped()},
        "again": {"model": NAME, **asdict(measured)},
        "minutes": (time.monotonic() - start) / 60,
    }
    write_text(out / "index.html", page(sections, numbers, "report", LEAD))
    write_json(out / "numbers.json", numbers)
    say(f"done in {numbers['minutes']:.1f} minutes: open {out / 'index.html'}")
    return {**numbers, "page": str(out / "index.html")}


def _measured(name: str) -> dict[str, Any]:
    return checkpoint.describe(name).get("measured", {})


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = ["".join(f"<th>{escape(head)}</th>" for head in heads)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    return "</p><table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table><p>"


def results() -> Section:
    """The shipped weights and their numbers."""
    rows = []
    for name, folder in checkpoint.shipped().items():
        found = _measured(name)
        nats, error = found.get("nats", float("nan")), found.get("stderr", float("nan"))
        tight = found.get("importance_nats", float("nan"))
        size = (folder / checkpoint.WEIGHTS).stat().st_size / 1e6
        rows.append(
            [name, f"{nats:.2f} ± {error:.2f}", f"{tight:.2f}", str(found.get("split", "")),
             f"{size:.1f} MB"]
        )  # fmt: skip
    heads = ["model", "bound, nats", "importance-weighted, nats", "measured on", "size"]
    text = (
        "Upper bounds on the negative log likelihood, lower is better, as measured when the "
        "weights were shipped. On the same data the DRAW paper reports 80.97 with attention and "
        "87.40 without."
    )
    return Section("Results", text + _table(heads, rows), [])


def drawing(model: LatentModel[Any], test: Images, seed: int, out: Path) -> list[Section]:
    """Sequences, samples beside their neighbours, reconstructions (DRAW, Figs 1, 6 and 10)."""
    trace = gallery.dream(model, 64, 1.0, seed)
    plot.animate(model, gallery.dream(model, 24, 1.0, seed), out / "drawing.gif")
    paths = gallery.samples(model, trace, out, animate=False)
    near = gallery.beside_nearest(model, trace, digits("train"), out)
    pairs, _ = gallery.reconstructions(model, gallery.some(test, 24, seed), out)
    return [
        Section(
            "Drawing, step by step (DRAW, Figs 1 and 10)",
            "The canvas after every step. The rectangle is the window that writes; its border is "
            "as wide as its filters are blurred.",
            [Figure("drawing.gif", "24 digits in the making"),
             Figure(paths["sequence"].name, "One digit a row"),
             Figure(pairs["sequence"].name, "Test digits redrawn: what reads, what writes")],
        ),
        Section(
            "Samples and their neighbours (DRAW, Fig. 6)",
            "Means of the pixels after the last step; beside each of some samples the training "
            "digit nearest to it in L2.",
            [Figure(paths["sheet"].name, "64 samples"),
             Figure(near.name, "Sample and nearest training digit, pair by pair"),
             Figure(pairs["pairs"].name, "Test digit and reconstruction, pair by pair")],
        ),
    ]  # fmt: skip


def studying(model: LatentModel[Any], test: Images, seed: int, out: Path) -> list[Section]:
    """The experiments of the second paper, on the first paper's model."""
    few = random_subset(test, 100, seed)
    information(model, few, out / "information", seed=seed)
    store(model, few, out / "store", seed=seed)
    glimpses(model, few, out / "glimpses", seed=seed)
    return [
        Section(
            "Where the information is (Convolutional DRAW, Fig. 9)",
            "What each step pays for its latents, on 100 test digits.",
            [Figure("information/information.png", "KL of each step")],
        ),
        Section(
            "Compression by concept (Convolutional DRAW, Figs 1 and 2)",
            "The latents of the first steps are stored, the model dreams the rest: from the means "
            "of its prior, or from samples.",
            [Figure("store/zero_variance.png", "The rest from the means of the prior"),
             Figure("store/full_variance.png", "The rest sampled, several times"),
             Figure("store/curve.png", "What is stored, and what is lost")],
        ),
        Section(
            "Fewer steps",
            "The bound when the story ends early.",
            [Figure("glimpses/glimpses.png", "Bound after the first steps")],
        ),
    ]  # fmt: skip


def missing() -> Section:
    """The figures that no shipped weights draw, and why or how."""
    rows = [list(row) for row in MISSING]
    text = "No weights ship for these yet; the commands make them."
    return Section("Not reproduced here", text + _table(["figure", "what", "how"], rows), [])

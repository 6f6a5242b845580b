"""The results of all runs, and the figures of both papers, in one folder of HTML.

Figures for which the package holds weights and data are drawn anew (`redrawn`), others are shown as
a run left them, with that run (`kept`), and the rest are listed with the reason and the command
that would make them. results.html has the tables of every run, as in the documentation.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from underdraw import catalogue, checkpoint
from underdraw.data import random_subset
from underdraw.demo.coding import there
from underdraw.demo.looking import looking
from underdraw.demo.page import page
from underdraw.demo.steps import digits, seeing
from underdraw.evaluate import evaluate
from underdraw.files import check_folder, write_json, write_text
from underdraw.report import kept, redrawn, tables

NAME = "draw_mnist"
DIGITS = 500  # random test digits for what is measured anew
LEAD = """What the runs of this project came to (<a href="results.html">all results</a>), and the
figures of the two papers (Gregor et al., 2015: DRAW; Gregor et al., 2016: Convolutional DRAW), in
our versions and our words."""
Say = Callable[[str], None]


def run(out: Path, seed: int = 0, say: Say = print) -> dict[str, Any]:
    """Write the report and return its numbers.

    Args:
        out: folder to write; the pages and pictures of an earlier report there are replaced.
        seed: of everything random.
        say: shows a line to the person waiting.

    Raises:
        CheckpointError: a shipped model is missing or damaged.
        NotADirectoryError: `out` cannot be a folder.
    """
    check_folder(out)
    start = time.monotonic()
    model, test = checkpoint.load_latent(NAME), digits("test")
    some = random_subset(test, DIGITS, seed)
    say(f"measuring {NAME} on {DIGITS} random test digits")
    measured = evaluate(model, some, seed=seed, batch=250)
    say("drawing")
    sections = [tables.shipped(), *redrawn.drawing(model, test, seed, out), seeing(out)]
    say("looking for digits among clutter")
    sections.append(looking(out, seed)[0]._replace(title="Finding a digit (DRAW, Fig. 5)"))
    say("studying")
    sections += [redrawn.dreaming(shown, seed, out) for shown in redrawn.DREAMT]
    sections += redrawn.studying(model, some, seed, out)
    if there():
        say("compressing a photograph, beside the classical codecs")
        sections += redrawn.photograph(out, say)
    sections += [*kept.sections(out), kept.missing()]
    numbers: dict[str, Any] = {
        "models": {one.name: one.measured for one in catalogue.shipped()},
        "again": {"model": NAME, **asdict(measured)},
        "minutes": (time.monotonic() - start) / 60,
    }
    write_text(out / "results.html", tables.results(numbers["minutes"]))
    write_text(out / "index.html", page(sections, numbers, "report", LEAD))
    write_json(out / "numbers.json", numbers)
    say(f"done in {numbers['minutes']:.1f} minutes: open {out / 'index.html'}")
    return {**numbers, "page": str(out / "index.html")}

"""Figures as a run left them, for lack of data in the package; and those that there are none of.

kept/NAME.png is a picture, and kept/NAME.json says what it shows and of which run it is:
`runs/keep.py` writes both.
"""

import json
import shutil
from html import escape
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from underdraw.demo.page import Figure, Section
from underdraw.files import aside
from underdraw.report.tables import table


class Wanted(NamedTuple):
    """A figure of a paper that the package cannot redraw."""

    figure: str
    what: str
    why: str
    how: str
    kept: str
    """Name of the picture that shows it, if it is kept."""


TOO_LONG = "it takes training"
WANTED = (
    Wanted("DRAW, Figs 9 to 11", "house numbers, and cost with and without attention",
           "600,000 images that do not ship, and days on two cores", "underdraw train draw_svhn",
           "svhn"),
    Wanted("DRAW, Fig. 12", "CIFAR-10", TOO_LONG, "underdraw train draw_cifar10", "cifar10"),
    Wanted("DRAW, Fig. 2, and Convolutional DRAW, Fig. 3", "diagrams of the models",
           "nothing is measured in them", "", ""),
    Wanted("Convolutional DRAW, Fig. 1", "characters, partly stored", "the images do not ship",
           "underdraw study store convdraw_omniglot_small", "store_omniglot"),
    Wanted("Convolutional DRAW, Fig. 2", "photographs, partly stored", "the images do not ship",
           "underdraw study store convdraw_cifar10_small", "store_cifar10"),
    Wanted("Convolutional DRAW, section 4.5", "photographs, upper layers stored",
           "the images do not ship", "underdraw study store convdraw_cifar10_small --layers 1 2",
           "layers_cifar10"),
    Wanted("Convolutional DRAW, Figs 6, 7, 10 and 11", "samples for several beta",
           f"{TOO_LONG}, here of two beta of the papers' five",
           "underdraw study beta convdraw_cifar10_small", "beta"),
    Wanted("Convolutional DRAW, Fig. 8", "cost for several T", TOO_LONG,
           "underdraw study steps convdraw_cifar10_small --model.maps 32 --model.latent 12 "
           "--model.stride 2", "steps"),
    Wanted("Convolutional DRAW, Fig. 9", "information by layer and step, of characters",
           "the images do not ship", "underdraw study information convdraw_omniglot_small",
           "information_omniglot"),
    Wanted("Convolutional DRAW, Fig. 9", "information by step, of photographs",
           "the images do not ship", "underdraw study information convdraw_cifar10_small",
           "information_cifar10"),
    Wanted("Convolutional DRAW, Figs 12 and 13", "many photographs, compressed to little",
           "the images do not ship", "underdraw compare IMAGE...", "compare"),
)  # fmt: skip


KEPT = Path(str(resources.files("underdraw.report"))) / "kept"


def names() -> list[str]:
    """The pictures that are kept."""
    return sorted(path.stem for path in KEPT.glob("*.json"))


def sections(out: Path) -> list[Section]:
    """A section for each figure of which pictures are kept; copies these to `out`."""
    found = []
    for one in WANTED:
        if one.kept in names():
            text = f"Not drawn anew, but as a run left it: {escape(one.why)}."
            found.append(
                Section(f"{one.what.capitalize()} ({one.figure})", text, [_show(one.kept, out)])
            )
    return found


def _show(name: str, out: Path) -> Figure:
    """Copy a picture to the report; its caption names the run."""
    about = json.loads((KEPT / f"{name}.json").read_text("utf-8"))
    with aside(out / "kept" / f"{name}.png") as temporary:
        shutil.copyfile(KEPT / f"{name}.png", temporary)
    run = f"{about['run']}; kept at commit {about['commit']}"
    return Figure(f"kept/{name}.png", f"{about['caption']} Run: {run}.")


def missing() -> Section:
    """The figures of which there is no picture, and why and how."""
    rows = [[one.figure, one.what, one.why, one.how] for one in WANTED if one.kept not in names()]
    text = "The commands make them, given the images and the time."
    return Section(
        "Not reproduced with the papers' images",
        text + table(["figure", "what", "why", "how"], rows),
        [],
    )

"""Numbers: of the weights that ship, and of every run (results.md beside this file, generated)."""

import re
from html import escape
from importlib import resources
from pathlib import Path

from markdown_it import MarkdownIt

from underdraw import catalogue
from underdraw.demo.page import Section, framed

RESULTS = Path(str(resources.files("underdraw.report"))) / "results.md"
LEAD = """Every number here comes from a script in <code>runs/</code>; rows name the data, images
seen, minutes, and the commit and machine, of several parts those of the last.
<a href="index.html">Back</a>"""
NEIGHBOURS = """In models named "neighbours" a pixel, given the latents, is not independent of the
others: it sees those before it, through a small masked convolution. The papers' models have no such
pixels, so that these bounds stand beside the papers' numbers and do not compare like with like."""


def table(heads: list[str], rows: list[list[str]]) -> str:
    """An HTML table, to stand inside a paragraph."""
    lines = ["".join(f"<th>{escape(head)}</th>" for head in heads)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    return "</p><table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table><p>"


def shipped() -> Section:
    """The weights in the package and their numbers."""
    rows = [
        [one.name, one.known_by, one.split, f"{one.bytes / 1e6:.1f} MB", one.licence]
        for one in catalogue.shipped()
    ]
    text = (
        "Bounds are upper bounds on the negative log likelihood, lower is better, as measured "
        "when the weights were shipped. On binarized MNIST the DRAW paper reports 80.97 nats with "
        "attention and 87.40 without, with independent pixels. " + NEIGHBOURS
    )
    heads = ["model", "bound or error", "measured on", "size", "licence"]
    return Section("Results", text + table(heads, rows), [])


def results(minutes: float) -> str:
    """The page of all results."""
    source = RESULTS.read_text("utf-8")
    source = re.sub(r"!\[[^\]]*\]\([^)]*\)\n?", "", source)  # pictures of the documentation
    source = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", source)  # and its pages
    body = MarkdownIt("commonmark").enable("table").render(source)
    return framed("All results", LEAD, f"<div class='wide'>{body}</div>", minutes, "report")

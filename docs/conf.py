"""Sphinx configuration; the build is offline and treats warnings as errors (`make docs`)."""

import re
from importlib.metadata import version as installed
from pathlib import Path

from sphinx.application import Sphinx

project = "underdraw"
author = "The underdraw authors"
copyright = f"2026, {author}"
version = release = installed("underdraw")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "generated"]
default_role = "code"

html_theme = "furo"
html_title = f"underdraw {release}"

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes as text: NamedTuple fields exist as members already
napoleon_use_rtype = False

RESULTS = Path(__file__).parent.parent / "src" / "underdraw" / "report" / "results.md"


def append_results(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the generated tables, which ship for the report, at the end of the results page."""
    if page == "results":
        source[0] += "\n" + RESULTS.read_text(encoding="utf-8")


def reread_results(app: Sphinx, *changes: object) -> list[str]:
    """Read that page again in every build: its tables may have come, gone or changed."""
    return ["results"]


def skip_fields(
    app: Sphinx, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out what `NamedTuple` says of its fields; their class describes them."""
    text = getattr(member, "__doc__", None) or ""
    return True if text.startswith("Alias for field number") else None


def plain_text(
    app: Sphinx, what: str, name: str, member: object, options: object, lines: list[str]
) -> None:
    """Read docstrings as they are meant: indented blocks of modules are equations, * is a star."""
    lines[:] = [re.sub(r"(?<=\S |.\()\*(?=\w)", r"\*", line) for line in lines]
    if what != "module":
        return
    marked: list[str] = []
    for line in (member.__doc__ or "").splitlines():  # not dedented, unlike `lines`
        begins = line.startswith("    ") and marked[-1:] == [""]
        if begins and not next((s for s in reversed(marked) if s), "").startswith("    "):
            marked += ["::", ""]
        marked.append(line)
    lines[:] = marked


def setup(app: Sphinx) -> None:
    """Connect the hooks above."""
    app.connect("source-read", append_results)
    app.connect("env-get-outdated", reread_results)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("autodoc-process-docstring", plain_text, priority=100)  # before napoleon

"""Pages: sections of text and figures, in one HTML file beside its pictures."""

from html import escape
from typing import Any, NamedTuple

STYLE = """
:root { color-scheme: light dark; }
body { font: 17px/1.55 Georgia, serif; max-width: 60rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 2.1rem; margin-bottom: .2rem; } h2 { margin-top: 2.6rem; }
p { max-width: 44rem; } .lead { font-size: 1.15rem; }
figure { display: inline-block; vertical-align: top; margin: 1rem 1.4rem 1rem 0; max-width: 100%; }
img { max-width: 100%; height: auto; border-radius: 4px; image-rendering: auto; }
table { border-collapse: collapse; } .wide { overflow-x: auto; }
.wide table { font-size: .85rem; } th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; }
figcaption { font-size: .85rem; opacity: .75; margin-top: .3rem; }
code, pre { font: .9em ui-monospace, monospace; } footer { margin-top: 3rem; opacity: .7; }
"""


class Figure(NamedTuple):
    """A picture beside the page, and its caption (plain text)."""

    file: str
    caption: str


class Section(NamedTuple):
    """A heading (plain text), a paragraph (HTML) and figures."""

    title: str
    text: str
    figures: list[Figure]


LEAD = """A recurrent network that draws: it looks at a picture, or imagines one, step by
step, through a window that it moves itself (Gregor et al., 2015)."""


def page(
    sections: list[Section], numbers: dict[str, Any], command: str = "demo", lead: str = LEAD
) -> str:
    """The whole page as HTML.

    Args:
        sections: in order.
        numbers: what numbers.json holds, `minutes` among it.
        command: of the command line, that made it.
        lead: the first paragraph (HTML).
    """
    body = "\n".join(_section(section) for section in sections)
    return framed("underdraw", lead, body, numbers["minutes"], command)


def framed(title: str, lead: str, body: str, minutes: float, command: str) -> str:
    """A page around a body (HTML)."""
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>
<body>
<h1>{title}</h1>
<p class="lead">{lead}</p>
{body}
<footer>Made in {minutes:.1f} minutes by <code>underdraw {command}</code>; the numbers
are in <code>numbers.json</code>.</footer>
</body></html>
"""


def _section(section: Section) -> str:
    figures = "\n".join(
        f'<figure><img src="{escape(f.file)}" alt="{escape(f.caption)}">'
        f"<figcaption>{escape(f.caption)}</figcaption></figure>"
        for f in section.figures
    )
    return f"<h2>{escape(section.title)}</h2>\n<p>{section.text}</p>\n{figures}"

"""What commands say: results on stdout, everything else on stderr."""

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

console = Console(stderr=True, highlight=False)


class Out(Console):
    """Stdout; whoever reads it may have seen enough, which is for `main` to say."""

    def on_broken_pipe(self) -> None:
        """Let the error through.

        Raises:
            BrokenPipeError: always.
        """
        raise BrokenPipeError


def say(text: str) -> None:
    """A line for people, to stderr."""
    console.print(text, soft_wrap=True, markup=False)


def result(plain: Mapping[str, Any], as_json: bool) -> int:
    """Print a result to stdout, as one JSON object or as a table; returns exit code 0.

    JSON has no infinite numbers, as the PSNR of equal pictures is, and none that are not numbers:
    they are null there.
    """
    if as_json:
        print(json.dumps(_finite(plain), default=str, allow_nan=False))
        return 0
    rows = Table(show_header=False, box=None)
    for key, value in plain.items():
        if not isinstance(value, dict | list | tuple) and value is not None:
            rows.add_row(key, Text(_word(value)))
    Out(highlight=False, soft_wrap=True).print(rows)
    return 0


def table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    """Print a table to stdout."""
    shown = Table(*heads, title=title, title_justify="left")
    for row in rows:
        shown.add_row(*map(Text, row))
    Out(highlight=False, width=None if sys.stdout.isatty() else 160).print(shown)


@contextmanager
def progress(what: str, total: int, after: float = 0.0) -> Iterator[Any]:
    """A progress bar on stderr; yields a function that takes how much is done.

    What is done within `after` seconds has none.
    """
    bar = Progress(console=console, transient=True, disable=not sys.stderr.isatty())
    task, begun = bar.add_task(what, total=total), time.monotonic()

    def report(done: int) -> None:
        bar.update(task, completed=done)
        if time.monotonic() - begun >= after:
            bar.start()

    try:
        if not after:
            bar.start()
        yield report
    finally:
        bar.stop()


def _finite(value: Any) -> Any:  # noqa: ANN401
    """The same, with null for what is no finite number."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _word(value: Any) -> str:  # noqa: ANN401
    return f"{value:.4f}" if isinstance(value, float) else str(value)

"""A progress bar for what takes longer than one likes to wait."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 2.0
"""Seconds before the bar appears."""


def watch(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield the items; on a terminal show a bar on stderr once they have taken 2 seconds."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import Progress

    began = time.monotonic()
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(label, total=total)
    try:
        for item in items:
            yield item
            bar.advance(task)
            if not bar.live.is_started and time.monotonic() - began > PATIENCE:
                bar.start()
    finally:
        bar.stop()

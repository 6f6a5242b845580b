"""A progress bar for what an exact model draws, of large pictures and of many."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from underdraw.cli import tell
from underdraw.codec.budgets import TRIED, sample
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture
from underdraw.codec.wishes import Wish

AFTER = 2.0
"""Seconds without a bar."""


@contextmanager
def watched(twin: Twin, what: str, pixels: int) -> Iterator[None]:
    """Show how much the model has drawn, of so many pixels in all its steps."""
    paint, done = twin.paint, 0

    def painting(*given: Any, **named: Any) -> Iterator[Any]:  # noqa: ANN401
        nonlocal done
        for shown in paint(*given, **named):
            canvas = shown[0].canvas
            done += canvas.shape[0] * canvas.shape[2] * canvas.shape[3]
            report(done)
            yield shown

    with tell.progress(what, pixels * twin.steps, AFTER) as report:
        twin.paint = painting  # pyrefly: ignore
        try:
            yield
        finally:
            del twin.paint


def passes(picture: Picture, wish: Wish) -> int:
    """Pixels that are drawn to compress a picture and to decode it again."""
    whole = picture.size[0] * picture.size[1]
    if wish.bits_per_dim is None:
        return 2 * whole
    few = sample(picture.levels[None, :1], wish.tile_of(picture.size)).size
    return 2 * whole + 2 * len(TRIED) * few + 4 * whole * (few < whole)

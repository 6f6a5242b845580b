"""Entropy coding with whole numbers only: Gaussians on grids, pixels, digits; streams and stacks.

    put_gaussians(coders, k, Grid(delta, mean, scale))     get_gaussians(coders, grid) -> Read
    put_pixels(coders, levels, Cells(mean, scale, width))  get_pixels(coders, cells) -> levels

Coders are written to (an `Encoder` or a `Stack`) or read from (a `Decoder` or a `Stack`).
"""

from underdraw.codec.coder.digits import even, read_even
from underdraw.codec.coder.gaussian import Read, get_gaussians, put_gaussians
from underdraw.codec.coder.grid import Grid
from underdraw.codec.coder.pixels import Cells, get_pixels, put_pixels
from underdraw.codec.coder.stack import Stack
from underdraw.codec.coder.streams import Decoder, Encoder, Stream

__all__ = [
    "Cells",
    "Decoder",
    "Encoder",
    "Grid",
    "Read",
    "Stack",
    "Stream",
    "even",
    "get_gaussians",
    "get_pixels",
    "put_gaussians",
    "put_pixels",
    "read_even",
]

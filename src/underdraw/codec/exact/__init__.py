"""Exact twins of trained models: the same numbers on every machine.

twin = exact.load("convdraw_photo@1")
trace = twin.unroll(source, twin.see(levels))          # the loop of every model, in whole numbers
picture = twin.pixels(trace.frames[-1].canvas).levels  # uint8
"""

from underdraw.codec.exact.cost import Cost, bits_per_dim, cost, information
from underdraw.codec.exact.export import export, prune, twin_of
from underdraw.codec.exact.floats import float_of
from underdraw.codec.exact.gaussians import ExactGaussian, ExactPixels
from underdraw.codec.exact.grid import BOUND, CLASSES, FRACTION, GRIDS
from underdraw.codec.exact.store import ModelError, describe, load, locate, shipped
from underdraw.codec.exact.twin import Twin

__all__ = [
    "BOUND",
    "CLASSES",
    "FRACTION",
    "GRIDS",
    "Cost",
    "ExactGaussian",
    "ExactPixels",
    "ModelError",
    "Twin",
    "bits_per_dim",
    "cost",
    "describe",
    "export",
    "float_of",
    "information",
    "load",
    "locate",
    "prune",
    "shipped",
    "twin_of",
]

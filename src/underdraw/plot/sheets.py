"""Sheets of images: samples, reconstructions, samples beside their nearest training images.

`sheet` makes Figs 6, 8, 9 and 12 of the DRAW paper without their last column, `nearest_sheet`
with it; `reconstructions` sets every image beside what the model makes of it.
"""

import math

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from underdraw.plot.neighbours import Images, nearest, take
from underdraw.plot.pixels import GAP, enlarge, from_levels, grid, to_levels


def sheet(
    images: Float[Tensor, "b c h w"], columns: int | None = None, pad: int = 2, scale: int = 3
) -> Image.Image:
    """Images row by row, enlarged, with thin gaps.

    Args:
        images: values in [0, 1].
        columns: images in a row; as square as it gets if None.
        pad: width of the gaps, pixels of the sheet.
        scale: every pixel becomes `scale` x `scale`.

    Raises:
        ValueError: there is nothing to show, or an argument is out of range.
    """
    columns = math.ceil(math.sqrt(len(images))) if columns is None else columns
    return from_levels(grid(enlarge(to_levels(images), scale), columns, pad))


def reconstructions(
    originals: Float[Tensor, "b c h w"],
    made: Float[Tensor, "_ _ _ _"],
    columns: int | None = None,
    pad: int = 2,
    scale: int = 3,
) -> Image.Image:
    """Pairs: each original with its reconstruction to its right, pairs set apart.

    Args:
        originals: values in [0, 1].
        made: as many, of the same shape.
        columns: pairs in a row; as square as it gets if None.
        pad: width of the gap in a pair, pixels of the sheet; between pairs it is five times that.
        scale: every pixel becomes `scale` x `scale`.

    Raises:
        ValueError: there is nothing to show, or an argument is out of range.
    """
    columns = math.ceil(math.sqrt(len(originals) / 2)) if columns is None else columns
    left, right = enlarge(to_levels(originals), scale), enlarge(to_levels(made), scale)
    return from_levels(grid(_beside(left, right, pad), columns, 5 * pad))


def nearest_sheet(
    samples: Float[Tensor, "b c h w"],
    training: Images,
    columns: int | None = None,
    pad: int = 2,
    scale: int = 3,
) -> Image.Image:
    """Samples row by row and, set apart on the right, what each row's last is nearest to.

    The last column holds the training images closest in L2 to the samples in the column before
    it (Figs 6, 9 and 12). With `columns=1` every sample stands beside its neighbour.

    Args:
        samples: values in [0, 1].
        training: as `nearest` takes them.
        columns: samples in a row; as square as it gets if None. Samples that do not fill a row
            are left out.
        pad: width of the gaps, pixels of the sheet; before the last column it is five times that.
        scale: every pixel becomes `scale` x `scale`.

    Raises:
        ValueError: there is nothing to show, or an argument is out of range.
    """
    columns = math.ceil(math.sqrt(len(samples))) if columns is None else columns
    columns = min(columns, len(samples))
    rows = len(samples) // max(columns, 1)
    samples = samples[: rows * columns]
    last = samples[columns - 1 :: columns] if rows else samples
    found = take(training, nearest(last, training))
    left = grid(enlarge(to_levels(samples), scale), columns, pad)
    right = grid(enlarge(to_levels(found), scale), 1, pad)
    return from_levels(_beside(left[None], right[None], 5 * pad)[0])


def _beside(
    left: UInt8[np.ndarray, "b h w k"], right: UInt8[np.ndarray, "_ _ _ _"], pad: int
) -> UInt8[np.ndarray, "b h wide k"]:
    n, h, _, k = left.shape
    if right.shape[:2] + right.shape[3:] != (n, h, k):
        raise ValueError(f"cannot set {right.shape} beside {left.shape}")
    return np.concatenate([left, np.full((n, h, pad, k), GAP, np.uint8), right], 2)

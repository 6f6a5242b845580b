"""Street View House Numbers (Netzer et al. 2011), prepared as by Goodfellow et al. (2013).

The box around all digits of a number, 30 % larger on both axes and cut at the border of the
picture, is brought to 64x64. Training sees random 54x54 crops, a function of (seed, image,
epoch); validation and test see the centre.

Training images are the hub's train and extra (33,402 + 202,353). A fixed random choice of 4,701
of them validates, as many as in the DRAW paper, which leaves 231,054 (the paper has 231,053; its
choice is not published). Licence: non-commercial use only.
"""

import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image

from underdraw.data import chance
from underdraw.data.config import DataConfig
from underdraw.data.crops import Crops
from underdraw.data.errors import DataError
from underdraw.data.images import Images, Levels, View
from underdraw.data.memory import Array
from underdraw.data.natural import rows_of
from underdraw.data.picture import Box, read_picture, resize
from underdraw.data.records import Decoded, gather
from underdraw.data.splits import share
from underdraw.data.tables import Origin, Table, Tables, content, find_tables, library

SVHN = Origin("ufldl-stanford/svhn", "full_numbers", ("svhn",))
SIDE, CROP, GROWTH = 64, 54, 1.3
VALID = 4701 / 235_754
"""Share of the training images that validates."""
DAMAGES = (
    OSError, ValueError, KeyError, EOFError, TypeError, RuntimeError, BadZipFile, zlib.error
)  # fmt: skip
"""What numpy and zipfile raise of files that are no .npz file, or damaged."""


def open_svhn(config: DataConfig, split: str, root: Path | None) -> Images:
    """SVHN, (3, 54, 54); root may also be an .npz file of pictures cut to the numbers."""
    if root is not None and root.suffix == ".npz":
        whole: Levels = from_npz(root, split)
    else:
        whole = from_tables(config, split, find_tables(SVHN, root))
    crops = Crops(whole, CROP, config.seed if split == "train" else None)
    return View(crops, config.binarize, config.seed)


def from_tables(config: DataConfig, split: str, tables: Tables) -> Levels:
    """Levels of whole numbers, (N, 3, 64, 64)."""
    if split == "test":
        table, chosen = rows_of(tables, "test", "svhn"), None
    else:
        table = training(tables)
        chosen = held_out(len(table), split)
    decoded = Decoded(f"svhn/{split}", table, decode_number, chosen, (3, SIDE, SIDE))
    return gather(decoded, config.memory)


def training(tables: Tables) -> Table:
    """The training images and, where they are there, the extra ones."""
    table = rows_of(tables, "train", "svhn")
    if "extra" in tables:
        extra = rows_of(tables, "extra", "svhn")
        table.table = library().concatenate_datasets([table.table, extra.table])
    return table


def held_out(count: int, split: str) -> Int64[np.ndarray, "n"]:
    """The images of "train" or "valid": one fixed random choice, whatever the seed."""
    cut = round(count * VALID)
    order = chance.permutation(count, chance.HELD_OUT)
    return np.sort(order[:cut] if split == "valid" else order[cut:])


def decode_number(row: dict[str, Any]) -> UInt8[np.ndarray, "c s s"]:
    """A row of the hub's full numbers to 64x64 levels."""
    image = read_picture(content(row), grey=False)
    digits = row["digits"]  # a dictionary of lists, or a list of dictionaries
    boxes = digits["bbox"] if isinstance(digits, dict) else [digit["bbox"] for digit in digits]
    return resize(image, SIDE, SIDE, around(boxes, image.size))


def around(boxes: list[list[int]], size: tuple[int, int]) -> Box:
    """The box 30 % larger than the union of (left, top, width, height), inside the picture.

    Raises:
        ValueError: no boxes, or nothing of them inside.
    """
    if not boxes:
        raise ValueError("no digit has a box")
    b = np.asarray(boxes, np.float64)
    low, high = b[:, :2].min(axis=0), (b[:, :2] + b[:, 2:]).max(axis=0)
    centre, half = (low + high) / 2, (high - low) / 2 * GROWTH
    left, top = np.maximum(centre - half, 0)
    right, bottom = np.minimum(centre + half, size)
    if right - left < 1 or bottom - top < 1:
        raise ValueError(f"the digits' boxes {boxes} are outside the picture of {size}")
    return float(left), float(top), float(right), float(bottom)


def from_npz(file: Path, split: str) -> Array:
    """Levels of an array x of (N, H, W, 3) pictures in an .npz file; a tenth each held out."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            x = arrays["x"]
    except DAMAGES as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[-1] != 3:
        raise DataError(f"x in {file} is {x.dtype} {x.shape}; uint8 (images, h, w, 3) wanted")
    chosen = x[share({"train"}, split, 10, str(file)).of(len(x))]
    if not len(chosen):
        raise DataError(f"{file} has too few images ({len(x)}) for a {split} split")
    return Array(
        f"svhn/{split}", np.stack([resize(Image.fromarray(a), SIDE, SIDE) for a in chosen])
    )

"""Omniglot (Lake et al. 2015) at 28x28: ink white on black, 105x105 averaged by area.

The 28x28 files of the IWAE paper (24,345 + 8,070 images) were made in another way, so nats on
this set are not to be compared with the papers'. All 32,460 drawings are ordered by the SHA-256 of
their levels; of that order the first 8,070 are the test split, the next 1,345 validate and the
rest trains. So the split does not depend on how the set is stored. Drawn as bits ("dynamic"),
images to train on are drawn anew each epoch by the seed of the configuration; those that validate
and test were drawn once, whatever that seed, so that bounds on them can be compared. Licence: MIT.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from underdraw.data.config import DataConfig
from underdraw.data.errors import DataError
from underdraw.data.images import Images, View
from underdraw.data.memory import Array
from underdraw.data.natural import rows_of
from underdraw.data.picture import fit, read_picture
from underdraw.data.records import Decoded, gather
from underdraw.data.tables import Origin, content, find_tables

ARCHIVE = "https://github.com/brendenlake/omniglot/raw/master/python/images_{}.zip"
OMNIGLOT = Origin(
    "omniglot",
    urls=(ARCHIVE.format("background"), ARCHIVE.format("evaluation")),
)
SIDE = 28
DRAWINGS, TEST, VALID = 32_460, 8_070, 1_345
MEMORY = 2**30


def decode_drawing(row: dict[str, Any]) -> UInt8[np.ndarray, "1 h w"]:
    """A drawing to 28x28 levels, ink white."""
    drawn = read_picture(content(row), grey=True).point(lambda b: 255 - b)
    return fit(drawn, SIDE, SIDE)


def canonical(levels: UInt8[np.ndarray, "n 1 28 28"]) -> UInt8[np.ndarray, "n 1 28 28"]:
    """The drawings in the order of their SHA-256."""
    keys = [hashlib.sha256(drawing.tobytes()).digest() for drawing in levels]
    return levels[sorted(range(len(keys)), key=keys.__getitem__)]


@lru_cache(maxsize=1)
def drawings(root: Path | None) -> UInt8[np.ndarray, "n 1 28 28"]:
    """All drawings in canonical order (25 MB, kept: every split needs all of them)."""
    table = rows_of(find_tables(OMNIGLOT, root), "train", "omniglot")
    whole = gather(Decoded("omniglot", table, decode_drawing, None, (1, SIDE, SIDE)), MEMORY)
    if not isinstance(whole, Array):
        raise DataError(f"omniglot has {len(whole)} images; there are {DRAWINGS}")
    return canonical(whole.array)


def open_omniglot(config: DataConfig, split: str, root: Path | None) -> Images:
    """Omniglot, (1, 28, 28), grey or binarised."""
    whole = drawings(root)
    scale = len(whole) / DRAWINGS  # 1, but for a part of the set
    first, second = round(TEST * scale), round((TEST + VALID) * scale)
    parts = {"test": slice(0, first), "valid": slice(first, second), "train": slice(second, None)}
    seed = config.seed if split == "train" else 0
    return View(Array(f"omniglot/{split}", whole[parts[split]]), config.binarize, seed)

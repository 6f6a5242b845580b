"""Images: one table of sets, one way to open them, one loader.

    images = open_images(DataConfig("binarized_mnist"), "train")
    for step, x in loader(images, batch=128, seed=0):     # x: (128, 1, 28, 28) in [0, 1]
        ...

Only this package turns stored pixels into numbers: 8-bit data are x = (b + 1/2) / 256 and
binary data are exactly 0 and 1.
"""

from underdraw.data.cards import SETS, SetCard
from underdraw.data.config import DataConfig
from underdraw.data.errors import DataError
from underdraw.data.images import Images, Stream, to_bits, to_unit
from underdraw.data.labels import Labelled, labelled
from underdraw.data.loader import loader
from underdraw.data.memory import Subset, hold, random_subset
from underdraw.data.picture import read_image
from underdraw.data.sets import describe, is_binary, is_named_set, open_images

open = open_images
"""`underdraw.data.open("binarized_mnist")`: the short name of `open_images`."""

__all__ = [
    "SETS",
    "DataConfig",
    "DataError",
    "Images",
    "Labelled",
    "SetCard",
    "Stream",
    "Subset",
    "describe",
    "hold",
    "is_binary",
    "is_named_set",
    "labelled",
    "loader",
    "open",
    "open_images",
    "random_subset",
    "read_image",
    "to_bits",
    "to_unit",
]

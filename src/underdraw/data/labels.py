"""Images of known classes.

A label belongs to the image and not to its epoch, so that whatever is drawn anew about an image
(its place, its clutter, its crop) leaves the label alone.
"""

from collections.abc import Callable
from functools import cache
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64, Integer
from torch import Tensor

from underdraw.data.errors import DataError
from underdraw.data.images import Binarize, Images, Levels, Stream, View, checked

Classes = Int64[np.ndarray, "n"]


@runtime_checkable
class Labelled(Images, Protocol):
    """Images whose classes are known.

    Attributes:
        classes: how many classes there are.
    """

    classes: int

    def labels(self, index: Integer[np.ndarray, "b"]) -> Int64[Tensor, "b"]:
        """Classes, 0..classes-1, of the images at index, the same in every epoch."""
        ...


def labelled(images: Images | Stream) -> Labelled:
    """The images themselves; DataError if their classes are not known."""
    if not isinstance(images, Labelled):
        raise DataError(f"{images.name} has no labels; a set with classes is wanted, as mnist")
    return images


class LabelledView(View):
    """A view whose classes are read when they are first asked for."""

    def __init__(
        self,
        source: Levels,
        read: Callable[[], Classes],
        classes: int = 10,
        binarize: Binarize = "none",
        seed: int = 0,
    ) -> None:
        """Show `source` as `View` does; `read` gives the class of every image in order."""
        super().__init__(source, binarize, seed)
        self.classes = classes
        self.all = cache(lambda: known(read(), len(source), classes, source.name))

    def labels(self, index: Integer[np.ndarray, "b"]) -> Int64[Tensor, "b"]:
        """Classes of the images at index; see Labelled.labels. IndexError outside the set."""
        return torch.from_numpy(self.all()[checked(index, len(self))])


def known(found: Classes, count: int, classes: int, name: str) -> Classes:
    """The labels themselves; DataError names a wrong number of them or one that is no class."""
    if len(found) != count:
        raise DataError(f"{name} has {len(found)} labels for {count} images")
    wrong = np.flatnonzero((found < 0) | (found >= classes))
    if wrong.size:
        i = int(wrong[0])
        raise DataError(f"label {i} of {name} is {found[i]}; 0..{classes - 1} wanted")
    return found

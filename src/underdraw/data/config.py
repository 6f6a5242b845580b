"""What to load, as one value that can be saved beside the weights."""

from dataclasses import dataclass
from typing import Literal, get_args

from underdraw.data.errors import DataError
from underdraw.data.images import Binarize

Digits = Literal["binarized_mnist", "mnist"]
WORDS = {"binarize": get_args(Binarize), "source": get_args(Digits)}
DIGIT = 28
"""Pixels on a side of an MNIST digit."""
LEAST = {
    "size": 1,
    "crop": 1,
    "shrink": 1,
    "enlarge": 1,
    "pieces": 0,
    "growing": 0,
    "piece": 1,
    "canvas": DIGIT,
    "warp": 0,
    "seed": 0,
    "buffer": 1,
    "held": 1,
    "memory": 0,
}
MOST = {"piece": DIGIT, "warp": 0.5}


@dataclass(frozen=True)
class DataConfig:
    """A set of images and how to prepare it.

    What the set would ignore is refused when it is opened (see `underdraw.data.open_images`).

    Attributes:
        name: a name from `underdraw.data.SETS`, "hub:owner/name[:config]" for any set with an
            image column on the Hugging Face hub, or "folder:PATH" for a folder of images.
        size: side in pixels to which images are brought by a centred square crop and area
            averaging; None keeps the set's own size. For folders and hub sets; the others have
            one size each.
        crop: side in pixels of a square cut from that: at a random place, anew each epoch, in
            training, and from the centre elsewhere. For folders, hub sets and ImageNet, not
            streamed.
        shrink: with `crop`: it is cut up to so many times as large, at a scale drawn anew each
            epoch in training and by the image's number elsewhere, and made smaller by averaging.
        enlarge: with `crop`: it is cut as small as so many times smaller, in the same way, and made
            larger by interpolation.
        grey: one channel instead of three, for folders and hub sets.
        binarize: "none" keeps eight bits; "threshold" makes 1 of levels from 128 on; "dynamic"
            draws every pixel anew each epoch with its level as probability. For sets that are
            not binary already.
        source: which digits `two_digits` is made of, "binarized_mnist" or "mnist".
        pieces: how many pieces of clutter lie on the canvas of cluttered digits.
        piece: side in pixels of such a piece, at most that of a digit, 28.
        canvas: side in pixels of that canvas, at least 28.
        growing: epochs over which the canvas of training images grows from 40 pixels to its side,
            as a lesson for whoever has to learn where to look; it is enlarged to the full side.
        warp: how far the digits of training images are distorted by a linear map, anew each
            epoch: the most that an entry of its matrix is from the identity's; 0 to 0.5.
        seed: for everything random about an image: its crop, its digits and their clutter, its
            binarisation.
        column: the image column of a hub set; None finds it by its type.
        streaming: read the training split in order through a shuffle buffer instead of by random
            access, for hub sets and ImageNet that fit neither memory nor disk.
        buffer: images in that shuffle buffer.
        held: images of a streamed validation or test split to hold in memory.
        memory: bytes up to which a decoded set is held in memory (4 GiB); a larger one is
            decoded as it is read.

    Raises:
        DataError: a number that is too small or too large, or an unknown word; field and value
            are named.
    """

    name: str = "binarized_mnist"
    size: int | None = None
    crop: int | None = None
    shrink: int = 1
    enlarge: int = 1
    grey: bool = False
    binarize: Binarize = "none"
    source: Digits = "binarized_mnist"
    pieces: int = 8
    growing: int = 0
    warp: float = 0.0
    piece: int = 8
    canvas: int = 100
    seed: int = 0
    column: str | None = None
    streaming: bool = False
    buffer: int = 10_000
    held: int = 5000
    memory: int = 4 * 2**30

    def __post_init__(self) -> None:
        """Check every value that has a bound or a list of known words."""
        for field, least in LEAST.items():
            value = getattr(self, field)
            if value is not None and not value >= least:
                raise DataError(f"data.{field} is {value}; at least {least} wanted")
        for field, most in MOST.items():
            value = getattr(self, field)
            if not value <= most:
                raise DataError(f"data.{field} is {value}; at most {most} wanted")
        for field, known in WORDS.items():
            value = getattr(self, field)
            if value not in known:
                raise DataError(f"data.{field} is {value!r}; one of {', '.join(known)} wanted")

"""What to load, as one value that can be saved beside the weights."""

from dataclasses import dataclass

from underdraw.data.images import Binarize


@dataclass(frozen=True)
class DataConfig:
    """A set of images and how to prepare it.

    Attributes:
        name: a name from `underdraw.data.SETS`, "hub:owner/name[:config]" for any set with an
            image column on the Hugging Face hub, or "folder:PATH" for a folder of images.
        size: side in pixels to which images are brought by a centred square crop and area
            averaging; None keeps the set's own size. For folders, hub sets and ImageNet.
        grey: one channel instead of three, for folders and hub sets.
        binarize: "none" keeps eight bits; "threshold" makes 1 of levels from 128 on; "dynamic"
            draws every pixel anew each epoch with its level as probability.
        source: which digits `two_digits` is made of, "binarized_mnist" or "mnist".
        seed: for everything random about an image: its crop, its digits, its binarisation.
        column: the image column of a hub set; None finds it by its type.
        streaming: read the set in order through a shuffle buffer instead of by random access,
            for hub sets and ImageNet that fit neither memory nor disk.
        buffer: images in that shuffle buffer.
        memory: bytes up to which a decoded set is held in memory (4 GiB); a larger one is
            decoded as it is read.
    """

    name: str = "binarized_mnist"
    size: int | None = None
    grey: bool = False
    binarize: Binarize = "none"
    source: str = "binarized_mnist"
    seed: int = 0
    column: str | None = None
    streaming: bool = False
    buffer: int = 10_000
    memory: int = 4 * 2**30

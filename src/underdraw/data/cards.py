"""The table of sets."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from underdraw.data.config import DataConfig
from underdraw.data.digits import (
    open_binarized,
    open_cluttered,
    open_cluttered_small,
    open_mnist,
    open_two_digits,
)
from underdraw.data.folder import open_folder
from underdraw.data.images import Images, Stream
from underdraw.data.natural import open_cifar10, open_hub, open_imagenet
from underdraw.data.omniglot import open_omniglot
from underdraw.data.svhn import open_svhn


@dataclass(frozen=True)
class SetCard:
    """What there is to know about a set before it is opened.

    Attributes:
        name: what `DataConfig.name` says, or begins with up to the colon.
        summary: one line.
        shape: (C, H, W) in pixels; None where the images or the configuration decide.
        licence: as stated by its makers or its page.
        origin: where it comes from.
        open: makes the images of a configuration, a split and a local root.
        honours: which of the settings in `CHOICES` mean something to it.
        bits: whether a configuration that asks for no binarisation is binary all the same.
    """

    name: str
    summary: str
    shape: tuple[int | None, int | None, int | None]
    licence: str
    origin: str
    open: Callable[[DataConfig, str, Path | None], Images | Stream]
    honours: tuple[str, ...] = ("binarize",)
    bits: Callable[[DataConfig], bool] = lambda config: False


CLUTTER = ("pieces", "growing", "piece", "canvas", "warp")
CHOICES = (
    "size",
    "crop",
    "shrink",
    "enlarge",
    "grey",
    "binarize",
    "source",
    "column",
    "streaming",
    *CLUTTER,
)
"""Settings that some sets ignore; they are refused there unless they have their defaults."""
SETS: dict[str, SetCard] = {
    card.name: card
    for card in (
        SetCard(
            "binarized_mnist",
            "the fixed binarized MNIST split, 50,000 / 10,000 / 10,000",
            (1, 28, 28),
            "CC BY-SA 3.0",
            "ships with underdraw",
            open_binarized,
            bits=lambda config: True,
        ),
        SetCard(
            "mnist",
            "grey MNIST digits, 50,000 / 10,000 / 10,000",
            (1, 28, 28),
            "CC BY-SA 3.0",
            "hub: ylecun/mnist",
            open_mnist,
        ),
        SetCard(
            "two_digits",
            "two MNIST digits added at random places in 60x60, made on the spot",
            (1, 60, 60),
            "CC BY-SA 3.0",
            "made from binarized_mnist or mnist",
            open_two_digits,
            ("binarize", "source"),
            lambda config: config.source == "binarized_mnist",
        ),
        SetCard(
            "mnist_cluttered",
            "an MNIST digit among pieces of others in 100x100, made on the spot, "
            "50,000 / 10,000 / 10,000",
            (1, None, None),
            "CC BY-SA 3.0",
            "made from mnist",
            open_cluttered,
            CLUTTER,
        ),
        SetCard(
            "mnist_cluttered_small",
            "the same with fewer digits, 1,000 / 200 / 200",
            (1, None, None),
            "CC BY-SA 3.0",
            "ships with underdraw",
            open_cluttered_small,
            CLUTTER,
        ),
        SetCard(
            "svhn",
            "house numbers, 54x54 crops of 64x64, 231,054 / 4,701 / 13,068",
            (3, 54, 54),
            "non-commercial use",
            "hub: ufldl-stanford/svhn, full_numbers",
            open_svhn,
        ),
        SetCard(
            "cifar10",
            "CIFAR-10 photographs, 45,000 / 5,000 / 10,000",
            (3, 32, 32),
            "not stated; research use",
            "hub: uoft-cs/cifar10",
            open_cifar10,
        ),
        SetCard(
            "omniglot",
            "hand-drawn characters at 28x28, 23,045 / 1,345 / 8,070, a split of our own",
            (1, 28, 28),
            "MIT",
            "github.com/brendenlake/omniglot",
            open_omniglot,
        ),
        SetCard(
            "imagenet32",
            "ImageNet at 32x32, by area from 64x64",
            (3, 32, 32),
            "ImageNet terms: non-commercial research",
            "hub: benjamin-paine/imagenet-1k-64x64",
            open_imagenet,
            ("binarize", "crop", "shrink", "enlarge", "streaming"),
        ),
        SetCard(
            "imagenet64",
            "ImageNet at 64x64",
            (3, 64, 64),
            "ImageNet terms: non-commercial research",
            "hub: benjamin-paine/imagenet-1k-64x64",
            open_imagenet,
            ("binarize", "crop", "shrink", "enlarge", "streaming"),
        ),
        SetCard(
            "hub",
            "hub:owner/name[:config], any set with an image column",
            (None, None, None),
            "the set's own",
            "huggingface.co/datasets",
            open_hub,
            ("size", "crop", "shrink", "enlarge", "grey", "binarize", "column", "streaming"),
        ),
        SetCard(
            "folder",
            "folder:PATH, any folder of images",
            (None, None, None),
            "yours",
            "local",
            open_folder,
            ("size", "crop", "shrink", "enlarge", "grey", "binarize"),
        ),
    )
}
"""Every set by name."""
PLACES = ("hub", "folder")
"""Sets that say where after a colon."""

"""The table of sets, and the one door to them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from underdraw.data.config import DataConfig
from underdraw.data.digits import open_binarized, open_mnist, open_two_digits
from underdraw.data.errors import DataError
from underdraw.data.folder import open_folder
from underdraw.data.images import Images, Stream
from underdraw.data.natural import open_cifar10, open_hub, open_imagenet
from underdraw.data.omniglot import open_omniglot
from underdraw.data.splits import SPLITS
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
        streams: whether it can be read as a stream.
    """

    name: str
    summary: str
    shape: tuple[int | None, int | None, int | None]
    licence: str
    origin: str
    open: Callable[[DataConfig, str, Path | None], Images | Stream]
    streams: bool = False


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
            True,
        ),
        SetCard(
            "imagenet64",
            "ImageNet at 64x64",
            (3, 64, 64),
            "ImageNet terms: non-commercial research",
            "hub: benjamin-paine/imagenet-1k-64x64",
            open_imagenet,
            True,
        ),
        SetCard(
            "hub",
            "hub:owner/name[:config], any set with an image column",
            (None, None, None),
            "the set's own",
            "huggingface.co/datasets",
            open_hub,
            True,
        ),
        SetCard(
            "folder",
            "folder:PATH, any folder of images",
            (None, None, None),
            "yours",
            "local",
            open_folder,
        ),
    )
}
"""Every set by name."""


def describe(config: DataConfig | str) -> SetCard:
    """The card of the set that a configuration names; DataError if there is none."""
    name = config if isinstance(config, str) else config.name
    head, colon, rest = name.partition(":")
    if head not in SETS or (head in ("hub", "folder")) != bool(colon and rest):
        known = ", ".join(n + ":..." if n in ("hub", "folder") else n for n in SETS)
        raise DataError(f"unknown set {name!r}; one of {known} wanted")
    return SETS[head]


def open_images(
    config: DataConfig | str, split: str = "train", root: Path | str | None = None
) -> Images | Stream:
    """Open one split of a set.

    Args:
        config: the set and how to prepare it; a bare name takes all defaults.
        split: "train", "valid" or "test".
        root: a local folder with the hub's layout, or the set's own folder: then the network is
            never asked. None fetches from the Hugging Face hub what does not ship.

    Returns:
        Images, or a Stream if config.streaming.

    Raises:
        DataError: an unknown name or split; data missing, corrupt, empty or of the wrong shape.
    """
    config = DataConfig(config) if isinstance(config, str) else config
    card = describe(config)
    if split not in SPLITS:
        raise DataError(f"unknown split {split!r}; one of {', '.join(SPLITS)} wanted")
    if config.binarize not in ("none", "threshold", "dynamic"):
        raise DataError(f"binarize {config.binarize!r}; none, threshold or dynamic wanted")
    if config.streaming and not card.streams:
        raise DataError(f"{card.name} is not read as a stream: it fits")
    if config.size is not None and config.size < 1:
        raise DataError(f"size {config.size}; at least 1 pixel wanted")
    return card.open(config, split, None if root is None else Path(root))

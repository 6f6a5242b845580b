"""The one door to the sets."""

from pathlib import Path

from underdraw.data.cards import CHOICES, PLACES, SETS, SetCard
from underdraw.data.config import DataConfig
from underdraw.data.errors import DataError
from underdraw.data.images import Images, Stream
from underdraw.data.splits import SPLITS


def describe(config: DataConfig | str) -> SetCard:
    """The card of the set that a configuration names; DataError if there is none."""
    name = config if isinstance(config, str) else config.name
    head, colon, rest = name.partition(":")
    if head not in SETS or (head in PLACES) != bool(colon and rest):
        known = ", ".join(n + ":..." if n in PLACES else n for n in SETS)
        raise DataError(f"unknown set {name!r}; one of {known} wanted")
    return SETS[head]


def is_named_set(config: DataConfig | str) -> bool:
    """Whether a configuration names a set of the table, and no place: no hub:... or folder:...

    A configuration from elsewhere may then be opened: it reaches for no file or repository of
    its author's choice.
    """
    name = config if isinstance(config, str) else config.name
    return name in SETS and name not in PLACES


def is_binary(config: DataConfig | str) -> bool:
    """Whether a configuration gives exactly 0 and 1, told without opening the data.

    Raises:
        DataError: an unknown set.
    """
    card = describe(config)
    config = DataConfig(config) if isinstance(config, str) else config
    return config.binarize != "none" or card.bits(config)


def refuse_ignored(config: DataConfig, card: SetCard) -> None:
    """DataError if `config` sets what the set of `card` would ignore."""
    for field in CHOICES:
        value = getattr(config, field)
        if value == getattr(DataConfig, field):
            continue
        if field not in card.honours:
            raise DataError(f"data.{field} is {value!r}, which means nothing to {card.name}")
        if field in ("shrink", "enlarge") and config.crop is None:
            raise DataError(f"data.{field} is {value}, which means nothing without data.crop")
        if field == "binarize" and card.bits(config):
            raise DataError(f"data.binarize is {value!r}, but {card.name} is binary already")


def open_images(
    config: DataConfig | str, split: str = "train", root: Path | str | None = None
) -> Images | Stream:
    """Open one split of a set.

    Args:
        config: the set and how to prepare it; a bare name takes all defaults.
        split: "train", "valid" or "test".
        root: a local folder with the hub's layout, or the set's own folder: then the network is
            never asked. None fetches from the Hugging Face hub what does not ship. What ships
            is taken from the package all the same.

    Returns:
        Images; of the train split a Stream, if config.streaming. The other splits of a streamed
        set are the first `config.held` images, in memory.

    Raises:
        DataError: an unknown name or split; a setting that the set ignores; data missing,
            corrupt, empty or of the wrong shape.
    """
    config = DataConfig(config) if isinstance(config, str) else config
    card = describe(config)
    if split not in SPLITS:
        raise DataError(f"unknown split {split!r}; one of {', '.join(SPLITS)} wanted")
    refuse_ignored(config, card)
    if root is not None and not Path(root).exists():  # nor where the set ships
        raise DataError(f"{root} is not a folder: it is not there")
    return card.open(config, split, None if root is None else Path(root))

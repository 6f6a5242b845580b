"""Which stored split is meant by train, valid and test.

A set that has all three keeps them. Where one is missing it is made by position, so that it is
the same by random access and by stream:

    test    the stored test split, or else the stored validation split (as is the custom where
            the test images are not public), or else one image of every n of train
    valid   the stored validation split if there is a test split too, or else one of every n
    train   the rest

Which one of n is drawn anew for every n: a fixed stride would take one side of sets that are
interleaved (as MNIST is, of two groups of writers). Image i has the number

    a_i = (i + h(floor(i / n))) mod n

with h a fixed hash; number 0 validates and, where it must, number 1 tests.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int64

from underdraw.data import chance
from underdraw.data.errors import DataError

SPLITS = ("train", "valid", "test")
BARE = re.compile(r"(train|test|validation|valid|val|dev|extra)")
WORD = re.compile(rf"(?:^|[-_.]){BARE.pattern}(?=$|[-_.\d])")
NUMBER = re.compile(r"^\d+[-_.]|[-_.]?\d+(-of-\d+.*)?$")


def split_named(text: str) -> str | None:
    """The split that the name of a file or folder speaks of, if any."""
    found = WORD.search(text.lower())
    if found is None:
        return None
    return "valid" if found[1] in ("validation", "valid", "val", "dev") else found[1]


def stored_name(file: str) -> str:
    """The name of a stored split in that of one of its files, which may have a number."""
    return NUMBER.sub("", file)


def by_split(names: Iterable[str]) -> dict[str, list[str]]:
    """The stored splits that speak of each split; one that speaks of none is a split of its own."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(split_named(name) or name, []).append(name)
    return found


def meant(split: str, names: Sequence[str], place: str) -> str:
    """The stored split that is meant by `split`.

    Several names may speak of it ("train", "train_extra"): then the one that says nothing else.

    Raises:
        DataError: several speak of it, and say more, or all the same.
    """
    plain = [name for name in names if len(names) == 1 or BARE.fullmatch(name.lower())]
    if len(plain) != 1:
        raise DataError(f"{place} has {' and '.join(names)}, of which any may be {split}")
    return plain[0]


@lru_cache(maxsize=4096)
def shift(block: int) -> int:
    """The hash h above, of 31 bits."""
    return int(chance.hashed(chance.SHARE, block)[0] >> np.uint64(33))


@dataclass(frozen=True)
class Share:
    """A part of one stored split: images whose number a_i (above) is in `residues`.

    Attributes:
        stored: name of the stored split.
        every: n above.
        residues: which numbers belong.
    """

    stored: str
    every: int = 1
    residues: frozenset[int] = frozenset({0})

    def has(self, i: int) -> bool:
        """Whether image i of the stored split belongs."""
        return (i + shift(i // self.every)) % self.every in self.residues

    def of(self, count: int) -> Int64[np.ndarray, "n"]:
        """The images that belong, of `count` stored."""
        i = np.arange(count)
        shifts = np.array([shift(block) for block in range(-(-count // self.every))], np.int64)
        number = (i + shifts[i // self.every]) % self.every
        return np.flatnonzero(np.isin(number, list(self.residues)))


def share(stored: set[str], split: str, every: int, name: str) -> Share:
    """The part of the stored splits that is meant by `split`.

    Args:
        stored: which splits there are, of train, valid and test.
        split: "train", "valid" or "test".
        every: one image of so many makes a missing split.
        name: of the set, for the message.

    Raises:
        DataError: there are no training images.
    """
    if split == "test" and "test" in stored:
        return Share("test")
    if split == "valid" and {"valid", "test"} <= stored:
        return Share("valid")
    if split == "test" and "valid" in stored:
        return Share("valid")
    if "train" not in stored:
        raise DataError(f"{name} has no training images, only {sorted(stored)}")
    missing = {"valid": 0} if stored & {"valid", "test"} else {"valid": 0, "test": 1}
    if {"valid", "test"} <= stored:
        return Share("train")
    if split != "train":
        return Share("train", every, frozenset({missing[split]}))
    return Share("train", every, frozenset(range(every)) - set(missing.values()))

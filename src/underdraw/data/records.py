"""Stored pictures decoded when asked for, or once and for all."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Integer, UInt8

from underdraw.data.errors import DataError
from underdraw.data.memory import Array
from underdraw.data.progress import watch

Decode = Callable[[Any], UInt8[np.ndarray, "c h w"]]
CHUNK = 64
"""Pictures a thread decodes at a time."""


@runtime_checkable
class Records(Protocol):
    """Pictures as they are stored: rows of a table, or files."""

    def __len__(self) -> int:
        """Number of pictures."""
        ...

    def fetch(self, index: Integer[np.ndarray, "b"]) -> list[Any]:
        """The records at index, not decoded."""
        ...

    def where(self, i: int) -> str:
        """How to name record i to a person."""
        ...


def decode_one(decode: Decode, record: Any, where: str) -> UInt8[np.ndarray, "c h w"]:  # noqa: ANN401
    """Decode a record; DataError naming it if that fails."""
    try:
        return decode(record)
    except Exception as error:  # Pillow raises nearly every kind for damaged files
        raise DataError(f"{where} cannot be decoded: {error}") from error


class Decoded:
    """Levels decoded from records each time they are asked for."""

    def __init__(
        self,
        name: str,
        records: Records,
        decode: Decode,
        chosen: Integer[np.ndarray, "n"] | None = None,
        shape: tuple[int, int, int] | None = None,
    ) -> None:
        """Show the records at `chosen` (all of them if None) in that order.

        Args:
            name: what to call the set.
            records: the stored pictures.
            decode: makes levels of one record.
            chosen: which records.
            shape: what every picture must have; None takes that of the first.

        Raises:
            DataError: no images; the first cannot be decoded.
        """
        self.name, self.records, self.decode = name, records, decode
        self.chosen = np.arange(len(records)) if chosen is None else chosen
        if not len(self.chosen):
            raise DataError(f"{name} has no images")
        first = int(self.chosen[0])
        found = self.one(first, records.fetch(self.chosen[:1])[0], shape).shape
        self.shape: tuple[int, int, int] = shape or (found[0], found[1], found[2])

    def __len__(self) -> int:
        """Number of images."""
        return len(self.chosen)

    def one(
        self,
        i: int,
        record: Any,  # noqa: ANN401
        shape: tuple[int, int, int] | None,
    ) -> UInt8[np.ndarray, "c h w"]:
        """Levels of record i; DataError if it is damaged or not of `shape`."""
        where = self.records.where(i)
        levels = decode_one(self.decode, record, where)
        if shape and levels.shape != shape:
            raise DataError(
                f"{where} has shape {levels.shape} (channels, height, width), not {shape}; "
                "a size in the data's configuration brings all images to one"
            )
        return levels

    def levels(self, index: Integer[np.ndarray, "b"], draw: int) -> UInt8[np.ndarray, "b c h w"]:
        """Levels of the images at index, the same in every epoch."""
        rows = self.chosen[index]
        return self.stack(rows, self.records.fetch(rows))

    def stack(
        self, rows: Integer[np.ndarray, "b"], records: list[Any]
    ) -> UInt8[np.ndarray, "b c h w"]:
        """Levels of fetched records."""
        out = np.empty((len(rows), *self.shape), np.uint8)
        for place, (i, record) in enumerate(zip(rows, records, strict=True)):
            out[place] = self.one(int(i), record, self.shape)
        return out


def gather(decoded: Decoded, memory: int) -> Array | Decoded:
    """Decode everything into one array, if it has at most `memory` bytes; else leave it be."""
    if len(decoded) * int(np.prod(decoded.shape)) > memory:
        return decoded
    out = np.empty((len(decoded), *decoded.shape), np.uint8)
    done = 0
    parts = chunks(decoded)
    for part in watch(parts, -(-len(decoded) // CHUNK), f"decoding {decoded.name}"):
        out[done : done + len(part)] = part
        done += len(part)
    return Array(decoded.name, out)


def chunks(decoded: Decoded) -> Iterator[UInt8[np.ndarray, "b c h w"]]:
    """All levels in order, a few per thread at a time; fetching stays in one thread."""
    workers = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(decoded), CHUNK * workers):
            stop = min(start + CHUNK * workers, len(decoded))
            rows = [decoded.chosen[i : min(i + CHUNK, stop)] for i in range(start, stop, CHUNK)]
            yield from pool.map(decoded.stack, rows, [decoded.records.fetch(r) for r in rows])

"""What a file or an argument can do wrong, and limits checked before anything is made."""

import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


class CodecError(ValueError):
    """A file or a value that the codec cannot take; the message says which and why."""


class NoRoom(CodecError):
    """The header alone needs more bytes than a file may have."""


class NoMemory(CodecError):
    """A picture needs more memory than there is."""


@contextmanager
def named(name: str | Path) -> Iterator[None]:
    """Say of which picture or file it was, if there is an error of the codec.

    Raises:
        CodecError: the same, of the same kind, with the name before it unless that is empty.
    """
    try:
        yield
    except CodecError as error:
        if not str(name):
            raise
        raise type(error)(f"{name}: {error}") from error


def called(names: Sequence[str], what: str, count: int) -> Sequence[str]:
    """Names for `named`: those that are given; else places in `what`, unless one is all."""
    return names or ([f"{what}[{i}]" for i in range(count)] if count > 1 else [""] * count)


def more_than(most: int) -> str:
    """What is wrong with a picture that has more pixels than `most`, and who says so."""
    return f"more than {most} pixels (max_pixels, --max-pixels)"


def starved(error: BaseException) -> bool:
    """Whether an error of Python, NumPy or torch says that memory ran out."""
    words = ("DefaultCPUAllocator", "out of memory", "not enough memory")
    said = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return said or isinstance(error, MemoryError)


def whole_number(name: str, value: Any) -> int:  # noqa: ANN401
    """A whole number of any type, as Python's own.

    Raises:
        CodecError: it is none.
    """
    try:
        return operator.index(value)
    except TypeError as error:
        raise CodecError(f"{name} must be a whole number, got {value!r}") from error


def real_number(name: str, value: Any) -> float:  # noqa: ANN401
    """A number of any type, as Python's own; text is none.

    Raises:
        CodecError: it is none, or too large.
    """
    try:
        if isinstance(value, SupportsFloat):
            return float(value)
        reason = None
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # of arrays, too
        reason = error
    raise CodecError(f"{name} must be a number, got {value!r}") from reason


@contextmanager
def memory_for(size: tuple[int, int], images: int = 1) -> Iterator[None]:
    """Say of which pictures it was, height and width, if memory runs out.

    Raises:
        NoMemory: it does.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not starved(error):
            raise
        count = f"{images} pictures of " if images > 1 else ""
        raise NoMemory(f"memory ran out over {count}{size[1]} x {size[0]} pixels") from error


def whole(name: str, values: Any, low: int, high: int) -> Whole:  # noqa: ANN401
    """`values` as int64, after checking that they are whole numbers in low..high.

    Args:
        name: what they are, for the message.
        values: numbers, a NumPy array, or a CPU tensor without a gradient; float types may
            hold whole numbers.
        low: least value allowed.
        high: greatest value allowed.

    Raises:
        CodecError: for another type, a fraction, NaN, or a value outside of low..high.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise CodecError(f"{name} must be whole numbers, not {array.dtype}")
    if array.size == 0:
        return array.astype(np.int64)
    least, most = array.min(), array.max()
    if not (low <= least and most <= high):  # NaN fails both
        raise CodecError(f"{name} must be in {low}..{high}, got {least}..{most}")
    numbers = array.astype(np.int64)
    if array.dtype.kind == "f" and not np.array_equal(numbers, array):
        raise CodecError(f"{name} must be whole numbers, got {array[numbers != array].flat[0]}")
    return numbers

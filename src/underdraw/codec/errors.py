"""What a file or an argument can do wrong, and limits checked before anything is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


class CodecError(ValueError):
    """A file or a value that the codec cannot take; the message says which and why."""


class NoRoom(CodecError):
    """The header alone needs more bytes than a file may have."""


class NoMemory(CodecError):
    """A picture needs more memory than there is."""


def starved(error: BaseException) -> bool:
    """Whether an error of Python, NumPy or torch says that memory ran out."""
    words = ("DefaultCPUAllocator", "out of memory", "not enough memory")
    said = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return said or isinstance(error, MemoryError)


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

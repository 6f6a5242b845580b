"""What a file or an argument can do wrong, and limits checked before anything is made."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]

MAX_PIXELS = 1 << 24
"""Height times width of a picture, or of all pictures of a block, that is coded or decoded unless
the caller says otherwise: 4096 x 4096. A model needs some kilobytes of memory for each of them, and
for those that fill a picture up to its stride: `library.fit` counts them, too."""


class CodecError(ValueError):
    """A file or a value that the codec cannot take; the message says which and why."""


class NoRoom(CodecError):
    """The header alone needs more bytes than a file may have."""


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

"""Whole numbers of a model as a file: planes of bytes, deflated.

A number v becomes 2 v, or -2 v - 1 if it is negative, so that small ones have zeros in front. The
bytes of a tensor's numbers, 8 to a bias and 4 to any other, go one plane after another, the least
first; tensors follow each other by name. Of the weights of a network the first planes are nearly
noise, and the others nearly nothing: deflated they take a bit or so more than their entropy, and
about half of what 16 or 32 bits each would.
"""

import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from underdraw.codec.deflated import EXPANSION, inflate_to
from underdraw.codec.errors import CodecError
from underdraw.files import aside

INTEGERS = "integers.z"
MOST = 1 << 28  # numbers in a model


def write_integers(path: Path, integers: Mapping[str, Tensor], shift: int = 0) -> None:
    """Write a model's integers; weights are multiples of 2^`shift`, and are divided by it.

    Raises:
        ValueError: a number does not fit in its bytes, or is no such multiple.
    """
    content = zlib.compress(b"".join(_planes(k, integers[k], shift) for k in sorted(integers)), 9)
    with aside(path) as beside:
        beside.write_bytes(content)


def read_integers(
    path: Path, shapes: Mapping[str, tuple[int, ...]], shift: int = 0
) -> dict[str, Tensor]:
    """The integers of tensors of these names and shapes, int64.

    Raises:
        CodecError: the file is damaged, or holds more or less than they are.
        ValueError: they are more than a model may have.
        OSError: it cannot be read.
    """
    counts = {name: math.prod(shapes[name]) for name in sorted(shapes)}
    if sum(counts.values()) > MOST:
        raise ValueError(f"{sum(counts.values())} numbers are more than a model may have, {MOST}")
    size = sum(_width(k) * n for k, n in counts.items())
    packed = path.read_bytes()
    if size > EXPANSION * len(packed):
        raise CodecError(f"{len(packed)} bytes cannot hold {sum(counts.values())} numbers")
    content = inflate_to(packed, "the list of numbers", size, header=True)
    content = np.frombuffer(content, np.uint8)
    found, place = {}, 0
    for name, count in counts.items():
        planes = content[place : place + _width(name) * count].reshape(_width(name), count)
        place += planes.size
        value = torch.from_numpy(_whole(planes)).reshape(shapes[name])
        found[name] = value << _shift(name, shift)
    return found


def _width(name: str) -> int:
    """Bytes of a number; biases are in units of products."""
    return 8 if name.endswith(".bias") else 4


def _shift(name: str, shift: int) -> int:
    return shift if name.endswith(".weight") else 0


def _planes(name: str, value: Tensor, shift: int) -> bytes:
    width, shift = _width(name), _shift(name, shift)
    v = value.long().numpy().reshape(-1)
    if (v & (1 << shift) - 1).any():
        raise ValueError(f"{name} holds numbers that are no multiples of 2^{shift}")
    v = v >> shift
    if v.size and not -(1 << 8 * width - 1) <= v.min() <= v.max() < 1 << 8 * width - 1:
        raise ValueError(f"{name} holds {v.min()} to {v.max()}, which {width} bytes cannot")
    folded = (v << 1 ^ v >> 63).astype("<i8")
    return folded.view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes()


def _whole(planes: np.ndarray) -> np.ndarray:
    width, count = planes.shape
    laid = np.zeros((count, 8), np.uint8)
    laid[:, :width] = planes.T
    folded = laid.view("<u8").reshape(-1)
    return (folded >> 1).astype(np.int64) ^ -(folded & 1).astype(np.int64)

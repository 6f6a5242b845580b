"""The fixed binarized MNIST split, which ships with the package.

Salakhutdinov and Murray (2008) drew every pixel of MNIST once as a Bernoulli variable of its
grey level. Larochelle's files of that draw are what papers report nats on: 50,000 images to
train, 10,000 to validate, 10,000 to test (the test images are sorted by class). See
`files/binarized_mnist.md`.
"""

import hashlib
import io
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from underdraw.data.errors import DataError
from underdraw.data.memory import Array

FILE = Path(__file__).parent / "files" / "binarized_mnist.npz"
SHA256 = "50de2c8299a5a297789293ab2c30f6fc3cb8c359a15e5e88d5501aa18ebb8fa5"


@cache
def read(file: Path) -> dict[str, UInt8[np.ndarray, "n 98"]]:
    """The packed rows of every split; DataError if the file is missing or damaged."""
    if not file.is_file():
        raise DataError(f"{file} is missing; reinstall underdraw")
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise DataError(f"{file} is damaged: its SHA-256 is {found}, not {SHA256}")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {split: arrays[split] for split in ("train", "valid", "test")}


def binarized_mnist(split: str) -> Array:
    """Levels 0 and 255 of one split, (N, 1, 28, 28)."""
    bits = np.unpackbits(read(FILE)[split], axis=1).reshape(-1, 1, 28, 28)
    return Array(f"binarized_mnist/{split}", bits * np.uint8(255))

"""The fixed binarized MNIST split, which ships with the package.

Salakhutdinov and Murray (2008) drew every pixel of MNIST once as a Bernoulli variable of its
grey level. Larochelle's files of that draw are what papers report nats on: 50,000 images to
train, 10,000 to validate, 10,000 to test (the test images are sorted by class). See
`files/binarized_mnist.md`.
"""

import numpy as np

from underdraw.data.memory import Array
from underdraw.data.shipped import FILES, arrays

FILE = FILES / "binarized_mnist.npz"
SHA256 = "50de2c8299a5a297789293ab2c30f6fc3cb8c359a15e5e88d5501aa18ebb8fa5"


def binarized_mnist(split: str) -> Array:
    """Levels 0 and 255 of one split, (N, 1, 28, 28)."""
    bits = np.unpackbits(arrays(FILE, SHA256)[split], axis=1).reshape(-1, 1, 28, 28)
    return Array(f"binarized_mnist/{split}", bits * np.uint8(255))

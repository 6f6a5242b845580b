"""The codec runs on the CPU, whatever device torch makes other tensors on."""

import numpy as np
import torch

from codec.crops import GOLDEN, crops
from underdraw.codec import archive, exact
from underdraw.codec.decoding import decompress
from underdraw.codec.encoding import compress

MODEL = GOLDEN / "tiny@1"
WISHES = ({}, {"bits_per_dim": 2.0}, {"lossless": True}, {"tile": (8, 8)})


def everything() -> list[bytes]:
    """Files and pictures of each kind, by a model that is loaded for it."""
    twin, levels = exact.load(MODEL), crops(3, 12, 10)
    found = []
    for picture in (levels[0], levels[0][:1]):
        for wish in WISHES:
            found.append(compress(picture.transpose(1, 2, 0), twin, **wish))
            found.append(decompress(found[-1], model=twin).tobytes())
        found.append(decompress(found[0][:40], model=twin, temperature=1.0).tobytes())
    content = archive.encode(twin, list(levels), lanes=1)
    assert np.array_equal(np.stack(list(archive.decode(twin, content))), levels)
    return [*found, content]


def test_another_default_device_changes_nothing() -> None:
    usual = everything()
    with torch.device("meta"):
        assert everything() == usual

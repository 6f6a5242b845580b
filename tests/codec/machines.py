"""What the codec makes of some pictures in this process: `python -m codec.machines THREADS ONEDNN`.

Prints a JSON object: what the process computes with, digests of all bytes and pixels, one for each
batch and arithmetic, and one of a float32 convolution, which may differ.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from codec.crops import GOLDEN, crops
from underdraw.codec import archive, exact, lossless, lossy
from underdraw.codec.container import parse
from underdraw.codec.encoding import compress_all
from underdraw.codec.exact import Twin
from underdraw.codec.wishes import Wish

WISHES = (
    Wish(),
    Wish(bits_per_dim=0.6),
    Wish(quality=30.0, steps=2),
    Wish(lossless=True),
    Wish(tile=(10, 9)),
)
SIZES = ((24, 22, 8), (28, 30, 1))
"""Height, width and count. Eight of the first at once are more than a strip of a product."""


def files(twin: Twin, batch: int) -> Iterator[tuple[Wish, np.ndarray, list[bytes]]]:
    """Files of all pictures, made so many at a time."""
    for height, width, count in SIZES:
        levels = crops(count, height, width)
        for wish in WISHES:
            parts = [levels[i : i + batch].transpose(0, 2, 3, 1) for i in range(0, count, batch)]
            yield wish, levels, [f for part in parts for f in compress_all(part, twin, wish)]


def shown(twin: Twin, wish: Wish, made: list[bytes], batch: int) -> np.ndarray:
    """What files decode to, so many at a time; cut files, and the dream of what was cut, too."""
    headers, payloads = zip(*map(parse, made), strict=True)
    size, found = (headers[0].height, headers[0].width), []
    for i in range(0, len(made), batch):
        part = payloads[i : i + batch]
        if wish.lossless:
            found.append(lossless.decode(twin, part, size, 3))
            continue
        steps, tile = headers[0].steps, headers[0].tile
        found.append(lossy.decode(twin, part, size, 3, steps, tile=tile))
        cut = [stream[: len(stream) // 2] for stream in part]
        found.append(lossy.decode(twin, cut, size, 3, steps, 0.8, 7, tile))
    return np.concatenate(found)


def digest(twin: Twin, batch: int) -> str:
    """Of all bytes and all pixels."""
    total = hashlib.sha256()
    for wish, levels, made in files(twin, batch):
        for content in made:
            total.update(content)
        pixels = shown(twin, wish, made, batch)
        if wish.lossless:
            assert np.array_equal(pixels, levels)
        # whatever was decoded together, one picture after the other
        kinds = sorted(hashlib.sha256(one.tobytes()).hexdigest() for one in pixels)
        total.update(repr(kinds).encode())
    block, data = archive.encode_block(twin, crops(7, 12, 10), 2)
    assert np.array_equal(archive.decode_block(twin, block, data), crops(7, 12, 10))
    total.update(data)
    return total.hexdigest()


def floats() -> str:
    """Of a float32 convolution."""
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.randn(s, generator=generator) for s in ((8, 16, 24, 24), (32, 16, 3, 3)))
    y = torch.nn.functional.conv2d(x, w, padding=1)
    return hashlib.sha256(y.numpy().tobytes()).hexdigest()


def dispatched() -> list[str]:
    """Instructions beyond the least that NumPy takes here."""
    found: dict[str, Any] = np.show_config(mode="dicts")  # pyrefly: ignore
    return found["SIMD Extensions"].get("found", [])


def main(threads: str, onednn: str) -> None:
    """Print what this process finds."""
    torch.set_num_threads(int(threads))
    torch.backends.mkldnn.set_flags(onednn == "on")
    twins = {name: exact.load(GOLDEN / "tiny@1", name) for name in ("float64", "int64")}
    found: dict[str, Any] = {
        f"{name}, batch {batch}": digest(twin, batch)
        for name, twin in twins.items()
        for batch in (1, 8)
    }
    about = {"capability": torch.backends.cpu.get_cpu_capability(), "threads": int(threads)}
    about |= {"onednn": torch.backends.mkldnn.enabled, "floats": floats()}
    about |= {"numpy": dispatched()}
    print(json.dumps(about | {"digests": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])

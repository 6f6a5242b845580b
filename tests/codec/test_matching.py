"""Scales that match what lossy streams hold."""

import numpy as np
import torch

from codec.crops import GOLDEN, crops
from underdraw.codec import exact
from underdraw.codec.lossy import decode, encode
from underdraw.codec.matching import match, widest
from underdraw.codec.measures import psnr


def coded(twin: exact.Twin, levels: np.ndarray, power: int) -> tuple[int, float]:
    """Bytes, and PSNR."""
    streams = encode(twin, levels, [power] * len(levels))
    found = decode(twin, streams, levels.shape[2:], 3)
    likeness = [psnr(a, b) for a, b in zip(levels, found, strict=True)]
    return sum(map(len, streams)), float(np.mean(likeness))


def test_matched_scales_make_shorter_streams() -> None:
    levels, powers = crops(4, 20, 20), (-100, 0)
    twin = exact.load(GOLDEN / "tiny@1")
    shipped = [coded(twin, levels, power) for power in powers]
    for site in twin.sites:
        twin.shift(site).zero_()
    plain = [coded(twin, levels, power) for power in powers]
    match(twin, torch.from_numpy(levels))
    found = [coded(twin, levels, power) for power in powers]
    for better in (shipped, found):
        for (size, likeness), (plain_size, plain_likeness) in zip(better, plain, strict=True):
            assert size < 0.97 * plain_size
            assert likeness > plain_likeness - 0.3
    assert all(twin.shift(site).abs().max() < 400 for site in twin.sites)


def test_the_widest_of_those_that_cost_the_same() -> None:
    sums = np.array([[5.0, 1.0], [3.0, 1.0005], [3.001, 1.0004], [9.0, 2.0]])
    assert widest(sums).tolist() == [2, 2]
    assert widest(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist() == [0, 1]

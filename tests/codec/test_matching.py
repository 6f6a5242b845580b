"""Scales that match what lossy streams hold."""

import numpy as np
import torch

from codec.crops import GOLDEN, crops
from underdraw.codec import exact
from underdraw.codec.lossy import decode, encode
from underdraw.codec.matching import match, widest
from underdraw.codec.measures import psnr


def gain(twin: exact.Twin, levels: np.ndarray, power: int) -> float:
    """PSNR less 6 dB for every bit per dimension."""
    streams = encode(twin, levels, [power] * len(levels))
    found = decode(twin, streams, levels.shape[2:], 3)
    likeness = [psnr(a, b) for a, b in zip(levels, found, strict=True)]
    return float(np.mean(likeness)) - 6 * 8 * sum(map(len, streams)) / levels.size


def test_matched_scales_are_worth_it() -> None:
    levels, powers = crops(4, 20, 20), (-200, -100, 0)
    twin = exact.load(GOLDEN / "tiny@1")
    shipped = [gain(twin, levels, power) for power in powers]
    for site in twin.sites:
        twin.shift(site).zero_()
    plain = [gain(twin, levels, power) for power in powers]
    match(twin, torch.from_numpy(levels))
    found = [gain(twin, levels, power) for power in powers]
    assert all(a > b + 0.15 for a, b in zip(found, plain, strict=True))
    assert sum(shipped) > sum(plain)
    for site in twin.sites:
        assert twin.shift(site).abs().max() < 400
        assert (twin.shift(site)[11:] == twin.shift(site)[10]).all()


def test_the_widest_of_those_that_cost_the_same() -> None:
    sums = np.array([[5.0, 1.0], [3.0, 1.0005], [3.001, 1.0004], [9.0, 2.0]])
    assert widest(sums).tolist() == [2, 2]
    assert widest(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist() == [0, 1]

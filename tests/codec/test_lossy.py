"""Lossy streams: what is decoded is what was meant, at every cut, in any company."""

from copy import copy

import numpy as np
import pytest
import torch

from codec.crops import GOLDEN, crops, tiny
from underdraw.codec import exact
from underdraw.codec.errors import CodecError
from underdraw.codec.exact import Twin
from underdraw.codec.image import as_seen
from underdraw.codec.lossy import (
    COARSEST,
    FINEST,
    Pull,
    Push,
    coarseness,
    decode,
    encode,
    shown,
)
from underdraw.codec.measures import psnr
from underdraw.codec.wishes import power_of


@pytest.fixture
def twin() -> Twin:
    return tiny()


def drawn_while_encoding(twin: Twin, levels: np.ndarray, powers: list[int]) -> np.ndarray:
    """The picture that the encoder itself saw in the end."""
    x = twin.see(as_seen(levels, 3))
    canvas = twin.unroll(Push(twin, powers), x).frames[-1].canvas
    return shown(twin.pixels(canvas), levels.shape[1])


@pytest.mark.parametrize(("height", "width", "channels"), [(32, 32, 3), (13, 9, 3), (8, 6, 1)])
def test_the_decoder_draws_what_the_encoder_drew(twin, height, width, channels) -> None:
    levels = crops(3, height, width, channels)
    powers = [-150, 0, 100]
    streams = encode(twin, levels, powers)
    found = decode(twin, streams, (height, width), channels)
    assert found.shape == levels.shape
    assert np.array_equal(found, drawn_while_encoding(twin, levels, powers))


def test_a_picture_is_coded_alone_as_in_company(twin) -> None:
    levels = crops(4)
    powers = [-100, 0, 0, 150]
    streams = encode(twin, levels, powers)
    alone = [encode(twin, a[None], [b])[0] for a, b in zip(levels, powers, strict=True)]
    assert alone == streams
    dreams = decode(twin, streams, (32, 32), 3, 1, temperature=1.0, seed=5)
    for stream, dream in zip(streams, dreams, strict=True):
        alone = decode(twin, [stream], (32, 32), 3, 1, temperature=1.0, seed=5)
        assert np.array_equal(alone[0], dream)


def test_slopes_trade_bytes_for_likeness(twin) -> None:
    levels = crops(6)
    size, likeness = [], []
    for power in range(FINEST, COARSEST + 1, 64):
        streams = encode(twin, levels, [power] * 6)
        size.append(sum(map(len, streams)))
        found = decode(twin, streams, (32, 32), 3)
        likeness.append(np.mean([psnr(a, b) for a, b in zip(levels, found, strict=True)]))
    assert size == sorted(size, reverse=True)
    assert likeness == sorted(likeness, reverse=True)
    assert size[0] > 8 * size[-1]
    assert likeness[0] > 26


def test_every_prefix_decodes_and_more_bytes_tell_more(twin) -> None:
    levels = crops(1)
    (stream,) = encode(twin, levels, [-60])
    cuts = [stream[:i] for i in range(len(stream) + 1)]
    found = decode(twin, cuts, (32, 32), 3)
    likeness = [psnr(levels[0], a) for a in found]
    assert np.array_equal(found[-1], drawn_while_encoding(twin, levels, [-60])[0])
    assert likeness[-1] > likeness[0] + 8
    assert np.mean(np.diff(likeness) >= -0.1) > 0.9
    blank = decode(twin, [b""], (32, 32), 3)
    assert np.array_equal(found[0], blank[0])


def test_steps_that_are_stored_and_steps_that_are_taken(twin) -> None:
    levels = crops(2)
    whole = encode(twin, levels, [-60] * 2)
    for steps in range(twin.steps + 1):
        part = encode(twin, levels, [-60] * 2, steps)
        stored = decode(twin, part, (32, 32), 3, steps)
        taken = decode(twin, whole, (32, 32), 3, steps)
        assert np.array_equal(stored, taken)
    assert part == whole
    for steps in (-1, 5):
        with pytest.raises(CodecError, match=f"steps must be in 0..4, got {steps}"):
            encode(twin, levels, [0, 0], steps)


def test_dreams_differ_by_seed_and_grow_with_temperature(twin) -> None:
    streams = encode(twin, crops(1), [0], 1)

    def dream(temperature: float, seed: int = 0) -> np.ndarray:
        return decode(twin, streams, (32, 32), 3, 1, temperature, seed).astype(int)

    mean = dream(0.0)
    away = [np.abs(dream(t) - mean).mean() for t in (0.1, 0.5, 1.0)]
    assert 0 < away[0] < away[1] < away[2]
    assert not np.array_equal(dream(1.0), dream(1.0, 1))
    assert np.array_equal(dream(1.0), dream(1.0))
    for temperature in (-1.0, float("nan"), float("inf")):
        with pytest.raises(CodecError, match="temperature"):
            dream(temperature)


def test_maps_that_are_not_coded_stay_at_the_mean(twin) -> None:
    idle = exact.load(GOLDEN / "tiny@1")
    for site in idle.sites:
        idle.posterior(site).active[site.step] = torch.tensor([1, 0, 0])
    levels = crops(2)
    streams = encode(idle, levels, [-100] * 2)
    assert sum(map(len, streams)) < 0.5 * sum(map(len, encode(twin, levels, [-100] * 2)))
    source = Pull(idle, streams, 4, temperature=1.0)
    for choice in idle.unroll(source, n=2, size=(32, 32)).choices:
        first = idle.order(choice.site)[idle.active(choice.site)[idle.order(choice.site)]]
        others = [i for i in range(3) if i not in first]
        assert torch.equal(choice.z[:, others], choice.p.mu[:, others])


def test_qualities_span_the_slopes() -> None:
    twin = copy(tiny())
    assert power_of(twin, 0.0) == COARSEST
    assert power_of(twin, 100.0) == FINEST
    assert power_of(twin, 30.0) > power_of(twin, 31.0)
    twin.powers = (100, 0)
    assert [power_of(twin, q) for q in (0.0, 40.0, 50.0, 100.0)] == [COARSEST, 60, 50, 0]
    assert coarseness(COARSEST) == 10
    assert coarseness(FINEST) == 0
    assert [coarseness(32 * g - 253) for g in range(11)] == list(range(11))
    for quality in (-1.0, 101.0, float("nan")):
        with pytest.raises(CodecError, match="quality"):
            power_of(twin, quality)

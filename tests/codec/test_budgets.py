"""The best stream within a budget."""

import math

from codec.crops import crops, tiny
from underdraw.codec import budgets
from underdraw.codec.budgets import FALL, encode_within
from underdraw.codec.lossy import COARSEST, FINEST, decode, encode
from underdraw.codec.measures import psnr


def test_budgets_are_met_and_used() -> None:
    levels = crops(5)
    rooms = [0, 1, 40, 120, 5000]
    streams = encode_within(tiny(), levels, rooms)
    assert all(len(s) <= b for s, b in zip(streams, rooms, strict=True))
    assert len(streams[2]) > 30
    assert len(streams[3]) > 100
    assert streams[4] == encode(tiny(), levels[4:], [FINEST])[0]
    found = decode(tiny(), streams, (32, 32), 3)
    for power in (-150, 0, 100):
        other = encode(tiny(), levels[2:4], [power] * 2, budgets=rooms[2:4])
        for i, a in enumerate(decode(tiny(), other, (32, 32), 3)):
            assert psnr(levels[i + 2], found[i + 2]) > psnr(levels[i + 2], a) - 0.3


def test_large_pictures_are_tried_on_their_middle(monkeypatch) -> None:
    monkeypatch.setattr(budgets, "SAMPLE", 16)
    levels = crops(2)
    streams = encode_within(tiny(), levels, [100, 200])
    assert 85 < len(streams[0]) <= 100
    assert 170 < len(streams[1]) <= 200
    found = decode(tiny(), streams, (32, 32), 3)
    assert min(psnr(a, b) for a, b in zip(levels, found, strict=True)) > 14


def test_a_middle_unlike_the_rest_does_not_decide(monkeypatch) -> None:
    monkeypatch.setattr(budgets, "SAMPLE", 16)
    levels = crops(1)
    levels[:, :, 8:24, 8:24] = 100
    (stream,) = encode_within(tiny(), levels, [150])
    (cut,) = encode(tiny(), levels, [FINEST], budgets=[150])
    found, other = (decode(tiny(), [s], (32, 32), 3)[0] for s in (stream, cut))
    assert 120 < len(stream) <= 150
    assert psnr(levels[0], found) > psnr(levels[0], other) + 0.5


def test_whole_numbers_say_how_much_coarser_a_stream_has_to_be() -> None:
    for length in (0, 1, 40, 999, 1023, 70_001, 5_000_000):
        for budget in (0, 1, 39, 40, 63, 511, 998, 69_000, 1 << 24):
            over = math.ceil(FALL * math.log2((length + 1) / (budget + 1)))
            for power in (FINEST, -40, COARSEST):
                wanted = min(max(power + over, FINEST), COARSEST)
                assert budgets._filling(power, length, budget) == wanted
    assert not hasattr(budgets, "math")

"""Which model serves what."""

import pytest

from codec.crops import tiny
from underdraw.codec import library
from underdraw.codec.errors import CodecError
from underdraw.codec.files import QUALITY, Wish, compress, twin_for
from underdraw.codec.library import DEFAULT, Rung, serving

TWO = (Rung("low", 0.0, 0.0), Rung("high", 50.0, 0.5))


def test_the_ladder_is_climbed_by_quality_or_by_rate(monkeypatch):
    monkeypatch.setattr(library, "LADDER", TWO)
    assert [serving(q) for q in (0.0, 49.9, 50.0, 100.0)] == ["low", "low", "high", "high"]
    assert [serving(99.0, r) for r in (0.01, 0.49, 0.5, 9.0)] == ["low", "low", "high", "high"]
    assert serving(-5.0) == "low"  # refused where it is used, in words about quality


def test_every_rung_ships_and_they_go_up():
    assert {rung.model for rung in library.LADDER} <= {
        name.rpartition("@")[0] for name in library.exact.shipped()
    }
    assert list(library.LADDER) == sorted(library.LADDER, key=lambda r: (r.quality, r.bits_per_dim))
    assert library.LADDER[0][1:] == (0.0, 0.0)


def test_wishes_find_their_model(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "underdraw.codec.files.twin_named", lambda name: asked.append(name) or tiny()
    )
    monkeypatch.setattr(library, "LADDER", TWO)
    for wish in (Wish(), Wish(quality=10.0), Wish(bits_per_dim=0.7), Wish(lossless=True)):
        twin_for(wish)
    assert asked == [serving(QUALITY), "low", "high", DEFAULT]
    twin_for(Wish(quality=10.0), "mine")
    assert asked[-1] == "mine"


def test_a_quality_out_of_range_is_refused_before_and_after_the_choice():
    for quality in (-1.0, 101.0):
        with pytest.raises(CodecError, match="quality must be"):
            compress("nobody.png", quality=quality)

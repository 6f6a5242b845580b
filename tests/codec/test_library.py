"""Which model serves what."""

import pytest

from codec.crops import tiny
from underdraw.codec import library, room
from underdraw.codec.encoding import compress
from underdraw.codec.errors import CodecError, NoMemory
from underdraw.codec.library import DEFAULT, Rung, serving, slope
from underdraw.codec.lossy import COARSEST, FINEST
from underdraw.codec.wishes import QUALITY, Wish, power_of, setting, twin_for

TWO = (Rung("low", 0.0, 0.0), Rung("high", 50.0, 0.5))
FEW = (*TWO[:1], Rung("high", 50.0, 0.5, 2, (-10, -50)), Rung("high", 90.0, 0.9, None, (0, -100)))


def test_the_ladder_is_climbed_by_quality_or_by_rate(monkeypatch):
    monkeypatch.setattr(library, "LADDER", TWO)
    low, high = TWO
    assert [serving(q) for q in (0.0, 49.9, 50.0, 100.0)] == [low, low, high, high]
    assert [serving(99.0, r) for r in (0.01, 0.49, 0.5, 9.0)] == [low, low, high, high]
    assert serving(-5.0) == low  # refused where it is used, in words about quality


def test_a_quality_says_how_many_steps_and_how_fine(monkeypatch):
    monkeypatch.setattr(library, "LADDER", FEW)
    twin = tiny()
    assert setting(twin, Wish(quality=20.0), False) == (power_of(twin, 20.0), 4)
    assert [slope(FEW[1], q) for q in (50.0, 60.0, 89.9)] == [-10, -20, -50]
    assert setting(twin, Wish(quality=60.0), False) == (-20, 2)
    assert setting(twin, Wish(quality=60.0, steps=3), False) == (-20, 3)
    assert setting(twin, Wish(quality=60.0), True) == (power_of(twin, 60.0), 4)
    assert setting(twin, Wish(quality=95.0), False) == (-50, 4)
    assert setting(twin, Wish(bits_per_dim=0.7), False).steps == 4
    assert setting(twin, Wish(lossless=True), False).steps == 4


def test_every_rung_ships_and_they_go_up():
    assert {rung.model for rung in library.LADDER} <= {
        name.rpartition("@")[0] for name in library.exact.shipped()
    }
    assert list(library.LADDER) == sorted(library.LADDER, key=lambda r: (r.quality, r.bits_per_dim))
    assert library.LADDER[0][1:3] == (0.0, 0.0)
    for rung in library.LADDER:
        assert rung.steps is None or 0 < rung.steps < library.twin_named(rung.model).steps
        assert all(FINEST <= power <= COARSEST for power in rung.powers or ())


def test_wishes_find_their_model(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "underdraw.codec.wishes.twin_named", lambda name: asked.append(name) or tiny()
    )
    monkeypatch.setattr(library, "LADDER", TWO)
    for wish in (Wish(), Wish(quality=10.0), Wish(bits_per_dim=0.7), Wish(lossless=True)):
        twin_for(wish)
    assert asked == [serving(QUALITY).model, "low", "high", DEFAULT]
    twin_for(Wish(quality=10.0), "mine")
    assert asked[-1] == "mine"


def test_a_quality_out_of_range_is_refused_before_and_after_the_choice():
    for quality in (-1.0, 101.0):
        with pytest.raises(CodecError, match="quality must be"):
            compress("nobody.png", quality=quality)


def test_pictures_that_cannot_fit_into_memory_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(room, "installed", lambda: 1 << 20)
    library.fit(tiny(), 3, (32, 64))
    with pytest.raises(NoMemory, match=r"is drawn as 64 x 34, which takes .* of memory at least"):
        library.fit(tiny(), 3, (33, 64))
    monkeypatch.setattr(room, "installed", lambda: None)
    library.fit(tiny(), 3, (33, 64))


@pytest.mark.parametrize(
    ("allowed", "there"),
    [("max\n", 3 << 12), ("4096\n", 4096), ("99999\n", 3 << 12), (None, 3 << 12)],
)
def test_memory_is_that_of_the_machine_or_its_container(allowed, there, monkeypatch, tmp_path):
    monkeypatch.setattr(
        room.os, "sysconf", {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 4096}.get, raising=False
    )
    monkeypatch.setattr(room, "_GROUP", tmp_path / "memory.max")
    if allowed is not None:
        room._GROUP.write_text(allowed)
    room.installed.cache_clear()
    try:
        assert room.installed() == there
    finally:
        room.installed.cache_clear()


def test_memory_of_a_machine_that_cannot_say_is_not_known(monkeypatch) -> None:
    def refuse(name):
        raise ValueError(name)

    monkeypatch.setattr(room.os, "sysconf", refuse, raising=False)
    room.installed.cache_clear()
    try:
        assert room.installed() is None
    finally:
        room.installed.cache_clear()

import io

import numpy as np
import pytest
from rich.console import Console

from codec.crops import crops, tiny
from underdraw.cli import tell, watching
from underdraw.codec.decoding import decompress
from underdraw.codec.encoding import compress_all
from underdraw.codec.image import Picture
from underdraw.codec.wishes import Wish


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal is shown."""
    shown = io.StringIO()
    monkeypatch.setattr(tell, "console", Console(file=shown, force_terminal=True, width=80))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    return shown


def drawn(twin, monkeypatch: pytest.MonkeyPatch, after: float) -> list[int]:
    """What is reported when two pictures are compressed and one is decompressed."""
    monkeypatch.setattr(watching, "AFTER", after)
    levels = list(np.moveaxis(crops(2, 8, 10), 1, 3))
    with watching.watched(twin, "some work", 3 * 80):
        files = compress_all(levels, twin, Wish())
        decompress(files[0], model=twin)
    assert "paint" not in vars(twin)
    return [len(content) for content in files]


def test_what_takes_long_has_a_bar(screen, monkeypatch) -> None:
    watched = drawn(tiny(), monkeypatch, 0.0)
    assert "some work" in screen.getvalue()
    assert "100%" in screen.getvalue()
    levels = list(np.moveaxis(crops(2, 8, 10), 1, 3))
    assert watched == [len(content) for content in compress_all(levels, tiny(), Wish())]


def test_what_is_quick_has_none(screen, monkeypatch) -> None:
    drawn(tiny(), monkeypatch, 1e3)
    assert "some work" not in screen.getvalue()


def test_all_that_is_drawn_is_counted(monkeypatch) -> None:
    told: list[int] = []

    class Bar:
        def __enter__(self):
            return told.append

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(tell, "progress", lambda what, total, after: Bar())
    drawn(tiny(), monkeypatch, 0.0)
    assert told == sorted(told)
    assert told[-1] == 3 * 80 * tiny().steps


def test_tiles_beyond_a_picture_count_as_the_picture(monkeypatch) -> None:
    picture, rate = Picture(crops(1, 16, 20)[0]), Wish(bits_per_dim=1.0)
    vast = (100_000, 100_000)
    assert watching.passes(picture, rate._replace(tile=vast)) == watching.passes(picture, rate)
    monkeypatch.setattr(watching, "sample", lambda *given: pytest.fail("nothing is tried"))
    for wish in (Wish(tile=vast), Wish(lossless=True), Wish(quality=3.0)):
        assert watching.passes(picture, wish) == 2 * 320


def test_a_model_is_left_as_it_was_when_something_fails() -> None:
    with pytest.raises(ZeroDivisionError), watching.watched(tiny(), "some work", 1):
        _ = 1 / 0
    assert "paint" not in vars(tiny())

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from underdraw.latent import Trace
from underdraw.plot import animate, sheet
from underdraw.plot.animation import GREYS
from underdraw.plot.windows import WRITE


def frames(path):
    with Image.open(path) as file:
        read = [(f.convert("RGB"), f.info["duration"]) for f in ImageSequence.Iterator(file)]
        return file.format, read, file.info.get("loop")


@pytest.mark.parametrize(
    ("suffix", "name"), [("gif", "GIF"), ("png", "PNG"), ("apng", "PNG"), ("webp", "WEBP")]
)
def test_frames_and_durations(tmp_path, attentive, seen, suffix, name):
    path = animate(attentive, seen, tmp_path / f"a.{suffix}", fps=20.0, hold=1.5, scale=4)
    found, read, loop = frames(path)
    assert found == name
    assert [round(d) for _, d in read] == [50] * 6 + [1500]
    assert loop == 0
    assert all(picture.size == (3 * 40 + 2 * 2, 2 * 32 + 2) for picture, _ in read)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_last_frame_is_the_canvas_without_windows(tmp_path, attentive, seen, suffix):
    path = animate(attentive, seen, tmp_path / f"a.{suffix}", columns=2, scale=2)
    _, read, _ = frames(path)
    want = sheet(attentive.likelihood(seen.frames[-1].canvas).mean, 2, scale=2)
    assert np.array_equal(np.asarray(read[-1][0]), np.asarray(want.convert("RGB")))
    assert (np.asarray(read[0][0]) == WRITE).all(-1).any()


def test_gif_is_close_to_the_canvas(tmp_path, plain, blurred):
    path = animate(plain, blurred, tmp_path / "a.gif", columns=2, scale=2)
    _, read, _ = frames(path)
    assert len(read) == 6  # without windows the last frame is held itself
    for (picture, _), frame in zip(read, blurred.frames, strict=True):
        want = sheet(plain.likelihood(frame.canvas).mean, 2, scale=2)
        error = np.asarray(picture.convert("L")).astype(int) - np.asarray(want).astype(int)
        assert np.abs(error).max() <= 3


def test_windows_keep_their_colour_in_a_gif(tmp_path, attentive, dreamt):
    path = animate(attentive, dreamt, tmp_path / "a.gif", scale=8)
    _, read, _ = frames(path)
    distance = np.abs(np.asarray(read[2][0]).astype(int) - WRITE).max(-1)
    assert distance.min() <= 24


def test_gif_has_few_colours(tmp_path, attentive, seen):
    with Image.open(animate(attentive, seen, tmp_path / "a.gif")) as file:
        assert file.mode == "P"
        assert len(np.unique(np.asarray(file))) <= GREYS


def test_colour_images(tmp_path, make):
    model = make(shape=(3, 8, 10), steps=3)
    trace = model.unroll(lambda site, p, q: torch.randn_like(p.mu), n=2, frames="all")
    _, read, _ = frames(animate(model, trace, tmp_path / "a.webp", windows=False))
    assert np.ptp(np.asarray(read[-1][0]).astype(int), axis=2).max() > 20


def test_unknown_suffix_is_named_and_nothing_written(tmp_path, attentive, seen):
    with pytest.raises(ValueError, match=r"\.mp4"):
        animate(attentive, seen, tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "value"), [("fps", 0.0), ("fps", 51.0), ("hold", -1.0), ("columns", 0)]
)
def test_out_of_range(tmp_path, attentive, seen, name, value):
    with pytest.raises(ValueError, match=f"{name}.*{value}"):
        animate(attentive, seen, tmp_path / "a.gif", **{name: value})


def test_a_trace_without_frames_is_refused(tmp_path, attentive):
    with pytest.raises(ValueError, match="no frames"):
        animate(attentive, Trace([], []), tmp_path / "a.gif")

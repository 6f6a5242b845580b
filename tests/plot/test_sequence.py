import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from underdraw.latent import Frame, Trace
from underdraw.likelihoods import Bernoulli
from underdraw.nn.attention import Glimpse
from underdraw.plot import animate, canvas_strip, sequence_sheet, to_image
from underdraw.plot.sequence import shown, spaced
from underdraw.plot.windows import READ, WRITE

HEAD = 18


def has(picture, colour):
    return (np.asarray(picture) == colour).all(-1).any()


def test_spaced_ends_with_the_last():
    assert spaced(64, 4) == [0, 21, 42, 63]
    assert spaced(3, 8) == [0, 1, 2]
    assert spaced(64, 1) == [63]
    assert spaced(1, 5) == [0]
    with pytest.raises(ValueError, match="0"):
        spaced(4, 0)


def test_one_row_per_image_one_column_per_step(attentive, seen):
    page = sequence_sheet(attentive, seen, rows=3, columns=4, pad=2, scale=3)
    assert page.size == (4 * 30 + 3 * 2, HEAD + 3 * 24 + 2 * 2)


def test_cells_are_the_means_of_their_steps(plain, blurred):
    page = np.asarray(sequence_sheet(plain, blurred, rows=[2, 0], columns=3, pad=1, scale=1))
    for row, image in enumerate((2, 0)):
        for column, step in enumerate((0, 2, 5)):
            top, left = HEAD + row * 9, column * 11
            mean = plain.likelihood(blurred.frames[step].canvas).mean[image].detach()
            cell = page[top : top + 8, left : left + 10, 0]
            assert np.array_equal(cell, np.asarray(to_image(mean)))


def test_windows_are_drawn_where_the_model_has_them(attentive, seen, dreamt, plain, blurred):
    both = sequence_sheet(attentive, seen, scale=6)
    assert has(both, READ)
    assert has(both, WRITE)
    writes = sequence_sheet(attentive, dreamt, scale=6)
    assert not has(writes, READ)
    assert has(writes, WRITE)
    for none in (
        sequence_sheet(attentive, seen, scale=6, windows=False),
        sequence_sheet(plain, blurred, scale=6),
    ):
        assert not has(none, READ)
        assert not has(none, WRITE)


def test_each_image_has_its_own_window(attentive):
    at = torch.tensor([3.0, 8.0])
    same = torch.tensor([0.5, 0.5])
    window = Glimpse(at, torch.tensor([4.5, 4.5]), same, 0.01 * same, same, 2)
    frame = Frame(torch.zeros(2, 1, 8, 10), None, window)
    tiles = shown(attentive, frame, 8)
    for tile, g_x in zip(tiles, (3.0, 8.0), strict=True):
        inked = np.flatnonzero((tile != 128).any((0, 2)))
        assert (inked[0] + inked[-1] + 1) / 2 == pytest.approx(8 * (g_x - 0.5))


def test_a_mean_is_for_the_last_canvas(make, tmp_path):
    class Inked(Bernoulli):
        def glance(self, canvas):
            return torch.zeros_like(canvas)

    model = make()
    model.likelihood = Inked()
    frame = Frame(torch.full((1, 1, 8, 10), 9.0), None, None)
    trace = Trace([frame] * 3, [])
    sheet = np.asarray(sequence_sheet(model, trace, scale=1, pad=0))[HEAD:]
    assert (sheet[:, :20] == 0).all()
    assert (sheet[:, 20:] == 255).all()
    strip = np.asarray(canvas_strip(model, trace, scale=1, pad=0))
    assert np.array_equal(strip, sheet)
    with Image.open(animate(model, trace, tmp_path / "a.png", scale=1)) as file:
        greys = [np.asarray(one.convert("L")).max() for one in ImageSequence.Iterator(file)]
    assert (greys[0], greys[-1]) == (0, 255)  # equal ones may have become one


def test_what_was_seen_stands_last(attentive, seen, x):
    page = np.asarray(sequence_sheet(attentive, seen, rows=1, columns=2, x=x, pad=0, scale=1))
    assert page.shape[1] == 30
    assert np.array_equal(page[HEAD:, 20:, 0], np.asarray(to_image(x[0])))


def test_heads_have_numbers(plain, blurred):
    page = np.asarray(sequence_sheet(plain, blurred, columns=3, pad=0))
    assert all(page[:HEAD, i * 30 : (i + 1) * 30].max() > 120 for i in range(3))


def test_strip_has_every_other_step_and_the_last(plain, blurred):
    strip = np.asarray(canvas_strip(plain, blurred, image=1, every=2, pad=0, scale=1))
    assert strip.shape[:2] == (8, 30)
    for i, step in enumerate((1, 3, 5)):
        mean = plain.likelihood(blurred.frames[step].canvas).mean[1].detach()
        assert np.array_equal(strip[:, 10 * i : 10 * i + 10, 0], np.asarray(to_image(mean)))


def test_strip_wraps(attentive, seen):
    assert canvas_strip(attentive, seen, columns=4, pad=1, scale=1).size == (43, 17)


def test_nothing_to_show_is_refused(attentive, seen):
    with pytest.raises(ValueError, match="no frames"):
        sequence_sheet(attentive, Trace([], seen.choices))
    with pytest.raises(ValueError, match="every"):
        canvas_strip(attentive, seen, every=0)
    with pytest.raises(ValueError, match="image 4"):
        canvas_strip(attentive, seen, image=4)
    with pytest.raises(ValueError, match="image 9"):
        sequence_sheet(attentive, seen, rows=[0, 9])

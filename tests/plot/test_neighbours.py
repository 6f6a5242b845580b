import numpy as np
import pytest
import torch

from underdraw.plot import nearest, nearest_sheet, reconstructions, to_image
from underdraw.plot.pixels import GAP


@pytest.fixture
def data():
    g = torch.Generator().manual_seed(0)
    return torch.rand(9, 3, 4, 5, generator=g), torch.rand(50, 3, 4, 5, generator=g)


def brute(samples, training):
    return torch.tensor([((training - s) ** 2).sum((1, 2, 3)).argmin() for s in samples])


@pytest.mark.parametrize("chunk", [1, 7, 50, 1000])
def test_nearest_is_brute_force(data, chunk):
    assert torch.equal(nearest(*data, chunk=chunk), brute(*data))


def test_levels_stand_for_values():
    samples = torch.tensor([0.0, 0.5, 1.0])[:, None, None, None]
    levels = torch.tensor([250, 3, 129], dtype=torch.uint8)[:, None, None, None]
    assert nearest(samples, levels).tolist() == [1, 2, 0]
    assert nearest(samples, levels.numpy()).tolist() == [1, 2, 0]


def test_an_image_is_nearest_to_itself_among_large_values(data):
    _, training = data
    near = training.repeat(2, 1, 1, 1) * 1e-4 + 100.0
    near[50:] += 1e-3
    assert nearest(near[40:50], near).tolist() == list(range(40, 50))


def test_of_equals_the_first(data):
    samples, training = data
    twice = torch.cat([training, training])
    assert torch.equal(nearest(samples, twice, chunk=30), brute(samples, training))


def test_wrong_shapes_are_refused(data):
    samples, training = data
    with pytest.raises(ValueError, match="no training"):
        nearest(samples, training[:0])
    with pytest.raises(ValueError, match=r"\(3, 4, 5\).*\(3, 4, 4\)"):
        nearest(samples, training[..., :4])


@pytest.mark.parametrize("as_levels", [False, True])
def test_last_column_is_nearest_to_the_one_before(data, as_levels):
    samples, training = data
    if as_levels:
        training = (training * 256).floor().to(torch.uint8)
    page = np.asarray(nearest_sheet(samples[:8], training, columns=3, pad=2, scale=1))
    assert page.shape[:2] == (2 * 4 + 2, 3 * 5 + 2 * 2 + 10 + 5)
    assert np.all(page[:, 19:29] == GAP)
    values = (training.float() + 0.5) / 256 if as_levels else training
    for row, sample in enumerate((2, 5)):
        found = to_image(values[brute(samples[sample : sample + 1], values)[0]])
        assert np.array_equal(page[6 * row : 6 * row + 4, -5:], np.asarray(found))


def test_pairs_stand_side_by_side(data):
    samples, training = data
    page = np.asarray(reconstructions(samples[:4], training[:4], columns=2, pad=2, scale=2))
    assert page.shape[:2] == (2 * 8 + 10, 2 * 22 + 10)
    assert np.array_equal(page[18::2, 32:42:2], np.asarray(to_image(samples[3])))
    assert np.array_equal(page[18::2, 44:54:2], np.asarray(to_image(training[3])))
    assert np.all(page[:8, 10:12] == GAP)


def test_pairs_must_match(data):
    with pytest.raises(ValueError, match="beside"):
        reconstructions(data[0], data[1])
    with pytest.raises(ValueError, match="no images"):
        reconstructions(data[0][:0], data[1][:0])
    with pytest.raises(ValueError, match="no images"):
        nearest_sheet(data[0][:0], data[1])

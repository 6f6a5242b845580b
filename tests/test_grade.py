"""Errors and their intervals."""

import numpy as np
import pytest
import torch

import underdraw
from underdraw.classifier import Classifier, Look
from underdraw.data import DataConfig, hold, open_images, random_subset
from underdraw.grade import grade, scores, wilson


class Oracle(Classifier[tuple[()]]):
    """Says what the brightest pixel of the first row is; after one look only half believes it."""

    def __init__(self, shape, classes):
        super().__init__()
        self.shape, self.classes, self.steps = shape, classes, 2
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def begin(self, n):
        return (torch.zeros(n, 1),)

    def step(self, state, x):
        (seen,) = state
        seen = seen + 1
        row = x[:, 0, 0, : self.classes]
        first = torch.arange(self.classes) == 0
        return (seen,), Look(torch.where(seen == 1, 1.0 * first.expand_as(row), 8 * row))


class Marked:
    """Random images with a bright pixel at the class, wrong in every fifth image."""

    name, shape, binary, classes = "marked", (1, 4, 4), False, 3

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def labels(self, index):
        return torch.from_numpy(np.asarray(index) % 3)

    def take(self, index, draw=0):
        x = torch.zeros(len(index), 1, 4, 4)
        said = [(i + (i % 5 == 0)) % 3 for i in np.asarray(index).tolist()]
        x[torch.arange(len(said)), 0, 0, torch.tensor(said)] = 1
        return x


# From R: prop.test(k, n, correct = FALSE) and the closed forms at the ends.
@pytest.mark.parametrize(
    ("wrong", "count", "low", "high"),
    [
        (10, 100, 0.05522914, 0.17436566),
        (0, 10, 0.0, 0.27753279),
        (10, 10, 0.72246721, 1.0),
        (336, 10_000, 0.03024, 0.03731),
        (1, 2, 0.09453, 0.90547),
    ],
)
def test_wilson_intervals_are_the_known_ones(wrong, count, low, high):
    assert wilson(wrong, count) == pytest.approx((low, high), abs=6e-6)


def test_a_share_must_be_one():
    for wrong, count in ((0, 0), (-1, 5), (6, 5)):
        with pytest.raises(ValueError, match=f"{wrong} of {count}"):
            wilson(wrong, count)


def test_the_error_is_counted_after_every_glimpse():
    found = grade(Oracle((1, 4, 4), 3), Marked(40), batch=7)
    assert found.images == 40
    assert found.error == found.error_per_glimpse[-1] == 8 / 40
    assert found.error_per_glimpse[0] == pytest.approx(26 / 40)  # all that are not class 0
    assert (found.low, found.high) == wilson(8, 40)
    right, off = (np.log(np.exp(8) + 2) - k for k in (8, 0))
    assert found.nats == pytest.approx((32 * right + 8 * off) / 40, rel=1e-6)
    assert found.nats_per_glimpse[-1] == found.nats


def test_the_batch_does_not_matter_and_numbers_repeat():
    model = Oracle((1, 4, 4), 3)
    assert len({grade(model, Marked(40), batch=batch) for batch in (1, 7, 40, 90)}) == 1


def test_a_subset_keeps_its_labels():
    images = random_subset(Marked(40), 17, 3)
    found = grade(Oracle((1, 4, 4), 3), images)
    assert found.images == 17
    assert found.error == np.mean(images.indices % 5 == 0)


def test_progress_is_told():
    told = []
    grade(Oracle((1, 4, 4), 3), Marked(20), batch=8, report=told.append)
    assert told == [8, 16, 20]


def test_fewer_glimpses_are_measured():
    found = grade(Oracle((1, 4, 4), 3), Marked(40), steps=1)
    assert found.error_per_glimpse == (pytest.approx(26 / 40),)


def test_what_cannot_be_graded_is_named():
    model = Oracle((1, 4, 4), 3)
    with pytest.raises(ValueError, match="dark has no labels"):
        grade(model, hold(np.zeros((3, 4, 4), bool), name="dark"))
    with pytest.raises(ValueError, match="marked has 3 classes, the model 4"):
        grade(Oracle((1, 4, 4), 4), Marked(3))
    with pytest.raises(ValueError, match="got 0"):
        grade(model, Marked(3), batch=0)
    with pytest.raises(ValueError, match="the model reads"):
        grade(Oracle((1, 28, 28), 10), open_images(DataConfig("mnist_cluttered_small"), "test"))


def test_scores_are_per_glimpse_and_image():
    logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [3.0, 0.0]]])
    nats, wrong = scores(logits, torch.tensor([0, 1]))
    assert wrong.tolist() == [[False, True], [True, True]]
    expected = torch.log(1 + torch.tensor([[-2.0, 0.0], [1.0, 3.0]]).exp())
    torch.testing.assert_close(nats, expected)


def test_classifiers_that_ship_tell_digits_that_ship():
    """Among the clutter that they were trained with: all is there, and nothing is swapped."""
    images = open_images(DataConfig("mnist_cluttered_small"), "test")
    found = grade(underdraw.load("glimpser_mnist_cluttered_4"), images, batch=100)
    assert found.images == 200
    assert found.error < 0.1

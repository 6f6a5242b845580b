import threading
from itertools import chain, islice

import numpy as np
import pytest
import torch

from underdraw.data import DataError, hold, loader
from underdraw.data.images import View
from underdraw.data.labels import LabelledView
from underdraw.data.loader import prefetch
from underdraw.data.memory import Array

from .conftest import random_levels


def numbered(n):
    """Image i has level i."""
    return hold(np.arange(n, dtype=np.uint8)[:, None, None, None], "numbered")


def draw_from(images, count, *args, **kwargs):
    batches = loader(images, *args, **kwargs)
    out = list(islice(batches, count))
    batches.close()
    return out


def levels(batches):
    return [(x * 256).floor().int().flatten().tolist() for _, x in batches]


def flat(batches):
    return list(chain.from_iterable(levels(batches)))


def test_an_epoch_is_a_permutation():
    seen = draw_from(numbered(50), 10, batch=10, seed=1)
    assert [step for step, _ in seen] == list(range(10))
    first, second = flat(seen[:5]), flat(seen[5:])
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second != list(range(50))
    assert levels(draw_from(numbered(50), 5, batch=10, seed=2)) != levels(seen[:5])


def test_ragged_end_is_dropped():
    seen = levels(draw_from(numbered(23), 4, batch=10, seed=1))
    assert len({i for part in seen[:2] for i in part}) == 20
    assert len({i for part in seen[2:] for i in part}) == 20


def test_resumes_at_any_step():
    images = View(Array("set", random_levels(23, 1, 3, 3)), "dynamic", 0)
    whole = draw_from(images, 9, batch=5, seed=3)
    for start in (0, 1, 4, 7):
        again = draw_from(images, 9 - start, batch=5, seed=3, start=start)
        for (s, x), (t, y) in zip(whole[start:], again, strict=True):
            assert s == t
            assert torch.equal(x, y)


def test_draw_is_the_epoch():
    images = View(Array("set", np.full((4, 1, 9, 9), 128, np.uint8)), "dynamic", 0)
    (_, first), (_, second) = draw_from(images, 2, batch=4, seed=0)
    assert not any(torch.equal(x, y) for x in first for y in second)


def test_ranks_together_are_one_process():
    images = View(Array("set", random_levels(30, 1, 3, 3)), "dynamic", 0)
    one = draw_from(images, 7, batch=8, seed=5)
    parts = [draw_from(images, 7, batch=8, seed=5, rank=r, world=4) for r in range(4)]
    for (_, x), *slices in zip(one, *parts, strict=True):
        assert torch.equal(x, torch.cat([y for _, y in slices]))


def test_labels_come_with_their_images():
    array = Array("set", np.arange(23, dtype=np.uint8)[:, None, None, None])
    images = LabelledView(array, lambda: np.arange(23) % 7)
    pairs = draw_from(images, 6, batch=10, seed=3, labels=True)
    assert [step for step, _ in pairs] == list(range(6))
    for (_, (x, y)), (_, alone) in zip(pairs, draw_from(images, 6, batch=10, seed=3), strict=True):
        assert torch.equal(x, alone)
        assert y.tolist() == [i % 7 for i in flat([(0, x)])]


def test_refuses():
    with pytest.raises(DataError, match="10 images does not divide by 3"):
        loader(numbered(50), 10, 0, world=3)
    with pytest.raises(DataError, match="51 images from numbered, which has 50"):
        loader(numbered(50), 51, 0)
    with pytest.raises(DataError, match="numbered has no labels"):
        loader(numbered(50), 10, 0, labels=True)
    with pytest.raises(DataError, match="rank 2 of 2"):
        loader(numbered(50), 10, 0, rank=2, world=2)


class Failing:
    name, shape, binary = "failing", (1, 1, 1), False

    def __len__(self):
        return 10

    def take(self, index, draw=0):
        if draw:
            raise DataError("row 3 is damaged")
        return torch.zeros(len(index), 1, 1, 1)


def test_errors_of_the_thread_are_raised_here():
    batches = loader(Failing(), 5, 0)
    assert [next(batches)[0], next(batches)[0]] == [0, 1]
    with pytest.raises(DataError, match="row 3 is damaged"):
        next(batches)


def test_a_source_that_ends():
    batches = prefetch(iter([(0, torch.zeros(1))]))
    next(batches)
    with pytest.raises(DataError, match="the images ended"):
        next(batches)


def test_thread_ends_with_the_iterator():
    before = threading.active_count()
    batches = loader(numbered(50), 10, 0)
    next(batches)
    assert threading.active_count() == before + 1
    batches.close()
    assert threading.active_count() == before

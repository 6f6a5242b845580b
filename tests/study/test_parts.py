import numpy as np
import pytest
import torch

from underdraw.data import random_subset
from underdraw.study.parts import (
    apart,
    batches,
    bound_of,
    check_counts,
    chosen_steps,
    default_steps,
    layers_of,
    steps_of,
)


def test_default_steps_are_those_of_figure_2():
    assert default_steps(32) == [2, 4, 6, 8, 10, 14, 18, 25, 32]
    assert default_steps(3) == [1, 2, 3]
    for total in (10, 16, 30, 64):
        found = default_steps(total)
        assert found == sorted(set(found))
        assert (found[0] >= 1, found[-1]) == (True, total)


def test_steps_and_layers_are_counted(model, two_layers):
    assert (steps_of(model), layers_of(model)) == (4, 1)
    assert (steps_of(two_layers), layers_of(two_layers)) == (3, 2)


def test_steps_are_chosen_in_order_and_checked(model):
    assert chosen_steps(model, (4, 1, 4)) == [1, 4]
    assert chosen_steps(model, ()) == [1, 2, 3, 4]
    assert chosen_steps(model, (0, 2), least=0) == [0, 2]
    with pytest.raises(ValueError, match="1 to 4 in this model, got 5"):
        chosen_steps(model, (2, 5))
    with pytest.raises(ValueError, match="got 0"):
        chosen_steps(model, (0,))


def test_batches_know_the_places_of_their_images(images):
    some = random_subset(images, 5, 0)
    found = list(batches(some, 2))
    assert [len(x) for _, x in found] == [2, 2, 1]
    places = [place for of_batch, _ in found for place in of_batch]
    assert places == some.indices.tolist()
    assert torch.equal(torch.cat([x for _, x in found]), images.take(np.array(places)))


def test_counts_below_one_are_named():
    check_counts(rows=1)
    with pytest.raises(ValueError, match="samples must be at least 1, got 0"):
        check_counts(rows=2, samples=0)


def test_names_that_would_touch_are_left_out_but_never_the_last():
    points = [(0.0, 1.0, "a"), (5.0, 1.0, "b"), (5.5, 1.0, "c"), (6.0, 1.0, "d")]
    assert [name for _, _, name in apart(points, 1.0)] == ["d", "a"]
    assert [name for _, _, name in apart(points, 0.4)] == ["d", "c", "b", "a"]


def test_bound_of_keeps_single_numbers_of_the_bound(model, images):
    from underdraw.evaluate import evaluate

    found = bound_of(evaluate(model, images, batch=11))
    assert {"nats", "stderr", "distortion", "rate", "bits_per_dim"} <= found.keys()
    assert not {"rate_per_step", "importance_nats", "images", "seed"} & found.keys()

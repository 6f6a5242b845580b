import json
import math

import numpy as np
import pytest
from PIL import Image

from underdraw.data import random_subset
from underdraw.evaluate import evaluate
from underdraw.latent import Site
from underdraw.study import information
from underdraw.study.information import by_layer, chart


def test_one_layer_pays_what_an_evaluation_says(model, images, tmp_path):
    some = random_subset(images, 7, 1)
    found = information(model, some, tmp_path, seed=2, batch=3)
    measured = evaluate(model, some, seed=2, batch=7)
    assert found["nats"][0] == pytest.approx(measured.rate_per_step, rel=1e-5)
    assert found["total_nats"] == pytest.approx(measured.rate, rel=1e-5)
    assert found["total_bits"] == pytest.approx(measured.rate / math.log(2), rel=1e-5)
    assert (found["images"], found["split"]) == (7, "noise")


def test_layers_and_steps_sum_to_the_rate(two_layers, images, tmp_path):
    found = information(two_layers, images, tmp_path)
    measured = evaluate(two_layers, images, batch=11)
    assert np.shape(found["nats"]) == (2, 3)
    assert np.array(found["nats"]).min() > 0
    assert np.sum(found["nats"], 0) == pytest.approx(measured.rate_per_step, rel=1e-5)
    assert sum(found["layer_nats"]) == pytest.approx(measured.rate, rel=1e-5)
    assert np.array(found["bits"]) == pytest.approx(np.array(found["nats"]) / math.log(2))
    assert found["layer_bits"] == pytest.approx(np.sum(found["bits"], 1))


def test_the_numbers_and_the_picture_are_left(two_layers, images, tmp_path):
    seen = []
    found = information(two_layers, images, tmp_path, batch=5, report=seen.append)
    kept = json.loads((tmp_path / "information.json").read_text())
    assert kept["nats"] == found["nats"]
    with Image.open(found["picture"]) as picture:
        assert picture.width > 800
    assert seen == [5, 10, 11]


def test_a_layer_may_be_silent_at_a_step(model):
    import torch

    model.sites = (Site(0, 0, 1), Site(1, 1, 0), Site(2, 1, 1), Site(3, 1, 1))
    assert by_layer(model, torch.tensor([1.0, 2.0, 3.0, 4.0])) == [[None, 2.0], [1.0, 7.0]]
    chart([[None, 2.0], [1.0, 7.0]])


def test_higher_bars_are_bluer_and_layers_have_colours():
    def share(picture, strong, weak):
        a = np.asarray(picture).astype(int)
        return (a[..., strong] - a[..., weak] > 100).mean()

    low, high = chart([[4.0, 0.1, 0.1]]), chart([[4.0, 4.0, 4.0]])
    assert share(high, 2, 0) > 2 * share(low, 2, 0) > 0
    assert share(high, 0, 2) == 0
    assert share(chart([[1.0, 2.0], [2.0, 1.0]]), 0, 2) > 0


def test_what_does_not_fit_is_refused(model, images, tmp_path):
    with pytest.raises(ValueError, match="batch must be at least 1, got 0"):
        information(model, images, tmp_path, batch=0)
    assert not list(tmp_path.iterdir())

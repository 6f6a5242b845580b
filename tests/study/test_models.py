"""Any model can be studied, whatever it is."""

import numpy as np
import pytest

from underdraw.data import hold
from underdraw.models import MODELS, build
from underdraw.study import glimpses, information, store
from underdraw.study.parts import layers_of


def test_images_of_any_size_are_studied_where_a_model_draws_them(two_layers, tmp_path):
    images = hold(np.random.default_rng(0).random((3, 1, 9, 7)) < 0.4)
    told = information(two_layers, images, tmp_path / "information")
    stored = store(two_layers, images, tmp_path / "store", rows=2, samples=1)["stored"]
    assert stored[-1]["nats"] == pytest.approx(told["total_nats"], rel=1e-4)
    assert stored[-1]["bits_per_dim"] == pytest.approx(told["total_bits"] / 63, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("convdraw", "padded"),
        ("convdraw", "three"),
        ("deepvae", "gaussian"),
        ("vae", "one"),
    ],
)
def test_the_numbers_of_all_studies_agree(name, variant, tiny, tmp_path):
    about = tiny[name][variant]
    other = build(MODELS[name][0](**about))
    draw = np.random.default_rng(0)
    levels = draw.integers(0, 256, (3, *other.shape)).astype(np.uint8)
    images = hold(levels if about.get("likelihood", "bernoulli") != "bernoulli" else levels > 90)
    told = information(other, images, tmp_path / "information")
    stored = store(other, images, tmp_path / "steps", rows=2, samples=1)["stored"]
    bounds = glimpses(other, images, tmp_path / "glimpses")["bounds"]
    assert stored[-1]["nats"] == pytest.approx(told["total_nats"], rel=1e-4)
    assert bounds[-1]["rate"] == pytest.approx(told["total_nats"], rel=1e-4)
    if layers_of(other) > 1:
        layers = store(other, images, tmp_path / "layers", layers=(2,), rows=2, samples=1)
        assert layers["stored"][-1]["nats"] == pytest.approx(told["total_nats"], rel=1e-4)

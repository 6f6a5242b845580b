"""Exact models are measured as the float models that they were."""

import numpy as np
import pytest

from calling import call, call_json
from underdraw.cli import exacts, work
from underdraw.codec import exact
from underdraw.data import hold
from underdraw.evaluate import evaluate
from underdraw.likelihoods import Distortion
from underdraw.presets import preset


@pytest.mark.parametrize(
    ("name", "cells", "distortion"),
    [
        ("convdraw_photo@2", False, Distortion()),
        ("convdraw_photo_low@5", True, Distortion(1.0, 0.5)),
    ],
)
def test_an_exact_model_is_measured_as_its_preset_was(capsys, monkeypatch, name, cells, distortion):
    levels = np.random.default_rng(0).integers(0, 256, (3, 3, 48, 48)).astype(np.uint8)
    images, asked = hold(levels, name="noise"), []
    monkeypatch.setattr(
        work, "open_images", lambda config, split, root: asked.append((config, split)) or images
    )
    found = call_json(capsys, "evaluate", name, "--split", "valid")
    ((config, split),) = asked
    assert (config.name, config.crop, split) == ("imagenet64", preset(name[:-2]).data.crop, "valid")
    model = exact.float_of(exact.load(name))
    same = evaluate(model, images, cells=cells, distortion=distortion)
    assert found["nats"] == pytest.approx(same.nats, rel=1e-6)
    assert found["rate"] == pytest.approx(same.rate, rel=1e-6)
    assert found.get("cells", False) is cells
    if cells:
        assert abs(evaluate(model, images).rate / same.rate - 1) > 0.01


def test_only_shipped_names_are_exact_models(capsys):
    assert exacts.is_exact("convdraw_photo@2")
    for name in ("convdraw_photo", "draw_mnist", "convdraw_photo@77", "convdraw_photo@1"):
        assert not exacts.is_exact(name)
    code, _, err = call(capsys, "evaluate", "convdraw_photo@77")
    assert (code, "no model 'convdraw_photo@77'" in err) == (2, True)
    code, _, err = call(capsys, "evaluate", "convdraw_photo@1")  # trained by another cost
    assert (code, "evaluate takes the newest of each" in err) == (2, True)

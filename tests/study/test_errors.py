"""Errors after each glimpse, and among clutter."""

import json

import pytest
from PIL import Image

from underdraw.data import DataConfig, open_images
from underdraw.grade import grade, wilson
from underdraw.models import build
from underdraw.models.glimpser import GlimpserConfig
from underdraw.study import clutter, glimpse_errors


@pytest.fixture
def model():
    return build(GlimpserConfig((1, 30, 30), steps=3, hidden=8, read_size=4, embedding=0))


def digits(pieces):
    return open_images(DataConfig("mnist_cluttered_small", pieces=pieces, canvas=30), "test")


def test_the_error_after_each_glimpse(model, tmp_path):
    found = glimpse_errors(model, digits(1), tmp_path, batch=64)
    exact = grade(model, digits(1))
    assert [row["glimpses"] for row in found["errors"]] == [1, 2, 3]
    assert [row["error"] for row in found["errors"]] == list(exact.error_per_glimpse)
    last = found["errors"][-1]
    assert (last["low"], last["high"]) == (exact.low, exact.high)
    assert last["nats"] == pytest.approx(exact.nats)
    Image.open(found["picture"]).verify()
    assert json.loads((tmp_path / "glimpses.json").read_text())["errors"] == found["errors"]


def test_the_error_among_clutter(model, tmp_path):
    done = []
    sets = {pieces: digits(pieces) for pieces in (4, 0)}
    found = clutter(model, sets, tmp_path, report=done.append)
    assert [row["pieces"] for row in found["errors"]] == [0, 4]
    for row in found["errors"]:
        exact = grade(model, sets[row["pieces"]])
        assert row["error"] == exact.error
        assert (row["low"], row["high"]) == wilson(round(exact.error * 200), 200)
    assert done[-1] == 400
    assert done == sorted(done)
    Image.open(found["picture"]).verify()


def test_no_clutter_at_all_to_study_is_an_error(model, tmp_path):
    with pytest.raises(ValueError, match="at least one number"):
        clutter(model, {}, tmp_path)

import json

import pytest
from PIL import Image

from underdraw.evaluate import evaluate
from underdraw.study import glimpses, steps_taken


def test_the_bound_after_some_steps_is_that_of_an_evaluation(model, images, tmp_path):
    seen = []
    found = glimpses(model, images, tmp_path, steps=(4, 2), seed=1, batch=11, report=seen.append)
    assert [row["steps"] for row in found["bounds"]] == [2, 4]
    for row in found["bounds"]:
        measured = evaluate(model, images, seed=1, batch=11, steps=row["steps"])
        assert row["nats"] == measured.nats
        assert row["nats"] == pytest.approx(row["distortion"] + row["rate"])
        assert row["stderr"] == measured.stderr
    two, four = found["bounds"]
    assert two["rate"] < four["rate"]
    assert seen == [2, 6]
    assert seen[-1] == steps_taken(model, (4, 2))
    assert json.loads((tmp_path / "glimpses.json").read_text())["bounds"] == found["bounds"]
    Image.open(found["picture"]).verify()


def test_two_layers_take_whole_steps(two_layers, images, tmp_path):
    found = glimpses(two_layers, images, tmp_path)
    assert [row["steps"] for row in found["bounds"]] == [1, 2, 3]
    assert found["bounds"][-1]["nats"] == evaluate(two_layers, images, batch=11).nats


def test_steps_beyond_the_model_are_refused(model, images, tmp_path):
    with pytest.raises(ValueError, match="1 to 4 in this model, got 9"):
        glimpses(model, images, tmp_path, steps=(9,))

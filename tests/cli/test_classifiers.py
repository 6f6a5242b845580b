"""The command line with classifiers."""

import re

import numpy as np
import pytest
from PIL import Image

from calling import call, call_json
from underdraw.checkpoint import load, save
from underdraw.cli.work import images_of
from underdraw.data import read_image
from underdraw.models import build
from underdraw.models.glimpser import GlimpserConfig
from underdraw.presets import glimpser_mnist_cluttered_small

DATA = {"name": "mnist_cluttered_small", "pieces": 2, "canvas": 40}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small untrained classifier that knows its data."""
    folder = tmp_path_factory.mktemp("run")
    model = build(GlimpserConfig((1, 40, 40), steps=2, hidden=8, read_size=4, embedding=0))
    return str(save(model, folder, preset="x", data=DATA))


def test_evaluate_gives_the_error_and_its_interval(capsys, run):
    found = call_json(capsys, "evaluate", run)
    assert found["images"] == 200
    assert 0 <= found["low"] < found["error"] < found["high"] <= 1
    assert len(found["error_per_glimpse"]) == 2
    assert found["error_per_glimpse"][-1] == found["error"]
    again = call_json(capsys, "evaluate", run, "--batch", "33")
    assert (again["error"], again["nats"]) == (found["error"], pytest.approx(found["nats"]))
    code, _, err = call(capsys, "evaluate", run, "--importance-samples", "3")
    assert code == 2
    assert "importance_samples is 3" in err


def test_training_images_are_measured_at_their_size(capsys, run, tmp_path):
    grown = save(
        load(run), tmp_path / "grown", data=DATA | {"growing": 3, "canvas": 100, "warp": 0.3}
    )
    source = images_of(str(grown), "train", None).source
    assert source.stage(0) == (100, 2)
    assert source.config.warp == 0


def test_glimpse_shows_what_is_right_and_what_is_wrong(capsys, run, tmp_path):
    found = call_json(capsys, "glimpse", run, "-n", "3", "--out", str(tmp_path))
    assert 0 < found["wrong_of_seen"] < found["seen"]
    for kind in ("right", "wrong", "right_gif", "wrong_gif"):
        Image.open(found[kind]).verify()
    Image.fromarray(np.eye(50, dtype=np.uint8) * 255).save(tmp_path / "line.png")
    found = call_json(
        capsys, "glimpse", run, str(tmp_path / "line.png"), "--out", str(tmp_path / "files")
    )
    Image.open(found["images"]).verify()
    model = load(run)
    (seen,) = model(read_image(tmp_path / "line.png", model.shape, False))[-1].argmax(1).tolist()
    assert found["classes"] == [seen]
    code, out, _ = call(capsys, "glimpse", run, str(tmp_path / "line.png"), "--out", str(tmp_path))
    assert (code, re.search(r"classes +(\d)", out)[1]) == (0, str(seen))
    code, _, err = call(capsys, "glimpse", run, "-n", "0")
    assert code == 2
    assert "cannot show 0" in err


def test_studies_of_clutter_and_glimpses(capsys, run, tmp_path):
    words = ("--limit", "60", "--out", str(tmp_path))
    found = call_json(capsys, "study", "clutter", run, "--pieces", "0", "3", *words)
    assert [row["pieces"] for row in found["errors"]] == [0, 3]
    assert found["images"] == 60
    found = call_json(capsys, "study", "glimpses", run, *words)
    assert [row["glimpses"] for row in found["errors"]] == [1, 2]
    code, _, err = call(capsys, "study", "glimpses", run, "--steps", "1")
    assert code == 2
    assert "measured after every glimpse" in err


@pytest.mark.parametrize("command", ["sample", "reconstruct", "study information", "study store"])
def test_what_a_classifier_cannot_do_is_said(capsys, run, command, tmp_path):
    more = ("--dataset",) if command == "reconstruct" else ()
    code, _, err = call(capsys, *command.split(), run, *more, "--out", str(tmp_path / "out"))
    assert code == 2
    assert "Glimpser) draws no images: it is a classifier" in err
    assert not (tmp_path / "out").exists()


def test_a_model_that_draws_is_no_classifier(capsys, draw, tmp_path):
    run = str(save(draw, tmp_path / "run"))
    for words in (("glimpse",), ("study", "clutter")):
        code, _, err = call(capsys, *words, run)
        assert code == 2
        assert "is no classifier" in err


def test_train_trains_a_classifier_on_digits_that_ship(capsys, tmp_path):
    found = call_json(
        capsys, "train", "glimpser_mnist_cluttered_small", "--out", str(tmp_path / "run"),
        "--model.steps", "2", "--model.hidden", "8", "--train.steps", "3", "--train.batch", "4",
        "--train.validate-images", "8", "--train.no-compile",
    )  # fmt: skip
    assert found["step"] == 3
    about = call_json(capsys, "info", str(tmp_path / "run"))
    assert about["model"] == "glimpser"
    assert about["data"]["pieces"] == glimpser_mnist_cluttered_small().data.pieces
    share = about["trained"]["validation_error"]
    assert share in [wrong / 8 for wrong in range(9)]

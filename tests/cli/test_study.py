"""`underdraw study`: what it prints, leaves and refuses."""

import json
import subprocess
import sys
from dataclasses import asdict

import pytest
import torch
from PIL import Image

import calling
from underdraw.checkpoint import describe, load, save
from underdraw.models import build
from underdraw.models.draw import DRAWConfig
from underdraw.presets import TrainConfig, draw_mnist_small

TRAIN = [
    "--model.steps", "2", "--model.hidden", "6", "--train.steps", "3", "--train.batch", "4",
    "--train.validate-images", "6",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small untrained model that knows its data and its beta."""
    folder = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    model = build(DRAWConfig(steps=3, hidden=8, latent=3))
    about = {"data": asdict(draw_mnist_small().data), "train": asdict(TrainConfig(beta=0.5))}
    return str(save(model, folder, **about))


def call(capsys, *words):
    return calling.call(capsys, "study", *words)


def call_json(capsys, *words):
    return calling.call_json(capsys, "study", *words)


def verify(path):
    with Image.open(path) as picture:
        picture.verify()


def test_information(capsys, run, tmp_path):
    found = call_json(capsys, "information", run, "--limit", "20", "--out", str(tmp_path))
    assert found["images"] == 20
    assert found["total_nats"] == pytest.approx(sum(found["nats"][0]))
    verify(found["picture"])
    whole = call_json(capsys, "information", run, "--limit", "20", "--out", str(tmp_path),
                      "--batch", "7")  # fmt: skip
    assert whole["nats"][0] == pytest.approx(found["nats"][0], rel=1e-5)


def test_store(capsys, run, tmp_path):
    words = ["store", run, "--limit", "10", "--rows", "2", "--samples", "1", "--out"]
    found = call_json(capsys, *words, str(tmp_path), "--steps", "0", "3")
    assert [row["steps"] for row in found["stored"]] == [0, 3]
    for name in ("zero_variance", "full_variance", "curve"):
        verify(found[name])
    information = call_json(capsys, "information", run, "--limit", "10", "--out", str(tmp_path))
    assert found["stored"][1]["bits"] == pytest.approx(information["total_bits"], rel=1e-4)
    code, out, _ = call(capsys, *words, str(tmp_path))
    assert code == 0
    assert "psnr" in out


def test_glimpses(capsys, run, tmp_path):
    found = call_json(
        capsys, "glimpses", run, "--limit", "10", "--steps", "1", "3", "--out", str(tmp_path)
    )
    assert [row["steps"] for row in found["bounds"]] == [1, 3]
    verify(found["picture"])


def test_beta_trains_a_preset_and_compares_models(capsys, run, tmp_path):
    words = ["beta", "draw_mnist_small", *TRAIN, "--betas", "0.4", "--limit", "5", "-n", "4"]
    found = call_json(capsys, *words, "--out", str(tmp_path))
    (row,) = found["betas"]
    assert (row["beta"], row["model"]) == (0.4, str(tmp_path / "beta_0.4"))
    verify(found["picture"])
    both = call_json(capsys, "beta", run, row["model"], "--limit", "5", "-n", "4", "--out",
                     str(tmp_path / "both"))  # fmt: skip
    assert [r["beta"] for r in both["betas"]] == [0.4, 0.5]
    assert both["betas"][0]["nats"] == row["nats"]


def test_steps(capsys, tmp_path):
    words = ["steps", "draw_mnist_small", *TRAIN[2:], "--steps", "1", "--minutes", "0.002"]
    found = call_json(capsys, *words, "--seed", "3", "--out", str(tmp_path))
    assert [row["steps"] for row in found["runs"]] == [1]
    kept = json.loads((tmp_path / "steps_1" / "preset.json").read_text())
    assert (kept["model"]["steps"], kept["model"]["hidden"], kept["train"]["seed"]) == (1, 6, 3)
    verify(found["picture"])


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["information", "nonsense"], "nonsense"),
        (["information", "RUN", "--limit", "0"], "got 0"),
        (["information", "RUN", "--seed", "-1"], "got -1"),
        (["store", "RUN", "--steps", "4"], "0 to 3 in this model, got 4"),
        (["store", "RUN", "--layers", "2"], "one layer"),
        (["store", "RUN", "--steps", "1", "--layers", "2"], "not both"),
        (["store", "RUN", "--samples", "0"], "samples must be at least 1"),
        (["glimpses", "RUN", "--steps", "0"], "got 0"),
        (["beta"], "name a preset"),
        (["beta", "draw_mnist_small", "--betas", "0"], "beta must be above 0"),
        (["beta", "RUN", "--train.batch", "3"], "--train.batch"),
        (["beta", "draw_mnist_small", "--train.nonsense", "3"], "nonsense"),
        (["steps", "nonsense"], "nonsense"),
        (["steps", "draw_mnist_small", "--minutes", "0"], "minutes above 0"),
        (["steps", "draw_mnist_small", "--steps", "0"], "steps"),
        (["dance"], "dance"),
    ],
)
def test_bad_input_is_named_with_code_2_and_leaves_nothing(capsys, run, tmp_path, words, names):
    out = tmp_path / "out"
    words = [run if word == "RUN" else word for word in words] + ["--out", str(out)]
    code, said, err = call(capsys, *words)
    assert code == 2
    assert said == ""
    assert names in err
    assert "Traceback" not in err
    assert not out.exists()


@pytest.mark.parametrize("study", ["information", "store", "glimpses", "beta"])
@pytest.mark.parametrize("train", [{"cells": True, "beta": 1.0}, {"error": 0.5, "beta": 1.0}])
def test_what_is_no_bound_is_not_shown_as_one(capsys, run, tmp_path, study, train):
    model, data = load(run), describe(run)["data"]
    folder = str(save(model, tmp_path / "model", data=data, train=train))
    code, out, err = call(capsys, study, folder, "--limit", "5", "--out", str(tmp_path / "out"))
    assert (code, out) == (2, "")
    assert f"was trained with {next(iter(train))}" in err
    assert not (tmp_path / "out").exists()


def test_studies_take_the_steps_that_a_model_was_validated_with(capsys, run, tmp_path):
    model, data = load(run), describe(run)["data"]
    folder = save(model, tmp_path / "model", data=data, trained={"glimpses": 2})
    found = call_json(
        capsys, "information", str(folder), "--limit", "5", "--out", str(tmp_path / "out")
    )
    assert len(found["nats"][0]) == 2


def test_help_needs_no_torch():
    code = (
        "import sys\nfrom underdraw.cli import main\n"
        "for words in (['study', '--help'], ['study', 'store', '--help'], ['study']):\n"
        "    try:\n        main(words)\n    except SystemExit as end:\n        last = end.code\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    for name in ("information", "store", "beta", "steps", "glimpses", "--layers"):
        assert name in done.stdout

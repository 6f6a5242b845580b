"""Classification as a task of the trainer."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import underdraw
import underdraw.data
from underdraw.data import DataConfig, hold, open_images
from underdraw.grade import grade
from underdraw.models.convnet import ConvNetConfig
from underdraw.models.draw import DRAWConfig
from underdraw.models.glimpser import GlimpserConfig
from underdraw.presets import Preset, TrainConfig
from underdraw.train import read_log, train
from underdraw.train.state import LAST

DATA = DataConfig("mnist_cluttered_small", pieces=1, canvas=30)
MODEL = GlimpserConfig((1, 30, 30), steps=3, hidden=16, read_size=6, embedding=12)
TRAIN = TrainConfig(
    steps=24, batch=8, warmup=3, log_every=5, validate_every=12, validate_images=20,
    snapshot_every=10, compile=False, glimpses=((0.3, 2),),
)  # fmt: skip


def tiny(model=MODEL, **changes):
    return Preset("tiny", "tiny", model, DATA, replace(TRAIN, **changes))


def go(out, *, model=MODEL, resume=False, max_minutes=None, **changes):
    preset = tiny(model, **changes)
    return train(preset, out, resume=resume, quiet=True, max_minutes=max_minutes)


def test_a_run_leaves_a_classifier_that_is_what_was_validated(tmp_path):
    outcome = go(tmp_path)
    model = underdraw.load(tmp_path)
    about = json.loads((tmp_path / "config.json").read_text())
    rows = read_log(tmp_path)
    valid = [row for row in rows if row["kind"] == "valid"]
    best = next(row for row in valid if row["step"] == about["trained"]["step"])
    assert about["trained"]["validation_nats"] == best["nats"] == outcome.best
    assert about["trained"]["validation_error"] == best["error"]
    images = underdraw.data.random_subset(open_images(DATA, "valid"), 20, 0)
    found = grade(model, images, steps=about["trained"]["glimpses"])
    assert found.nats == pytest.approx(best["nats"], rel=1e-6)
    assert found.error == best["error"]
    assert "validation cross-entropy" in (tmp_path / "README.md").read_text()
    assert {"nats", "objective", "error"} <= next(r for r in rows if r["kind"] == "train").keys()
    for path in (tmp_path / "samples").iterdir():
        Image.open(path).verify()


def test_a_run_that_was_stopped_goes_on_to_the_last_bit(tmp_path):
    go(tmp_path / "whole")
    stops = 0
    while go(tmp_path / "parts", resume=True, max_minutes=0.002).reason != "finished":
        stops += 1
    assert stops > 0
    for name in (LAST, "model.safetensors"):
        one, other = (load_file(tmp_path / run / name) for run in ("whole", "parts"))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_a_convolutional_network_trains_in_the_same_trainer(tmp_path):
    config = ConvNetConfig((1, 30, 30), maps=(4, 8), kernel=5, stride=3, hidden=16)
    outcome = go(tmp_path, model=config, glimpses=(), steps=60, learning_rate=5e-3)
    valid = [row["nats"] for row in read_log(tmp_path) if row["kind"] == "valid"]
    assert outcome.best == min(valid)
    assert valid[-1] < valid[0]


def test_the_earlier_glimpses_cost_what_the_config_says(tmp_path):
    from accelerate import Accelerator

    from underdraw.train.loop import Run

    images = open_images(DATA, "valid")
    x, y = images.take(np.arange(8)), images.labels(np.arange(8))
    found = {}
    for early in (0.0, 2.0):
        run = Run(tiny(early=early, glimpses=()), tmp_path, Accelerator(), images, True)
        loss, means = run.task.cost(run.model, (x, y), 0)
        assert means[2] == loss
        found[early] = loss.item()
    nats = torch.stack(
        [torch.nn.functional.cross_entropy(logits, y) for logits in run.state.model(x)]
    )
    assert found[0.0] == pytest.approx(nats[-1].item())
    assert found[2.0] == pytest.approx((nats[-1] + 2 * nats[:-1].mean()).item())
    assert means[0] == pytest.approx(nats[-1].item())
    assert means[1] * 8 == pytest.approx((run.state.model(x)[-1].argmax(1) != y).sum().item())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("importance_samples", 3),
        ("beta", 0.5),
        ("kl_warmup", 7),
        ("recompute", True),
        ("cells", True),
        ("error", 0.5),
        ("beta_from", (2.0, 0.5)),
    ],
)
def test_what_means_nothing_to_a_classifier_is_refused(tmp_path, field, value):
    with pytest.raises(ValueError, match=re.escape(f"{field} is {value}")):
        go(tmp_path, **{field: value})
    assert not (tmp_path / "preset.json").exists()


def test_a_weight_of_early_glimpses_means_nothing_to_a_bound(tmp_path):
    model = DRAWConfig((1, 28, 28), steps=2, hidden=4, latent=2)
    preset = Preset("tiny", "tiny", model, DataConfig(), TrainConfig(early=0.5))
    with pytest.raises(ValueError, match=r"early is 0\.5, which means nothing to a model"):
        train(preset, tmp_path, quiet=True)


def test_other_classes_than_the_models_are_refused(tmp_path):
    with pytest.raises(ValueError, match="train has 10 classes, the model 5"):
        go(tmp_path, model=replace(MODEL, classes=5))
    assert not (tmp_path / "preset.json").exists()


def test_images_without_labels_are_refused(tmp_path):
    dark = hold(np.zeros((20, 30, 30), bool), name="dark")
    with pytest.raises(ValueError, match="dark has no labels"):
        train(tiny(), tmp_path, images=dark, valid=dark, quiet=True)


def test_more_glimpses_than_the_model_has_are_refused(tmp_path):
    with pytest.raises(ValueError, match="asks for 9 steps of a model that has 3"):
        go(tmp_path, glimpses=((0.5, 9),))


def test_early_must_be_a_weight():
    with pytest.raises(ValueError, match="early"):
        TrainConfig(early=-1.0)


@pytest.mark.slow
def test_it_learns_to_find_and_read_a_digit(tmp_path):
    from underdraw.presets import glimpser_mnist_cluttered_small

    preset = glimpser_mnist_cluttered_small()
    train(preset, tmp_path, quiet=True)
    found = grade(underdraw.load(tmp_path), open_images(preset.data, "test"))
    assert found.high < 0.5

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from underdraw import checkpoint
from underdraw.data import DataConfig, open_images, random_subset
from underdraw.evaluate import evaluate
from underdraw.models import build
from underdraw.study import Interrupted, compare, train_betas
from underdraw.study import runs as runs_module
from underdraw.study.beta import beta_of, with_beta
from underdraw.study.runs import numbers_of
from underdraw.train import Outcome, RunError, train


@pytest.fixture
def digits():
    return random_subset(open_images(DataConfig("binarized_mnist"), "test"), 12, 0)


def refuse(*args, **options):
    raise AssertionError("trained again")


def test_each_beta_is_trained_once(preset, tmp_path, monkeypatch):
    said = []
    runs = train_betas(preset, (1.0, 0.4), tmp_path, quiet=True, say=said.append)
    assert [run.name for run in runs] == ["beta_0.4", "beta_1"]
    assert [beta_of(run) for run in runs] == [0.4, 1.0]
    assert [numbers_of(run).step for run in runs] == [4, 4]
    assert len(said) == 2
    a, b = (dict(checkpoint.load(run).named_parameters()) for run in runs)
    assert not all(torch.equal(a[name], b[name]) for name in a)
    monkeypatch.setattr(runs_module, "train", refuse)
    assert train_betas(preset, (0.4, 1.0), tmp_path) == runs
    other = replace(preset, train=replace(preset.train, batch=8))
    with pytest.raises(RunError, match=r"beta_0.4 holds a run with other settings"):
        train_betas(other, (0.4,), tmp_path)


def test_a_stopped_run_goes_on(preset, tmp_path):
    changed = replace(preset, train=replace(preset.train, beta=0.4))
    stopped = train(changed, tmp_path / "beta_0.4", max_minutes=1e-6, quiet=True)
    assert (stopped.reason, stopped.step) == ("time", 1)
    train_betas(preset, (0.4,), tmp_path, quiet=True)
    assert numbers_of(tmp_path / "beta_0.4").step == 4


def test_a_signal_stops_the_study(preset, tmp_path, monkeypatch):
    def signalled(preset, run, **options):
        return Outcome(1, "signal", 15, None, run, True)

    monkeypatch.setattr(runs_module, "train", signalled)
    with pytest.raises(Interrupted, match=r"signal 15 while training .*beta_0.4") as end:
        train_betas(preset, (0.4, 1.0), tmp_path)
    assert end.value.exit_code == 143


def saved(preset, folder, beta, seed):
    """An untrained model that says it was trained with `beta`."""
    torch.manual_seed(seed)
    return checkpoint.save(build(preset.model), folder, train={"beta": beta})


def test_models_are_compared_by_their_bounds(preset, digits, tmp_path):
    names = [saved(preset, tmp_path / "b", 1.0, 1), saved(preset, tmp_path / "a", 0.4, 2)]
    seen = []
    found = compare(names, digits, tmp_path, samples=4, seed=1, report=seen.append)
    assert [row["beta"] for row in found["betas"]] == [0.4, 1.0]
    assert seen == [1, 2]
    for row in found["betas"]:
        measured = evaluate(checkpoint.load(row["model"]), digits, seed=1, batch=12)
        assert (row["nats"], row["rate"]) == (measured.nats, measured.rate)
        assert row["nats"] == pytest.approx(row["distortion"] + row["rate"])
    assert json.loads((tmp_path / "beta.json").read_text())["betas"] == found["betas"]
    again = compare(names[:1], digits, tmp_path / "one", samples=4, seed=1)
    with Image.open(found["picture"]) as two, Image.open(again["picture"]) as one:
        assert two.width > one.width


def test_a_folder_named_as_a_shipped_model_is_the_folder(preset, digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(preset, Path("draw_mnist"), 0.4, 2)
    found = compare([Path("draw_mnist")], digits, tmp_path / "out", samples=4)
    torch.manual_seed(2)
    here = evaluate(build(preset.model).eval(), digits, batch=12)
    assert (found["betas"][0]["beta"], found["betas"][0]["nats"]) == (0.4, here.nats)


def test_a_model_must_say_its_beta(preset, digits, tmp_path):
    folder = checkpoint.save(build(preset.model), tmp_path / "model")
    with pytest.raises(ValueError, match=r"model does not say with which beta"):
        compare([folder], digits, tmp_path)
    with pytest.raises(ValueError, match="no beta"):
        train_betas(preset, (), tmp_path)
    with pytest.raises(ValueError, match=r"beta must be above 0, got -1"):
        train_betas(preset, (-1.0,), tmp_path)
    weighted = replace(preset, train=replace(preset.train, importance_samples=5))
    with pytest.raises(ValueError, match="importance_samples 5"):
        train_betas(weighted, (0.4, 1.0), tmp_path)
    rounded = replace(preset, train=replace(preset.train, cells=True))
    with pytest.raises(ValueError, match="has cells True: what it minimises is no bound"):
        train_betas(rounded, (0.4, 1.0), tmp_path)


def test_a_damaged_checkpoint_is_named(tmp_path):
    assert numbers_of(tmp_path).step == 0
    path = tmp_path / "train" / "last.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"nonsense")
    with pytest.raises(RunError, match=r"last.safetensors cannot be read"):
        numbers_of(tmp_path)


def test_a_first_beta_stays_where_beta_falls_from_it(preset):
    falling = replace(preset, train=replace(preset.train, beta=0.2, beta_from=(2.0, 0.5)))
    assert with_beta(falling, 0.4).train.beta_from == (2.0, 0.5)
    assert with_beta(falling, 3.0).train.beta_from is None
    assert with_beta(falling, 3.0).train.beta == 3.0

import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from underdraw.models.vae import VAEConfig
from underdraw.presets import preset as preset_named
from underdraw.study import runs as runs_module
from underdraw.study import steps, train_betas
from underdraw.study.runs import Interrupted
from underdraw.study.steps import chart, spend, with_steps
from underdraw.train import RunError, precision
from underdraw.train.schedule import glimpses, learning_rate
from underdraw.train.state import Numbers, begun, with_precision

steps_module = sys.modules["underdraw.study.steps"]  # the package has the function of that name
beta_module = sys.modules["underdraw.study.beta"]
MOMENT = 0.003  # minutes


def test_the_schedule_does_not_depend_on_the_end(preset):
    long = {"warmup": 800, "kl_warmup": 900, "validate_every": 1000}
    falling = {"glimpses": ((0.5, 1),), "beta_from": (2.0, 0.5)}
    curriculum = replace(preset, train=replace(preset.train, **falling, **long))
    changed = with_steps(curriculum, 7)
    assert changed.model.steps == 7
    rates = {learning_rate(changed.train, at) for at in (100, 5_000, 900_000)}
    assert rates == {preset.train.learning_rate}
    assert glimpses(changed.train, 0) is None
    assert changed.train.beta_from is None
    assert {getattr(changed.train, name) for name in long} == {100}
    short = replace(preset, train=replace(preset.train, warmup=0, kl_warmup=7, validate_every=3))
    kept = with_steps(short, 7).train
    assert (kept.warmup, kept.kl_warmup, kept.validate_every) == (0, 7, 3)
    with pytest.raises(ValueError, match="has no number of steps"):
        with_steps(replace(preset, model=VAEConfig()), 2)
    with pytest.raises(ValueError, match="steps"):
        with_steps(preset, 0)


def test_runs_are_trained_for_their_time_and_once(preset, tmp_path, monkeypatch):
    said = []
    found = steps(preset, tmp_path, counts=(2, 1), minutes=MOMENT, quiet=True, say=said.append)
    assert [run["steps"] for run in found["runs"]] == [1, 2]
    assert len(said) == 2
    for run in found["runs"]:
        assert run["updates"] > 0
        assert run["images"] == 4 * run["updates"]
        train = [row for row in run["curve"] if row["kind"] == "train"]
        for row in run["curve"]:
            assert row["images"] == 4 * row["step"]
            assert row["bits_per_dim"] == pytest.approx(row["nats"] / 784 / math.log(2))
        late = train[-max(1, round(len(train) / 10)) :]
        assert run["train_nats"] == pytest.approx(np.mean([row["nats"] for row in late]))
        valid = [row["nats"] for row in run["curve"] if row["kind"] == "valid"]
        assert run["valid_nats"] == min(valid)
    assert json.loads((tmp_path / "steps.json").read_text())["runs"] == found["runs"]
    Image.open(found["picture"]).verify()

    def refuse(*args, **options):
        raise AssertionError("trained again")

    monkeypatch.setattr(runs_module, "train", refuse)
    again = steps(preset, tmp_path, counts=(1, 2), minutes=MOMENT)
    assert again["runs"] == found["runs"]


@pytest.fixture
def clock(monkeypatch):
    """Minutes by the clock, for the tests to move on."""
    at = [0.0]
    monkeypatch.setattr(steps_module.time, "monotonic", lambda: 60 * at[0])
    return at


def test_more_minutes_train_for_the_rest(preset, tmp_path, monkeypatch, clock):
    run, changed, asked = tmp_path / "steps_2", with_steps(preset, 2), []

    def spent(preset, run, root, minutes, quiet):
        asked.append(minutes)
        run.mkdir(exist_ok=True)
        clock[0] += 1.0  # a signal comes after a minute, the first time
        if len(asked) == 1:
            raise Interrupted(2, run)
        clock[0] += minutes - 1.0

    monkeypatch.setattr(steps_module, "go_on", spent)
    with pytest.raises(Interrupted):
        spend(changed, run, None, 3.0)
    spend(changed, run, None, 3.0)
    spend(changed, run, None, 2.0)
    assert asked == [3.0, 2.0]
    spend(changed, run, None, 5.0)
    assert asked == pytest.approx([3.0, 2.0, 2.0])
    monkeypatch.setattr(steps_module, "numbers_of", lambda run: Numbers(minutes=6.0))
    spend(changed, run, None, 7.0)  # it was killed, and nobody wrote down how long it ran
    assert asked[-1] == pytest.approx(1.0)


def test_both_panels_show_every_run():
    def curve(scale):
        rows = [(kind, i) for i in range(1, 30) for kind in ("train", "valid")]
        return [
            {"kind": kind, "step": i, "images": 100 * i, "minutes": scale * i, "nats": 90 + 90 / i,
             "bits_per_dim": 3 + 1 / i}
            for kind, i in rows
        ]  # fmt: skip

    runs = [{"steps": 2, "curve": curve(0.1)}, {"steps": 4, "curve": curve(0.2)}]
    a = np.asarray(chart(runs, "draw", True)).astype(int)
    middle = a.shape[1] // 2
    for half in (a[:, :middle], a[:, middle:]):
        assert ((half[..., 2] - half[..., 0]) > 100).any()
        assert ((half[..., 0] - half[..., 2]) > 100).any()


@pytest.mark.parametrize("name", ["preset.json", "minutes.json"])
@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"minutes": "many"}', "[" * 100_000])
def test_a_damaged_file_of_a_run_is_named(preset, tmp_path, name, text):
    run = tmp_path / "steps_2"
    run.mkdir()
    (run / name).write_text(text)
    with pytest.raises(RunError, match=rf"steps_2.{name} cannot be read"):
        steps(preset, tmp_path, counts=(2,), minutes=MOMENT, quiet=True)


def test_a_classifier_is_refused_as_one(tmp_path):
    with pytest.raises(ValueError, match="glimpser_mnist_cluttered_small is a classifier"):
        steps(preset_named("glimpser_mnist_cluttered_small"), tmp_path / "out", minutes=MOMENT)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("counts", "minutes"), [((), 1.0), ((2,), 0.0), ((2,), -1.0)])
def test_nothing_to_train_is_refused(preset, tmp_path, counts, minutes):
    with pytest.raises(ValueError, match="needs steps and minutes above 0"):
        steps(preset, tmp_path, counts=counts, minutes=minutes)


def test_runs_that_are_compared_take_one_precision(preset, tmp_path, monkeypatch):
    found, fast = iter(("bf16", "float32", "bf16")), with_precision(preset, "fast")
    monkeypatch.setattr(precision, "faster", lambda device: next(found))
    trained = []
    monkeypatch.setattr(beta_module, "finish", lambda preset, *rest: trained.append(preset))
    train_betas(fast, (0.4, 1.0), tmp_path)
    assert [preset.train.precision for preset in trained] == ["bf16", "bf16"]
    steps(fast, tmp_path, counts=(1, 2), minutes=MOMENT, quiet=True)
    kinds = [begun(tmp_path / f"steps_{t}").train.precision for t in (1, 2)]
    assert kinds == ["float32", "float32"]
    assert list(found) == ["bf16"]  # not asked again

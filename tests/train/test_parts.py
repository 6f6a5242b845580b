"""Objectives, schedules, and what a run leaves behind."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator

import underdraw
from train.tiny_run import MODEL, digits, go, tiny
from underdraw.data import hold
from underdraw.evaluate import evaluate
from underdraw.latent import Terms
from underdraw.likelihoods import Distortion
from underdraw.models import build
from underdraw.models.deepvae import DeepVAEConfig
from underdraw.presets import TrainConfig, vae_omniglot
from underdraw.study.runs import numbers_of
from underdraw.train import RunError, elbo, iwae, loop, read_log, schedule, train
from underdraw.train.bound import objective
from underdraw.train.loop import Run
from underdraw.train.state import TrainState

TERMS = Terms(torch.tensor([3.0, 5.0]), torch.tensor([[1.0, 2.0], [0.5, 0.5]]))


def test_elbo_weighs_distortion_and_rate():
    assert elbo().loss(TERMS, 0).item() == pytest.approx(6.0)
    assert elbo(beta=0.5).loss(TERMS, 0).item() == pytest.approx(4.0)
    warming = elbo(kl_warmup=4)
    assert [warming.loss(TERMS, step).item() for step in (0, 1, 3, 9)] == [4.5, 5.0, 6.0, 6.0]
    falling = elbo(beta=0.5, falling=(8.0, 4))  # a half of the rest every update
    found = [falling.loss(TERMS, step).item() for step in (0, 1, 2, 3, 4, 9)]
    assert found == pytest.approx([34.0, 18.0, 10.0, 6.0, 4.0, 4.0])


def test_a_falling_beta_is_asked_for_by_share_of_the_updates():
    config = TrainConfig(steps=40, kl_warmup=0, beta=0.5, beta_from=(8.0, 0.1))
    found = [objective(config).loss(TERMS, step).item() for step in (0, 2, 4, 39)]
    assert found == pytest.approx([34.0, 10.0, 4.0, 4.0])


def test_iwae_is_the_log_mean_weight():
    weights = torch.tensor([-4.5, -7.5])
    expected = -math.log(weights.double().exp().mean())
    assert iwae(2).loss(TERMS, 0).item() == pytest.approx(expected, rel=1e-5)
    assert iwae(1).loss(TERMS, 0).item() == pytest.approx(6.0)
    with pytest.raises(ValueError, match="got 0"):
        iwae(0)


def test_learning_rate_rises_and_falls():
    config = TrainConfig(steps=100, warmup=10, learning_rate=1.0)
    rates = [schedule.learning_rate(config, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(rates[9], rel=0.02)
    assert rates[-1] < 0.001
    assert rates[55] == pytest.approx(0.5 + 0.5 * math.cos(math.pi * 0.55))


def test_glimpses_come_in_stages():
    config = TrainConfig(steps=10, glimpses=((0.3, 4), (0.6, 8)))
    stages = [schedule.glimpses(config, step) for step in range(10)]
    assert stages == [4, 4, 4, 8, 8, 8, None, None, None, None]


def test_the_average_follows_the_weights():
    state = TrainState(build(tiny().model), tiny().train)
    name, weight = next(iter(state.weights.items()))
    old = state.ema[name].clone()
    with torch.no_grad():
        weight += 1
    state.average(0.75)
    torch.testing.assert_close(state.ema[name], old + 0.25)
    assert schedule.ema_decay(TrainConfig(ema=0.9), 0) == pytest.approx(0.1)
    assert schedule.ema_decay(TrainConfig(ema=0.9), 10_000) == 0.9


@pytest.mark.parametrize(
    "changes", [{}, {"importance_samples": 3}, {"beta": 0.5}, {"cells": True, "error": 0.5}]
)
def test_a_run_leaves_a_model_that_is_what_was_validated(tmp_path, changes):
    outcome = go(tmp_path, **changes)
    model = underdraw.load(tmp_path)
    samples = changes.get("importance_samples", 0)
    more = {
        "cells": changes.get("cells", False),
        "distortion": Distortion(changes.get("error", 0.0)),
    }
    found = evaluate(model, digits(16, 1), batch=16, importance_samples=samples, **more)
    beta = changes.get("beta", 1.0)
    best = found.importance_nats if samples else beta * found.distortion + found.rate
    assert best == pytest.approx(outcome.best, rel=1e-6)
    assert not samples or best < found.nats
    about = json.loads((tmp_path / "config.json").read_text())
    assert about["preset"] == "tiny"
    trained = about["trained"]
    bound = found.importance_nats if samples else found.nats
    assert trained["validation_nats"] == pytest.approx(bound, rel=1e-6)
    assert trained.get("validation_objective", trained["validation_nats"]) == outcome.best
    assert ("validation_objective" in trained) == (beta != 1 or "error" in changes)
    assert about["train"]["batch"] == 8
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [
        f"{step:07d}.png" for step in (20, 40, 60)
    ]


def test_structure_is_what_is_trained_and_validated(tmp_path):
    values = (np.random.default_rng(0).random((16, 1, 12, 11)) * 256).astype(np.uint8)
    larger = replace(MODEL, shape=(1, 12, 11), likelihood="gaussian")
    made = tiny(steps=10, error=1.0, structure=0.5, kl_warmup=1, glimpses=(), log_every=5)
    made = replace(made, model=larger, train=replace(made.train, validate_every=10))
    images = hold(values, name="noise")
    outcome = train(made, tmp_path, images=images, valid=images, quiet=True)
    found = evaluate(underdraw.load(tmp_path), images, batch=16, distortion=Distortion(1.0, 0.5))
    assert found.distortion + found.rate == pytest.approx(outcome.best, rel=1e-6)
    other = evaluate(underdraw.load(tmp_path), images, batch=16, distortion=Distortion(1.0))
    assert abs(other.distortion - found.distortion) > 1
    step = next(row for row in read_log(tmp_path) if row["kind"] == "train")
    assert abs(step["distortion"] - found.distortion) < abs(step["distortion"] - other.distortion)


def test_structure_needs_pictures_as_large_as_its_window(tmp_path):
    with pytest.raises(ValueError, match="structure is a part of error, which is 0"):
        TrainConfig(structure=0.5)
    with pytest.raises(ValueError, match="smaller than the 11 pixels"):
        go(tmp_path, error=1.0, structure=0.5)
    assert not list(tmp_path.iterdir())


def test_training_learns(tmp_path):
    go(tmp_path, steps=150, glimpses=(), validate_every=50)
    valid = [row["nats"] for row in read_log(tmp_path) if row["kind"] == "valid"]
    assert valid[-1] < valid[0] - 1


def test_images_of_another_shape_are_refused(tmp_path):
    other = hold(torch.zeros(20, 1, 4, 4, dtype=torch.bool).numpy(), name="other")
    with pytest.raises(ValueError, match=r"other holds images \(1, 4, 4\)"):
        train(tiny(), tmp_path, images=other, valid=other, quiet=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("final", 2.0),
        ("snapshot_every", 60),
        ("glimpses", ((0.5, 4), (0.2, 8))),
        ("steps", 0),
        ("batch", -1),
        ("learning_rate", 0.0),
        ("ema", 1.0),
        ("clip", math.nan),
    ],
)
def test_what_cannot_be_trained_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        TrainConfig(**{field: value})


def test_tensorboard_events_are_written(tmp_path):
    train(
        tiny(steps=8), tmp_path, images=digits(40), valid=digits(16), tensorboard=True, quiet=True
    )
    assert any("tfevents" in path.name for path in tmp_path.rglob("*"))


def test_a_run_starts_from_the_weights_of_another_where_they_fit(tmp_path):
    """A learned prior starts as N(0, I), so a model that gains one starts where the other was."""
    first = go(tmp_path / "first")
    still = {"steps": 2, "warmup": 0, "learning_rate": 1e-12, "glimpses": ()}
    more = tiny(initial=str(tmp_path / "first"), **still)
    more = replace(more, model=replace(more.model, learned_prior=True))
    options = {"images": digits(40), "valid": digits(16, 1), "quiet": True}
    begun = train(more, tmp_path / "more", max_minutes=1e-9, **options)
    assert (begun.step, begun.best) == (1, pytest.approx(first.best, rel=1e-5))
    (tmp_path / "first").rename(tmp_path / "away")  # who goes on does not need it any more
    ended = train(more, tmp_path / "more", resume=True, **options)
    assert (ended.step, ended.best) == (2, pytest.approx(first.best, rel=1e-5))
    with pytest.raises(RunError, match="none of the weights to start from, of a DRAW, fits this"):
        TrainState(build(vae_omniglot().model), more.train).adopt(underdraw.load(tmp_path / "more"))


def test_minutes_are_those_of_updates_alone(tmp_path, monkeypatch):
    """A second an update, and a hundred to validate, which is due between rows of the log."""
    now = [0.0]
    monkeypatch.setattr("underdraw.train.loop.time.monotonic", lambda: now[0])
    whole, measured = Run.update, loop.validate

    def update(run, batch):
        now[0] += 1.0
        return whole(run, batch)

    def validate(*given):
        now[0] += 100.0
        return measured(*given)

    monkeypatch.setattr(Run, "update", update)
    monkeypatch.setattr(loop, "validate", validate)
    go(tmp_path, steps=23, glimpses=(), log_every=5, validate_every=3, snapshot_every=10)
    assert numbers_of(tmp_path).minutes == pytest.approx(23 / 60)
    rows = read_log(tmp_path)
    assert {row["images_per_s"] for row in rows if row["kind"] == "train"} == {8.0}
    assert all(row["minutes"] == pytest.approx(row["step"] / 60) for row in rows)


def test_recomputed_steps_train_the_same_weights(tmp_path):
    from safetensors.torch import load_file

    from underdraw.recompute import Recomputed

    def weights(recompute: bool) -> dict[str, torch.Tensor]:
        out = tmp_path / str(recompute)
        go(out, steps=6, recompute=recompute)
        return load_file(out / "model.safetensors")

    kept, asked = weights(False), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recomputed, "__call__", spied(Recomputed.__call__, asked))
        told_again = weights(True)
    assert len(asked) >= 6
    assert all(torch.equal(kept[name], told_again[name]) for name in kept)


def spied(function, asked):
    """The function, which says that it was called."""

    def call(*arguments):
        asked.append(function)
        return function(*arguments)

    return call


def test_more_glimpses_than_the_model_has_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="asks for 9 steps of a model that has 4"):
        go(tmp_path / "run", glimpses=((0.5, 9),))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("asked", [(0.5, 0.5), (math.inf, 0.5), (2.0, 0.0), (2.0, 1.5)])
def test_a_beta_that_cannot_fall_is_refused(asked):
    with pytest.raises(ValueError, match=r"beta_from must be .* above beta \(0\.7\).*, got \("):
        TrainConfig(beta=0.7, beta_from=asked)


def test_costs_and_the_best_weights_are_forgotten_when_beta_has_fallen(tmp_path, monkeypatch):
    forgot = []
    monkeypatch.setattr(loop, "forget", lambda numbers: forgot.append(numbers.step))
    go(tmp_path, steps=20, glimpses=(), kl_warmup=2, beta=0.5, beta_from=(4.0, 0.5), log_every=5)
    assert forgot == [10]
    rows = [row for row in read_log(tmp_path) if row["kind"] == "train"]
    for row in rows:  # with the last weights from the start
        assert row["objective"] == pytest.approx(0.5 * row["distortion"] + row["rate"], rel=1e-4)


def test_a_beta_that_falls_to_the_end_is_validated_there_once(tmp_path):
    outcome = go(tmp_path, steps=20, glimpses=(), kl_warmup=2, beta=0.5, beta_from=(4.0, 1.0))
    rows = [row for row in read_log(tmp_path) if row["kind"] == "valid"]
    assert [row["step"] for row in rows] == [20]
    assert outcome.best == rows[0]["objective"]


@pytest.mark.parametrize(
    "other", [{"cells": True}, {"error": 0.1}, {"beta": 0.3}, {"beta_from": (2.0, 0.5)}]
)
def test_importance_weights_exclude_what_means_nothing_beside_them(other):
    with pytest.raises(ValueError, match="exclude importance_samples, which are 5"):
        TrainConfig(importance_samples=5, **other)


def test_a_model_without_early_pictures_is_not_trained_on_them(tmp_path):
    deep = DeepVAEConfig((1, 6, 5), depth=(2,), maps=3, latent=1)
    staged = replace(tiny(), model=deep)
    with pytest.raises(ValueError, match="before its last step a DeepVAE has no picture"):
        train(staged, tmp_path, images=digits(40), valid=digits(16), quiet=True)


def test_every_seed_validates_on_the_same_images(tmp_path):
    runs = [
        Run(tiny(seed=seed, validate_images=5), tmp_path, Accelerator(cpu=True), digits(16), True)
        for seed in (0, 1)
    ]
    places = [run.valid.indices.tolist() for run in runs]
    assert len(places[0]) == 5
    assert places[0] == places[1]

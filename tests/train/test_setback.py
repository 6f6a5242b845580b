"""When the cost breaks down, training goes back to older parameters and goes on."""

import math

import pytest
import torch
from safetensors.torch import load_file

from train.tiny_run import digits, go, tiny
from underdraw.models import build
from underdraw.train import RunError, loop, read_log
from underdraw.train.log import Log
from underdraw.train.state import LAST, SNAPSHOTS, Numbers, TrainState
from underdraw.train.watch import forget, jumped


def break_at(monkeypatch, steps, harm):
    """Harm the weights just before these updates."""
    update = loop.Run.update

    def harmed(self, x):
        if self.state.numbers.step in steps and not (
            self.state.numbers.setbacks and self.state.numbers.setbacks[-1][1] >= max(steps)
        ):
            with torch.no_grad():
                harm(self.state.model)
        return update(self, x)

    monkeypatch.setattr(loop.Run, "update", harmed)


@pytest.mark.parametrize(
    "harm",
    [
        lambda model: model.c_0.fill_(math.nan),
        lambda model: model.c_0.fill_(1e4),
    ],
    ids=["not finite", "jump"],
)
def test_it_goes_back_and_on(monkeypatch, tmp_path, harm):
    break_at(monkeypatch, {54}, harm)
    assert go(tmp_path, steps=90, glimpses=(), validate_every=90).reason == "finished"
    (setback,) = [row for row in read_log(tmp_path) if row["kind"] == "setback"]
    assert setback["step"] == 56
    assert setback["back_to"] == 45
    last = [row for row in read_log(tmp_path) if row["kind"] == "train"][-1]
    before = next(row for row in read_log(tmp_path) if row["step"] == 49)
    assert last["nats"] < before["nats"] + 5
    assert all(tensor.isfinite().all() for tensor in load_file(tmp_path / LAST).values())


def test_an_early_setback_is_no_string_of_setbacks(monkeypatch, tmp_path):
    """The snapshot of update 0 costs far more than what the watch had seen before the jump."""
    break_at(monkeypatch, {60}, lambda model: model.c_0.fill_(math.nan))
    go(tmp_path, steps=140, glimpses=(), snapshot_every=1000, learning_rate=2e-2)
    rows = read_log(tmp_path)
    assert [row["back_to"] for row in rows if row["kind"] == "setback"] == [0]
    assert rows[-1]["nats"] < rows[0]["nats"] - 1


def test_a_validation_that_is_not_finite_is_never_the_best(tmp_path):
    from accelerate import Accelerator

    from underdraw.train.validate import validate

    run = loop.Run(tiny(), tmp_path, Accelerator(), digits(16), True)
    run.state.ema["c_0"].fill_(math.nan)
    row = validate(run.task, run.state, digits(16), tmp_path, 8)
    assert row["best"] is False
    assert run.state.numbers.best is None
    assert not (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize(("began", "mean", "windows"), [(45, None, 0), (15, 5.0, 9)])
def test_a_setback_behind_a_phase_watches_afresh(tmp_path, began, mean, windows):
    """The snapshot was watched at the cost of fewer glimpses; the best is that of now."""
    from accelerate import Accelerator

    run = loop.Run(
        tiny(steps=90, glimpses=((began / 90, 2),)), tmp_path, Accelerator(), digits(16), True
    )
    numbers = run.state.numbers
    numbers.step, numbers.mean, numbers.spread, numbers.windows = 30, 5.0, 0.1, 9
    run.state.snapshot(tmp_path)
    numbers.step, numbers.best, numbers.mean, numbers.windows = 49, 7.0, 8.0, 1
    with Log(tmp_path, 90, 49, run.accelerator, True) as log:
        run.set_back(log, math.nan)
    assert numbers.setbacks == [[30, 49]]
    assert (numbers.mean, numbers.windows, numbers.best) == (mean, windows, 7.0)
    assert numbers.spread == (0.0 if mean is None else 0.1)


def test_it_gives_up_when_nothing_helps(monkeypatch, tmp_path):
    break_at(monkeypatch, set(range(1000)), lambda model: model.c_0.fill_(math.nan))
    with pytest.raises(RunError, match="broke down 5 times"):
        go(tmp_path, steps=200, snapshot_every=100)


def test_a_gradient_that_is_not_finite_moves_nothing(tmp_path):
    from accelerate import Accelerator

    run = loop.Run(tiny(), tmp_path, Accelerator(), digits(16), True)
    before = {key: value.clone() for key, value in run.state.model.state_dict().items()}
    for parameter in run.state.model.parameters():
        parameter.grad = torch.full_like(parameter, math.inf)
    run.apply(1.0)
    after = run.state.model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_the_watch_follows_the_cost():
    numbers = Numbers()
    for i in range(20):
        assert not jumped(numbers, 100.0 - 0.1 * i + (-1) ** i, jump=8.0)
    assert jumped(numbers, 130.0, jump=8.0)
    assert jumped(numbers, math.nan, jump=8.0)
    assert not jumped(numbers, 97.0, jump=8.0)
    forget(numbers)
    assert not jumped(numbers, 500.0, jump=8.0)


def test_the_watch_follows_what_is_minimised(monkeypatch, tmp_path):
    """The importance-weighted bound, though the plain one is looser and may rise."""
    watched = []
    monkeypatch.setattr(loop, "jumped", lambda numbers, cost, jump: watched.append(cost))
    go(tmp_path, steps=21, glimpses=(), importance_samples=5, kl_warmup=0, validate_every=21)
    rows = [row for row in read_log(tmp_path) if row["kind"] == "train"]
    assert watched == [row["objective"] for row in rows]
    assert all(row["objective"] < row["nats"] for row in rows)


def test_a_setback_passes_over_snapshots_and_removes_none(tmp_path):
    """Another process may be reading them, and a checkpoint of before may need them again."""

    def at(step):
        state = TrainState(build(tiny().model), tiny().train)
        state.numbers.step = step
        return state

    for step in (0, 10, 20, 30):
        at(step).snapshot(tmp_path)
    there = sorted((tmp_path / SNAPSHOTS).iterdir())
    state = at(32)
    assert state.go_back(tmp_path, 5) == 20
    state.numbers.step = 40
    assert state.go_back(tmp_path, 5) == 20  # that of 30 may be broken
    assert state.go_back(tmp_path, 25) == 10
    assert sorted((tmp_path / SNAPSHOTS).iterdir()) == there
    assert at(32).go_back(tmp_path, 5) == 20  # resumed, it does the same
    state.snapshot(tmp_path)  # of update 40, with what it went back to
    state.numbers.step = 50
    assert state.go_back(tmp_path, 5) == 40
    state.prune(tmp_path)
    kept = [int(path.stem) for path in sorted((tmp_path / SNAPSHOTS).iterdir())]
    assert kept == [0, 10, 40]

"""A run that is killed goes on as if nothing had happened."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from train.tiny_run import digits, go, tiny
from underdraw.configs import to_json
from underdraw.data import DataError
from underdraw.files import write_json
from underdraw.study.runs import numbers_of
from underdraw.train import RunError, lock, precision, read_log, train
from underdraw.train import start as start_module
from underdraw.train.state import LAST, TrainState, begun, check_settings, with_precision

PROGRAM = Path(__file__).parent / "tiny_run.py"
STEPS = 160  # long enough to be killed on the way
LONG = {"steps": STEPS, "validate_every": 40}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    assert go(out, **LONG).reason == "finished"
    return out


def start(out, *words):
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(out), *(f"{k}={v}" for k, v in LONG.items()), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(process, out, step):
    """Until the log of the run says that it has come so far."""
    for _ in range(3000):
        if any(row["step"] >= step for row in read_log(out)):
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    raise AssertionError("the run never came so far")


def assert_same(run, other):
    mine, theirs = load_file(run / LAST), load_file(other / LAST)
    assert mine.keys() == theirs.keys()
    for key in mine:
        assert torch.equal(mine[key], theirs[key]), key
    best, as_good = (load_file(folder / "model.safetensors") for folder in (run, other))
    assert all(torch.equal(best[key], as_good[key]) for key in best)


def test_sigkill_loses_nothing(unbroken, tmp_path):
    for step in (7, 28):
        process = start(tmp_path / "run", "resume=1")
        wait_for_step(process, tmp_path / "run", step)
        process.kill()
        assert process.wait() != 0
        process.communicate()
    assert go(tmp_path / "run", resume=True, **LONG).step == STEPS
    assert_same(tmp_path / "run", unbroken)
    kept = [(row["kind"], row["step"], row["nats"]) for row in read_log(tmp_path / "run")]
    assert kept == [(row["kind"], row["step"], row["nats"]) for row in read_log(unbroken)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_sigterm_saves_first(unbroken, tmp_path):
    process = start(tmp_path / "run")
    wait_for_step(process, tmp_path / "run", 7)
    process.terminate()
    said, err = process.communicate()
    assert process.returncode == 0, err
    assert said == "signal\n"
    assert 7 <= numbers_of(tmp_path / "run").step < STEPS
    assert go(tmp_path / "run", resume=True, **LONG).reason == "finished"
    assert_same(tmp_path / "run", unbroken)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
def test_a_run_that_goes_on_is_not_resumed_beside_it(tmp_path):
    out = tmp_path / "run"
    process = start(out, "steps=100000")
    wait_for_step(process, out, 7)
    try:
        with pytest.raises(RunError, match="run is being trained by another process"):
            train(
                tiny(**{**LONG, "steps": 100_000}), out, images=digits(40), valid=digits(16, 1),
                resume=True, max_minutes=0.0, quiet=True,
            )  # fmt: skip
    finally:
        process.kill()
        process.communicate()
    one = train(
        tiny(**{**LONG, "steps": 100_000}), out, images=digits(40), valid=digits(16, 1),
        resume=True, max_minutes=0.0, quiet=True,
    )  # fmt: skip
    assert one.reason == "time"


def one_update(out, **changes):
    """A run that time ends after its first update."""
    preset = tiny(**{**LONG, **changes})
    return train(preset, out, images=digits(40), valid=digits(16, 1), max_minutes=0.0, quiet=True)


def test_a_run_that_was_written_while_another_waited_for_it_is_not_set_back(tmp_path, monkeypatch):
    out = tmp_path / "run"
    one_update(out)

    @contextmanager
    def late(run):
        os.utime(run / LAST, (0, 0))  # another process writes its last checkpoint, and lets go
        yield

    monkeypatch.setattr("underdraw.train.start.locked", late)
    with pytest.raises(RunError, match="run was still being trained by another process"):
        go(out, resume=True, **LONG)


@pytest.mark.skipif(lock.fcntl is None, reason="nothing is held there")
def test_where_a_file_system_has_no_locks_nothing_is_held(tmp_path, monkeypatch):
    def none(file, how):
        raise OSError("no locks available")

    monkeypatch.setattr(lock.fcntl, "flock", none)
    assert one_update(tmp_path / "run").step == 1


def test_time_ends_a_run_cleanly_and_it_resumes(unbroken, tmp_path):
    out = tmp_path / "run"
    few = one_update(out)
    assert (few.reason, few.step) == ("time", 1)
    assert (out / "model.safetensors").is_file()
    assert numbers_of(out).best is None  # no unbroken run would have looked so early
    assert go(out, resume=True, **LONG).reason == "finished"
    assert_same(out, unbroken)


@pytest.mark.parametrize(("found", "other"), [("float32", "bf16"), ("bf16", "float32")])
def test_a_run_stays_in_the_precision_in_which_it_was_begun(tmp_path, monkeypatch, found, other):
    out, plain, few = tmp_path / "run", tmp_path / "by_name", {**LONG, "steps": 3}
    monkeypatch.setattr(precision, "faster", lambda device: found)
    one_update(out, precision="fast", **few)
    assert begun(out).train.precision == found
    monkeypatch.setattr(precision, "faster", lambda device: other)
    assert go(out, resume=True, precision="fast", **few).reason == "finished"
    assert go(plain, precision=found, **few).reason == "finished"
    assert_same(out, plain)
    check_settings(tiny(precision="fast", **few), out)
    with pytest.raises(RunError, match="other settings"):
        check_settings(tiny(precision=other, **few), out)
    write_json(out / "preset.json", to_json(tiny(precision="fast", **few)))
    with pytest.raises(RunError, match="precision of a run has a name"):
        go(out, resume=True, precision="fast", **few)


def test_runs_that_are_compared_have_one_precision(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(precision, "faster", lambda device: asked.append(device) or "bf16")
    one_update(tmp_path / "second", precision="float32")
    folders = (tmp_path / "first", tmp_path / "second")
    assert precision.settled(tiny(precision="fast"), *folders).train.precision == "float32"
    assert precision.settled(tiny(precision="float32")) == tiny(precision="float32")
    assert asked == []
    assert precision.settled(tiny(precision="fast"), folders[0]) == tiny(precision="bf16")
    assert asked == ["cpu"]


def test_processes_take_the_precision_of_the_first(tmp_path, monkeypatch):
    def heard(values):
        assert values[0].train.precision == "float32"
        values[0] = with_precision(values[0], "bf16")

    monkeypatch.setattr(precision, "faster", lambda device: "float32")
    monkeypatch.setattr(start_module, "broadcast_object_list", heard)
    one_update(tmp_path / "run", precision="fast")
    assert begun(tmp_path / "run").train.precision == "bf16"


def test_a_finished_run_is_not_begun_again(unbroken):
    with pytest.raises(RunError, match="holds a run already"):
        go(unbroken, **LONG)
    with pytest.raises(RunError, match="other settings"):
        go(unbroken, resume=True, **LONG, batch=4)
    assert go(unbroken, resume=True, **LONG).step == STEPS


def test_what_a_kill_left_half_written_does_not_matter(unbroken, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(unbroken, out)
    half = out / "train" / "snapshots" / ".000000045.0a1b2c3d.safetensors"
    beside = out / ".model.0a1b2c3d.safetensors"
    text, picture = out / ".preset.0a1b2c3d.json", out / "samples" / ".0000040.0a1b2c3d.png"
    for path in (half, beside, text, picture):
        path.write_bytes(b"half")
    (out / ".hidden.txt").touch()
    assert go(out, resume=True, **LONG).step == STEPS
    assert not any(path.exists() for path in (half, beside, text, picture))
    assert (out / ".hidden.txt").exists()  # nobody's but the user's


def test_a_run_without_its_settings_is_still_one_and_damaged_ones_are_named(unbroken, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(unbroken, out)
    (out / "preset.json").unlink()
    with pytest.raises(RunError, match="holds a run already"):
        go(out, **LONG)
    for text in ("", "{}", '{"name": 3'):
        (out / "preset.json").write_text(text)
        with pytest.raises(RunError, match=r"preset\.json cannot be read"):
            go(out, resume=True, **LONG)


def test_a_start_that_fails_claims_nothing(tmp_path):
    with pytest.raises(DataError, match="a batch of 64"):
        go(tmp_path, batch=64)
    assert go(tmp_path).reason == "finished"


def test_a_damaged_checkpoint_is_refused_with_its_name(unbroken, tmp_path):
    whole = (unbroken / LAST).read_bytes()
    bad = tmp_path / "bad.safetensors"
    for data in (b"", whole[:100], whole[:-9], b"\xff" * 64):
        bad.write_bytes(data)
        from underdraw.models import build

        with pytest.raises(RunError, match=r"bad\.safetensors cannot be resumed"):
            TrainState(build(tiny().model), tiny().train).load(bad)


def test_a_checkpoint_with_fewer_sums_goes_on(unbroken, tmp_path):
    run = tmp_path / "run"
    one_update(run)
    with safe_open(run / LAST, "pt") as file:
        numbers = json.loads(file.metadata()["numbers"])
    numbers["window"] = [1.0, 2.0, 5.0]  # without the objective
    save_file(load_file(run / LAST), run / LAST, metadata={"numbers": json.dumps(numbers)})
    assert go(run, **LONG, resume=True).reason == "finished"
    mine, theirs = load_file(run / LAST), load_file(unbroken / LAST)
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)

"""The command line: what it prints, where, and how it ends."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from calling import call, call_json
from underdraw.checkpoint import load_latent, save
from underdraw.cli import main
from underdraw.cli.words import split
from underdraw.data import open_images, random_subset
from underdraw.evaluate import evaluate
from underdraw.likelihoods import Distortion
from underdraw.models import build
from underdraw.models.draw import DRAWConfig
from underdraw.presets import draw_mnist_small
from underdraw.train import read_log


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small untrained model that knows its data."""
    folder = tmp_path_factory.mktemp("run")
    model = build(DRAWConfig(steps=3, hidden=8, latent=3))
    return str(save(model, folder, preset="x", data=dict(vars(draw_mnist_small().data))))


def test_evaluate_gives_one_json_object(capsys, run):
    found = call_json(capsys, "evaluate", run, "--limit", "40", "--importance-samples", "2")
    assert {"nats", "stderr", "distortion", "rate", "images"} <= found.keys()
    assert found["images"] == 40
    assert found["nats"] == pytest.approx(found["distortion"] + found["rate"])
    again = call_json(capsys, "evaluate", run, "--limit", "40", "--batch", "7")
    assert again["nats"] == pytest.approx(found["nats"], rel=1e-6)


def test_a_model_is_evaluated_as_it_was_trained(capsys, run, tmp_path):
    plain = call_json(capsys, "evaluate", run, "--limit", "10")
    assert not {"cells", "error", "structure"} & plain.keys()
    model, data = load_latent(run), dict(vars(draw_mnist_small().data))
    for train, more in (
        ({"cells": True}, {"cells": True}),
        ({"error": 1.0, "structure": 0.5}, {"distortion": Distortion(1.0, 0.5)}),
    ):
        save(model, tmp_path, preset="x", data=data, train=train)
        found = call_json(capsys, "evaluate", str(tmp_path), "--limit", "10")
        assert {key: found[key] for key in train} == train
        images = random_subset(open_images(draw_mnist_small().data, "test"), 10, 0)
        assert found["nats"] == pytest.approx(evaluate(model, images, **more).nats, rel=1e-5)
        assert abs(found["nats"] - plain["nats"]) > 0.01


def test_a_model_takes_the_steps_that_it_was_validated_with(capsys, run, tmp_path):
    """Its run was stopped while it took fewer than it has, and the later ones were never tried."""
    model, data = load_latent(run), dict(vars(draw_mnist_small().data))
    few = str(save(model, tmp_path / "few", data=data, trained={"glimpses": 2}))
    assert "steps" not in call_json(capsys, "evaluate", run, "--limit", "10")
    found = call_json(capsys, "evaluate", few, "--limit", "10")
    images = random_subset(open_images(draw_mnist_small().data, "test"), 10, 0)
    assert found["steps"] == len(found["rate_per_step"]) == 2
    assert found["nats"] == pytest.approx(evaluate(model, images, steps=2).nats, rel=1e-5)
    sampled = call_json(capsys, "sample", few, "-n", "2", "--out", str(tmp_path / "few"))
    whole = call_json(capsys, "sample", run, "-n", "2", "--out", str(tmp_path / "whole"))
    assert sampled["steps"] == 2
    with Image.open(sampled["sequence"]) as narrow, Image.open(whole["sequence"]) as wide:
        assert narrow.width < wide.width
    words = ["--dataset", "-n", "2", "--out", str(tmp_path / "few")]
    seen = call_json(capsys, "reconstruct", few, *words)
    assert seen["steps"] == 2
    assert seen["nats"] != call_json(capsys, "reconstruct", run, *words)["nats"]
    code, out, err = call(capsys, "evaluate", few, "--limit", "10")
    assert (code, "steps" in out) == (0, True)
    assert "validated with 2 of its 3 steps" in err
    for wrong in (4, 0, "two"):
        save(model, tmp_path / "few", data=data, trained={"glimpses": wrong})
        code, out, err = call(capsys, "evaluate", few, "--limit", "10")
        assert (code, out) == (2, "")
        assert f"few has 3 steps, and says that it was trained with {wrong!r} glimpses" in err


def test_a_reconstruction_costs_what_training_minimised(capsys, run, tmp_path):
    model, data = load_latent(run), dict(vars(draw_mnist_small().data))
    cells = str(save(model, tmp_path / "cells", data=data, train={"cells": True}))
    words = ["--dataset", "-n", "2", "--out", str(tmp_path)]
    found = call_json(capsys, "reconstruct", cells, *words)
    assert found["cells"] is True
    assert abs(found["nats"] - call_json(capsys, "reconstruct", run, *words)["nats"]) > 0.01


def test_short_words_after_fields_of_a_preset_are_the_commands_own():
    words = ["draw", "--train.beta-from", "2", "-0.5", "-n", "4", "--model.steps", "2", "-h"]
    assert split(words) == (
        ["draw", "-n", "4", "-h"],
        ["--train.beta-from", "2", "-0.5", "--model.steps", "2"],
    )


def test_sample_writes_pictures_and_repeats(capsys, run, tmp_path):
    first = call_json(capsys, "sample", run, "-n", "5", "--out", str(tmp_path / "a"), "--animate")
    assert first["samples"] == 5
    for kind in ("sheet", "sequence", "gif", "webp"):
        Image.open(first[kind]).verify()
    call_json(capsys, "sample", run, "-n", "5", "--out", str(tmp_path / "b"))
    a, b = (np.asarray(Image.open(tmp_path / x / "samples.png")) for x in "ab")
    assert np.array_equal(a, b)
    call_json(capsys, "sample", run, "-n", "5", "--seed", "1", "--out", str(tmp_path / "b"))
    assert not np.array_equal(a, np.asarray(Image.open(tmp_path / "b" / "samples.png")))


def test_reconstruct_files_and_data(capsys, run, tmp_path):
    Image.fromarray(np.eye(40, dtype=np.uint8) * 255).save(tmp_path / "line.png")
    found = call_json(
        capsys, "reconstruct", run, str(tmp_path / "line.png"), "--out", str(tmp_path / "out")
    )
    assert found["images"] == 1
    assert found["nats"] == pytest.approx(found["each"][0])
    Image.open(found["pairs"]).verify()
    some = call_json(
        capsys, "reconstruct", run, "--dataset", "-n", "3", "--out", str(tmp_path / "out")
    )
    assert some["images"] == 3


def test_train_trains_and_resumes(capsys, tmp_path):
    words = [
        "train", "draw_mnist_small", "--out", str(tmp_path / "run"), "--model.steps", "2",
        "--model.hidden=6", "--train.steps", "4", "--train.batch", "4", "--train.validate-images",
        "8",
    ]  # fmt: skip
    found = call_json(capsys, *words)
    assert (found["step"], found["reason"]) == (4, "finished")
    code, _, err = call(capsys, *words)
    assert code == 2
    assert "holds a run already" in err
    assert call_json(capsys, *words, "--resume")["step"] == 4
    about = call_json(capsys, "info", str(tmp_path / "run"))
    assert about["config"]["hidden"] == 6
    assert about["train"]["batch"] == 4


def test_models_lists_the_zoo(capsys):
    found = call_json(capsys, "models")
    assert found["models"]["draw_mnist"]["config"]["steps"] == 64
    assert found["models"]["convdraw_photo@2"]["bytes"] > 500_000
    assert "draw_svhn" in found["presets"]
    code, out, _ = call(capsys, "models")
    assert code == 0
    assert "draw_mnist_noattention" in out
    code, out, _ = call(capsys, "info", "draw_mnist")
    assert code == 0
    assert "measured.nats" in out


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["evaluate", "nonsense"], "nonsense"),
        (["train", "nonsense"], "nonsense"),
        (["evaluate", "RUN", "--limit", "0"], "got 0"),
        (["evaluate", "RUN", "--batch", "0"], "got 0"),
        (["evaluate", "RUN", "--seed", "-1"], "got -1"),
        (["sample", "RUN", "-n", "0"], "0 samples"),
        (["sample", "RUN", "--temperature", "-1", "--out", "OUT"], "-1"),
        (["sample", "RUN", "--temperature", "nan", "--out", "OUT"], "got nan"),
        (["reconstruct", "RUN"], "--dataset"),
        (["reconstruct", "RUN", "no-such.png"], "no-such.png"),
        (["train", "draw_mnist_small", "--train.batch", "0", "--out", "OUT"], "batch"),
        (["train", "draw_mnist_small", "--train.nonsense", "0", "--out", "OUT"], "nonsense"),
        (["train", "draw_mnist_small", "--train.batch", "many", "--out", "OUT"], "many"),
        (["evaluate", "RUN", "--split", "tost"], "tost"),
        (["dance"], "dance"),
    ],
)
def test_bad_input_is_named_with_code_2_and_no_traceback(capsys, run, tmp_path, words, names):
    words = [{"RUN": run, "OUT": str(tmp_path / "out")}.get(word, word) for word in words]
    code, out, err = call(capsys, *words)
    assert code == 2
    assert out == ""
    assert names in err
    assert "Traceback" not in err


def test_help_needs_no_torch():
    code = (
        "import sys\nfrom underdraw.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "evaluate" in done.stdout


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "MemoryError"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "DefaultCPUAllocator"),
        (RuntimeError("unsupported memory format"), None),
    ],
)
def test_too_little_memory_is_one_line(capsys, monkeypatch, error, said) -> None:
    def fail(args):
        raise error

    monkeypatch.setattr("underdraw.cli.commands.run", fail)
    if said is None:
        with pytest.raises(RuntimeError, match="memory format"):
            main(["models"])
        return
    with pytest.raises(SystemExit) as stopped:
        main(["models"])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"underdraw: this does not fit into memory: {said}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_training_stopped_by_a_signal_exits_with_its_number(tmp_path):
    out = tmp_path / "run"
    words = [
        "train", "draw_mnist_small", "--out", str(out), "--json", "--model.steps", "2",
        "--model.hidden", "6", "--train.steps", "100000", "--train.batch", "4",
        "--train.log-every", "1", "--train.validate-images", "8", "--train.no-compile",
    ]  # fmt: skip
    code = "import sys, torch\ntorch.set_num_threads(1)\nfrom underdraw.cli import main\nmain()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    for _ in range(3000):
        if read_log(out):
            break
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    process.terminate()
    said, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, err
    found = json.loads(said)
    assert (found["reason"], found["signal"]) == ("signal", signal.SIGTERM)
    assert 1 <= found["step"] < 100000

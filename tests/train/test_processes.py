"""Two processes give the gradients of one with the joint batch."""

import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from train.tiny_run import go

PROGRAM = Path(__file__).parent / "one_gradient.py"


def test_two_processes_train_like_one(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone",
         str(PROGRAM.with_name("tiny_run.py")), str(tmp_path / "two")],
        timeout=240, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr  # also of taking the processes down
    assert go(tmp_path / "one").reason == "finished"
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for key in one:
        torch.testing.assert_close(two[key], one[key], rtol=0.02, atol=2e-3)


def test_two_processes_give_the_gradients_of_one(tmp_path):
    alone, joint = tmp_path / "alone.safetensors", tmp_path / "joint.safetensors"
    subprocess.run([sys.executable, str(PROGRAM), str(alone)], check=True, timeout=120)
    subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone",
         str(PROGRAM), str(joint)],
        check=True, timeout=240, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    one, two = load_file(alone), load_file(joint)
    assert one.pop("processes").item() == 1
    assert two.pop("processes").item() == 2
    assert one.keys() == two.keys()
    for key, gradient in one.items():
        torch.testing.assert_close(two[key], gradient, rtol=1e-4, atol=1e-6)
        assert gradient.abs().max() > 0, key

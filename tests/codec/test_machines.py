"""Equal bytes and pixels, whatever computes: threads, batch, oneDNN, instructions, arithmetic.

Instructions are those of torch and MKL, and apart from them those that NumPy was built to choose
among on the machine it finds; disabling others than those would stop it, or be passed over.
"""

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

from codec.crops import tiny
from codec.machines import SIZES, dispatched
from underdraw.codec.exact.product import STRIP, Plan

CAPABILITIES = ("default", "avx2", "avx512")
MKL = {"default": "SSE4_2", "avx2": "AVX2", "avx512": "AVX512"}
"""What MKL, whose products the twins use, calls these instructions."""
NUMPY = "NPY_DISABLE_CPU_FEATURES"
HERE = torch.backends.cpu.get_cpu_capability().lower()
FEW = [("default", 1, "off", "least"), ("avx2", 2, "on", "all")]
ALL = [
    *product(CAPABILITIES, (1, 2), ("on", "off"), ("all",)),
    *product(CAPABILITIES, (1,), ("on",), ("least",)),
]
"""Instructions, threads, oneDNN, and which of its own instructions NumPy takes."""


def possible(capability: str) -> bool:
    """Whether this machine has these instructions; it would stop at the first of them if not."""
    order = [*CAPABILITIES] if HERE in CAPABILITIES else ["default"]
    return capability in order[: order.index(HERE if HERE in order else "default") + 1]


def outcome(capability: str, threads: int, onednn: str, numpy: str) -> dict[str, Any]:
    """What a process of its own finds."""
    folder = Path(__file__).parents[1]
    env = os.environ | {"ATEN_CPU_CAPABILITY": capability, "MKL_NUM_THREADS": str(threads)}
    env |= {"OMP_NUM_THREADS": str(threads), "MKL_ENABLE_INSTRUCTIONS": MKL[capability]}
    if numpy == "least":
        env[NUMPY] = " ".join([env.get(NUMPY, ""), *dispatched()])
    command = [sys.executable, "-m", "codec.machines", str(threads), onednn]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["threads"] == threads
    assert found["onednn"] == (onednn == "on")
    assert found["numpy"] == ([] if numpy == "least" else dispatched())
    assert found["capability"] == ("DEFAULT" if capability == "default" else capability.upper())
    return found


def agree(settings: list[tuple[str, int, str, str]]) -> list[dict[str, Any]]:
    """What all processes find, after a look that it is the same."""
    found = [outcome(*one) for one in settings if possible(one[0])]
    digests = {
        f"{one['capability']}, {one['threads']} threads, oneDNN {one['onednn']}, "
        f"NumPy {one['numpy']}, {name}": value
        for one in found
        for name, value in one["digests"].items()
    }
    assert len(digests) == 4 * len(found)
    assert len(set(digests.values())) == 1, digests
    return found


def test_a_batch_crosses_a_strip() -> None:
    height, width, count = SIZES[0]
    sides = height // tiny().stride, width // tiny().stride
    one, all_ = (Plan(n, *sides, tiny().config.kernel // 2) for n in (1, count))
    assert one.columns < STRIP < all_.columns


def test_few_machines_agree() -> None:
    assert agree(FEW)


@pytest.mark.slow
def test_all_machines_agree() -> None:
    found = agree(ALL)
    if possible("avx2"):  # and they do differ
        assert len({one["floats"] for one in found}) > 1

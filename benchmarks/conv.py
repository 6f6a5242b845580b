"""Images a second of training Convolutional DRAW: the fast path beside plain eager float32.

    python benchmarks/conv.py [--seconds 10]

One model (one layer of 64 maps, 5 x 5 convolutions, stride 2, 12 latent maps, Gaussian likelihood)
at 8 steps on 32 x 32 colour images, batch 32, in three ways that take turns: "plain" is eager,
float32, in the default memory format; "fast" is the compiled step with bf16 products, channels
last; "recomputed" is fast, with one state kept in every three steps. The share is of the rate at
which this machine convolves the encoder's shape in bf16, forward and backward, measured in the same
run before and after. The last line is one JSON object.
"""

import json
import subprocess
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
import tyro

from bench import peak
from underdraw.fast import compile_model, precision
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig
from underdraw.nn import conv
from underdraw.recompute import recompute_steps
from updates import DEVICE, Update, alternate, updating, wait

CONFIG = ConvDRAWConfig(steps=8, maps=(64,))
BATCH, PACE = 32, 1
NAMES = ("plain", "fast", "recomputed")
GATES, READ = 256, 152  # maps of the encoder's convolution: four gates; h_dec, x and error, h
PIXELS = 16 * 16


def plainly() -> AbstractContextManager[object]:
    """Within, convolutions take their input in the layout it happens to have."""

    def same(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> object:
        return F.conv2d(x.contiguous(), weight, bias, padding=weight.shape[-1] // 2)

    return mock.patch.object(conv, "same", same)


def training(name: str) -> Update:
    """Updates of the model, in one of the three ways."""
    torch.manual_seed(0)
    model = build(CONFIG).to(DEVICE)
    fast = name in ("fast", "recomputed")
    if fast:
        compile_model(model, PACE, device=DEVICE.type)
    if name == "recomputed":
        recompute_steps(model)
    x = torch.rand(BATCH, *CONFIG.shape, device=DEVICE)
    target = model.likelihood.target(x, torch.rand_like(x))
    noise = [e.to(DEVICE) for e in model.noise(BATCH)]

    def loss(steps: int) -> torch.Tensor:
        way = plainly() if name == "plain" else nullcontext()
        with way, precision("bf16" if fast else "float32", DEVICE.type):
            return model(x, noise[:steps], target).bound.mean()

    return updating(list(model.parameters()), loss)


def flops(model: ConvDRAW) -> float:
    """Operations of all convolutions for an image of training: six a weight and pixel."""
    weights = sum(p.numel() for p in model.parameters() if p.dim() == 4 and p.shape[-1] > 1)
    return 6.0 * weights * PIXELS * CONFIG.steps


def rate(kind: torch.dtype, seconds: float = 2.0) -> float:
    """GFLOP/s of a convolution of the encoder's shape, forward and backward, channels last."""
    x = torch.randn(BATCH, READ, 16, 16, device=DEVICE).to(kind, memory_format=torch.channels_last)
    w = torch.randn(GATES, READ, 5, 5, device=DEVICE).to(kind, memory_format=torch.channels_last)
    x, w = x.requires_grad_(), w.requires_grad_()
    gradient = torch.ones_like(F.conv2d(x, w, padding=2))

    def once() -> None:
        torch.autograd.grad(F.conv2d(x, w, padding=2), (x, w), gradient)
        wait()

    once()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        once()
        count += 1
    return 6e-9 * BATCH * READ * GATES * 25 * PIXELS * count / (time.perf_counter() - start)


def memory(name: str) -> float:
    """Peak memory of two updates in a process of their own, MB."""
    command = [sys.executable, str(Path(__file__).resolve()), "--only", name]
    return float(subprocess.check_output(command, text=True))


def run(seconds: float) -> dict[str, Any]:
    """Everything that is measured, the peak memory of each way in a process of its own."""
    return {**measured(seconds), "peak_mb": {name: memory(name) for name in NAMES}}


def measured(seconds: float) -> dict[str, Any]:
    """All ways in turns, between two measurements of the convolution rate."""
    updates, firsts = {name: training(name) for name in NAMES}, {}
    for name, update in updates.items():
        start = time.perf_counter()
        update(CONFIG.steps)
        firsts[name] = time.perf_counter() - start
    rates = [rate(torch.bfloat16)]
    speed = alternate(updates, CONFIG.steps, seconds)
    rates.append(rate(torch.bfloat16))
    images = {name: BATCH * value for name, value in speed.items()}
    gflop = flops(build(CONFIG)) / 1e9
    reached = images["fast"] * gflop
    return {
        "ratio": images["fast"] / images["plain"], "images_per_s": images,
        "share_of_convolution_rate": 2 * reached / sum(rates), "convolution_gflops": rates,
        "convolution_gflops_float32": rate(torch.float32), "first_update_s": firsts,
        "gflop_per_image": gflop, "threads": torch.get_num_threads(),
    }  # fmt: skip


def main(seconds: float = 10.0, only: str | None = None) -> None:
    """Print the table, and one JSON object last.

    Args:
        seconds: to spend on each entry.
        only: print the peak memory of one entry and nothing else.
    """
    if only:
        update = training(only)
        update(CONFIG.steps)
        update(CONFIG.steps)
        print(peak())
        return
    found = run(seconds)
    print(f"{'':<12}{'images/s':>9}{'ratio':>7}{'first update s':>16}{'peak MB':>9}")
    images = found["images_per_s"]
    for name in NAMES:
        print(f"{name:<12}{images[name]:>9.2f}{images[name] / images['plain']:>7.2f}"
              f"{found['first_update_s'][name]:>16.1f}{found['peak_mb'][name]:>9.0f}")  # fmt: skip
    before, after = found["convolution_gflops"]
    print(f"convolutions {before:.0f} and {after:.0f} GFLOP/s in bf16, "
          f"{found['convolution_gflops_float32']:.0f} in float32; the fast path reaches "
          f"{found['share_of_convolution_rate']:.2f} of bf16's")  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    tyro.cli(main)

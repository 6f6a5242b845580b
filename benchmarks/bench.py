"""Images a second of training, the reference beside the package, in one run and alternating.

    python benchmarks/bench.py [--seconds 5] [--quick]

For {reference, eager, fast} x {DRAW, no attention} x batch x glimpses: forward, backward, clip
and Adam on random binary images. "fast" is the compiled step, in bf16 where this processor
multiplies in it and float32 where not. Peak memory is the process's (not on Windows). The rate of
a matrix product of the model's own shape is measured in the same run. The last line is one JSON
object, with the share of that rate which the fast path reaches.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch
import tyro

from reference_draw import ReferenceDRAW
from underdraw.fast import compile_model, precision
from underdraw.models import build
from underdraw.models.draw import DRAWConfig

Update = Callable[[], None]
FLOPS_PER_IMAGE_STEP = 6 * 964_347  # forward and backward: about six per weight


def rate(product_type: torch.dtype, batch: int) -> float:
    """GFLOP/s of a product of the encoder's shape."""
    a, w = torch.randn(batch, 520).to(product_type), torch.randn(1024, 520).to(product_type)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < 1:
        torch.nn.functional.linear(a, w)
        count += 1
    return 2e-9 * batch * 520 * 1024 * count / (time.perf_counter() - start)


def fast_type() -> str:
    """The precision in which products are fastest here."""
    faster = rate(torch.bfloat16, 256) > rate(torch.float32, 256)
    return "bf16" if faster else "float32"


def updating(parameters: list[torch.nn.Parameter], loss: Callable[[], torch.Tensor]) -> Update:
    """One training update, as everybody does it."""
    adam = torch.optim.Adam(parameters, 1e-4, fused=True)

    def update() -> None:
        loss().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        adam.step()
        adam.zero_grad()

    return update


def reference(attention: bool, batch: int, steps: int) -> Update:
    """An update of the reference."""
    model = ReferenceDRAW(steps, attention)
    x = (torch.rand(batch, 28, 28) > 0.5).float()
    parameters = list(model.parameters())
    return updating(parameters, lambda: model(x, torch.randn(steps, batch, 100)).mean())


def ours(attention: bool, batch: int, steps: int, fast: str | None) -> Update:
    """An update of the package's DRAW without layer norm: the reference's own arithmetic."""
    config = DRAWConfig(steps=steps, layer_norm=False)
    if not attention:
        config = replace(config, read_size=None, write_size=None)
    model = build(config)
    if fast:
        compile_model(model, pace=2)
    x = (torch.rand(batch, 1, 28, 28) > 0.5).float()

    def loss() -> torch.Tensor:
        with precision(fast or "float32"):
            return model(x, torch.randn(steps, batch, 100).unbind(0)).bound.mean()

    return updating(list(model.parameters()), loss)


def alternate(updates: dict[str, Update], seconds: float) -> dict[str, float]:
    """Updates a second of each, taken in turns so that all see the same machine."""
    for update in updates.values():
        update()
        update()
    spent, counts = dict.fromkeys(updates, 0.0), dict.fromkeys(updates, 0)
    while min(spent.values()) < seconds:
        for name, update in updates.items():
            start = time.perf_counter()
            update()
            spent[name] += time.perf_counter() - start
            counts[name] += 1
    return {name: counts[name] / spent[name] for name in updates}


def peak() -> float:
    """Peak memory of this process, MB; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0.0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(seconds: float = 5.0, quick: bool = False) -> None:
    """Print the table, and one JSON object last.

    Args:
        seconds: to spend on each entry.
        quick: only DRAW at 64 glimpses, batch 128 and 512.
    """
    fast, found = fast_type(), {}
    print(f"{torch.get_num_threads()} threads, fast path in {fast}")
    print(f"{'model':<13}{'batch':>6}{'glimpses':>9}{'reference':>11}{'eager':>9}{'fast':>9}"
          f"{'ratio':>7}{'peak MB':>9}")  # fmt: skip
    for attention in [True] if quick else [True, False]:
        for batch in [128, 512] if quick else [32, 128, 512]:
            for steps in [64] if quick else [8, 16, 32, 64]:
                speed = alternate(
                    {
                        "reference": reference(attention, batch, steps),
                        "eager": ours(attention, batch, steps, None),
                        "fast": ours(attention, batch, steps, fast),
                    },
                    seconds,
                )
                images = {name: batch * value for name, value in speed.items()}
                ratio = images["fast"] / images["reference"]
                found[attention, batch, steps] = (images["fast"], ratio)
                print(f"{'DRAW' if attention else 'no attention':<13}{batch:>6}{steps:>9}"
                      f"{images['reference']:>11.0f}{images['eager']:>9.0f}{images['fast']:>9.0f}"
                      f"{ratio:>7.2f}{peak():>9.0f}", flush=True)  # fmt: skip
    kind = torch.bfloat16 if fast == "bf16" else torch.float32
    reached = found[True, 512, 64][0] * 64 * FLOPS_PER_IMAGE_STEP / 1e9
    print(json.dumps({
        "ratio_512": found[True, 512, 64][1], "ratio_128": found[True, 128, 64][1],
        "images_per_s_512": found[True, 512, 64][0], "images_per_s_128": found[True, 128, 64][0],
        "share_of_matmul_rate": reached / rate(kind, 512), "precision": fast,
    }))  # fmt: skip


if __name__ == "__main__":
    tyro.cli(main)

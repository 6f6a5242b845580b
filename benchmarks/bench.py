"""Images a second of training, the reference beside the package, in one run and alternating.

    python benchmarks/bench.py [--seconds 3] [--quick]

For {reference, eager, fast} x {DRAW, no attention} x batch x glimpses. "fast" is the compiled step,
in bf16 where this machine multiplies faster in it and float32 where not. Then how the cost grows
with glimpses, pixels and batch, and how long the first update takes, compilation included, in a
process that finds an empty cache and in the next one. The share is that of the rate of a matrix
product of the encoder's shape, measured in the same run. The last line is one JSON object.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import tyro

from underdraw.fast import faster
from updates import DEVICE, PACE, alternate, kept, ours, rate, reference, wait

WEIGHTS = 964_347  # of DRAW at this setting
FLOPS_PER_IMAGE_STEP = 6 * WEIGHTS  # forward and backward: about six a weight
Row = dict[str, Any]


def peak() -> float:
    """Peak memory so far, MB: of the device, or of this process; 0 where the system is silent."""
    if DEVICE.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    status = Path("/proc/self/status")
    if status.is_file():  # what `resource` says of a child begins at what its parent had
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())[0]) * 1024 / 1e6
    if sys.platform == "win32":
        return 0.0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def contest(
    attention: bool, batch: int, glimpses: list[int], fast: str, seconds: float
) -> list[Row]:
    """Reference, eager and fast side by side, at each number of glimpses."""
    updates = {
        "reference": reference(attention, batch),
        "eager": ours(attention, batch, None),
        "fast": ours(attention, batch, fast),
    }
    rows = []
    for steps in glimpses:
        speed = alternate(updates, steps, seconds)
        row: Row = {"attention": attention, "batch": batch, "glimpses": steps}
        row |= {name: batch * value for name, value in speed.items()}
        row["ratio"] = row["fast"] / row["reference"]
        row["kept"] = {name: kept(update, steps) for name, update in updates.items()}
        row["peak"] = peak()
        rows.append(row)
        show(row)
    return rows


def head() -> None:
    """The head of the table."""
    print(f"{'':<13}{'':>6}{'':>9}{'images a second':>31}{'':>13}{'kept MB':>25}")
    print(f"{'model':<13}{'batch':>6}{'glimpses':>9}{'reference':>11}{'eager':>10}{'fast':>10}"
          f"{'fast/ref':>9}{'peak MB':>9}{'ref':>9}{'eager':>8}{'fast':>8}")  # fmt: skip


def show(row: Row) -> None:
    """A line of the table."""
    name = "DRAW" if row["attention"] else "no attention"
    keeps = row["kept"]
    print(f"{name:<13}{row['batch']:>6}{row['glimpses']:>9}{row['reference']:>11.0f}"
          f"{row['eager']:>10.0f}{row['fast']:>10.0f}{row['ratio']:>9.2f}{row['peak']:>9.0f}"
          f"{keeps['reference']:>9.0f}{keeps['eager']:>8.0f}{keeps['fast']:>8.0f}",
          flush=True)  # fmt: skip


def pixels(fast: str, seconds: float) -> list[Row]:
    """Cost of images of 28, 56 and 112 pixels a side, batch 32, 8 glimpses."""
    rows = []
    for side in (28, 56, 112):
        updates = {"eager": ours(True, 32, None, side), "fast": ours(True, 32, fast, side)}
        speed = alternate(updates, 8, seconds)
        rows.append({"side": side, **{k: 1000 / v for k, v in speed.items()}})
        print(f"{side}x{side} pixels: eager {rows[-1]['eager']:.1f} ms an update, "
              f"fast {rows[-1]['fast']:.1f} ms", flush=True)  # fmt: skip
    return rows


def growth(rows: list[Row], seen: list[Row]) -> dict[str, float]:
    """How much dearer an update gets over how much more there is of something; 1 is linear."""

    def cost(batch: int, steps: int) -> float:
        (row,) = [
            r for r in rows if r["attention"] and (r["batch"], r["glimpses"]) == (batch, steps)
        ]
        return batch / row["fast"]

    return {
        "glimpses": cost(128, 64) / cost(128, 8) / 8,
        "batch": cost(512, 64) / cost(32, 64) / 16,
        "pixels": seen[-1]["fast"] / seen[0]["fast"] / 16,
    }


def first_update() -> None:
    """Time the first update in this process and print it."""
    fast = faster(DEVICE.type)
    start = time.perf_counter()
    ours(True, 128, fast)(8)
    wait()
    print(time.perf_counter() - start)


def starts() -> dict[str, float]:
    """Seconds to the end of the first update in a process with an empty cache, and in the next."""
    with tempfile.TemporaryDirectory() as cache:
        found = []
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, str(Path(__file__)), "--first"],
                env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache},
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            found.append(float(done.stdout.split()[-1]))
    print(f"first update: {found[0]:.1f} s with an empty cache, {found[1]:.1f} s after that")
    return {"first_update_s": found[0], "second_process_s": found[1]}


def run(seconds: float, quick: bool) -> dict[str, Any]:
    """Measure and print everything; returns all of it."""
    fast = faster(DEVICE.type)
    print(f"{DEVICE.type}, {torch.get_num_threads()} threads, torch {torch.__version__}; "
          f"fast path in {fast}")  # fmt: skip
    started = starts()
    head()
    rows = []
    for attention in [True] if quick else [True, False]:
        for batch in [128, 512] if quick else [32, 128, 512]:
            rows += contest(attention, batch, [64] if quick else [8, 16, 32, 64], fast, seconds)
    kind = torch.bfloat16 if fast == "bf16" else torch.float32
    best = rate(kind, 512)
    by_batch = {r["batch"]: r for r in rows if r["attention"] and r["glimpses"] == 64}
    found: dict[str, Any] = {
        "ratio_512": by_batch[512]["ratio"], "ratio_128": by_batch[128]["ratio"],
        "images_per_s_512": by_batch[512]["fast"], "images_per_s_128": by_batch[128]["fast"],
        "share_of_matmul_rate": by_batch[512]["fast"] * 64 * FLOPS_PER_IMAGE_STEP / 1e9 / best,
        "matmul_gflops": best, "precision": fast, "pace": PACE, **started,
    }  # fmt: skip
    if quick:
        return found
    seen = pixels(fast, seconds)
    found["growth"] = growth(rows, seen)
    print("cost of an update over what there is more of (1 is linear): "
          + ", ".join(f"{k} {v:.2f}" for k, v in found["growth"].items()))  # fmt: skip
    return {**found, "rows": rows, "pixels": seen}


def main(seconds: float = 3.0, quick: bool = False, first: bool = False) -> dict[str, Any]:
    """Print the tables, and one JSON object last.

    Args:
        seconds: to spend on each entry.
        quick: only DRAW at 64 glimpses, batch 128 and 512.
        first: only the time of the first update, in this process.
    """
    if first:
        first_update()
        return {}
    found = run(seconds, quick)
    print(json.dumps({k: v for k, v in found.items() if k not in ("rows", "pixels")}))
    return found


if __name__ == "__main__":
    tyro.cli(main)

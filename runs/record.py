"""How a number gets into the results: measured on the whole split, written down with its origin.

Every row of the results is a JSON file in runs/results: what was measured, with the commit, the
data, the minutes and the machine. `tables.py` makes the pages from these files.
"""

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

from underdraw import checkpoint
from underdraw.cli import tell
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.evaluate import Evaluation, evaluate, passes
from underdraw.files import write_json
from underdraw.latent import LatentModel

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "runs" / "results"
ZOO = ROOT / "src" / "underdraw" / "zoo"


def machine() -> dict[str, Any]:
    """What ran: processor, cores, versions."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":")[1].strip() if names else model
    return {
        "processor": model,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
    }


def commit() -> str:
    """The commit of the working tree, with "+" if it has changes."""
    head = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    status = subprocess.run(
        ["git", "status", "--porcelain", "--", "src"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return head + ("+" if status else "")


def bound(
    model: LatentModel[Any], data: DataConfig, root: Path | None, split: str = "test",
    limit: int | None = None, samples: int = 0,
) -> Evaluation:  # fmt: skip
    """The bound on a split, noise seed 0, in batches of 250, with a progress bar."""
    images = open_images(data, split, root)
    assert isinstance(images, Images)
    images = random_subset(images, limit, 0)
    batch = min(250, len(images))
    with tell.progress(f"measuring on {split}", passes(len(images), batch, samples)) as report:
        return evaluate(model, images, batch=batch, importance_samples=samples, report=report)


def write(name: str, **values: Any) -> Path:  # noqa: ANN401
    """Write a row of the results."""
    path = RESULTS / f"{name}.json"
    write_json(path, {"name": name, **values, "commit": commit(), "machine": machine()})
    return path


def read(name: str) -> dict[str, Any]:
    """A row of the results."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def ship(run: Path, name: str, card: str, **measured: Any) -> Path:  # noqa: ANN401
    """Put the model of a run into the package under `name`, with its card and numbers."""
    about = checkpoint.describe(run)
    kept = {key: about[key] for key in ("preset", "data", "train", "trained")}
    licence = "Apache-2.0"
    return checkpoint.save(
        checkpoint.load(run), ZOO / name, card=card, licence=licence, measured=measured, **kept
    )


def importance(model: LatentModel[Any], data: DataConfig, limit: int, samples: int) -> Evaluation:
    """The importance-weighted bound on a seeded random subset of the test split."""
    return bound(model, data, None, "test", limit, samples)

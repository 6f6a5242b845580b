"""How a number gets into the results: measured on the whole split, written down with its origin.

Every row of the results is a JSON file in runs/results: what was measured, with the commit, the
data, the minutes and the machine. `tables.py` makes the pages from these files.
"""

import json
import os
import platform
import subprocess
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import parts
from underdraw import checkpoint
from underdraw.configs import from_json, to_json
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.evaluate import Evaluation, evaluate, passes
from underdraw.files import write_json
from underdraw.latent import LatentModel
from underdraw.presets import TrainConfig

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "runs" / "results"
ZOO = ROOT / "src" / "underdraw" / "zoo"
TEST = "test.json"  # in the folder of a run: what it came to on the test split


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
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
    }


def commit() -> str:
    """The commit of the working tree, with "+" if it has changes."""
    head = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    kept = ":!src/underdraw/report/kept"  # pictures that the run itself may just have kept
    status = subprocess.run(
        ["git", "status", "--porcelain", "--", "src", kept],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return head + ("+" if status else "")


def begin(run: Path, initial: str | None = None) -> dict[str, Any]:
    """Commit and machine of a run, noted in its folder when it begins, not when it is measured.

    There, too, are the updates of the run that it begins with, if it does.
    """
    path, first = run / parts.ORIGIN, parts.before(initial)
    if not path.is_file():
        after = {} if first is None else {"after": parts.updates(first)}
        write_json(path, {"commit": commit(), "machine": machine(), **after})
    found = json.loads(path.read_text(encoding="utf-8"))
    return {key: found[key] for key in ("commit", "machine")}


def within(path: str | None) -> str | None:
    """A path below the repository as seen from there, of others the last part; names stay."""
    if path is None or not Path(path).is_absolute():
        return path
    inside = Path(path).is_relative_to(ROOT)
    return str(Path(path).relative_to(ROOT)) if inside else Path(path).name


def progress(what: str, total: int) -> AbstractContextManager[Any]:
    """A bar on stderr, where there is what the command line needs for it."""
    try:
        from underdraw.cli import tell
    except ModuleNotFoundError:
        return nullcontext()
    return tell.progress(what, total)


def bound(
    model: LatentModel[Any], data: DataConfig, root: Path | None, split: str = "test",
    limit: int | None = None, samples: int = 0, cells: bool = False,
) -> Evaluation:  # fmt: skip
    """The bound on a split, noise seed 0, in batches of 250, with a progress bar."""
    images = open_images(data, split, root)
    assert isinstance(images, Images)
    images = random_subset(images, limit, 0)
    batch = min(250, len(images))
    with progress(f"measuring on {split}", passes(len(images), batch, samples)) as report:
        return evaluate(
            model, images, batch=batch, importance_samples=samples, cells=cells, report=report
        )


def write(name: str, **values: Any) -> Path:  # noqa: ANN401
    """Write a row of the results."""
    path = RESULTS / f"{name}.json"
    write_json(path, {"name": name, "commit": commit(), "machine": machine(), **values})
    return path


def rewrite(row: dict[str, Any]) -> None:
    """Put a row that was read back, with what was added; its commit and machine stay."""
    write_json(RESULTS / f"{row['name']}.json", row)


def read(name: str) -> dict[str, Any]:
    """A row of the results."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def ship(run: Path, name: str, card: str, **measured: Any) -> Path:  # noqa: ANN401
    """Put the model of a run into the package under `name`, with its card and numbers.

    Its weights are stored in float16 if they were measured so.
    """
    about = checkpoint.describe(run)
    kept = {key: about[key] for key in ("preset", "data", "train", "trained")}
    kept["train"]["initial"] = within(kept["train"].get("initial"))
    licence = "Apache-2.0"
    return checkpoint.save(
        checkpoint.load(run), ZOO / name, card=card, half=measured_half(run), licence=licence,
        measured=measured, **kept,
    )  # fmt: skip


def importance(
    model: LatentModel[Any], data: DataConfig, limit: int, samples: int, root: Path | None = None
) -> Evaluation:
    """The importance-weighted bound on a seeded random subset of the test split."""
    return bound(model, data, root, "test", limit, samples)


def measure(
    run: Path, root: Path | None, samples: int, limit: int, half: bool = False,
    **more: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Measure a run's model on the test split, once: a run that was measured is left alone.

    Args:
        run: its folder.
        root: local mirror of the data.
        samples: K of the importance-weighted bound; 0 leaves it out.
        limit: random test images for it.
        half: round the weights to float16 first, as `ship` will store them.
        **more: JSON values to keep beside the numbers.

    Raises:
        ValueError: it was measured in float32, and is to be `half`.
    """
    if (run / TEST).is_file():
        if half and not measured_half(run):
            raise ValueError(f"{run} was measured in float32; remove its {TEST} to measure it half")
        return
    about = checkpoint.describe(run)
    data, trained = from_json(DataConfig, about["data"]), about["trained"]
    model = checkpoint.load(run, "cuda" if torch.cuda.is_available() else "cpu")
    model = model.half().float() if half else model
    begun = about["train"]
    test = asdict(bound(model, data, root, cells=begun.get("cells", False)))
    tight = asdict(importance(model, data, limit, samples, root)) if samples else None
    likelihood = about["config"].get("likelihood")
    values = {
        "data": f"{data.name}/test", "likelihood": likelihood,
        "parameters": sum(p.numel() for p in model.parameters()),
        **parts.efforts(run), "changed": changed(begun),
        "initial": within(begun.get("initial")), "best_at": trained["step"],
        "valid_nats": trained["validation_nats"],
        "valid_objective": trained.get("validation_objective"), "test": test, "importance": tight,
        "half": half,
        **begin(run),
    }  # fmt: skip
    write_json(run / TEST, {**more, **values})


def changed(train: dict[str, Any]) -> dict[str, Any]:
    """What a run minimised, where that is not the bound."""
    usual = to_json(TrainConfig())
    names = ("beta", "beta_from", "cells", "error", "structure", "importance_samples")
    return {name: train[name] for name in names if train.get(name, usual[name]) != usual[name]}


def measured_half(run: Path) -> bool:
    """Whether it was measured with weights in float16."""
    return (run / TEST).is_file() and measured(run).get("half", False)


def measured(run: Path) -> dict[str, Any]:
    """What `measure` found."""
    found = json.loads((run / TEST).read_text(encoding="utf-8"))
    if "changed" not in found:  # of before it was written down
        found["changed"] = changed(checkpoint.describe(run)["train"])
    return found

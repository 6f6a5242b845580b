"""Importance-weighted bounds with many samples, beside a row of the results.

    OMP_NUM_THREADS=2 python runs/tight.py draw_mnist

K = 1,000 on 1,000 random test images and K = 100 on all of them, a million passes each, of the
weights that ship: compiled, with bf16 products (--products float32 where these are slow). Each also
has the plain bound of the same images in the same arithmetic, and in float32, with the same noise:
what the precision costs is seen, not believed. They go into the row as `tight`; a row that is made
anew by other weights loses them.

That takes an hour and more, so every 250 images are written down in a folder of these weights,
out/tight_HASH, and a run that was stopped goes on after the last of them. Of n_i values with mean
m_i and standard error s_i, all N together have

    m = sum_i n_i m_i / N      s^2 = sum_i (n_i (n_i - 1) s_i^2 + n_i (m_i - m)^2) / (N (N - 1))
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import record
from underdraw import checkpoint
from underdraw.configs import from_json
from underdraw.data import DataConfig, Images, Subset, open_images, random_subset
from underdraw.evaluate import Report, evaluate, passes
from underdraw.fast import compile_model
from underdraw.files import write_json
from underdraw.latent import LatentModel

BATCH = 250
OUT = record.ROOT / "out"


def some_images(name: str, root: Path | None, limit: int) -> Images:
    """The same random test images as elsewhere, all if there are no more."""
    images = open_images(from_json(DataConfig, checkpoint.describe(name)["data"]), "test", root)
    assert isinstance(images, Images)
    return random_subset(images, limit, 0)


def home(name: str) -> Path:
    """The folder of what was measured of the model that ships under a name."""
    found = hashlib.sha256()
    for file in ("config.json", "model.safetensors"):
        found.update((record.ZOO / name / file).read_bytes())
    return OUT / f"tight_{found.hexdigest()[:16]}"


def pooled(sizes: Sequence[int], means: Sequence[float], errors: Sequence[float]) -> list[float]:
    """Mean and standard error of all values, from those of parts of them."""
    n, m, s = (np.asarray(values, float) for values in (sizes, means, errors))
    total, mean = n.sum(), (n * m).sum() / n.sum()
    squares = (n * (n - 1) * s**2 + n * (m - mean) ** 2).sum()
    return [float(mean), math.sqrt(squares / total / max(total - 1, 1))]


def part(
    exact: LatentModel[Any],
    fast: LatentModel[Any],
    images: Images,
    samples: int,
    products: str,
    report: Report,
) -> dict[str, Any]:
    """The bounds of a batch of images or less, as JSON values."""
    found = evaluate(
        fast, images, batch=BATCH, importance_samples=samples, products=products, report=report
    )
    kept = ("images", "nats", "stderr", "importance_nats", "importance_stderr")
    values = {key: asdict(found)[key] for key in kept}
    plain = evaluate(exact, images, batch=BATCH).nats
    origin = {"commit": record.commit(), "machine": record.machine()}
    return {**values, "nats_float32": plain, **origin}


def tightened(
    name: str, images: Images, samples: int, products: str, compiled: bool
) -> dict[str, Any]:
    """One of the bounds, with the plain ones, as JSON values; batches that are there stay."""
    exact, fast = checkpoint.load_latent(name), checkpoint.load_latent(name)
    if compiled:
        compile_model(fast)
    kind = f"{samples}_{len(images)}_{BATCH}_{products}" + "_eager" * (not compiled)
    places, each, rows = np.arange(len(images)), passes(1, BATCH, samples), []
    total = passes(len(images), BATCH, samples)
    with record.progress(f"K = {samples:,} on {len(images):,} images", total) as bar:
        for first in range(0, len(images), BATCH):
            path, done = home(name) / kind / f"{first}.json", each * len(rows)
            report = _after(done, bar)
            if not path.is_file():
                some = Subset(images, places[first : first + BATCH])
                write_json(path, part(exact, fast, some, samples, products, report))
            rows.append(json.loads(path.read_text(encoding="utf-8")))
            report(each)
    return {**together(rows), "importance_samples": samples, "seed": 0, "precision": products}


def _after(done: int, bar: Report | None) -> Report:
    """Tells a bar, if there is one, of passes after those that are done."""
    return lambda more: None if bar is None else bar(done + more)


def together(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What batches of images come to, with all commits and machines that had a part in it."""
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    machines = columns["machine"]
    sizes, none = columns["images"], [0.0] * len(rows)
    nats, stderr = pooled(sizes, columns["nats"], columns["stderr"])
    tight, error = pooled(sizes, columns["importance_nats"], columns["importance_stderr"])
    return {
        "images": sum(sizes), "nats": nats, "stderr": stderr,
        "importance_nats": tight, "importance_stderr": error,
        "nats_float32": pooled(sizes, columns["nats_float32"], none)[0],
        "commit": ", ".join(dict.fromkeys(columns["commit"])),
        "machines": [one for i, one in enumerate(machines) if one not in machines[:i]],
    }  # fmt: skip


def main(
    name: str,
    data: Path | None = None,
    samples: tuple[int, ...] = (1000, 100),
    images: tuple[int, ...] = (1000, 10_000),
    products: str = "bf16",
    compiled: bool = True,
) -> None:
    """Measure them one after the other, and write each into the row when it is there.

    Args:
        name: of a model that ships and has a row.
        data: local mirror of the data.
        samples: numbers of samples, K.
        images: how many random test images for each K.
        products: precision of the matrix products.
        compiled: compile the model.

    Raises:
        FileNotFoundError: the model has no row.
        CheckpointError: it does not ship.
        ValueError: not as many numbers of images as of samples.
    """
    record.read(name)
    for count, limit in zip(samples, images, strict=True):
        some = some_images(name, data, limit)
        found = tightened(name, some, count, products, compiled)
        row = record.read(name)
        kept = {(one["importance_samples"], one["images"]): one for one in row.get("tight", [])}
        kept[count, len(some)] = found
        row["tight"] = [kept[key] for key in sorted(kept, reverse=True)]
        record.rewrite(row)
        plain = found["nats_float32"]
        print(
            f"{name}: {found['importance_nats']:.2f} +- {found['importance_stderr']:.2f} nats with "
            f"K = {count:,} on {len(some):,} images; plain {plain:.3f}, {products} "
            f"{found['nats'] - plain:+.3f}"
        )


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))

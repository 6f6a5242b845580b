"""Importance-weighted bounds with many samples, beside a row of the results.

    OMP_NUM_THREADS=2 python runs/tight.py draw_mnist

K = 1,000 on 1,000 random test images and K = 100 on all of them, a million passes each, of the
weights that ship: compiled, with bf16 products (--products float32 where these are slow). Each also
has the plain bound of the same images in the same arithmetic, and in float32, with the same noise:
what the precision costs is seen, not believed. They go into the row as `tight`; a row that is made
anew by other weights loses them.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import record
from underdraw import checkpoint
from underdraw.configs import from_json
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.evaluate import evaluate, passes
from underdraw.fast import compile_model
from underdraw.latent import LatentModel

BATCH = 250


def some_images(name: str, root: Path | None, limit: int) -> Images:
    """The same random test images as elsewhere, all if there are no more."""
    images = open_images(from_json(DataConfig, checkpoint.describe(name)["data"]), "test", root)
    assert isinstance(images, Images)
    return random_subset(images, limit, 0)


def tightened(
    model: LatentModel[Any], images: Images, samples: int, products: str
) -> dict[str, Any]:
    """One of the bounds, and what the plain one is by the same arithmetic, as JSON values."""
    batch = min(BATCH, len(images))
    total = passes(len(images), batch, samples)
    with record.progress(f"K = {samples:,} on {len(images):,} images", total) as report:
        found = evaluate(
            model, images, batch=batch, importance_samples=samples, products=products,
            report=report,
        )  # fmt: skip
    kept = ("images", "nats", "stderr", "importance_samples", "importance_nats")
    values = {key: asdict(found)[key] for key in (*kept, "importance_stderr", "seed")}
    return {**values, "precision": products}


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
        model, some = checkpoint.load_latent(name), some_images(name, data, limit)
        exact = evaluate(model, some, batch=min(BATCH, len(some))).nats
        if compiled:
            compile_model(model)
        found = tightened(model, some, count, products)
        found |= {"nats_float32": exact, "commit": record.commit(), "machine": record.machine()}
        row = record.read(name)
        kept = {(one["importance_samples"], one["images"]): one for one in row.get("tight", [])}
        kept[count, len(some)] = found
        row["tight"] = [kept[key] for key in sorted(kept, reverse=True)]
        record.rewrite(row)
        print(
            f"{name}: {found['importance_nats']:.2f} +- {found['importance_stderr']:.2f} nats with "
            f"K = {count:,} on {len(some):,} images; plain {exact:.3f}, {products} "
            f"{found['nats'] - exact:+.3f}"
        )


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))

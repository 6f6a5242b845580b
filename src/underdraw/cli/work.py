"""What the commands do."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import tyro

from underdraw import catalogue, checkpoint, gallery
from underdraw.classifier import Classifier
from underdraw.cli import exacts, tell
from underdraw.configs import from_json
from underdraw.data import (
    SETS,
    DataConfig,
    Images,
    is_binary,
    is_named_set,
    open_images,
    random_subset,
    read_image,
)
from underdraw.evaluate import evaluate as measure
from underdraw.evaluate import passes
from underdraw.fast import compile_model
from underdraw.files import check_folder
from underdraw.grade import grade, with_labels
from underdraw.presets import PRESETS, Preset, preset
from underdraw.train import train as run_training
from underdraw.trained import Trained, as_trained


def device() -> str:
    """Where models run: a GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def check_seed(seed: int) -> None:
    """Refuse what is no seed.

    Raises:
        ValueError: naming it.
    """
    if not 0 <= seed < 2**63:
        raise ValueError(f"a seed is in [0, 2^63), got {seed}")


def resolve(name: str, settings: Sequence[str]) -> Preset:
    """The preset `name` with the fields named in `settings` ("--train.batch", "256", ...) changed.

    Raises:
        ValueError: no such preset.
        SystemExit: code 2, a field or value that does not fit; tyro has said which.
    """
    found = preset(name)
    if not settings:
        return found
    return tyro.cli(
        Preset,
        args=list(settings),
        default=found,
        config=(tyro.conf.AvoidSubcommands,),  # the preset has chosen the kind of model
        prog=f"underdraw train {name}",
        description=f"{found.summary}. --data DIR, --out RUN, --resume and the like: "
        "`underdraw train --help`.",
    )


def data_of(model: str) -> DataConfig:
    """The data a model was trained on.

    Raises:
        ValueError: it was saved without them.
    """
    if exacts.is_exact(model):
        return exacts.data_of(model)
    saved = checkpoint.describe(model).get("data")
    if saved is None:
        raise ValueError(f"{model} does not say on which data it was trained")
    return from_json(DataConfig, saved)


def images_of(model: str, split: str, root: Path | None, pieces: int | None = None) -> Images:
    """A split of the data a model was trained on, by random access.

    With `pieces`, among so many pieces of clutter. A canvas that grows in training has its size,
    and digits that are distorted there are as they were.
    """
    config = replace(data_of(model), growing=0, warp=0.0)
    config = config if pieces is None else replace(config, pieces=pieces)
    if model.startswith(checkpoint.HUB) and not is_named_set(config):
        raise ValueError(f"{model} asks for the data {config.name!r}, which is no set by name")
    images = open_images(config, split, root)
    if not isinstance(images, Images):
        raise ValueError(f"{images.name} can only be streamed")
    return images


def train(
    name: str, settings: Sequence[str], root: Path | None, out: Path, resume: bool,
    max_minutes: float | None, tensorboard: bool, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw train`."""
    found = resolve(name, settings)
    outcome = run_training(
        found, out, root=root, resume=resume, max_minutes=max_minutes, tensorboard=tensorboard
    )
    if outcome.first:
        tell.result({**asdict(outcome), "preset": found.name}, as_json)
    return 128 + outcome.signal if outcome.signal else 0


def evaluate(
    name: str, split: str, root: Path | None, samples: int, limit: int | None, seed: int,
    batch: int, compiled: bool, products: str, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw evaluate`."""
    start = time.monotonic()
    weights = exacts.as_trained if exacts.is_exact(name) else as_trained
    trained = weights(name, device())
    model = in_its_steps(trained)
    images = images_of(name, split, root)
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    images = random_subset(images, limit, seed)
    if compiled:
        compile_model(model, pace=2, device=device())
    batch = min(batch, len(images))
    if isinstance(model, Classifier):
        if samples:
            raise ValueError(f"importance_samples is {samples}, and a classifier has no bound")
        with tell.progress("classifying", len(images)) as report:
            found = asdict(grade(model, images, batch=batch, products=products, report=report))
    else:
        with tell.progress("evaluating", passes(len(images), batch, samples)) as report:
            found = asdict(
                measure(
                    model, images, seed=seed, batch=batch, importance_samples=samples,
                    products=products, report=report, cells=trained.cells,
                    distortion=trained.distortion,
                )
            )  # fmt: skip
    about = {
        "model": name,
        "split": split,
        "precision": products,
        "minutes": (time.monotonic() - start) / 60,
    }
    return tell.result({**about, **trained.told, **found}, as_json)


def in_its_steps(found: Trained) -> Any:  # noqa: ANN401
    """The model, after a word on stderr if it takes fewer steps than it has."""
    if found.steps is not None:
        few, total = found.steps
        tell.say(f"{found.name} was validated with {few} of its {total} steps; it takes as many")
    return found.model


def sample(
    name: str, count: int, temperature: float, seed: int, out: Path, animate: bool,
    root: Path | None, nearest: bool, compiled: bool, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw sample`."""
    if count < 1:
        raise ValueError(f"cannot draw {count} samples")
    check_seed(seed)
    check_folder(out)
    trained = as_trained(name, device(), checkpoint.load_latent)
    model = in_its_steps(trained)
    training = images_of(name, "train", root) if nearest else None
    if compiled:
        compile_model(model, pace=2, device=device())
    trace = gallery.dream(model, count, temperature, seed)
    paths = gallery.samples(model, trace, out, animate)
    if training is not None:
        paths["nearest"] = gallery.beside_nearest(model, trace, training, out)
    values = {k: str(p) for k, p in paths.items()}
    return tell.result({"samples": count, **trained.shortened, **values}, as_json)


def reconstruct(
    name: str, files: Sequence[Path], dataset: bool, count: int, split: str, root: Path | None,
    seed: int, out: Path, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw reconstruct`."""
    if bool(files) == dataset:
        raise ValueError("give either image files or --dataset")
    if count < 1:
        raise ValueError(f"cannot reconstruct {count} images")
    check_seed(seed)
    check_folder(out)
    trained = as_trained(name, device(), checkpoint.load_latent)
    model = in_its_steps(trained)
    if dataset:
        x = gallery.some(images_of(name, split, root), count, seed)
    else:
        binary = is_binary(data_of(name))
        x = torch.cat([read_image(path, model.shape, binary) for path in files])
    paths, nats = gallery.reconstructions(model, x, out, trained.cells, trained.distortion)
    values: dict[str, Any] = {k: str(p) for k, p in paths.items()}
    found = {"images": len(x), **trained.told, "nats": sum(nats) / len(nats), "each": nats}
    return tell.result({**found, **values}, as_json)


def glimpse(
    name: str, files: Sequence[Path], count: int, split: str, root: Path | None, seed: int,
    out: Path, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw glimpse`."""
    if count < 1:
        raise ValueError(f"cannot show {count} images")
    check_seed(seed)
    check_folder(out)
    trained = as_trained(name, device(), checkpoint.load_classifier)
    model = in_its_steps(trained)
    if files:
        x = torch.cat([read_image(path, model.shape, is_binary(data_of(name))) for path in files])
        paths, best = gallery.looks(model, x, None, out, "images")
        found: dict[str, Any] = {"classes": best if as_json else ", ".join(map(str, best))}
    else:
        images = with_labels(images_of(name, split, root), model.classes)
        paths, found = gallery.glimpses(model, images, count, seed, out)
    values = {k: str(p) for k, p in paths.items()}
    return tell.result({"model": name, **trained.shortened, **found, **values}, as_json)


def info(name: str, as_json: bool) -> int:
    """`underdraw info`."""
    values = checkpoint.describe(name)
    weights = checkpoint.load(name)
    count = sum(p.numel() for p in weights.parameters())
    plain = {"name": name, "folder": str(checkpoint.locate(name)), "parameters": count, **values}
    if as_json:
        return tell.result(plain, True)
    flat = {k: v for k, v in plain.items() if not isinstance(v, dict)}
    for group in ("config", "data", "train", "trained", "measured"):
        flat |= {f"{group}.{k}": v for k, v in (values.get(group) or {}).items()}
    return tell.result({k: str(v) if isinstance(v, list) else v for k, v in flat.items()}, False)


def models(as_json: bool) -> int:
    """`underdraw models`."""
    zoo = catalogue.shipped()
    if as_json:
        known = checkpoint.shipped()
        shipped = {
            one.name: {
                **(checkpoint.describe(one.name) if one.name in known else {}),
                "bytes": one.bytes, "licence": one.licence, "measured": one.measured,
            }
            for one in zoo
        }  # fmt: skip
        presets = {n: asdict(make()) for n, make in PRESETS.items()}
        return tell.result({"models": shipped, "presets": presets}, True)
    rows = [[one.name, one.known_by, f"{one.bytes / 1e6:.1f} MB", one.licence] for one in zoo]
    tell.table("Shipped models", ["name", "test bound or error", "size", "licence"], rows)
    tell.table("Presets", ["name", "what"], [[n, make().summary] for n, make in PRESETS.items()])
    tell.table("Data sets", ["name", "what", "licence"],
               [[card.name, card.summary, card.licence] for card in SETS.values()])  # fmt: skip
    return 0

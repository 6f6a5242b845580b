"""What `underdraw study` does: find the model or preset and the images, run, print."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from underdraw import checkpoint, study
from underdraw.classifier import Classifier
from underdraw.cli import tell
from underdraw.cli.work import check_seed, device, images_of, in_its_steps, resolve
from underdraw.data import Images, random_subset
from underdraw.files import check_folder
from underdraw.presets import PRESETS
from underdraw.trained import check_bound, with_bound

RUNS = Path("out/study")


def some_images(
    model: str, split: str, root: Path | None, limit: int, seed: int, pieces: int | None = None
) -> Images:
    """A seeded random subset of a split of the data a model was trained on.

    With `pieces`, among so many pieces of clutter instead of as many as in training.

    Raises:
        ValueError: a limit below 1, a seed below 0, or no such data.
    """
    check_subset(limit, seed)
    return random_subset(images_of(model, split, root, pieces), limit, seed)


def check_subset(limit: int, seed: int) -> None:
    """Refuse what is no number of images, and no seed.

    Raises:
        ValueError: naming it.
    """
    if limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    check_seed(seed)


def information(
    name: str, split: str, root: Path | None, limit: int, seed: int, batch: int, out: Path,
    as_json: bool,
) -> int:  # fmt: skip
    """`underdraw study information`."""
    check_folder(out)
    model = in_its_steps(with_bound(name, device()))
    images = some_images(name, split, root, limit, seed)
    with tell.progress("measuring", len(images)) as report:
        found = study.information(
            model, images, out, seed=seed, batch=batch, title=_title(name, images), report=report
        )
    return tell.result({"model": name, **found}, as_json)


def store(
    name: str, steps: Sequence[int], layers: Sequence[int], rows: int, samples: int, split: str,
    root: Path | None, limit: int, seed: int, batch: int, out: Path, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw study store`."""
    check_folder(out)
    model = in_its_steps(with_bound(name, device()))
    images = some_images(name, split, root, limit, seed)
    with tell.progress("storing", study.images_seen(len(images), rows, samples)) as report:
        found = study.store(
            model, images, out, steps=steps, layers=layers, rows=rows, samples=samples, seed=seed,
            batch=batch, title=_title(name, images), report=report,
        )  # fmt: skip
    _show("stored", found["stored"], as_json)
    return tell.result({"model": name, **found}, as_json)


def beta(
    what: Sequence[str], settings: Sequence[str], betas: Sequence[float], samples: int, split: str,
    root: Path | None, limit: int, seed: int, batch: int, out: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw study beta`."""
    if not what:
        raise ValueError("name a preset, or models to compare")
    check_subset(limit, seed)  # before anything is trained
    study.check_counts(samples=samples, batch=batch)
    title = what[0] if len(what) == 1 else ""
    out = RUNS / f"beta_{title or 'models'}" if out is None else out
    check_folder(out)
    names: Sequence[str] = what
    if len(what) == 1 and what[0] in PRESETS:
        made = study.train_betas(resolve(what[0], settings), betas, out, root=root, say=tell.say)
        names = [str(run) for run in made]
    elif settings:
        raise ValueError(f"{settings[0]} sets a field of a preset, and {what[0]} is none")
    images = some_images(names[0], split, root, limit, seed)
    with tell.progress("comparing", len(names)) as report:
        found = study.compare(
            names, images, out, samples=samples, seed=seed, batch=batch, title=title,
            device=device(), report=report,
        )  # fmt: skip
    _show("betas", found["betas"], as_json)
    return tell.result(found, as_json)


def steps(
    name: str, settings: Sequence[str], counts: Sequence[int], minutes: float, root: Path | None,
    seed: int | None, out: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw study steps`."""
    preset = resolve(name, settings)
    if seed is not None:
        preset = replace(preset, train=replace(preset.train, seed=seed))
    out = RUNS / f"steps_{name}" if out is None else out
    check_folder(out)
    found = study.steps(preset, out, counts=counts, minutes=minutes, root=root, say=tell.say)
    _show("runs", found["runs"], as_json)
    return tell.result(found, as_json)


def glimpses(
    name: str, steps: Sequence[int], split: str, root: Path | None, limit: int, seed: int,
    batch: int, out: Path, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw study glimpses`."""
    check_folder(out)
    model = checkpoint.load(name, device())
    images = some_images(name, split, root, limit, seed)
    title = _title(name, images)
    if isinstance(model, Classifier):
        if steps:
            raise ValueError(f"a classifier is measured after every glimpse; steps is {steps}")
        with tell.progress("measuring", len(images)) as report:
            found = study.glimpse_errors(
                model, images, out, batch=batch, title=title, report=report
            )
        _show("errors", found["errors"], as_json)
        return tell.result({"model": name, **found}, as_json)
    check_bound(name)
    with tell.progress("measuring", study.steps_taken(model, steps)) as report:
        found = study.glimpses(
            model, images, out, steps=steps, seed=seed, batch=batch, title=title, report=report
        )
    _show("bounds", found["bounds"], as_json)
    return tell.result({"model": name, **found}, as_json)


def clutter(
    name: str, pieces: Sequence[int], split: str, root: Path | None, limit: int, seed: int,
    batch: int, out: Path, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw study clutter`."""
    check_folder(out)
    model = checkpoint.load_classifier(name, device())
    sets = {
        count: some_images(name, split, root, limit, seed, pieces=count) for count in set(pieces)
    }
    with tell.progress("measuring", sum(map(len, sets.values()))) as report:
        found = study.clutter(model, sets, out, batch=batch, title=Path(name).name, report=report)
    _show("errors", found["errors"], as_json)
    return tell.result({"model": name, **found}, as_json)


def _title(name: str, images: Images) -> str:
    """What a picture is of: the model's name, or that of its run's folder, and the images."""
    return f"{Path(name).name}, {len(images)} images of {images.name}"


def _show(title: str, rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """The rows as a table, for people; what has no place in a cell is left out."""
    if as_json:
        return
    heads = [key for key, value in rows[0].items() if not isinstance(value, list | dict)]
    cells = [[_cell(row[head]) for head in heads] for row in rows]
    tell.table(title, heads, cells)


def _cell(value: Any) -> str:  # noqa: ANN401
    return f"{value:.4g}" if isinstance(value, float) else str(value)

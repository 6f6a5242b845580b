"""The studies of Convolutional DRAW that take training or images that do not ship.

    python runs/studies.py beta|steps|store|information --data DIR [--minutes M]

    beta           convdraw_cifar10_small with beta 0.4 and 1, M minutes each     Figs 6, 7, 10, 11
    steps          with T = 2, 4, 8, 16 steps of 32 maps, M minutes each          Fig. 8
    store          its shipped weights, and those of characters: the first steps  Figs 1, 2
    information    the same weights: what each step says                          Fig. 9

Bounds are of validation images. Runs are in out/study and resume. The numbers go to
runs/results/study_NAME.json, the pictures to what the report keeps (`keep`).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import clock
import keep
import record
from underdraw import checkpoint, study
from underdraw.configs import from_json
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.presets import preset

NAME, CHARACTERS = "convdraw_cifar10_small", "convdraw_omniglot_small"
BETAS = (0.4, 1.0)
COUNTS, MAPS = (2, 4, 8, 16), 32
OUT = record.ROOT / "out" / "study"


def validation(data: DataConfig, root: Path | None, limit: int) -> Images:
    """A seeded random subset of validation images."""
    images = open_images(data, "valid", root)
    assert isinstance(images, Images)
    return random_subset(images, limit, 0)


def beta(root: Path | None, minutes: float, limit: int, out: Path = OUT / "beta") -> None:
    """Train with each beta for the same number of updates, compare samples and bounds."""
    found = preset(NAME)
    speed = clock.once(out / "trial.json", lambda: clock.trial(found, out / "trial", root, 1.0))
    updates = clock.updates(found, speed, minutes)
    made = study.train_betas(clock.scheduled(found, updates, 4), BETAS, out, root=root)
    images = validation(found.data, root, limit)
    told = study.compare(made, images, out, title=NAME)
    of_what = {"preset": NAME, "setting": found.summary}
    record.write("study_beta", **of_what, updates=updates, minutes_each=minutes, **plain(told))
    keep.main(
        "beta", out / "beta.png", "Samples of a small Convolutional DRAW, trained with beta 0.4 "
        "and 1 for the same few updates, from the same noise.",
        f"runs/studies.py beta, CIFAR-10, {updates:,} updates each",
    )  # fmt: skip


def steps(root: Path | None, minutes: float, limit: int, out: Path = OUT / "steps") -> None:
    """Train with each number of steps for the same time; `limit` does not matter."""
    found = preset(NAME)
    one = {key: getattr(found.model, key)[:1] for key in ("latent", "stride")}
    found = replace(found, model=replace(found.model, maps=(MAPS,), **one))
    told = study.steps(found, out, counts=COUNTS, minutes=minutes, root=root)
    record.write("study_steps", setting=found.summary, maps=MAPS, **plain(told))
    keep.main(
        "steps", out / "steps.png", f"Cost of T steps of {MAPS} maps, by images seen and by time.",
        f"runs/studies.py steps, CIFAR-10, {minutes:g} minutes for each T",
    )  # fmt: skip


def store(root: Path | None, minutes: float, limit: int, out: Path = OUT / "store") -> None:
    """Store the first steps of shipped models, or upper layers; `minutes` do not matter."""

    def told(name: str, kept: str, what: str, layers: tuple[int, ...] = ()) -> dict[str, Any]:
        images, folder = of(name, root, limit), out / kept
        title = f"{name}, {len(images)} images of {images.name}"
        model = checkpoint.load_latent(name)
        found = plain(study.store(model, images, folder, layers=layers, title=title))
        caption = f"{name}: {what} stored, the rest sampled several times."
        keep.main(kept, folder / "full_variance.png", caption, "runs/studies.py store")
        return found

    first = "the first t steps"
    models = {CHARACTERS: told(CHARACTERS, "store_omniglot", first)}
    models[NAME] = told(NAME, "store_cifar10", first)
    layers = {NAME: told(NAME, "layers_cifar10", "the layers from l up", (1, 2))}
    record.write("study_store", models=models, layers=layers)


def information(
    root: Path | None, minutes: float, limit: int, out: Path = OUT / "information"
) -> None:
    """What each step of shipped models says; `minutes` do not matter."""
    told = {}
    for name, kept in ((CHARACTERS, "information_omniglot"), (NAME, "information_cifar10")):
        images = of(name, root, limit)
        title = f"{name}, {len(images)} images of {images.name}"
        model = checkpoint.load_latent(name)
        told[name] = plain(study.information(model, images, out / name, title=title))
        keep.main(
            kept, out / name / "information.png", f"{name}: the KL term of every step.",
            "runs/studies.py information",
        )  # fmt: skip
    record.write("study_information", models=told)


def of(name: str, root: Path | None, limit: int) -> Images:
    """Validation images for a shipped model."""
    return validation(from_json(DataConfig, checkpoint.describe(name)["data"]), root, limit)


def plain(told: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a study, without the paths of its files and runs."""
    found = {key: value for key, value in told.items() if key not in ("picture", "numbers")}
    found = {key: value for key, value in found.items() if not key.endswith("_variance")}
    found.pop("curve", None)
    for row in [*found.get("betas", []), *found.get("runs", [])]:
        row.pop("run", None)
        row.pop("model", None)
    return found


STUDIES = {"beta": beta, "steps": steps, "store": store, "information": information}


def main(
    name: Literal["beta", "steps", "store", "information"],
    data: Path | None = None,
    minutes: float = 10.0,
    limit: int = 500,
) -> None:
    """Run a study.

    Args:
        name: which.
        data: local mirror of the data; None asks the hub.
        minutes: of training for each model, where any is trained.
        limit: random validation images to measure on.
    """
    STUDIES[name](data, minutes, limit)


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))

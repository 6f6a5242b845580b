"""`underdraw study EXPERIMENT ...`: the experiments and their flags; nothing heavy is imported."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, arg

from underdraw.cli.words import split

Split = Literal["train", "valid", "test"]
Count = Annotated[int, arg(aliases=["-n"])]
app = tyro.extras.SubcommandApp()


@app.command
def information(
    model: Positional[str],
    split: Split = "test",
    data: Path | None = None,
    limit: int = 500,
    seed: int = 0,
    batch: int = 100,
    out: Path = Path("out/study/information"),
    json: bool = False,
) -> int:
    """How much every layer and step says: KL, in nats and bits (Fig. 9).

    Args:
        model: a shipped name or a run's folder.
        split: which part of the model's data set.
        data: local mirror of the data set, instead of the hub.
        limit: measure on so many images, a seeded random subset.
        seed: of the noise and the subset.
        batch: images at a time; does not change the noise.
        out: folder to write: information.png, information.json.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import experiments

    return experiments.information(model, split, data, limit, seed, batch, out, json)


@app.command
def store(
    model: Positional[str],
    steps: tuple[int, ...] = (),
    layers: tuple[int, ...] = (),
    rows: int = 6,
    samples: int = 3,
    split: Split = "test",
    data: Path | None = None,
    limit: int = 100,
    seed: int = 0,
    batch: int = 50,
    out: Path = Path("out/study/store"),
    json: bool = False,
) -> int:
    """Store the first steps, or the upper layers, and generate the rest (Figs 1 and 2).

    Args:
        model: a shipped name or a run's folder.
        steps: store the first t steps, for each of these; a range of them if none are given.
        layers: store the layers from l up, counted from 1, for each of these.
        rows: images to show.
        samples: samples of each image to show, with full variance.
        split: which part of the model's data set.
        data: local mirror of the data set, instead of the hub.
        limit: measure on so many images, a seeded random subset.
        seed: of the noise and the subset.
        batch: images at a time; does not change the noise.
        out: folder to write: zero_variance.png, full_variance.png, curve.png, store.json.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import experiments

    return experiments.store(
        model, steps, layers, rows, samples, split, data, limit, seed, batch, out, json
    )  # fmt: skip


@app.command
def beta(
    what: Positional[tuple[str, ...]],
    betas: tuple[float, ...] = (0.4, 1.0),
    count: Count = 36,
    split: Split = "test",
    data: Path | None = None,
    limit: int = 500,
    seed: int = 0,
    batch: int = 100,
    out: Path | None = None,
    json: bool = False,
) -> Callable[[Sequence[str]], int]:
    """Samples and bounds for several weights of the distortion (Figs 6, 7, 10, 11).

    Trains PRESET once for each beta, in OUT/beta_0.4 and so on. What is finished there is not
    trained again, and what was stopped goes on. --model.FIELD, --data.FIELD and --train.FIELD set
    fields of the preset. Given models instead of a preset, it compares these and trains nothing.

    Args:
        what: a preset, or models (shipped names, runs' folders) trained with different betas.
        betas: weights of the distortion to train with.
        count: samples of each.
        split: measure on this part of the data set.
        data: local mirror of the data set, instead of the hub.
        limit: measure on so many images, a seeded random subset.
        seed: of samples, noise and subset; training has --train.seed.
        batch: images at a time; does not change the noise.
        out: folder to write: beta.png, beta.json, runs (default out/study/beta_PRESET).
        json: print one JSON object to stdout.
    """
    from underdraw.cli import experiments

    return lambda fields: experiments.beta(
        what, fields, betas, count, split, data, limit, seed, batch, out, json
    )


@app.command
def steps(
    preset: Positional[str],
    steps: tuple[int, ...] = (2, 4, 8, 16),
    minutes: float = 10.0,
    data: Path | None = None,
    seed: int | None = None,
    out: Path | None = None,
    json: bool = False,
) -> Callable[[Sequence[str]], int]:
    """Cost against images seen and against time, for several numbers of steps (Fig. 8).

    Trains PRESET for the same time with each, in OUT/steps_2 and so on. What had its time is not
    trained again, and what was stopped goes on. --model.FIELD, --data.FIELD and --train.FIELD set
    other fields of the preset.

    Args:
        preset: a name from `underdraw models`.
        steps: numbers of steps.
        minutes: of training for each.
        data: local mirror of the data set, instead of the hub.
        seed: of training; the preset's if not given.
        out: folder to write: steps.png, steps.json, runs (default out/study/steps_PRESET).
        json: print one JSON object to stdout.
    """
    from underdraw.cli import experiments

    return lambda fields: experiments.steps(preset, fields, steps, minutes, data, seed, out, json)


@app.command
def glimpses(
    model: Positional[str],
    steps: tuple[int, ...] = (),
    split: Split = "test",
    data: Path | None = None,
    limit: int = 500,
    seed: int = 0,
    batch: int = 100,
    out: Path = Path("out/study/glimpses"),
    json: bool = False,
) -> int:
    """The bound of a model, or the error of a classifier, that takes its first steps only.

    Args:
        model: a shipped name or a run's folder.
        steps: counts of steps; a range of them if none are given, all of a classifier's.
        split: which part of the model's data set.
        data: local mirror of the data set, instead of the hub.
        limit: measure on so many images, a seeded random subset.
        seed: of the noise and the subset.
        batch: images at a time; does not change the noise.
        out: folder to write: glimpses.png, glimpses.json.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import experiments

    return experiments.glimpses(model, steps, split, data, limit, seed, batch, out, json)


@app.command
def clutter(
    model: Positional[str],
    pieces: tuple[int, ...] = (0, 4, 8, 16),
    split: Split = "test",
    data: Path | None = None,
    limit: int = 10_000,
    seed: int = 0,
    batch: int = 100,
    out: Path = Path("out/study/clutter"),
    json: bool = False,
) -> int:
    """The error of a classifier among more or less clutter than it was trained with.

    Args:
        model: a shipped name or a run's folder, trained on cluttered digits.
        pieces: of clutter, for each of these.
        split: which part of the model's data set.
        data: local mirror of the data set, instead of the hub.
        limit: measure on so many images, a seeded random subset.
        seed: of the subset.
        batch: images at a time.
        out: folder to write: clutter.png, clutter.json.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import experiments

    return experiments.clutter(model, pieces, split, data, limit, seed, batch, out, json)


def run(args: Sequence[str]) -> int:
    """Parse `args`, run the experiment they name and return its exit code."""
    words, fields = split(args) if args and args[0] in ("beta", "steps") else (list(args), [])
    done = app.cli(
        prog="underdraw study",
        args=words,
        description="The papers' experiments. Each leaves pictures and the numbers behind them in "
        "a folder. Figures are those of Convolutional DRAW (2016).",
        config=(FlagCreatePairsOff,),
    )
    return done(fields) if callable(done) else done

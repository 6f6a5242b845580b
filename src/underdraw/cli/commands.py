"""The commands and their flags. Nothing heavy is imported until a command runs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, arg

from underdraw.cli import pictures
from underdraw.cli.words import split

Count = Annotated[int, arg(aliases=["-n"])]
app = tyro.extras.SubcommandApp()


@app.command
def demo(out: Path = Path("out/demo"), seed: int = 0, json: bool = False) -> int:
    """The main job, offline, in minutes: measure, sample, animate, reconstruct, train.

    Leaves a folder with an index.html that shows and explains all of it.

    Args:
        out: folder to write.
        seed: of everything random.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import tell
    from underdraw.demo import run

    return tell.result(run(out, seed=seed, say=tell.say), json)


@app.command
def report(out: Path = Path("out/report"), seed: int = 0, json: bool = False) -> int:
    """Results and figures of both papers from the shipped weights, in one HTML folder.

    Args:
        out: folder to write.
        seed: of everything random.
        json: print one JSON object to stdout.
    """
    from underdraw import report as made
    from underdraw.cli import tell

    return tell.result(made.run(out, seed=seed, say=tell.say), json)


@app.command
def train(
    preset: Positional[str],
    data: Path | None = None,
    out: Path | None = None,
    resume: bool = False,
    max_minutes: float | None = None,
    tensorboard: bool = False,
    json: bool = False,
) -> Callable[[Sequence[str]], int]:
    """Train a preset: `underdraw train draw_mnist --train.batch 256 --model.learned-prior`.

    Fields of the preset are set by --model.FIELD, --data.FIELD and --train.FIELD;
    `underdraw train PRESET --help` lists them. Under torchrun it trains on many processes.

    Args:
        preset: a name from `underdraw models`.
        data: local mirror of the data set, instead of the hub.
        out: the run's folder (default out/PRESET).
        resume: go on with the run in that folder.
        max_minutes: end cleanly, resumable, after so many minutes.
        tensorboard: also write TensorBoard events.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import work

    folder = Path("out") / preset if out is None else out
    return lambda fields: work.train(
        preset, fields, data, folder, resume, max_minutes, tensorboard, json
    )


@app.command
def evaluate(
    model: Positional[str],
    split: Literal["train", "valid", "test"] = "test",
    data: Path | None = None,
    importance_samples: int = 0,
    limit: int | None = None,
    seed: int = 0,
    batch: int = 250,
    compile: bool = False,
    precision: Literal["float32", "bf16"] = "float32",
    json: bool = False,
) -> int:
    """Measure the bound of a model on a split, in nats per image, or the error of a classifier.

    Args:
        model: a shipped name or a run's folder; of the newest exact ones, the float model.
        split: which part of the model's data set.
        data: local mirror of the data set, instead of the hub.
        importance_samples: K of the importance-weighted bound; 0 leaves it out.
        limit: measure on so many images, a seeded random subset.
        seed: of the noise and the subset.
        batch: images at a time; does not change the noise.
        compile: compile the step first; pays for many images or samples.
        precision: of the matrix products; "bf16" is faster on some machines.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import work

    return work.evaluate(
        model, split, data, importance_samples, limit, seed, batch, compile, precision, json
    )  # fmt: skip


@app.command
def sample(
    model: Positional[str],
    count: Count = 64,
    temperature: float = 1.0,
    seed: int = 0,
    out: Path = Path("out/samples"),
    animate: bool = False,
    data: Path | None = None,
    nearest: bool = False,
    compile: bool = False,
    json: bool = False,
) -> int:
    """Draw samples: a sheet, the canvas step by step, and on request an animation.

    Args:
        model: a shipped name or a run's folder.
        count: how many.
        temperature: factor on the prior's standard deviation; 0 draws its means.
        seed: of the noise.
        out: folder to write.
        animate: also write sequence.gif and sequence.webp.
        data: local mirror of the data set, for --nearest.
        nearest: also show each sample beside the training image nearest to it.
        compile: compile the step first; pays for thousands of samples.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import work

    return work.sample(
        model, count, temperature, seed, out, animate, data, nearest, compile, json
    )  # fmt: skip


@app.command
def reconstruct(
    model: Positional[str],
    images: Positional[tuple[Path, ...]] = (),
    dataset: bool = False,
    count: Count = 16,
    split: Literal["train", "valid", "test"] = "test",
    data: Path | None = None,
    seed: int = 0,
    out: Path = Path("out/reconstructions"),
    json: bool = False,
) -> int:
    """Reconstruct images: each beside what the model makes of it, and how.

    Args:
        model: a shipped name or a run's folder.
        images: image files; brought to the model's size and kind.
        dataset: reconstruct random images of the model's data set instead.
        count: how many of the data set.
        split: of the data set.
        data: local mirror of the data set, instead of the hub.
        seed: of the choice of images.
        out: folder to write.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import work

    return work.reconstruct(
        model, images, dataset, count, split, data, seed, out, json
    )  # fmt: skip


@app.command
def glimpse(
    model: Positional[str],
    images: Positional[tuple[Path, ...]] = (),
    count: Count = 6,
    split: Literal["train", "valid", "test"] = "test",
    data: Path | None = None,
    seed: int = 0,
    out: Path = Path("out/glimpses"),
    json: bool = False,
) -> int:
    """Show where a classifier looks, glimpse by glimpse: what it gets right and what wrong.

    Args:
        model: a shipped name or a run's folder.
        images: image files, brought to the model's size; random images of its data set if none.
        count: how many that are classified rightly, and how many wrongly.
        split: of the data set.
        data: local mirror of the data set, instead of the hub.
        seed: of the choice of images.
        out: folder to write: a sheet and an animation of each.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import work

    return work.glimpse(model, images, count, split, data, seed, out, json)


@app.command
def study() -> int:
    """The experiments of both papers, as commands; `underdraw study --help` lists them."""
    from underdraw.cli import study

    return study.run(["--help"])


@app.command
def info(model: Positional[str], json: bool = False) -> int:
    """Show what a model is, its config, training and numbers; or what a .udr file holds.

    Args:
        model: a shipped name or a run's folder; or a file.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import about, tell, work

    found = about.file(Path(model)) if Path(model).is_file() else about.model(model)
    if found is None:
        return work.info(model, json)
    return tell.result(found, json) if json else about.show(found)


@app.command
def models(json: bool = False) -> int:
    """List the shipped weights with their numbers, the presets and the data sets.

    Args:
        json: print one JSON object to stdout.
    """
    from underdraw.cli import work

    return work.models(json)


for command in (pictures.compress, pictures.decompress, pictures.compare):
    app.command(command)


def run(args: Sequence[str]) -> int:
    """Parse `args`, run the command they name and return its exit code."""
    if list(args) == ["--version"]:
        from underdraw import __version__

        print(__version__)
        return 0
    if args and args[0] == "study":
        from underdraw.cli import study

        return study.run(args[1:])
    words, fields = _split(args) if args and args[0] == "train" else (list(args), [])
    done = app.cli(
        prog="underdraw",
        args=words,
        description="DRAW: train it, measure it, sample it, compress with it. "
        "`underdraw COMMAND --help` says more.",
        config=(FlagCreatePairsOff,),
    )
    return done(fields) if callable(done) else done


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of `train` itself, and those that set fields of its preset, with their values."""
    if len(args) > 2 and not args[1].startswith("-") and {"-h", "--help"} & set(args[2:]):
        return list(args[:2]), ["--help"]
    return split(args)

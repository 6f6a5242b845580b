"""Samples for several weights of the distortion (Convolutional DRAW, 2016, Figs 6, 7, 10, 11).

Training minimises beta distortion + rate, so a small beta pays less for pixels and fewer nats go
into latents: samples lose detail and gain in large structure. What is reported has no beta:

    bound = distortion + rate
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor

from underdraw import checkpoint, gallery
from underdraw.data import Images
from underdraw.evaluate import evaluate
from underdraw.files import write_json
from underdraw.plot import save, sheet, side_by_side
from underdraw.plot.labelled import fitting
from underdraw.presets import Preset
from underdraw.study.parts import bound_of, check_counts
from underdraw.study.runs import finish
from underdraw.train.precision import settled
from underdraw.trained import with_bound


def train_betas(
    preset: Preset,
    betas: Sequence[float],
    out: Path,
    *,
    root: Path | None = None,
    quiet: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> list[Path]:
    """Train a preset once for each beta, in out/beta_0.4 and so on; returns these folders.

    A run that is finished is not trained again, and one that was stopped goes on.

    Args:
        preset: the experiment; its own beta does not matter.
        betas: weights of the distortion, above 0.
        out: folder of the runs.
        root: local mirror of the data.
        quiet: show nothing while training.
        say: told which run is next.

    Raises:
        Interrupted: a signal came.
        RunError: a folder holds another run, or the cost broke down.
        ValueError: no beta, one that is not above 0, or an objective that has none or is no bound.
    """
    if not betas:
        raise ValueError("no beta to train with")
    if preset.train.importance_samples > 1:
        raise ValueError(
            f"{preset.name} has importance_samples {preset.train.importance_samples}: "
            "the importance-weighted bound has no beta"
        )
    for name in ("cells", "error"):
        if value := getattr(preset.train, name):
            raise ValueError(f"{preset.name} has {name} {value}: what it minimises is no bound")
    runs = {beta: out / f"beta_{beta:g}" for beta in sorted(set(betas))}
    preset = settled(preset, *runs.values())
    planned = [(run, with_beta(preset, beta)) for beta, run in runs.items()]
    for run, changed in planned:
        say(f"{run}: {preset.name} with beta {changed.train.beta:g}")
        finish(changed, run, root, quiet)
    return [run for run, _ in planned]


def with_beta(preset: Preset, beta: float) -> Preset:
    """The preset with this beta, to which its own first beta falls only if that is larger."""
    first = preset.train.beta_from
    falls = first if first is not None and first[0] > beta else None
    return replace(preset, train=replace(preset.train, beta=beta, beta_from=falls))


def beta_of(name: str | Path) -> float:
    """The beta a model was trained with.

    Raises:
        ValueError: it does not say.
    """
    beta = (checkpoint.describe(name).get("train") or {}).get("beta")
    if not isinstance(beta, int | float):
        raise ValueError(f"{name} does not say with which beta it was trained")
    return float(beta)


def compare(
    names: Sequence[str | Path],
    images: Images,
    out: Path,
    *,
    samples: int = 36,
    seed: int = 0,
    batch: int = 100,
    title: str = "",
    device: str = "cpu",
    report: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """Sample and measure models trained with different betas; writes beta.png and beta.json.

    Args:
        names: shipped names or folders of runs.
        images: to measure the bounds on.
        out: folder to write.
        samples: how many of each model, from the same noise for models of the same sites.
        seed: of the noise.
        batch: images at a time.
        title: of the picture.
        device: where the models run.
        report: called with the number of models done.

    Returns:
        For each beta, rising, the parts of the bound in nats per image.

    Raises:
        CheckpointError: a model is missing or damaged.
        ValueError: one does not say its beta or was trained by no bound, or a number is out of
            range.
    """
    check_counts(samples=samples, batch=batch)
    rows, sheets, heads = [], [], []
    betas = [(beta_of(name), name) for name in names]
    for beta, name in sorted(betas, key=lambda pair: (pair[0], str(pair[1]))):
        model = with_bound(name, device).model
        found = evaluate(model, images, seed=seed, batch=min(batch, len(images)))
        row = {"beta": beta, "model": str(name), **bound_of(found)}
        shown = gallery.pictures(model, gallery.dream(model, samples, 1.0, seed))
        rows.append(row)
        sheets.append(_sheet(shown))
        heads.append(_head(row, images.binary))
        report(len(rows))
    numbers: dict[str, Any] = {
        "images": len(images), "split": images.name, "seed": seed, "betas": rows,
    }  # fmt: skip
    write_json(out / "beta.json", numbers)
    picture = save(side_by_side(sheets, heads, _title(title)), out / "beta.png")
    return {**numbers, "picture": str(picture), "numbers": str(out / "beta.json")}


def _sheet(images: Tensor) -> Image.Image:
    return sheet(images, scale=max(1, fitting(images.shape[-1]) * 2 // 3))


def _head(row: dict[str, Any], binary: bool) -> str:
    share = 1.0 if binary else row["bits_per_dim"] / row["nats"]
    unit, digits = ("nats", 1) if binary else ("bits/dim", 3)
    d, r, all_ = (f"{row[key] * share:.{digits}f}" for key in ("distortion", "rate", "nats"))
    return f"beta = {row['beta']:g}\ndistortion {d} + rate {r}\nbound {all_} {unit}"


def _title(title: str) -> str:
    return f"{title}: samples" if title else "Samples"

"""Train `draw_mnist` in two parts, measure it on the whole test split, and ship it.

    python runs/draw_mnist.py [--max-minutes M] [--importance-samples K] [--limit N]

First the preset, with the prior N(0, I) of the paper; then 400 more updates of the same weights
with a learned prior, which starts as N(0, I). Both parts are measured and both are rows of the
results; the second ships. Resumes its runs in out/. Weights are those best on validation images.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tyro

import record
from underdraw import checkpoint
from underdraw.presets import TrainConfig, preset
from underdraw.train import read_log, train

CARD = """# draw_mnist

DRAW (Gregor et al., ICML 2015) at the paper's MNIST setting: 64 glimpses, LSTMs of 256 units,
100 latents a step, 2x2 read, 5x5 write; {parameters:,} parameters. Beyond the paper: a prior
learned from the decoder's state, layer normalisation in both LSTMs, windows that start as
overlapping tiles, larger initial weights on the glimpse and on the posterior mean.

- **Trained on** the training split (50,000) of the fixed binarized MNIST, shipped with the
  package, by `runs/draw_mnist.py`: 9,000 updates of 128 images with the prior N(0, I) (the first
  6,750 with 16 and 32 glimpses; {first_minutes:.0f} minutes), then {steps:,} with the learned
  prior ({minutes:.0f} minutes), on {processor}, {cores} cores, {instructions}.
- **Test bound** (10,000 images, one sample each): **{nats:.2f} +- {stderr:.2f} nats**, of which
  distortion {distortion:.2f} and rate {rate:.2f}. With the prior N(0, I), before the second part:
  {first_nats:.2f}. The paper reports 80.97.
- **Importance-weighted** (K = {k}, {images} random test images): {iw:.2f} +- {iw_stderr:.2f} nats;
  the plain bound on the same images is {same:.2f}.
- **Use:** studying, teaching, generating digits. It knows nothing but 28x28 binary digits.
- **Licence:** Apache-2.0. MNIST is CC BY-SA 3.0.
"""
PRIOR = TrainConfig(
    steps=400, learning_rate=5e-4, warmup=20, kl_warmup=0, ema=0.99, validate_every=200,
    snapshot_every=200,
)  # fmt: skip


def measure(name: str, run: Path, limit: int, samples: int, paper: float | None) -> dict[str, Any]:
    """Measure the model of a run on the test split and write its row of the results."""
    model, data = checkpoint.load(run), preset("draw_mnist").data
    test = record.bound(model, data, None)
    tight = record.importance(model, data, limit, samples)
    about = checkpoint.describe(run)["trained"]
    values: dict[str, Any] = {
        "parameters": sum(p.numel() for p in model.parameters()), "updates": about["step"],
        "images_seen": about["images"], "minutes": about["minutes"],
        "data": "binarized_mnist/test", "valid_nats": about["validation_nats"], "paper": paper,
        "test": asdict(test), "importance": asdict(tight),
    }  # fmt: skip
    valid = [row for row in read_log(run) if row["kind"] == "valid"]
    record.write(name, **values, log=valid)
    return values


def main(
    max_minutes: float | None = None,
    importance_samples: int = 20,
    limit: int = 200,
    out: Path = record.ROOT / "out",
) -> None:
    """Train, measure, ship.

    Args:
        max_minutes: stop training, resumable, after so many minutes of either part.
        importance_samples: K of the importance-weighted bound.
        limit: test images for it.
        out: folder of the runs.
    """
    paper = preset("draw_mnist")
    second = replace(
        paper,
        model=replace(paper.model, learned_prior=True),
        train=replace(PRIOR, initial="out/draw_mnist"),
    )
    for part, run in ((paper, "draw_mnist"), (second, "draw_mnist_prior")):
        outcome = train(part, out / run, resume=True, max_minutes=max_minutes)
        if outcome.reason != "finished":
            print(f"{run} stopped at update {outcome.step} by {outcome.reason}; run again")
            return
    first = measure("draw_mnist_paper_prior", out / "draw_mnist", limit, importance_samples, 80.97)
    last = measure("draw_mnist", out / "draw_mnist_prior", limit, importance_samples, 80.97)
    test, tight = last["test"], last["importance"]
    card = CARD.format(
        parameters=last["parameters"], first_minutes=first["minutes"], steps=last["updates"],
        minutes=last["minutes"], first_nats=first["test"]["nats"], k=importance_samples,
        images=tight["images"], iw=tight["importance_nats"], iw_stderr=tight["importance_stderr"],
        same=tight["nats"], **{k: test[k] for k in ("nats", "stderr", "distortion", "rate")},
        **record.machine(),
    )  # fmt: skip
    record.ship(
        out / "draw_mnist_prior", "draw_mnist", card, split="binarized_mnist/test",
        images=test["images"], importance_samples=importance_samples,
        importance_images=tight["images"], importance_nats=tight["importance_nats"],
        **{k: test[k] for k in ("nats", "stderr", "distortion", "rate")},
    )  # fmt: skip
    print(f"{test['nats']:.2f} +- {test['stderr']:.2f} nats on {test['images']} test images")


if __name__ == "__main__":
    tyro.cli(main)

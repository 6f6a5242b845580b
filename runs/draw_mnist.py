"""Train `draw_mnist` in two parts, measure it on the whole test split once, and ship it.

    python runs/draw_mnist.py [--part 1|2] [--max-minutes M] [--importance-samples K] [--limit N]

The first part is the preset as it stands, in out/draw_mnist. The second starts from the weights of
the first (or, without its folder, from those that ship) with fresh moments and all 64 glimpses, in
out/draw_mnist_2. Each resumes its run. The weights are those that were best on validation images;
the test split is looked at when training is finished.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import tyro

import record
from underdraw import checkpoint
from underdraw.presets import Preset, TrainConfig, preset
from underdraw.train import read_log, train

CARD = """# draw_mnist

DRAW (Gregor et al., ICML 2015) at the paper's MNIST setting: 64 glimpses, LSTMs of 256 units, 100
latents a step, 2x2 read, 5x5 write, prior N(0, I); {parameters:,} parameters. Beyond the paper:
layer normalisation in both LSTMs, windows that start as overlapping tiles, larger initial weights
on the glimpse and on the posterior mean.

- **Trained on** the training split (50,000) of the fixed binarized MNIST, shipped with the package,
  for {steps:,} updates of {batch} images ({epochs:.0f} epochs; the first with 16 and 32 glimpses),
  {minutes:.0f} minutes on {processor} ({cores} cores, {instructions}), by `runs/draw_mnist.py`.
- **Test bound** (10,000 images, one sample each): **{nats:.2f} +- {stderr:.2f} nats**, of which
  distortion {distortion:.2f} and rate {rate:.2f}. The paper reports 80.97.
- **Importance-weighted** (K = {k}, {images} random test images): {iw:.2f} +- {iw_stderr:.2f} nats;
  the plain bound on the same images is {same:.2f}.
- **Use:** studying, teaching, generating digits. It knows nothing but 28x28 binary digits.
- **Licence:** Apache-2.0. MNIST is CC BY-SA 3.0.
"""


FIRST, SECOND = (record.ROOT / "out" / name for name in ("draw_mnist", "draw_mnist_2"))
FINISH = TrainConfig(
    steps=9_000, learning_rate=1e-3, warmup=200, kl_warmup=0, precision="bf16", pace=2,
)  # fmt: skip


def parts(part: int) -> tuple[Preset, Path]:
    """What to train and where, first or second."""
    found = preset("draw_mnist")
    if part == 1:
        return found, FIRST
    start = str(FIRST) if (FIRST / checkpoint.CONFIG).is_file() else "draw_mnist"
    return replace(found, train=replace(FINISH, initial=start)), SECOND


def main(
    part: Literal[1, 2] = 2,
    max_minutes: float | None = None,
    importance_samples: int = 20,
    limit: int = 200,
) -> None:
    """Train, measure, ship.

    Args:
        part: which of the two.
        max_minutes: stop training, resumable, after so many minutes.
        importance_samples: K of the importance-weighted bound.
        limit: test images for it.
    """
    found, run = parts(part)
    outcome = train(found, run, resume=True, max_minutes=max_minutes)
    if outcome.reason != "finished":
        print(f"stopped at update {outcome.step} by {outcome.reason}; run again to go on")
        return
    model = checkpoint.load(run)
    test = record.bound(model, found.data, None)
    tight = record.importance(checkpoint.load(run), found.data, limit, importance_samples)
    about = checkpoint.describe(run)["trained"]
    here = record.machine()
    parameters = sum(p.numel() for p in model.parameters())
    values: dict[str, Any] = {
        "parameters": parameters, "updates": about["step"], "images_seen": about["images"],
        "minutes": about["minutes"], "data": "binarized_mnist/test",
        "valid_nats": about["validation_nats"], "paper": 80.97,
        "test": asdict(test), "importance": asdict(tight),
    }  # fmt: skip
    record.write("draw_mnist", **values, log=[r for r in read_log(run) if r["kind"] == "valid"])
    card = CARD.format(
        parameters=parameters, steps=about["step"], batch=found.train.batch,
        epochs=about["images"] / 50_000, minutes=about["minutes"], nats=test.nats,
        stderr=test.stderr, distortion=test.distortion, rate=test.rate, k=importance_samples,
        images=tight.images, iw=tight.importance_nats, iw_stderr=tight.importance_stderr,
        same=tight.nats, **here,
    )  # fmt: skip
    record.ship(
        run, "draw_mnist", card, split="binarized_mnist/test", images=test.images, nats=test.nats,
        stderr=test.stderr, distortion=test.distortion, rate=test.rate,
        importance_samples=importance_samples, importance_images=tight.images,
        importance_nats=tight.importance_nats,
    )  # fmt: skip
    print(f"{test.nats:.2f} +- {test.stderr:.2f} nats on {test.images} test images")


if __name__ == "__main__":
    tyro.cli(main)

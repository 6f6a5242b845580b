"""Train `draw_mnist` in two parts, measure it on the whole test split once, and ship it.

    python runs/draw_mnist.py [--part 1|2] [--max-minutes M] [--importance-samples K] [--limit N]

The first part is the preset as it stands, in out/draw_mnist. The second starts from the weights of
the first (or, without its folder, from those that ship) with fresh moments and all 64 glimpses, in
out/draw_mnist_2. Each resumes its run. The weights are those that were best on validation images;
the test split is looked at when training is finished.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import tyro

import record
from underdraw import checkpoint
from underdraw.presets import Preset, TrainConfig, preset
from underdraw.train import read_log, train

NAME, PAPER = "draw_mnist", 80.97
FIRST, SECOND = (record.ROOT / "out" / name for name in (NAME, f"{NAME}_2"))
FINISH = TrainConfig(
    steps=9_000, learning_rate=1e-3, warmup=200, kl_warmup=0, precision="bf16", pace=2,
)  # fmt: skip
CARD = """# draw_mnist

DRAW (Gregor et al., ICML 2015) at the paper's MNIST setting: 64 glimpses, LSTMs of 256 units, 100
latents a step, 2x2 read, 5x5 write, prior N(0, I); {parameters:,} parameters. Beyond the paper:
layer normalisation in both LSTMs, windows that start as overlapping tiles, larger initial weights
on the glimpse and on the posterior mean.

- **Trained on** the training split (50,000) of the fixed binarized MNIST, shipped with the package,
  by `runs/draw_mnist.py`, {epochs:.0f} epochs in all:
{parts}
- **Test bound** (10,000 images, one sample each): **{nats:.2f} +- {stderr:.2f} nats**, of which
  distortion {distortion:.2f} and rate {rate:.2f}. The paper reports {paper}.
- **Importance-weighted** (K = {importance_samples}, {images} random test images):
  {importance_nats:.2f} +- {importance_stderr:.2f} nats; the plain bound on the same images is
  {same:.2f}.
- **Use:** studying, teaching, generating digits. It knows nothing but 28x28 binary digits.
- **Licence:** Apache-2.0. MNIST is CC BY-SA 3.0.
"""
PART = """  - {updates:,} updates of {batch} images{glimpses}, products in {precision},
    in {minutes:.0f} minutes{note} on {processor} ({cores} cores, {instructions});"""


def parts(part: int) -> tuple[Preset, Path]:
    """What to train and where, first or second."""
    found = preset(NAME)
    if part == 1:
        return found, FIRST
    start = str(FIRST) if (FIRST / checkpoint.CONFIG).is_file() else NAME
    return replace(found, train=replace(FINISH, initial=start)), SECOND


def told(run: Path, found: Preset, note: str) -> dict[str, Any]:
    """How a part went, as JSON values."""
    test = record.measured(run)
    kept = {key: test[key] for key in ("updates", "images_seen", "minutes", "valid_nats")}
    settings = {key: getattr(found.train, key) for key in ("batch", "precision", "glimpses")}
    return {**kept, **settings, "note": note, "machine": test["machine"]}


def lines(part: dict[str, Any]) -> str:
    """A part, for the card."""
    counts = ", ".join(str(count) for _, count in part["glimpses"])
    glimpses = f" (at first with {counts} glimpses)" if counts else ""
    note = f" ({part['note']})" if part.get("note") else ""
    return PART.format(**{**part, "glimpses": glimpses, "note": note}, **part["machine"])


def ship(run: Path, history: list[dict[str, Any]]) -> None:
    """Write the row of the results, and put the weights into the package with their card."""
    values = record.measured(run)
    test, tight = values["test"], values["importance"]
    seen = sum(part["images_seen"] for part in history)
    minutes = sum(part["minutes"] for part in history)
    values |= {"images_seen": seen, "minutes": minutes, "paper": PAPER, "parts": history}
    log = [row for row in read_log(run) if row["kind"] == "valid"]
    record.write(NAME, **values, log=log)
    card = CARD.format(
        **{key: test[key] for key in ("nats", "stderr", "distortion", "rate")},
        **{k: tight[k] for k in ("importance_samples", "importance_nats", "importance_stderr")},
        parameters=values["parameters"], epochs=seen / 50_000, paper=PAPER,
        parts="\n".join(map(lines, history)), images=tight["images"], same=tight["nats"],
    )  # fmt: skip
    measured = {key: test[key] for key in ("images", "nats", "stderr", "distortion", "rate")}
    measured |= {"split": values["data"], "importance_images": tight["images"]}
    measured |= {key: tight[key] for key in ("importance_samples", "importance_nats")}
    record.ship(run, NAME, card, **measured)
    print(f"{test['nats']:.2f} +- {test['stderr']:.2f} nats on {test['images']} test images")


def main(
    part: Literal[1, 2] = 2,
    max_minutes: float | None = None,
    importance_samples: int = 50,
    limit: int = 500,
    note: str = "",
) -> None:
    """Train, measure, ship.

    Args:
        part: which of the two.
        max_minutes: stop training, resumable, after so many minutes.
        importance_samples: K of the importance-weighted bound.
        limit: test images for it.
        note: what else there is to say of how this part went.
    """
    found, run = parts(part)
    history = record.read(NAME)["parts"][: part - 1]
    outcome = train(found, run, resume=True, max_minutes=max_minutes)
    if outcome.reason != "finished":
        print(f"stopped at update {outcome.step} by {outcome.reason}; run again to go on")
        return
    record.measure(run, None, importance_samples, limit)
    ship(run, [*history, told(run, found, note)])


if __name__ == "__main__":
    tyro.cli(main)

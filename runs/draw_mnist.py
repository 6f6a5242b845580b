"""Train `draw_mnist` in parts, measure it on the whole test split once, and ship it.

    python runs/draw_mnist.py --minutes M [--part N] [--batch B] [--learning-rate r] ...

The first part is the preset as it stands. Each later one starts from the weights that ship, with
fresh moments, all 64 glimpses, a seed of its own (so it sees other orders and other noise), and a
cosine that ends after M minutes on this machine (`clock`). Part N is in out/draw_mnist_N and
resumes; without --part it is the one after those that the row of the results tells of. The weights
are those that were best on validation images; the test split is looked at when training is
finished.
"""

from pathlib import Path
from typing import Any

import tyro

import convdraw
import parts
import record
from tables import PUBLISHED
from underdraw.presets import Preset
from underdraw.train import read_log

NAME = "draw_mnist"
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
- **Stored** in float16, rounded before it was measured.
- **Use:** studying, teaching, generating digits. It knows nothing but 28x28 binary digits.
- **Licence:** Apache-2.0. MNIST is CC BY-SA 3.0.
"""
SUMMED = {"step": "updates", "minutes": "minutes"}  # of the log, and of parts
PART = """  - {updates:,} updates of {batch} images{glimpses}, products in {precision},
    in {minutes:.0f} minutes{note} on {processor} ({cores} cores, {instructions});"""


def begun(part: int, run: Path, minutes: float | None, **changes: Any) -> Preset:  # noqa: ANN401
    """What a part trains: in a folder that holds a run, the settings of that."""
    later = {"initial": NAME, "seed": part - 1, "kl_warmup": 0, "glimpses": ()} if part > 1 else {}
    return convdraw.settings(NAME, run, None, minutes, precision="fast", pace=2, **later, **changes)


def told(run: Path, found: Preset, note: str) -> dict[str, Any]:
    """How a part went, as JSON values."""
    test = record.measured(run)
    kept = {key: test[key] for key in (*parts.ADDED, "valid_nats")}
    settings = {key: getattr(found.train, key) for key in ("batch", "precision", "glimpses")}
    return {**kept, **settings, "note": note, "machine": test["machine"]}


def lines(part: dict[str, Any]) -> str:
    """A part, for the card."""
    counts = ", ".join(str(count) for _, count in part["glimpses"])
    glimpses = f" (at first with {counts} glimpses)" if counts else ""
    note = f" ({part['note']})" if part.get("note") else ""
    return PART.format(**{**part, "glimpses": glimpses, "note": note}, **part["machine"])


def joined(run: Path, history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Validations of all parts, the last of which is in `run`; updates and minutes of all."""
    part, before = len(history), history[:-1]
    earlier = [row for row in record.read(NAME).get("log", []) if row["part"] < part]
    more = {key: sum(one[name] for one in before) for key, name in SUMMED.items()}
    now = [row for row in read_log(run) if row["kind"] == "valid"]
    now = [{**row, "part": part, **{key: row[key] + more[key] for key in more}} for row in now]
    return [*earlier, *now]


def ship(run: Path, history: list[dict[str, Any]]) -> None:
    """Write the row of the results, and put the weights into the package with their card."""
    values = record.measured(run)
    test, tight = values["test"], values["importance"]
    whole = {key: sum(part[key] for part in history) for key in parts.ADDED}
    values |= {**whole, "parts": history}
    record.write(NAME, **values, log=joined(run, history))
    card = CARD.format(
        **{key: test[key] for key in ("nats", "stderr", "distortion", "rate")},
        **{k: tight[k] for k in ("importance_samples", "importance_nats", "importance_stderr")},
        parameters=values["parameters"], epochs=values["images_seen"] / 50_000,
        paper=PUBLISHED[NAME],
        parts="\n".join(map(lines, history)), images=tight["images"], same=tight["nats"],
    )  # fmt: skip
    measured = {key: test[key] for key in ("images", "nats", "stderr", "distortion", "rate")}
    measured |= {"split": values["data"], "importance_images": tight["images"]}
    measured |= {key: tight[key] for key in ("importance_samples", "importance_nats")}
    record.ship(run, NAME, card, **measured)
    print(f"{test['nats']:.2f} +- {test['stderr']:.2f} nats on {test['images']} test images")


def main(
    minutes: float | None = None,
    part: int | None = None,
    batch: int | None = None,
    learning_rate: float | None = None,
    clip: float | None = None,
    max_minutes: float | None = None,
    importance_samples: int = 50,
    limit: int = 500,
    note: str = "",
) -> None:
    """Train, measure, ship.

    Args:
        minutes: of the part, of training; None takes the updates of the preset.
        part: which one, from 1.
        batch: another than the preset's.
        learning_rate: another than the preset's.
        clip: another than the preset's.
        max_minutes: stop training, resumable, after so many minutes.
        importance_samples: K of the importance-weighted bound.
        limit: test images for it.
        note: what else there is to say of how this part went.
    """
    history = record.read(NAME)["parts"]
    part = len(history) + 1 if part is None else part
    if not 1 <= part <= len(history) + 1:
        raise ValueError(f"part must be 1 to {len(history) + 1}, got {part}")
    run = record.ROOT / "out" / f"{NAME}_{part}"
    if 1 < part <= len(history) and not run.is_dir():
        raise ValueError(f"part {part} is in the weights that ship already, and {run} is not there")
    found = begun(part, run, minutes, batch=batch, learning_rate=learning_rate, clip=clip)
    if not convdraw.carried(found, run, None, max_minutes, now=False):
        return
    record.measure(run, None, importance_samples, limit, half=True)
    ship(run, [*history[: part - 1], told(run, found, note)])


if __name__ == "__main__":
    tyro.cli(main)

"""Export a trained ConvDRAW to its exact twin and ship it: what the codec uses.

    python runs/exact.py NAME --data DIR [--run DIR] [--version v] [--images n] [--powers a b]

The model is the run in out/NAME, as `runs/convdraw.py` leaves it. What is decided by looking at
images (which maps are coded, in which order, the scales of lossy streams) is decided on training
images, a seeded random subset. The model goes to NAME@VERSION in the package, which must not exist,
and the cost of quantisation to runs/results/NAME@VERSION.json. --powers are the slopes of rate
against distortion, as powers of 2^(1/32), at qualities 0 and 100: see `runs/slopes.py`.
"""

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import record
from underdraw import checkpoint
from underdraw.codec import exact
from underdraw.codec.exact.twin import POWERS
from underdraw.codec.matching import match
from underdraw.configs import from_json
from underdraw.data import DataConfig, Images, describe, open_images, random_subset
from underdraw.models.convdraw import ConvDRAW

SHIFT = 6
"""Bits of the weights that are left out: they then take 16."""
HOME = record.ROOT / "src" / "underdraw" / "codec" / "models"
CARD = """# {name}@{version}

The exact twin of a Convolutional DRAW with {steps} steps and {parameters:,} parameters, in whole
numbers: what the codec computes with. It is never changed; a better one gets another version.

- **Trained on** the training split of `{data}` for {updates:,} updates of {batch} images
  ({images_seen:,} in all), {minutes:.0f} minutes on {machine}, by `runs/convdraw.py`; exported by
  `runs/exact.py`, with weights in multiples of 2^-12. Beta, the weight of the pixels, was
  {beta:g}{fall}.{begun}{rounded}
- **Test bound** of the float model ({images:,} images): {bits:.3f} bits per dimension with the
  exact mass of the 256 levels.
- **Cost of whole numbers** ({few} test images): {loss}; {active:.0%} of the latents are coded.
- **Use:** compressing pictures. It was trained on photographs of {side}x{side} pixels.
- **Licence:** Apache-2.0. The images: {licence}.
"""

FALL = ", to which it fell from {:g} over the first {:.0%} of the updates"
BEGUN = """
  It began with the weights of another run, `{initial}`."""
ROUNDED = """
  It was trained to be rounded (`train.cells`): for lossy files, not for lossless ones."""
UNKNOWN = "not measured, as bits-back is not what it is for"


def levels(config: DataConfig, split: str, root: Path | None, count: int) -> Tensor:
    """A seeded random subset of a split as 8-bit images, (count, C, H, W)."""
    images = open_images(config, split, root)
    assert isinstance(images, Images)
    few = random_subset(images, count)
    x = few.take(np.arange(len(few)))
    return (256 * x).floor().to(torch.uint8)


def main(
    name: str = "convdraw_photo",
    data: Path | None = None,
    run: Path | None = None,
    version: int = 1,
    images: int = 64,
    powers: tuple[int, int] = POWERS,
) -> None:
    """Export, measure, ship.

    Args:
        name: of the preset.
        data: local mirror of the data; None asks the hub.
        run: the run's folder; out/NAME if not given.
        version: of the exact model.
        images: for calibration, and as many for the cost.
        powers: of slopes at qualities 0 and 100.
    """
    run = record.ROOT / "out" / name if run is None else run
    begun, about, row = time.monotonic(), checkpoint.describe(run), record.measured(run)
    config, model = from_json(DataConfig, about["data"]), checkpoint.load(run)
    assert isinstance(model, ConvDRAW)
    calibration = levels(config, "train", data, images)
    twin = exact.twin_of(model, SHIFT)
    exact.prune(twin, calibration)
    found = exact.cost(model, twin, levels(config, "test", data, images))
    m, rounded = row["machine"], about["train"].get("cells", False)
    card = CARD.format(
        name=name, version=version, steps=model.config.steps, data=config.name,
        batch=about["train"]["batch"], beta=about["train"]["beta"],
        fall=FALL.format(*first) if (first := about["train"].get("beta_from")) else "",
        begun=BEGUN.format(**row) if row.get("initial") else "",
        rounded=ROUNDED if rounded else "",
        bits=row["test"]["bits_per_dim_discrete"],
        machine=f"{m['processor']} ({m['cores']} cores, {m['instructions']})",
        images=row["test"]["images"], few=found.images, active=found.active,
        side=config.crop or model.shape[-1],
        loss=UNKNOWN if rounded else f"{found.excess:.3%} of the bound",
        licence=describe(config).licence,
        **{key: row[key] for key in ("parameters", "updates", "images_seen", "minutes")},
    )  # fmt: skip
    folder = HOME / f"{name}@{version}"
    shipped = exact.export(
        model, folder, calibration, card=card, tune=match, powers=list(powers), cells=rounded,
        shift=SHIFT,
    )  # fmt: skip
    cost = None if rounded else {**asdict(found), "excess": found.excess}
    record.write(
        f"{name}@{version}", hash=shipped.hash.hex(), cost=cost, parameters=row["parameters"],
        seconds=time.monotonic() - begun,
    )  # fmt: skip
    print(card)


if __name__ == "__main__":
    import tyro

    tyro.cli(main)

"""Export a trained ConvDRAW to its exact twin and ship it: what the codec uses.

    python runs/exact.py NAME --data DIR [--run DIR] [--version v] [--images n] [--powers a b]

The model is the run in out/NAME, as `runs/convdraw.py` leaves it. What is decided by looking at
images (which maps are coded, in which order, the scales of lossy streams) is decided on training
images, a seeded random subset. The model goes to NAME@VERSION in the package, which must not exist,
and the cost of quantisation to runs/results/NAME@VERSION.json. --powers are the slopes of rate
against distortion, as powers of 2^(1/32), at qualities 0 and 100: see `runs/slopes.py`.
"""

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import convdraw
import parts
import record
from origins import cores
from underdraw import checkpoint
from underdraw.codec import exact
from underdraw.codec.exact.twin import POWERS
from underdraw.codec.matching import match
from underdraw.configs import from_json
from underdraw.data import DataConfig, Images, describe, open_images, random_subset
from underdraw.files import write_text
from underdraw.models.convdraw import ConvDRAW
from underdraw.presets import preset

SHIFT = 6
"""Bits of the weights that are left out."""
HOME = record.ROOT / "src" / "underdraw" / "codec" / "models"
CARD = """# {name}@{version}

The exact twin of a Convolutional DRAW with {steps} steps and {parameters:,} parameters, in whole
numbers: what the codec computes with. It is never changed; a better one gets another version.

- **Trained on** the training split of `{data}` for {updates:,} updates ({images_seen:,} images),
  {minutes:.0f} minutes{machine}, by `runs/convdraw.py`; exported by
  `runs/exact.py`, with weights in multiples of 2^-12.{begun} {last}, the weight of the
  pixels, was {beta:g}{fall}{error}.{rounded}
- **Test bound** of the float model ({images:,} images): {bound}.
- **Cost of whole numbers** ({few} test images): {loss}; {active:.0%} of the latents are coded.
- **Use:** compressing pictures. It was trained on photographs of {side}x{side} pixels.
- **Licence:** Apache-2.0. The images: {licence}.
"""

FALL = ", to which it fell from {:g} over the first {:.0%} of the updates"
ERROR = "; {:.0%} of their distortion went by squared errors"
STRUCTURE = ", of whose logarithm {:.0%} by structural dissimilarity"
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
        images: for calibration, and as many test images for the cost.
        powers: of slopes at qualities 0 and 100.
    """
    run = record.ROOT / "out" / name if run is None else run
    begun, about, row = time.monotonic(), checkpoint.describe(run), record.measured(run)
    config, model = from_json(DataConfig, about["data"]), checkpoint.load(run)
    assert isinstance(model, ConvDRAW)
    bound = convdraw.bound(preset(name), row)  # fails, if at all, before there is a folder
    rounded, folder = about["train"].get("cells", False), HOME / f"{name}@{version}"
    shipped = exact.export(
        model, folder, levels(config, "train", data, images),
        test=levels(config, "test", data, images), tune=match, powers=list(powers), cells=rounded,
        shift=SHIFT,
    )  # fmt: skip
    found, m, train = exact.describe(folder)["measured"], row["machine"], about["train"]
    error, structure = (train.get(key, 0) for key in ("error", "structure"))
    card = CARD.format(
        name=name, version=version, steps=model.config.steps, data=config.name,
        beta=train["beta"], fall=FALL.format(*first) if (first := train.get("beta_from")) else "",
        error=ERROR.format(error) * (error > 0) + STRUCTURE.format(structure) * (structure > 0),
        begun=parts.in_words(row), rounded=ROUNDED if rounded else "",
        bound=bound, last="In the last part beta" if "parts" in row else "Beta",
        machine=parts.where(row, f"{m['processor']} ({cores(m)}, {m['instructions']})"),
        images=row["test"]["images"], few=found["images"], active=found["active"],
        side=config.crop or model.shape[-1],
        loss=UNKNOWN if rounded else f"{found['excess']:.3%} of the bound",
        licence=describe(config).licence,
        **{key: row[key] for key in ("parameters", "updates", "images_seen", "minutes")},
    )  # fmt: skip
    write_text(folder / checkpoint.CARD, card)
    record.write(
        f"{name}@{version}", hash=shipped.hash.hex(), cost=None if rounded else found,
        parameters=row["parameters"], seconds=time.monotonic() - begun,
    )  # fmt: skip
    print(card)


if __name__ == "__main__":
    import tyro

    tyro.cli(main)

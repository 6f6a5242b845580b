"""Export: from a trained model to a folder with its exact twin, once.

integers -> information of each map on calibration images -> maps that tell less than 1e-3 bits
a latent are left at the prior's mean -> cost against the float model -> self-test -> files
"""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from underdraw.checkpoint import CARD, CONFIG
from underdraw.codec.exact.cost import Cost, cost, information, share
from underdraw.codec.exact.grid import FRACTION, WEIGHT_FRACTION
from underdraw.codec.exact.planes import INTEGERS, write_integers
from underdraw.codec.exact.quantise import coarsened, quantise
from underdraw.codec.exact.store import load, self_test
from underdraw.codec.exact.twin import FORMAT, Twin, refuse
from underdraw.configs import to_json
from underdraw.files import write_json, write_text
from underdraw.latent import LatentModel
from underdraw.models.convdraw import ConvDRAW

LEAST = 1e-3  # bits per latent


def twin_of(model: LatentModel[Any], shift: int = 0) -> Twin:
    """The exact twin of `model`, with nothing pruned and weights in multiples of 2^`shift` units.

    Raises:
        ValueError: it has none, its weights are too large for exact arithmetic, or `shift` is none.
    """
    if not isinstance(model, ConvDRAW):
        raise ValueError(f"a {type(model).__name__} has no exact twin, a ConvDRAW has")
    refuse(model.config)
    with torch.device("meta"):
        twin = Twin(model.config)
    twin.take(coarsened(quantise(model), shift))
    return twin


def prune(twin: Twin, levels: Tensor, least: float = LEAST) -> list[Tensor]:
    """Order the maps of `twin` by what they tell of 8-bit images, and deactivate idle ones.

    Returns:
        Bits per latent of each map, (latent,) for each site.
    """
    told = information(twin, levels)
    for site, bits in zip(twin.sites, told, strict=True):
        twin.order(site).copy_(bits.argsort(descending=True, stable=True))
        twin.posterior(site).active[site.step].copy_(bits >= least)
    twin.seal()
    return told


def export(
    model: LatentModel[Any],
    folder: str | Path,
    images: Tensor | None = None,
    test: Tensor | None = None,
    card: str | None = None,
    least: float = LEAST,
    tune: Callable[[Twin, Tensor], None] | None = None,
    cells: bool = False,
    shift: int = 0,
    **about: Any,  # noqa: ANN401
) -> Twin:
    """Write the exact twin of `model` to `folder`, which must not exist.

    Args:
        model: a ConvDRAW; see `twin.refuse` for what it must be.
        folder: NAME@VERSION by custom.
        images: 8-bit images (N, C, H, W) for calibration, 16 to 64; without any nothing is pruned
            or measured.
        test: others, on which the bound is measured; on those for calibration if there are none.
        card: Markdown text: what, how made, licence, numbers.
        least: bits per latent that a map must tell to be coded.
        tune: what is to be done to the pruned twin with the calibration images.
        cells: the model was trained to be rounded, for lossy files, so that the bound, which is
            what samples of its posteriors cost, is not measured.
        shift: weights are rounded to multiples of 2^shift units, which take fewer bytes.
        **about: JSON values to keep in config.json.

    Returns:
        The twin, as loaded from the folder.

    Raises:
        ValueError: the model has no twin, the images do not fit, there are only those of `test`, or
            the folder exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise ValueError(f"{folder} exists, and an exact model is never changed")
    if images is None and test is not None:
        raise ValueError("the bound is measured once a model is calibrated: images is None")
    twin = twin_of(model, shift)
    values = {"format": FORMAT, "model": "convdraw", "config": to_json(twin.config)}
    values |= {"fraction": FRACTION, "weight_fraction": WEIGHT_FRACTION, "weight_shift": shift}
    if images is not None:
        assert isinstance(model, ConvDRAW)
        test = images if test is None else test
        whole = None if cells else cost(model, twin, test)
        told = prune(twin, images, least)
        found = {"images": len(test), "active": share(twin)}
        if whole is not None:
            found = measured(whole, cost(model, twin, test))
        if tune is not None:
            tune(twin, images)
            twin.seal()
        values |= {"measured": found, "information": [b.tolist() for b in told]}
    values |= {"hash": twin.hash.hex(), "self_test": self_test(twin), "cells": cells}
    values |= about
    write_integers(folder / INTEGERS, twin.integers(), shift)
    if card is not None:
        write_text(folder / CARD, card)
    write_json(folder / CONFIG, values)
    return load(folder)


def measured(whole: Cost, pruned: Cost) -> dict[str, float | int]:
    """What config.json says of the cost; fractions and bits per dimension."""
    return {
        **asdict(pruned),
        "excess": pruned.excess,
        "excess_of_pruning": pruned.bits_exact / whole.bits_exact - 1,
    }

"""Exact models as folders: integers.z, config.json and a card (README.md).

A folder is written once and never changed; a better model is another version, NAME@2. Loading
trusts nothing: as many bytes are taken as the config asks for, the integers must agree with their
hash and with the proof of exactness, and a small image is encoded and decoded. Where
that does not come to the stored digest, float64 arithmetic is not exact on this machine, and the
int64 path is taken if it does better.
"""

import hashlib
import math
import warnings
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from underdraw.checkpoint import CONFIG, read_config
from underdraw.codec.exact.grid import (
    BOUND,
    CLASSES,
    FLOAT,
    FRACTION,
    INTEGER,
    WEIGHT_FRACTION,
    prove,
)
from underdraw.codec.exact.planes import INTEGERS, read_integers
from underdraw.codec.exact.product import Product
from underdraw.codec.exact.twin import FORMAT, POWERS, Twin, as_bytes
from underdraw.configs import from_json
from underdraw.distributions import Gaussian
from underdraw.latent import Site
from underdraw.models.convdraw import ConvDRAWConfig

ARITHMETIC = {"float64": FLOAT, "int64": INTEGER}


class ModelError(ValueError):
    """An exact model that cannot be had, with the folder and the reason."""


def shipped() -> dict[str, Path]:
    """The exact models that come with the package, by name ("convdraw_photo@1")."""
    root = Path(str(resources.files("underdraw"))) / "codec" / "models"
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*@*/{CONFIG}"))}


def locate(name: str | Path) -> Path:
    """The folder of a shipped model or of a path; a name without a version is the newest.

    A `Path` is always a folder: "convdraw_photo" ships, Path("convdraw_photo") does not.

    Raises:
        ModelError: there is none.
    """
    known = shipped()
    folder = Path(name)
    if isinstance(name, str):
        versions = [key for key in known if key.rpartition("@")[0] == name]
        newest = max(versions, key=lambda key: int(key.rpartition("@")[2]), default=name)
        folder = known.get(newest, folder)
    if not (folder / CONFIG).is_file():
        names = ", ".join(known) or "none"
        raise ModelError(f"no exact model {str(name)!r}: not shipped ({names}), no {folder}")
    return folder


def describe(name: str | Path) -> dict[str, Any]:
    """The config.json of an exact model, checked as far as it can be without its integers.

    Raises:
        ModelError: there is no such model, or its config is damaged or of another format.
    """
    path = locate(name) / CONFIG
    values = read_config(path, ModelError)
    wanted = {"format": FORMAT, "model": "convdraw"}
    wanted |= {"fraction": FRACTION, "weight_fraction": WEIGHT_FRACTION}
    for key, value in wanted.items():
        found = values.get(key) if isinstance(values, dict) else None
        if found != value or isinstance(found, bool):
            raise ModelError(f"{path}: {key} is {found!r}, not {value!r}")
    for key in ("hash", "self_test"):
        if not isinstance(values.get(key), str):
            raise ModelError(f"{path}: {key} is {values.get(key)!r}, no text")
    shift = values.setdefault("weight_shift", 0)
    if type(shift) is not int or not 0 <= shift <= WEIGHT_FRACTION:
        raise ModelError(f"{path}: weight_shift is {shift!r}, not 0 to {WEIGHT_FRACTION}")
    powers = values.setdefault("powers", list(POWERS))
    if not _pair(powers):
        raise ModelError(f"{path}: powers is {powers!r}, no two whole numbers from -999 to 999")
    return values


def _pair(powers: Any) -> bool:  # noqa: ANN401
    return (
        isinstance(powers, list)
        and [type(p) for p in powers] == [int, int]
        and (max(map(abs, powers)) < 1000)
    )


def load(name: str | Path, arithmetic: str = "float64") -> Twin:
    """An exact model, tested.

    Args:
        name: a shipped name ("convdraw_photo@1", or "convdraw_photo" for the newest) or a folder.
        arithmetic: "float64", or "int64" for the slow reference. Where the self-test of float64
            fails, int64 is taken with a warning.

    Raises:
        ModelError: there is no such model, its files are damaged, or its self-test fails.
        ValueError: `arithmetic` is neither.
    """
    if arithmetic not in ARITHMETIC:
        raise ValueError(f"arithmetic must be one of {sorted(ARITHMETIC)}, got {arithmetic!r}")
    folder = locate(name)
    values = describe(folder)
    twin = _empty(folder, values)
    shapes = {key: tuple(value.shape) for key, value in twin.state_dict().items()}
    try:
        integers = read_integers(folder / INTEGERS, shapes, values["weight_shift"])
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / INTEGERS} cannot be read: {error}") from error
    twin.take(integers, ARITHMETIC[arithmetic])
    twin.powers = tuple(values["powers"])
    _check(folder, twin)
    if twin.hash.hex() != values["hash"]:
        raise ModelError(f"{folder}: the hash is {twin.hash.hex()}, not {values['hash']}")
    if not passes(twin, values["self_test"]):
        if arithmetic == "int64":
            raise ModelError(f"{folder} fails its self-test")
        warnings.warn(
            f"{folder} fails its self-test in float64 on this machine; trying int64, which is slow",
            stacklevel=2,
        )
        return load(name, "int64")
    return twin


def _empty(folder: Path, values: dict[str, Any]) -> Twin:
    try:
        with torch.device("meta"):
            return Twin(from_json(ConvDRAWConfig, values.get("config")))
    except (ValueError, RuntimeError, OverflowError, TypeError) as error:
        raise ModelError(f"{folder / CONFIG}: {error}") from error


def _check(folder: Path, twin: Twin) -> None:
    """Check that the integers can be computed with, whoever made them."""
    for name, part in twin.named_modules():
        if isinstance(part, Product):
            try:
                prove(name, part.weight, part.bias)
            except ValueError as error:
                raise ModelError(f"{folder}: {error}") from error
    for name, start in twin.named_parameters():
        if start.abs().max() > BOUND:
            raise ModelError(f"{folder}: {name} holds {start.abs().max().item():.0f}")
    for site in twin.sites:
        if not _sound(twin, site):
            raise ModelError(f"{folder}: the grid of {site} is damaged")


def _sound(twin: Twin, site: Site) -> bool:
    """Whether the grid, the scales and the order of maps at `site` are what they can be."""
    delta, scale, order = twin.delta(site), twin.q_scale(site), twin.order(site)
    active = twin.posterior(site).active[site.step]
    return (
        bool(((delta >= 1) & (delta <= BOUND) & (scale >= 0) & (scale < CLASSES)).all())
        and bool((twin.shift(site).abs() < CLASSES).all())
        and bool(((active == 0) | (active == 1)).all())
        and torch.equal(order.sort().values, torch.arange(len(order), device="cpu"))
    )


def passes(twin: Twin, wanted: str) -> bool:
    """Whether the self-test comes to the digest `wanted`."""
    try:
        return self_test(twin) == wanted
    except ArithmeticError:
        return False


def self_test(twin: Twin) -> str:
    """SHA-256 (hex) of what encoding and decoding one small image comes to.

    Raises:
        ArithmeticError: decoding does not repeat the priors and the picture of encoding.
    """
    height, width = 12 * twin.stride, 13 * twin.stride - 1
    shape = 1, twin.shape[0], height, width
    count = torch.arange(math.prod(shape), device="cpu").reshape(shape)
    levels = (count * count * 7 + count * 29).remainder(256).byte()

    def nearest(site: Site, p: Gaussian, q: Gaussian | None) -> Tensor:
        return twin.rest(site, p if q is None else q)

    found = hashlib.sha256()
    told = twin.unroll(nearest, twin.see(levels))
    for choice in told.choices:
        found.update(as_bytes([choice.z, *choice.p, *(choice.q or ())]))
    found.update(as_bytes([told.frames[-1].canvas]))
    kept = [choice.z for choice in told.choices]
    again = twin.unroll(lambda site, p, q: kept[site.index], n=1, size=(height, width))
    same = [torch.equal(a.p.mu, b.p.mu) for a, b in zip(told.choices, again.choices, strict=True)]
    if not all(same) or not torch.equal(told.frames[-1].canvas, again.frames[-1].canvas):
        raise ArithmeticError("decoding does not repeat what encoding did")
    return found.hexdigest()

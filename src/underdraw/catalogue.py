"""What weights ship: models to study and generate with, and the exact ones that compress."""

from pathlib import Path
from typing import Any, NamedTuple

from underdraw import checkpoint
from underdraw.codec import exact
from underdraw.codec.exact.planes import INTEGERS

LICENCE = "Apache-2.0"


class Entry(NamedTuple):
    """One model in the package."""

    name: str
    known_by: str
    """The number that it is known by, with its unit."""
    split: str
    """On what it was measured."""
    bytes: int
    """Of its weights."""
    licence: str
    measured: dict[str, Any]
    """Every number that it was shipped with."""


def shipped() -> list[Entry]:
    """All weights in the package: models by name, then exact models by name.

    Raises:
        CheckpointError: a model is damaged.
        ModelError: an exact one is.
    """
    exacts = exact.shipped()
    return [_model(*item) for item in checkpoint.shipped().items()] + [
        _exact(*item, exact.locate(item[0].rpartition("@")[0]) == item[1])
        for item in exacts.items()
    ]


def _model(name: str, folder: Path) -> Entry:
    about = checkpoint.describe(folder)
    measured = about.get("measured", {})
    size = (folder / checkpoint.WEIGHTS).stat().st_size
    licence, split = str(about.get("licence", LICENCE)), str(measured.get("split", ""))
    return Entry(name, known_by(measured), split, size, licence, measured)


def _exact(name: str, folder: Path, newest: bool) -> Entry:
    """An exact model; older ones are there for the files that need them."""
    about = exact.describe(folder)
    size = (folder / INTEGERS).stat().st_size
    if about.get("cells") or not newest:
        told = "for lossy files" if newest else "for files that were made with it"
        return Entry(name, told, "", size, LICENCE, {})
    measured = about["measured"]
    number = f"{measured['bits_exact']:.3f} bits/dim, exact"
    return Entry(
        name, number, f"{measured['images']} test crops of photographs", size, LICENCE, measured
    )


def known_by(measured: dict[str, Any]) -> str:
    """A classifier's error, or a bound in the unit of its images, with its standard error."""
    if "error" in measured:
        return f"{measured['error']:.2%} wrong"
    if "bits_per_dim_discrete" in measured:
        return f"{measured['bits_per_dim']:.3f} bits/dim"
    spread = f" ± {measured['stderr']:.2f}" if "stderr" in measured else ""
    return f"{measured.get('nats', float('nan')):.2f}{spread} nats"

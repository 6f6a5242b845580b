"""Models as they were trained: in so many steps, and by what cost.

A run that was stopped while it still took few glimpses leaves weights that were chosen with these,
and say nothing of the later ones. A model that was trained for a codec that rounds pays for cells,
and one that was trained by errors has no likelihood: neither has a bound.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from underdraw import checkpoint
from underdraw.classifier import Classifier
from underdraw.likelihoods import Distortion


class Trained(NamedTuple):
    """A model, and how it is measured as it was trained."""

    name: str | Path
    model: Any
    """It takes as many steps as it was validated with."""
    steps: tuple[int, int] | None
    """So many, of so many that it has, if it takes fewer than it has."""
    cells: bool
    distortion: Distortion

    @property
    def shortened(self) -> dict[str, int]:
        """What there is to say of its steps."""
        return {} if self.steps is None else {"steps": self.steps[0]}

    @property
    def told(self) -> dict[str, Any]:
        """What there is to say of all of it."""
        error, structure = self.distortion.error, self.distortion.structure
        cost = {"cells": self.cells, "error": error, "structure": structure}
        return self.shortened | {key: value for key, value in cost.items() if value}


def as_trained(
    name: str | Path,
    device: Any = "cpu",  # noqa: ANN401
    load: Callable[..., Any] = checkpoint.load,
) -> Trained:
    """A model with the steps that it was validated with.

    Args:
        name: a shipped name, a folder or "hub:owner/name".
        device: where to put it.
        load: `load` of `underdraw.checkpoint`, or the one for its kind.

    Raises:
        CheckpointError: there is no such model, its files are damaged, or it says that it was
            trained with glimpses that it does not have.
    """
    model, about = load(name, device), checkpoint.describe(name)
    total = model.steps if isinstance(model, Classifier) else 1 + model.sites[-1].step
    given = about.get("trained", {}).get("glimpses", total)
    if type(given) is not int or not 1 <= given <= total:
        raise checkpoint.CheckpointError(
            f"{name} has {total} steps, and says that it was trained with {given!r} glimpses"
        )
    train = about.get("train", {})
    try:
        if given < total:
            model.shorten(given)
        distortion = Distortion(train.get("error", 0.0), train.get("structure", 0.0))
    except (ValueError, TypeError) as error:
        raise checkpoint.CheckpointError(f"{name}: {error}") from error
    steps = (given, total) if given < total else None
    return Trained(name, model, steps, train.get("cells", False), distortion)


def with_bound(name: str | Path, device: Any = "cpu") -> Trained:  # noqa: ANN401
    """A latent variable model, as it was trained, that was trained by its bound.

    Raises:
        CheckpointError: as in `as_trained`, or it is a classifier.
        ValueError: it was trained with cells or by errors.
    """
    check_bound(name)
    return as_trained(name, device, checkpoint.load_latent)


def check_bound(name: str | Path) -> None:
    """Refuse a model whose rate and likelihood are no bound.

    Raises:
        CheckpointError: there is no such model.
        ValueError: it was trained with cells or by errors.
    """
    train = checkpoint.describe(name).get("train", {})
    for key in ("cells", "error"):
        if value := train.get(key):
            raise ValueError(
                f"{name} was trained with {key} {value}: its rate and likelihood are no bound"
            )

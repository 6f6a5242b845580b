"""Which precision "fast" is: that of a run that goes on, or what is faster here.

A run has one precision from its beginning to its end, on whatever machine that is, or it would not
end with the weights of an unbroken one; and runs that are compared have the same.
"""

from collections.abc import Iterator
from pathlib import Path

from underdraw.fast import faster
from underdraw.presets import Preset
from underdraw.presets.config import Precision
from underdraw.train.state import SETTINGS, begun, with_precision


def settled(preset: Preset, *runs: Path, device: str = "cpu") -> Preset:
    """The settings with the name of a precision in the place of "fast".

    Args:
        preset: the settings; with another precision they stay as they are.
        runs: folders; the first that holds a run decides.
        device: where products are timed if none does.

    Raises:
        RunError: the settings of a run cannot be read.
    """
    if preset.train.precision != "fast":
        return preset
    return with_precision(preset, next(_known(runs), None) or faster(device))


def _known(runs: tuple[Path, ...]) -> Iterator[Precision]:
    """Names of the precisions of those folders that hold a run."""
    for run in runs:
        if (run / SETTINGS).is_file():
            yield begun(run).train.precision

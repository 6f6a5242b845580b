"""What may have been meant by a name that no model has."""

from pathlib import Path

from underdraw.codec import exact
from underdraw.presets import PRESETS


def of_model(name: str) -> str:
    """The end of a message about a name that is no model's; empty where there is nothing to say."""
    if name in exact.shipped():
        return "; it is an exact model, for evaluate, info and the commands of the codec"
    if name in PRESETS:
        return f"; it is a preset without weights: `underdraw train {name}` makes them"
    if Path(name).suffix and not Path(name).exists():
        return f"; and there is no file {name}"
    return ""

"""What may have been meant by a name that no model has."""

from pathlib import Path

from underdraw.codec import exact
from underdraw.presets import PRESETS

FILES = (".udr", ".png", ".jpg", ".jpeg", ".webp")


def of_model(name: str) -> str:
    """The end of a message about a name that is no model's; empty where there is nothing to say."""
    if name in exact.shipped():
        return "; it is an exact model, for the codec and info; evaluate takes the newest of each"
    if name in PRESETS:
        return f"; it is a preset without weights: `underdraw train {name}` makes them"
    if Path(name).suffix.lower() in FILES and not Path(name).exists():
        return f"; and there is no file {name}"
    return ""

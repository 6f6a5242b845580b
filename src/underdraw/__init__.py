"""underdraw: DRAW and Convolutional DRAW for PyTorch.

import underdraw
from underdraw.latent import posterior, prior

model = underdraw.load("draw_mnist")
trace = model.unroll(prior(), n=16, frames="all")
pictures = model.likelihood(trace.frames[-1].canvas).mean      # (16, 1, 28, 28)
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from underdraw.checkpoint import load, save

try:
    __version__ = version("underdraw")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["__version__", "load", "save"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """`load` and `save`, with torch imported only when they are asked for."""
    if name in ("load", "save"):
        from underdraw import checkpoint

        return getattr(checkpoint, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

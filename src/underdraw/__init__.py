"""underdraw: DRAW and Convolutional DRAW for PyTorch.

import underdraw
from underdraw.latent import posterior, prior

model = underdraw.load("draw_mnist")
trace = model.unroll(prior(), n=16, frames="all")
pictures = model.likelihood(trace.frames[-1].canvas).mean      # (16, 1, 28, 28)

content = underdraw.compress("photo.png")                      # and underdraw.decompress
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from underdraw.checkpoint import load, save
    from underdraw.codec import compress, compress_all, decompress, decompress_all

try:
    __version__ = version("underdraw")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = [
    "__version__",
    "compress",
    "compress_all",
    "decompress",
    "decompress_all",
    "load",
    "save",
]


def __dir__() -> list[str]:
    """What is public, whether it was asked for or not."""
    return __all__


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """What is public, with torch imported only when it is asked for."""
    if name in ("load", "save"):
        from underdraw import checkpoint

        return getattr(checkpoint, name)
    if name in __all__:
        from underdraw import codec

        return getattr(codec, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Pictures on disk: written beside their place, then renamed, so that none is ever half there."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image


@contextmanager
def beside(path: Path) -> Generator[Path, None, None]:
    """A temporary name in the folder of `path`; what was written there takes its place at the end.

    The folder is made if need be. If the block raises, `path` stays as it was and nothing is left
    beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def save(picture: Image.Image, path: str | Path) -> Path:
    """Write a picture as PNG and return its path.

    Raises:
        ValueError: the name does not end in .png.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"pictures are written as .png, got {path.suffix!r} in {str(path)!r}")
    with beside(path) as aside:
        picture.save(aside, format="PNG", optimize=True)
    return path

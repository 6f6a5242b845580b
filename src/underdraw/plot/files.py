"""Pictures on disk."""

from pathlib import Path

from PIL import Image

from underdraw.files import aside


def save(picture: Image.Image, path: str | Path) -> Path:
    """Write a picture as PNG and return its path.

    Raises:
        ValueError: the name does not end in .png.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"pictures are written as .png, got {path.suffix!r} in {str(path)!r}")
    with aside(path) as temporary:
        picture.save(temporary, format="PNG", optimize=True)
    return path

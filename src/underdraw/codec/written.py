"""Pictures as files of other formats, whole or not at all, and what these formats keep of them."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from underdraw.codec.errors import CodecError
from underdraw.codec.image import Picture, read, to_pillow
from underdraw.files import aside

KEEPING: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True, "exact": True}}
"""What makes formats lossless that are not so by themselves."""


def write(picture: Picture, path: Path, exact: bool = False) -> None:
    """Write a picture, whole or not at all, in the format that its name ends in.

    Args:
        picture: what to write.
        path: file to write.
        exact: in a way that keeps it, which some formats have besides their usual one. Otherwise
            some loss is no matter, but opacity is not dropped.

    Raises:
        CodecError: there is no such format, or it does not keep the picture, or its size.
    """
    form_of(path)
    with aside(path) as temporary:
        _put(picture, temporary, path, exact)


def rehearse(
    path: Path, channels: int, size: tuple[int, int], alpha: UInt8[np.ndarray, "h w"] | None = None
) -> None:
    """Refuse what `write` would refuse of any picture of that kind: a black one is written nowhere.

    Whether a format keeps a picture exactly depends on the picture, and is not looked at.

    Args:
        path: file to write.
        channels: 1 grey or 3 RGB.
        size: height and width.
        alpha: opacity, if there is any.

    Raises:
        CodecError: there is no such format, or it holds none of this size or opacity.
    """
    black = np.zeros((channels, *size), np.uint8)
    _put(Picture(black, alpha), io.BytesIO(), path)


def form_of(path: Path) -> str:
    """The format that a name ends in.

    Raises:
        CodecError: there is none that can be written.
    """
    form = Image.registered_extensions().get(path.suffix.lower())
    if form is None or form not in Image.SAVE:
        raise CodecError(f"{path}: no picture format is called {path.suffix!r}; .png is")
    return form


def _put(picture: Picture, file: Path | io.BytesIO, path: Path, exact: bool = False) -> None:
    """Save a picture that is to be called `path`, and look at what has become of it."""
    form = form_of(path)
    more = KEEPING.get(form, {}) if exact else {}
    try:
        to_pillow(picture).save(file, format=form, icc_profile=picture.icc, **more)
    except (ValueError, KeyError, OSError, RuntimeError, struct.error) as error:
        raise CodecError(f"{path} cannot be written: {error}") from error
    source = file if isinstance(file, Path) else file.getvalue()
    if _size(source) not in (None, picture.size):
        height, width = picture.size
        raise CodecError(f"{path}: {form} does not keep the size, {width} x {height}; .png does")
    if not exact and picture.alpha is None:
        return
    try:
        found = read(source, picture.levels.size)
    except CodecError as error:
        raise CodecError(f"{path}: {form} cannot be looked at; .png can") from error
    if picture.alpha is not None and found.alpha is None and picture.alpha.min() < 255:
        raise CodecError(f"{path}: {form} drops the opacity of the picture; .png keeps it")
    if exact and not _holds(found, picture):
        raise CodecError(f"{path}: {form} does not keep this lossless picture; .png does")


def _size(source: Path | bytes) -> tuple[int, int] | None:
    """Height and width of what was written; None of formats that Pillow does not open."""
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            return image.height, image.width
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _holds(found: Picture, picture: Picture) -> bool:
    """Whether what was found shows what a picture does; it may hold grey as three channels."""
    if found.size != picture.size or len(found.levels) < len(picture.levels):
        return False
    full = np.full(picture.size, 255, np.uint8)
    mine, theirs = (full if one.alpha is None else one.alpha for one in (picture, found))
    same = bool((found.levels == picture.levels).all()) and np.array_equal(mine, theirs)
    return same and found.icc == (picture.icc or None)

"""What the commands of the codec do with archives."""

import time
from collections.abc import Collection
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from underdraw.cli import tell
from underdraw.cli.watching import watched
from underdraw.codec import archive
from underdraw.codec.container import Archive, check_names, parse_archive
from underdraw.codec.errors import CodecError
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture, read, write
from underdraw.codec.library import fit, twin_of
from underdraw.codec.wishes import Wish

SHOWN = 20
"""Names in a message, at most."""


def of_many(
    files: dict[str, Path], twin: Twin, wish: Wish, max_pixels: int
) -> tuple[bytes, dict[str, Any]]:
    """An archive, after it has been decoded again, and what is to be said of it."""
    wish.check()
    check_names(list(files))
    pictures = {name: read(path, max_pixels) for name, path in files.items()}
    for name, picture in pictures.items():
        if picture.alpha is not None and (picture.alpha < 255).any():
            raise CodecError(f"{name} is not opaque: archives hold colours only")
        fit(twin, len(picture.levels), picture.size, max_pixels)
    if any(picture.icc for picture in pictures.values()):
        tell.say("colour profiles are dropped: archives hold levels only")
    names, levels = list(pictures), [picture.levels for picture in pictures.values()]
    places = archive.order(twin, [a.shape for a in levels], max_pixels=max_pixels)
    pixels = sum(a[0].size for a in levels)
    with watched(twin, f"compressing {len(names)} pictures", 3 * pixels):
        content = archive.encode(twin, levels, names, max_pixels=max_pixels)
        both = zip(places, archive.decode(twin, content, most=max_pixels), strict=True)
        equal = all(np.array_equal(levels[i], a) for i, a in both)
    if not equal:
        raise CodecError("the archive did not come back as it was; nothing has been written")
    told = {"kind": "archive", "model": twin.hash.hex(), "images": len(names)}
    return content, told | {"levels": sum(a.size for a in levels)}


def extract(
    file: Path,
    out: Path,
    model: str | None,
    only: str | None,
    block: int | None,
    max_pixels: int,
    as_json: bool,
) -> int:
    """`underdraw decompress` of an archive.

    Damaged blocks, and pictures that cannot be written, are left out, with exit code 1.
    """
    start, content = time.monotonic(), file.read_bytes()
    index = parse_archive(content, max_pixels)
    names, spans = named(index, content), spans_of(index)
    if block is not None and not 0 <= block < len(spans):
        raise CodecError(f"there is no block {block}: {file} has {len(spans)}")
    number = None if only is None else number_of(names, only)
    if only is not None and (number is None or number >= index.images):
        raise CodecError(f"{file} holds no picture {only!r}")
    twin, taken = twin_of(index.model, model), frozenset(names or ())
    written, damaged, failed = list[str](), list[int](), list[str]()
    for i in range(len(spans)) if block is None else [block]:
        if number is not None and number not in spans[i]:
            continue
        try:
            one, data = index.blocks[i], index.read_block(content, i)
            with watched(twin, f"block {i}", 2 * one.images * one.height * one.width):
                levels = archive.decode_block(twin, one, data, max_pixels)
        except CodecError as error:
            tell.say(f"{error}; its pictures are left out: {some(names, spans[i])}")
            damaged.append(i)
            continue
        for j, picture in zip(spans[i], levels, strict=True):
            if number not in (None, j):
                continue
            try:
                written.append(unpack(out, name_of(names, j), picture, taken))
            except (CodecError, OSError) as error:
                tell.say(f"{name_of(names, j)} is left out: {error}")
                failed.append(name_of(names, j))
    told = {"folder": str(out), "images": len(written), "damaged_blocks": damaged}
    told |= {"files": written, "failed": failed}
    tell.result(told | {"seconds": time.monotonic() - start}, as_json)
    return 1 if damaged or failed else 0


def spans_of(index: Archive) -> list[range]:
    """The numbers of the pictures in each block."""
    ends = list(accumulate(block.images for block in index.blocks))
    return [range(end - block.images, end) for end, block in zip(ends, index.blocks, strict=True)]


def name_of(names: list[str] | None, number: int) -> str:
    """The name of a picture; its number, where there are no names."""
    return f"{number:06d}.png" if names is None else names[number]


def number_of(names: list[str] | None, name: str) -> int | None:
    """The number of the picture of this name, if there may be one."""
    if names is not None:
        return names.index(name) if name in names else None
    digits = name.removesuffix(".png")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None
    return number if number is not None and name_of(None, number) == name else None


def some(names: list[str] | None, span: range) -> str:
    """What to call the pictures of a block, briefly."""
    more = f" and {len(span) - SHOWN} more" if len(span) > SHOWN else ""
    return ", ".join(name_of(names, i) for i in span[:SHOWN]) + more


def named(index: Archive, content: bytes) -> list[str] | None:
    """The names of all pictures, if they are there."""
    try:
        return index.read_names(content)
    except CodecError as error:
        tell.say(f"{error}: pictures get numbers")
        return None


def unpack(folder: Path, name: str, levels: np.ndarray, names: Collection[str] = ()) -> str:
    """Write one picture of an archive, in a format that keeps it, and over none of its `names`."""
    path = folder / name
    if path.suffix.lower() not in (".png", ".bmp", ".tif", ".tiff"):
        name += ".png"
        while name in names:
            name += ".png"
        path = folder / name
    write(Picture(levels), path, exact=True)
    return str(path)

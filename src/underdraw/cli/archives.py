"""What the commands of the codec do with archives."""

import time
from collections.abc import Collection
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from underdraw.cli import tell
from underdraw.cli.folders import keep_pictures
from underdraw.cli.watching import watched
from underdraw.codec import archive
from underdraw.codec.container import Archive, check_count, check_names, parse_archive
from underdraw.codec.errors import CodecError, named
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture, read
from underdraw.codec.library import fit, twin_of
from underdraw.codec.wishes import Wish
from underdraw.codec.written import rehearse, write

SHOWN = 20
"""Names in a message, at most."""


def of_many(
    files: dict[str, Path], twin: Twin, wish: Wish, max_pixels: int
) -> tuple[bytes, dict[str, Any]]:
    """An archive, after it has been decoded again, and what is to be said of it."""
    wish.check()
    check_count(len(files))
    check_names(files)
    pictures = {name: read(path, max_pixels) for name, path in files.items()}
    for name, picture in pictures.items():
        if picture.alpha is not None and (picture.alpha < 255).any():
            raise CodecError(f"{name} is not opaque: archives hold colours only")
        with named(name):
            fit(twin, len(picture.levels), picture.size, max_pixels)
    if dropped := [name for name, picture in pictures.items() if picture.icc]:
        tell.say(
            "colour profiles are dropped, as archives hold levels only, of "
            + some(dropped, range(len(dropped)))
        )
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
    overwrite: bool,
    as_json: bool,
) -> int:
    """`underdraw decompress` of an archive.

    Damaged blocks, and pictures that cannot be written, are left out, with exit code 1.

    Raises:
        CodecError: the header is damaged, there is no such block or picture, a picture of that
            name is there, or `out` is no place for what is asked for; nothing has been decoded
            then.
    """
    start, content = time.monotonic(), file.read_bytes()
    with named(file):
        index = parse_archive(content, max_pixels)
        names, spans = names_of(index, content), spans_of(index)
        chosen = blocks_of(names, spans, only, block)
        twin = twin_of(index.model, model)
    number = None if only is None else number_of(names, only)
    target, taken = target_of(out, only), frozenset(names or ())
    if target is not None:
        one = index.blocks[chosen[0]]
        rehearse(target, one.channels, (one.height, one.width))
    else:
        wanted = [j for i in chosen for j in spans[i] if number in (None, j)]
        keep_pictures((path_of(out, name_of(names, j), taken) for j in wanted), overwrite)
    written, damaged, failed = list[str](), list[int](), list[str]()
    for i in chosen:
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
                written.append(unpack(out, name_of(names, j), picture, taken, target))
            except (CodecError, OSError) as error:
                if target is not None:
                    raise
                tell.say(f"{name_of(names, j)} is left out: {error}")
                failed.append(name_of(names, j))
    told = {
        "picture" if target else "folder": str(target or out),
        "images": len(written),
        "damaged_blocks": damaged,
    }
    told |= {"files": written, "failed": failed}
    tell.result(told | {"seconds": time.monotonic() - start}, as_json)
    return 1 if damaged or failed else 0


def blocks_of(
    names: list[str] | None, spans: list[range], only: str | None, block: int | None
) -> list[int]:
    """The blocks that are to be decoded: all, that one, or the one that holds the picture `only`.

    Raises:
        CodecError: there is no such block or picture, or the picture is in another block.
    """
    if block is not None and not 0 <= block < len(spans):
        raise CodecError(f"there is no block {block}, of {len(spans)}")
    if only is None:
        return list(range(len(spans))) if block is None else [block]
    number = number_of(names, only)
    found = [i for i, span in enumerate(spans) if number in span]
    if not found:
        raise CodecError(f"there is no picture {only!r}")
    if block not in (None, *found):
        raise CodecError(f"{only} is in block {found[0]}, not in block {block}")
    return found


def target_of(out: Path, only: str | None) -> Path | None:
    """The file that `out` names, if one picture is asked for and it ends as a picture does.

    Raises:
        CodecError: it is no such file, and no folder either.
    """
    forms = Image.registered_extensions()
    if only is not None and not out.is_dir() and forms.get(out.suffix.lower()) in Image.SAVE:
        return out
    if out.exists() and not out.is_dir():
        raise CodecError(f"pictures of an archive need a folder, and {out} is a file")
    return None


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


def names_of(index: Archive, content: bytes) -> list[str] | None:
    """The names of all pictures, if they are there."""
    try:
        return index.read_names(content)
    except CodecError as error:
        tell.say(f"{error}: pictures get numbers")
        return None


def path_of(folder: Path, name: str, names: Collection[str]) -> Path:
    """Where a picture of an archive goes: in a format that keeps it, and over none of `names`."""
    if Path(name).suffix.lower() not in (".png", ".bmp", ".tif", ".tiff"):
        name += ".png"
        while name in names:
            name += ".png"
    return folder / name


def unpack(
    folder: Path,
    name: str,
    levels: np.ndarray,
    names: Collection[str] = (),
    target: Path | None = None,
) -> str:
    """Write one picture of an archive, in a format that keeps it, and over none of its `names`.

    With a `target` it is written there and nowhere else.
    """
    path = target or path_of(folder, name, names)
    write(Picture(levels), path, exact=True)
    return str(path)

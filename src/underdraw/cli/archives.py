"""What the commands of the codec do with archives."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from underdraw.cli import tell
from underdraw.codec import archive
from underdraw.codec.container import Archive, parse_archive
from underdraw.codec.errors import CodecError
from underdraw.codec.exact import Twin
from underdraw.codec.files import Wish
from underdraw.codec.image import Picture, read, write
from underdraw.codec.library import fit, twin_of


def of_many(files: dict[str, Path], twin: Twin, wish: Wish) -> tuple[bytes, dict[str, Any]]:
    """An archive, after it has been decoded again, and what is to be said of it."""
    wish.check()
    pictures = {name: read(path) for name, path in files.items()}
    for name, picture in pictures.items():
        if picture.alpha is not None and (picture.alpha < 255).any():
            raise CodecError(f"{name} is not opaque: archives hold colours only")
        fit(twin, len(picture.levels), picture.size)
    if any(picture.icc for picture in pictures.values()):
        tell.say("colour profiles are dropped: archives hold levels only")
    names, levels = list(pictures), [picture.levels for picture in pictures.values()]
    content = archive.encode(twin, levels, names)
    places = archive.order([a.shape for a in levels])
    again = archive.decode(twin, content)
    if not all(np.array_equal(levels[i], a) for i, a in zip(places, again, strict=True)):
        raise CodecError("the archive did not come back as it was; nothing has been written")
    told = {"kind": "archive", "model": twin.hash.hex(), "images": len(names)}
    return content, told | {"levels": sum(a.size for a in levels)}


def extract(
    file: Path, out: Path, model: str | None, only: str | None, block: int | None, as_json: bool
) -> int:
    """`underdraw decompress` of an archive: damaged blocks are left out, with exit code 1."""
    start, content = time.monotonic(), file.read_bytes()
    index = parse_archive(content)
    names, blocks = named(index, content), range(len(index.blocks))
    if block is not None and block not in blocks:
        raise CodecError(f"there is no block {block}: {file} has {len(blocks)}")
    if only is not None and not any(only in names_of(index, names, i) for i in blocks):
        raise CodecError(f"{file} holds no picture {only!r}")
    twin, written, damaged = twin_of(index.model, model), list[str](), list[int]()
    for i in blocks if block is None else [block]:
        mine = names_of(index, names, i)
        if only is not None and only not in mine:
            continue
        try:
            levels = archive.decode_block(twin, index.blocks[i], index.read_block(content, i))
        except CodecError as error:
            tell.say(f"{error}; its pictures are left out: {', '.join(mine)}")
            damaged.append(i)
            continue
        pairs = zip(mine, levels, strict=True)
        written += [unpack(out, name, a) for name, a in pairs if only in (None, name)]
    told = {"folder": str(out), "images": len(written), "damaged_blocks": damaged, "files": written}
    tell.result(told | {"seconds": time.monotonic() - start}, as_json)
    return 1 if damaged else 0


def names_of(index: Archive, names: list[str] | None, block: int) -> list[str]:
    """The names of the pictures in one block; numbers, where there are no names."""
    first = sum(b.images for b in index.blocks[:block])
    last = first + index.blocks[block].images
    return [f"{i:06d}.png" for i in range(first, last)] if names is None else names[first:last]


def named(index: Archive, content: bytes) -> list[str] | None:
    """The names of all pictures, if they are there."""
    try:
        return index.read_names(content)
    except CodecError as error:
        tell.say(f"{error}: pictures get numbers")
        return None


def unpack(folder: Path, name: str, levels: np.ndarray) -> str:
    """Write one picture of an archive, in a format that keeps it."""
    path = folder / name
    if path.suffix.lower() not in (".png", ".bmp", ".tif", ".tiff"):
        path = path.with_name(path.name + ".png")
    write(Picture(levels), path)
    return str(path)

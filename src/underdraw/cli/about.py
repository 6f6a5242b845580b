"""`underdraw info` of files and of exact models."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from underdraw.cli import tell
from underdraw.cli.archives import SHOWN, names_of, some
from underdraw.codec import exact
from underdraw.codec.container import (
    ALPHA,
    ARCHIVE,
    KINDS,
    PROFILE,
    VERSION,
    Archive,
    BadPayload,
    kind_of,
    parse,
    parse_archive,
)
from underdraw.codec.errors import CodecError, named

ROUNDED = "not what it is for: it was trained to be rounded, for lossy files"
"""Of the bound of a model that was trained by cells."""


def file(path: Path) -> dict[str, Any]:
    """What a `.udr` file says of itself.

    Raises:
        CodecError: it is no such file, or its header is damaged.
    """
    content = path.read_bytes()
    with named(path):
        kind = kind_of(content)
        plain = {"file": str(path), "kind": KINDS[kind], "format": VERSION, "bytes": len(content)}
        return plain | (of_archive if kind == ARCHIVE else of_picture)(content)


def show(told: Mapping[str, Any]) -> int:
    """Print for people what is known of a file or an exact model; returns exit code 0."""
    plain = dict(told)
    if plain.get("extras"):
        each = plain["extras"].items()
        plain["extras"] = ", ".join(f"tag {tag}, {length} bytes" for tag, length in each)
    if plain.get("tile"):
        plain["tile"] = "{1} x {0}".format(*plain["tile"])
    if plain.get("names"):
        plain["names"] = some(plain["names"], range(len(plain["names"])))
    tell.result(plain, False)
    if blocks := told.get("each_block"):
        heads = ["block", "pictures", "width", "height", "channels", "lanes", "bytes"]
        keys = ["images", *heads[2:]]
        rows = [[str(i), *(str(one[key]) for key in keys)] for i, one in enumerate(blocks[:SHOWN])]
        if len(blocks) > SHOWN:
            rows.append([f"and {len(blocks) - SHOWN} more", *[""] * len(keys)])
        tell.table("Blocks", heads, rows)
    return 0


def of_archive(content: bytes) -> dict[str, Any]:
    """What an archive holds."""
    index = parse_archive(content, sys.maxsize)
    both = zip(index.blocks, index.places, strict=True)
    blocks = [block._asdict() | {"bytes": place.length} for block, place in both]
    told = {"model": called(index.model), "images": index.images, "blocks": len(blocks)}
    told["payload_bytes"] = sum(place.length for place in index.places)
    told["names_bytes"] = index.names.length
    damaged = {"damaged": _damaged_blocks(index, content)}
    return told | damaged | {"each_block": blocks, "names": names_of(index, content)}


def of_picture(content: bytes) -> dict[str, Any]:
    """What a file of one picture holds."""
    header, payload = parse(content, sys.maxsize, check=False)  # nothing of that size is made
    levels = header.height * header.width * header.channels
    return {
        "model": called(header.model),
        "width": header.width,
        "height": header.height,
        "channels": header.channels,
        "steps": header.steps,
        "tile": header.tile and list(header.tile),
        "header": "short" if content[1:2] == b"\n" else "long",
        "header_bytes": len(content) - len(payload),
        "payload_bytes": len(payload),
        "damaged": _damage(content),
        "bits_per_dim": 8 * len(content) / levels,
        "alpha_bytes": len(header.extras.get(ALPHA, b"")),
        "profile_bytes": len(header.extras.get(PROFILE, b"")),
        "extras": {str(tag): len(extra) for tag, extra in header.extras.items()},
    }


def _damaged_blocks(index: Archive, content: bytes) -> str | None:
    """What is wrong with the blocks of an archive, as far as their checksums tell."""
    found = []
    for i in range(len(index.blocks)):
        try:
            index.read_block(content, i)
        except CodecError as error:
            found.append(str(error))
    return "; ".join(found) or None


def _damage(content: bytes) -> str | None:
    """What is wrong with a payload, as far as its header tells."""
    try:
        parse(content, sys.maxsize)
    except BadPayload as error:
        return str(error)
    return None


def model(name: str) -> dict[str, Any] | None:
    """What an exact model says of itself; None if `name` is none."""
    try:
        told = {"name": name, "folder": str(exact.locate(name)), **exact.describe(name)}
    except exact.ModelError:
        return None
    return told | ({"bound": ROUNDED} if told.get("cells") else {})


def called(code: bytes) -> str:
    """A hash, with the names of the shipped models that have it."""
    models = exact.shipped().items()
    names = [n for n, folder in models if exact.describe(folder)["hash"].startswith(code.hex())]
    return f"{code.hex()} ({', '.join(names) or 'not shipped'})"

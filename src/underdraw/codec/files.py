"""Pictures to files and back: what is stored how, and which model reads it.

lossy       brought to sRGB; the stream of `codec.lossy`; opacity, unless it is full, in an extra,
            and the size of tiles, if there are any
lossless    as it is; the stream of `codec.lossless`; opacity and profile in extras

Pictures of one size go through the model together; what is stored does not depend on it.
"""

from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from underdraw.codec import lossless, lossy
from underdraw.codec.budgets import encode_within
from underdraw.codec.coder import Stream
from underdraw.codec.container import (
    ALPHA,
    LOSSLESS,
    LOSSY,
    PROFILE,
    TILE,
    Header,
    build,
    parse,
    varint,
)
from underdraw.codec.errors import MAX_PIXELS, CodecError, NoRoom
from underdraw.codec.exact import Twin
from underdraw.codec.image import (
    MAX_PROFILE,
    Picture,
    Source,
    deflate,
    in_srgb,
    inflate,
    pack_alpha,
    read,
    to_pillow,
    unpack_alpha,
)
from underdraw.codec.library import fit, twin_of, unique
from underdraw.codec.tiles import tiling
from underdraw.codec.wishes import USUAL, Wish, setting, twin_for
from underdraw.latent import Size

TOGETHER = 1 << 19
"""Pixels that are drawn for pictures of one size that are encoded at once, or one picture."""


def compress_all(
    images: Iterable[Source | Picture], model: str | Path | Twin | None = None, wish: Wish = USUAL
) -> list[bytes]:
    """Files of many pictures, one each; those of one size are encoded together.

    Raises:
        CodecError: a picture cannot be coded, or the wish cannot be met.
    """
    wish.check()
    twin = twin_for(wish, model)
    pictures = [image if isinstance(image, Picture) else read(image) for image in images]
    if not wish.lossless:
        pictures = [_plain(picture) for picture in pictures]
    alike: dict[tuple[int, ...], list[int]] = {}
    for i, picture in enumerate(pictures):
        _fit_tiles(twin, len(picture.levels), picture.size, _tile_of(picture, wish), MAX_PIXELS)
        alike.setdefault(picture.levels.shape, []).append(i)
    found: dict[int, bytes] = {}
    for shape, group in alike.items():
        few = max(TOGETHER // prod(twin.drawn_size((shape[1], shape[2]))), 1)
        for some in (group[i : i + few] for i in range(0, len(group), few)):
            made = _together(twin, [pictures[i] for i in some], wish, model is not None)
            found |= dict(zip(some, made, strict=True))
    return [found[i] for i in range(len(pictures))]


def _tile_of(picture: Picture, wish: Wish) -> Size | None:
    """The tiles of a picture, none larger than it; none at all where one would do."""
    if wish.tile is None:
        return None
    tile = min(picture.size[0], wish.tile[0]), min(picture.size[1], wish.tile[1])
    return None if tile == picture.size else tile


def _fit_tiles(twin: Twin, channels: int, size: Size, tile: Size | None, most: int) -> None:
    if tile is None:
        fit(twin, channels, size, most)
    else:
        fit(twin, channels, tile, most, prod(tiling(size, tile)), around=twin.stride)


def _plain(picture: Picture) -> Picture:
    """In sRGB, without an opacity that is full."""
    picture = in_srgb(picture)
    if picture.alpha is not None and (picture.alpha == 255).all():
        return picture._replace(alpha=None)
    return picture


def _together(twin: Twin, pictures: Sequence[Picture], wish: Wish, named: bool) -> list[bytes]:
    """Files of pictures of one shape."""
    levels = np.stack([picture.levels for picture in pictures])
    power, steps = setting(twin, wish, named)
    kind, short = LOSSLESS if wish.lossless else LOSSY, unique(twin)
    tile = _tile_of(pictures[0], wish)
    heads = [_header(twin, kind, picture, steps, tile) for picture in pictures]
    if wish.lossless:
        streams = lossless.encode(twin, levels)
    elif wish.bits_per_dim is not None:
        whole = int(wish.bits_per_dim * levels[0].size / 8)
        rooms = [whole - len(build(head, b"", short)) for head in heads]
        if min(rooms) < 0:
            raise NoRoom(
                f"{wish.bits_per_dim} bits_per_dim are {whole} bytes, less than the header"
            )
        streams = encode_within(twin, levels, rooms, steps, tile)
    else:
        streams = lossy.encode(twin, levels, [power] * len(levels), steps, tile=tile)
    return [build(head, stream, short) for head, stream in zip(heads, streams, strict=True)]


def _header(
    twin: Twin, kind: int, picture: Picture, steps: int, tile: Size | None = None
) -> Header:
    extras = {}
    if tile is not None:
        extras[TILE] = varint(tile[0]) + varint(tile[1])
    if picture.alpha is not None:
        extras[ALPHA] = pack_alpha(picture.alpha)
    if picture.icc is not None:
        if len(picture.icc) > MAX_PROFILE:
            raise CodecError(f"a colour profile of {len(picture.icc)} bytes is too large")
        extras[PROFILE] = deflate(picture.icc)
    return Header(kind, twin.hash, *picture.size, len(picture.levels), steps, extras)


def compress(
    image: Source | Picture,
    model: str | Path | Twin | None = None,
    *,
    lossless: bool = False,
    steps: int | None = None,
    quality: float | None = None,
    bits_per_dim: float | None = None,
    tile: Size | None = None,
) -> bytes:
    """The bytes of a `.udr` file of one picture.

    Args:
        image: a file, its bytes, a Pillow image, or levels uint8 (H, W) or (H, W, 1 to 4).
        model: a shipped name or an exported folder; if None, the one that serves this wish.
        lossless: keep every level. Otherwise:
        steps: store the first so many steps of the model; any prefix of the file decodes, too.
        quality: 0 to 100; 75 if nothing else is said.
        bits_per_dim: the best file of at most so many bits for every level of the picture.
        tile: height and width of tiles, pixels, if the picture is a sheet of small ones; not with
            `lossless`.

    Raises:
        CodecError: the picture cannot be coded, or the wish cannot be met.
    """
    return compress_all([image], model, Wish(lossless, steps, quality, bits_per_dim, tile))[0]


def decompress(
    content: bytes,
    *,
    model: str | Path | Twin | None = None,
    steps: int | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    most: int = MAX_PIXELS,
) -> Image.Image:
    """The picture in a `.udr` file, as a Pillow image of mode L, LA, RGB or RGBA.

    Args:
        content: the file; a lossy one may be cut anywhere behind its header.
        model: that wrote it, if it does not ship.
        steps: of a lossy file, take only so many of the stored steps.
        temperature: of a lossy file, where nothing is stored: 0 takes the model's mean, 1 a sample.
        seed: of the sample.
        most: pixels that may be drawn: those of the picture, and what fills up the model's stride.

    Raises:
        CodecError: the file is damaged, or an archive, or its model is not to be had; or it is
            lossless, and steps, temperature or seed are asked for.
    """
    header, payload = parse(content, most)
    twin = twin_of(header.model, model)
    return to_pillow(picture_of(header, payload, twin, steps, temperature, seed, most))


def picture_of(
    header: Header,
    payload: Stream,
    twin: Twin,
    steps: int | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    most: int = MAX_PIXELS,
) -> Picture:
    """The picture that a file's header and payload stand for; see `decompress`.

    Raises:
        CodecError: they do not fit the model, or are damaged.
    """
    size, channels = (header.height, header.width), header.channels
    if header.kind == LOSSLESS:
        refuse_parts(steps, temperature, seed)
    _fit_tiles(twin, channels, size, header.tile, most)
    stored = lossy.steps_of(twin, header.steps)
    if header.kind == LOSSLESS:
        levels = lossless.decode(twin, [payload], size, channels)[0]
    else:
        taken = stored if steps is None else min(stored, lossy.steps_of(twin, steps))
        levels = lossy.decode(
            twin, [payload], size, channels, taken, temperature, seed, header.tile
        )[0]
    extras: dict[int, Any] = dict(header.extras)
    alpha = unpack_alpha(extras[ALPHA], size) if ALPHA in extras else None
    return Picture(levels, alpha, inflate(extras[PROFILE]) if PROFILE in extras else None)


def refuse_parts(steps: int | None, temperature: float, seed: int) -> None:
    """Refuse what can be asked of lossy files only, instead of passing it over.

    Raises:
        CodecError: something else than the whole picture is asked for.
    """
    values = {"steps": steps, "temperature": temperature or None, "seed": seed or None}
    asked = ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)
    if asked:
        raise CodecError(f"{asked} is for lossy files: lossless ones hold whole pictures")

"""Pictures to files and back: what is stored how, and which model reads it.

lossy       brought to sRGB; the stream of `codec.lossy`; opacity, unless it is full, in an extra,
            and the size of tiles, if there are any
lossless    as it is; the stream of `codec.lossless`; opacity and profile in extras

Pictures of one size go through the model together; what is stored does not depend on it.
"""

from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
from jaxtyping import UInt8
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
from underdraw.codec.errors import CodecError, NoRoom, memory_for
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
from underdraw.codec.usual import MAX_PIXELS
from underdraw.codec.wishes import USUAL, Wish, setting, twin_for
from underdraw.latent import Size

Content = bytes | bytearray | memoryview
TOGETHER = 1 << 19
"""Pixels that are drawn for pictures of one size that are coded at once, or one picture."""


def compress_all(
    images: Iterable[Source | Picture],
    model: str | Path | Twin | None = None,
    wish: Wish = USUAL,
    max_pixels: int = MAX_PIXELS,
) -> list[bytes]:
    """Files of many pictures, one each; those of one size are encoded together.

    Args:
        images: what `compress` takes, or pictures that have been read.
        model: a shipped name or an exported folder; if None, the one that serves this wish.
        wish: what kind of files, with the options of `compress`.
        max_pixels: that may be drawn for a picture.

    Raises:
        CodecError: a picture cannot be coded, the wish cannot be met, or memory runs out.
    """
    wish.check()
    twin = twin_for(wish, model)
    pictures = [
        image if isinstance(image, Picture) else read(image, max_pixels) for image in images
    ]
    if not wish.lossless:
        pictures = [_plain(picture) for picture in pictures]
    alike: dict[tuple[int, ...], list[int]] = {}
    for i, picture in enumerate(pictures):
        _fit_tiles(twin, len(picture.levels), picture.size, _tile_of(picture, wish), max_pixels)
        alike.setdefault(picture.levels.shape, []).append(i)
    found: dict[int, bytes] = {}
    for (_, *size), group in alike.items():
        for some in _few(twin, (size[0], size[1]), group):
            with memory_for((size[0], size[1]), len(some)):
                made = _together(twin, [pictures[i] for i in some], wish, model is not None)
            found |= dict(zip(some, made, strict=True))
    return [found[i] for i in range(len(pictures))]


def _few(twin: Twin, size: Size, group: Sequence[int]) -> list[Sequence[int]]:
    """Pictures of one size, as many at a time as are drawn together."""
    few = max(TOGETHER // prod(twin.drawn_size(size)), 1)
    return [group[i : i + few] for i in range(0, len(group), few)]


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
    max_pixels: int = MAX_PIXELS,
) -> bytes:
    """The bytes of a `.udr` file of one picture.

    Args:
        image: a file, its bytes, a Pillow image, or levels uint8 (H, W) or (H, W, 1 to 4).
        model: a shipped name or an exported folder; if None, the one that serves this wish.
        lossless: keep every level. Otherwise:
        steps: store the first so many steps of the model; any prefix of the file decodes, too.
        quality: 0 to 100; 75 if nothing else is said.
        bits_per_dim: at most so many bits for every level of the picture; of the files that were
            tried the one with the least squared error (see `codec.budgets`).
        tile: height and width of tiles, pixels, if the picture is a sheet of small ones; not with
            `lossless`.
        max_pixels: that may be drawn: those of the picture, and what fills up the model's stride.
            Each takes one to two kilobytes of memory.

    Raises:
        CodecError: the picture cannot be coded, the wish cannot be met, or memory runs out.
    """
    wish = Wish(lossless, steps, quality, bits_per_dim, tile)
    return compress_all([image], model, wish, max_pixels)[0]


def decompress(
    content: Content,
    *,
    model: str | Path | Twin | None = None,
    steps: int | None = None,
    temperature: float = 0.0,
    seed: SupportsIndex = 0,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """The picture in a `.udr` file, as a Pillow image of mode L, LA, RGB or RGBA.

    Args:
        content: the file; a lossy one may be cut anywhere behind its header.
        model: that wrote it, if it does not ship.
        steps: of a lossy file, take only so many of the stored steps.
        temperature: of a lossy file, where nothing is stored: 0 takes the model's mean, 1 a sample.
        seed: of the sample.
        max_pixels: that may be drawn: those of the picture, and what fills up the model's stride.
            Each takes one to two kilobytes of memory.

    Raises:
        CodecError: the file is damaged, or an archive, or its model is not to be had; or it is
            lossless, and steps, temperature or seed are asked for; or memory runs out.
    """
    return decompress_all(
        [content],
        model=model,
        steps=steps,
        temperature=temperature,
        seed=seed,
        max_pixels=max_pixels,
    )[0]


def decompress_all(
    contents: Iterable[Content],
    *,
    model: str | Path | Twin | None = None,
    steps: int | None = None,
    temperature: float = 0.0,
    seed: SupportsIndex = 0,
    max_pixels: int = MAX_PIXELS,
) -> list[Image.Image]:
    """The pictures in many `.udr` files; lossy ones of one model and size are decoded together.

    Arguments, pictures and errors are those of `decompress`, one by one.
    """
    files = [parse(bytes(content), max_pixels) for content in contents]
    found: dict[int, Image.Image] = {}
    for name in dict.fromkeys(header.model for header, _ in files):
        mine = [i for i, (header, _) in enumerate(files) if header.model == name]
        twin, part = twin_of(name, model), [files[i] for i in mine]
        for i, picture in zip(
            mine, pictures_of(part, twin, steps, temperature, seed, max_pixels), strict=True
        ):
            with memory_for(picture.size):
                found[i] = to_pillow(picture)
    return [found[i] for i in range(len(files))]


def picture_of(
    header: Header,
    payload: Stream,
    twin: Twin,
    steps: int | None = None,
    temperature: float = 0.0,
    seed: SupportsIndex = 0,
    most: int = MAX_PIXELS,
) -> Picture:
    """The picture that a file's header and payload stand for; raises as `pictures_of`."""
    return pictures_of([(header, payload)], twin, steps, temperature, seed, most)[0]


def pictures_of(
    files: Sequence[tuple[Header, Stream]],
    twin: Twin,
    steps: int | None = None,
    temperature: float = 0.0,
    seed: SupportsIndex = 0,
    most: int = MAX_PIXELS,
) -> list[Picture]:
    """The pictures that headers and payloads stand for, all of one model; see `decompress`.

    Raises:
        CodecError: they do not fit the model, are damaged, or memory runs out.
    """
    alike: dict[tuple[Any, ...], list[int]] = {}
    for i, (header, _) in enumerate(files):
        size = header.height, header.width
        if header.kind == LOSSLESS:
            refuse_parts(steps, temperature, seed)
        _fit_tiles(twin, header.channels, size, header.tile, most)
        stored = lossy.steps_of(twin, header.steps)
        told = header.channels, stored, header.tile
        alike.setdefault((size, told, i if header.kind == LOSSLESS else None), []).append(i)
    found: dict[int, Picture] = {}
    for (size, (channels, stored, tile), alone), group in alike.items():
        taken = stored if steps is None else min(stored, lossy.steps_of(twin, steps))
        for some in _few(twin, size, group):
            streams = [files[i][1] for i in some]
            with memory_for(size, len(some)):
                if alone is None:
                    levels = lossy.decode(
                        twin, streams, size, channels, taken, temperature, seed, tile
                    )
                else:
                    levels = lossless.decode(twin, streams, size, channels)
                for i, a in zip(some, levels, strict=True):
                    found[i] = _with_extras(files[i][0], a)
    return [found[i] for i in range(len(files))]


def _with_extras(header: Header, levels: UInt8[np.ndarray, "c h w"]) -> Picture:
    extras, size = header.extras, (header.height, header.width)
    alpha = unpack_alpha(extras[ALPHA], size) if ALPHA in extras else None
    return Picture(levels, alpha, inflate(extras[PROFILE]) if PROFILE in extras else None)


def refuse_parts(steps: int | None, temperature: float, seed: SupportsIndex) -> None:
    """Refuse what can be asked of lossy files only, instead of passing it over.

    Raises:
        CodecError: something else than the whole picture is asked for.
    """
    values = {"steps": steps, "temperature": temperature or None, "seed": seed or None}
    asked = ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)
    if asked:
        raise CodecError(f"{asked} is for lossy files: lossless ones hold whole pictures")

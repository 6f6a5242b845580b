"""Pictures to files: what is stored how.

lossy       brought to sRGB; the stream of `codec.lossy`; opacity, unless it is full, in an extra,
            and the size of tiles, if there are any
lossless    as it is; the stream of `codec.lossless`; opacity and profile in extras
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import SupportsFloat, SupportsIndex

import numpy as np

from underdraw.codec import lossless, lossy
from underdraw.codec.budgets import encode_within
from underdraw.codec.container import ALPHA, LOSSLESS, LOSSY, PROFILE, TILE, Header, build, varint
from underdraw.codec.deflated import MAX_PROFILE, deflate, pack_alpha
from underdraw.codec.errors import CodecError, NoRoom, called, memory_for, named, real_number
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture, Source, checked, in_srgb, read
from underdraw.codec.library import unique
from underdraw.codec.together import few, fit_tiles
from underdraw.codec.usual import MAX_PIXELS
from underdraw.codec.wishes import USUAL, Wish, setting, twin_for
from underdraw.latent import Size


def compress(
    image: Source | Picture,
    model: str | Path | Twin | None = None,
    *,
    lossless: bool = False,
    steps: SupportsIndex | None = None,
    quality: SupportsFloat | None = None,
    bits_per_dim: SupportsFloat | None = None,
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


def compress_all(
    images: Iterable[Source | Picture],
    model: str | Path | Twin | None = None,
    wish: Wish = USUAL,
    max_pixels: int = MAX_PIXELS,
    names: Sequence[str] = (),
) -> list[bytes]:
    """Files of many pictures, one each; those of one size are encoded together.

    Args:
        images: what `compress` takes, or pictures that have been read.
        model: a shipped name or an exported folder; if None, the one that serves this wish.
        wish: what kind of files, with the options of `compress`.
        max_pixels: that may be drawn for a picture.
        names: of the pictures, for messages; by default `images[0]` and so on.

    Raises:
        CodecError: a picture cannot be coded, the wish cannot be met, or memory runs out.
    """
    wish.check()
    twin, images = twin_for(wish, model), list(images)
    names, pictures = called(names, "images", len(images)), list[Picture]()
    alike: dict[tuple[int, ...], list[int]] = {}
    for i, (name, image) in enumerate(zip(names, images, strict=True)):
        with named(name):
            picture = _read(image, wish, max_pixels)
            tile = wish.tile_of(picture.size)
            fit_tiles(twin, len(picture.levels), picture.size, tile, max_pixels)
        alike.setdefault(picture.levels.shape, []).append(i)
        pictures.append(picture)
    found: dict[int, bytes] = {}
    for (_, *size), group in alike.items():
        tile = wish.tile_of((size[0], size[1]))
        for some in few(twin, (size[0], size[1]), group, tile, max_pixels):
            mine, part = [names[i] for i in some], [pictures[i] for i in some]
            with memory_for((size[0], size[1]), len(some)):
                made = _together(twin, mine, part, wish, model is not None)
            found |= dict(zip(some, made, strict=True))
    return [found[i] for i in range(len(pictures))]


def _read(image: Source | Picture, wish: Wish, max_pixels: int) -> Picture:
    """A picture as it is stored; with loss in sRGB, without an opacity that is full."""
    picture = checked(image) if isinstance(image, Picture) else read(image, max_pixels)
    if wish.lossless:
        return picture
    picture = in_srgb(picture)
    if picture.alpha is not None and (picture.alpha == 255).all():
        return picture._replace(alpha=None)
    return picture


def _together(
    twin: Twin, names: Sequence[str], pictures: Sequence[Picture], wish: Wish, own: bool
) -> list[bytes]:
    """Files of pictures of one shape, by the caller's own model or by one chosen for them."""
    levels = np.stack([picture.levels for picture in pictures])
    power, steps = setting(twin, wish, own)
    kind, short = LOSSLESS if wish.lossless else LOSSY, unique(twin)
    tile, heads = wish.tile_of(pictures[0].size), list[Header]()
    for name, picture in zip(names, pictures, strict=True):
        with named(name):
            heads.append(_header(twin, kind, picture, steps, tile))
    if wish.lossless:
        streams = lossless.encode(twin, levels)
    elif wish.bits_per_dim is not None:
        rate, rooms = real_number("bits_per_dim", wish.bits_per_dim), list[int]()
        whole = int(rate * levels[0].size / 8)
        for name, head in zip(names, heads, strict=True):
            with named(name):
                rooms.append(_room(head, whole, rate, short))
        streams = encode_within(twin, levels, rooms, steps, tile)
    else:
        streams = lossy.encode(twin, levels, [power] * len(levels), steps, tile=tile)
    return [build(head, stream, short) for head, stream in zip(heads, streams, strict=True)]


def _room(head: Header, whole: int, rate: float, short: bool) -> int:
    """Bytes that a file of so many has for its stream.

    Raises:
        NoRoom: there are none.
    """
    length = len(build(head, b"", short))
    if length > whole:
        also = ", opacity included" if ALPHA in head.extras else ""
        raise NoRoom(
            f"{rate} bits_per_dim are {whole} bytes, less than the header, which has {length}{also}"
        )
    return whole - length


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

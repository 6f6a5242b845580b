"""Files to pictures, the inverse of `codec.encoding`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, SupportsFloat, SupportsIndex

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from underdraw.codec import lossless, lossy
from underdraw.codec.coder import Stream
from underdraw.codec.container import ALPHA, LOSSLESS, PROFILE, Header, parse
from underdraw.codec.deflated import unpack_alpha, unpack_profile
from underdraw.codec.errors import CodecError, called, memory_for, named, real_number
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture, to_pillow
from underdraw.codec.library import twin_of
from underdraw.codec.together import few, fit_tiles
from underdraw.codec.usual import MAX_PIXELS

Content = bytes | bytearray | memoryview | str | Path


def decompress(
    content: Content,
    *,
    model: str | Path | Twin | None = None,
    steps: SupportsIndex | None = None,
    temperature: SupportsFloat = 0.0,
    seed: SupportsIndex = 0,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """The picture in a `.udr` file, as a Pillow image of mode L, LA, RGB or RGBA.

    Args:
        content: the file or its bytes; a lossy one may be cut anywhere behind its header.
        model: that wrote it, if it does not ship.
        steps: of a lossy file, take only so many of the stored steps.
        temperature: of a lossy file, where nothing is stored: 0 takes the model's mean, 1 a sample.
        seed: of the sample.
        max_pixels: that may be drawn: those of the picture, and what fills up the model's stride.
            Each takes one to two kilobytes of memory.

    Raises:
        CodecError: the file is missing, damaged, or an archive, or its model is not to be had; or
            it is lossless, and steps, temperature or seed are asked for; or memory runs out.
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
    steps: SupportsIndex | None = None,
    temperature: SupportsFloat = 0.0,
    seed: SupportsIndex = 0,
    max_pixels: int = MAX_PIXELS,
) -> list[Image.Image]:
    """The pictures in many `.udr` files; lossy ones of one model and size are decoded together.

    Arguments, pictures and errors are those of `decompress`, one by one.
    """
    contents, files = list(contents), list[tuple[Header, Stream]]()
    names = called((), "contents", len(contents))
    for name, content in zip(names, contents, strict=True):
        with named(name):
            files.append(parse(_bytes_of(content), max_pixels))
    found: dict[int, Image.Image] = {}
    for code in dict.fromkeys(header.model for header, _ in files):
        mine = [i for i, (header, _) in enumerate(files) if header.model == code]
        with named(names[mine[0]]):
            twin = twin_of(code, model)
        part, words = [files[i] for i in mine], [names[i] for i in mine]
        made = pictures_of(part, twin, How(steps, temperature, seed, max_pixels), words)
        for i, picture in zip(mine, made, strict=True):
            with memory_for(picture.size):
                found[i] = to_pillow(picture)
    return [found[i] for i in range(len(files))]


def _bytes_of(content: Content) -> bytes:
    """The bytes of a file, or of one of that name.

    Raises:
        CodecError: there is none, or it cannot be read.
    """
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    if not isinstance(content, str | Path):
        raise CodecError(f"a {type(content).__name__} is no file, nor the bytes of one")
    try:
        return Path(content).read_bytes()
    except (OSError, ValueError) as error:  # of a name with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise CodecError(f"{content} cannot be read: {reason}") from error


class How(NamedTuple):
    """How files are decoded; see `decompress`."""

    steps: SupportsIndex | None = None
    temperature: SupportsFloat = 0.0
    seed: SupportsIndex = 0
    most: int = MAX_PIXELS
    """Pixels that may be drawn for one."""


WHOLE = How()


def picture_of(
    header: Header,
    payload: Stream,
    twin: Twin,
    how: How = WHOLE,
) -> Picture:
    """The picture that a file's header and payload stand for; raises as `pictures_of`."""
    return pictures_of([(header, payload)], twin, how)[0]


def pictures_of(
    files: Sequence[tuple[Header, Stream]],
    twin: Twin,
    how: How = WHOLE,
    names: Sequence[str] = (),
) -> list[Picture]:
    """The pictures that headers and payloads stand for, all of one model; see `decompress`.

    Args:
        files: the headers and payloads.
        twin: the model.
        how: they are decoded.
        names: of the files, for messages; by default `files[0]` and so on.

    Raises:
        CodecError: they do not fit the model, are damaged, or memory runs out.
    """
    found: dict[int, Picture] = {}
    for i, one in each_of(files, twin, how, names):
        if isinstance(one, CodecError):
            raise one
        found[i] = one
    return [found[i] for i in range(len(files))]


def each_of(
    files: Sequence[tuple[Header, Stream]],
    twin: Twin,
    how: How = WHOLE,
    names: Sequence[str] = (),
) -> Iterator[tuple[int, Picture | CodecError]]:
    """As `pictures_of`, one by one with their places, or what is wrong with a payload instead.

    Raises:
        CodecError: they do not fit the model; nothing has been decoded then.
    """
    steps, temperature, seed, most = how
    alike: dict[tuple[Any, ...], list[int]] = {}
    names = called(names, "files", len(files))
    for i, (header, _) in enumerate(files):
        size = header.height, header.width
        with named(names[i]):
            if header.kind == LOSSLESS:
                refuse_parts(steps, temperature, seed)
            fit_tiles(twin, header.channels, size, header.tile, most)
            stored = lossy.steps_of(twin, header.steps)
        told = header.channels, stored, header.tile
        alike.setdefault((size, told, i if header.kind == LOSSLESS else None), []).append(i)
    for (size, (channels, stored, tile), alone), group in alike.items():
        taken = stored if steps is None else min(stored, lossy.steps_of(twin, steps))
        decode = partial(lossless.decode, twin, size=size, channels=channels)
        if alone is None:
            decode = partial(
                lossy.decode, twin, size=size, channels=channels, steps=taken,
                temperature=temperature, seed=seed, tile=tile,
            )  # fmt: skip
        for some in few(twin, size, group, tile, most):
            yield from _together(decode, {i: files[i] for i in some}, names)


def _together(
    decode: Callable[[Sequence[Stream]], lossy.Levels],
    files: Mapping[int, tuple[Header, Stream]],
    names: Sequence[str],
) -> Iterator[tuple[int, Picture | CodecError]]:
    """Pictures that are decoded at once; if that fails one by one, to know for which it does."""
    first, header = next((i, header) for i, (header, _) in files.items())
    size = header.height, header.width
    try:
        with named(names[first]), memory_for(size, len(files)):
            levels = decode([stream for _, stream in files.values()])
    except CodecError as error:
        if len(files) == 1:
            yield first, error
            return
        for i, file in files.items():
            yield from _together(decode, {i: file}, names)
        return
    for (i, (header, _)), a in zip(files.items(), levels, strict=True):
        try:
            with named(names[i]), memory_for(size):
                picture = _with_extras(header, a)
        except CodecError as error:
            yield i, error
        else:
            yield i, picture


def _with_extras(header: Header, levels: UInt8[np.ndarray, "c h w"]) -> Picture:
    return Picture(levels, alpha_of(header), unpack_profile(header.extras.get(PROFILE)))


def alpha_of(header: Header) -> UInt8[np.ndarray, "h w"] | None:
    """Opacity, which a header holds if there is any.

    Raises:
        CodecError: it is damaged.
    """
    if ALPHA not in header.extras:
        return None
    return unpack_alpha(header.extras[ALPHA], (header.height, header.width))


def refuse_parts(
    steps: SupportsIndex | None, temperature: SupportsFloat, seed: SupportsIndex
) -> None:
    """Refuse what can be asked of lossy files only, instead of passing it over.

    Raises:
        CodecError: something else than the whole picture is asked for.
    """
    values = {
        "steps": steps,
        "temperature": real_number("temperature", temperature) or None,
        "seed": seed or None,
    }
    asked = ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)
    if asked:
        raise CodecError(f"{asked} is for lossy files: lossless ones hold whole pictures")

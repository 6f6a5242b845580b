"""What the commands of the codec do with files of one picture."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from underdraw.cli import folders, tell
from underdraw.cli.archives import of_many
from underdraw.cli.watching import passes, watched
from underdraw.codec.container import ARCHIVE, KINDS, LOSSLESS, kind_of, parse
from underdraw.codec.decoding import How, alpha_of, picture_of, refuse_parts
from underdraw.codec.encoding import compress_all
from underdraw.codec.errors import CodecError, named
from underdraw.codec.image import Picture, in_srgb, read
from underdraw.codec.library import twin_of
from underdraw.codec.measures import psnr
from underdraw.codec.wishes import Wish, twin_for
from underdraw.codec.written import rehearse, write
from underdraw.files import aside


def compress(
    images: Sequence[Path],
    out: Path,
    model: str | None,
    wish: Wish,
    max_pixels: int,
    as_json: bool,
) -> int:
    """`underdraw compress`."""
    start = time.monotonic()
    wish.check()
    files = pictures_in(images)
    single = len(images) == 1 and not images[0].is_dir()
    if out.is_dir() and single:
        out = out / f"{images[0].stem}{folders.ENDING}"
    if out.is_dir() and (single or wish.lossless):
        raise CodecError(f"{out} is a folder: {'a picture' if single else 'an archive'} is a file")
    if out.exists() and any(out.samefile(path) for path in files.values() if path.exists()):
        raise CodecError(f"{out} is a picture that is to be compressed")
    ending = out.suffix.lower()
    if not out.is_dir() and ending != folders.ENDING and ending in Image.registered_extensions():
        raise CodecError(f"{out} would be no {ending} picture, but a file for decompress")
    twin = twin_for(wish, model)
    if not single and not wish.lossless:
        return folders.compress(files, out, model, wish, max_pixels, as_json)
    folders.keep_others([out])
    if single:
        content, told = of_one(files, model, wish, max_pixels)
    else:
        content, told = of_many(files, twin, wish, max_pixels)
    with aside(out) as temporary:
        temporary.write_bytes(content)
    levels = told.pop("levels")
    plain = {"file": str(out), "bytes": len(content), "bits_per_dim": 8 * len(content) / levels}
    return tell.result(plain | told | {"seconds": time.monotonic() - start}, as_json)


def pictures_in(paths: Iterable[Path]) -> dict[str, Path]:
    """Picture files by name; see `files_in`."""
    endings = {e for e, form in Image.registered_extensions().items() if form in Image.OPEN}
    return folders.files_in(paths, endings, "pictures to compress")


def of_one(
    files: dict[str, Path], model: str | None, wish: Wish, max_pixels: int
) -> tuple[bytes, dict[str, Any]]:
    """A file of one picture, after it has been decoded again, and what is to be said of it."""
    (path,) = files.values()
    picture, twin = read(path, max_pixels), twin_for(wish, model)
    with watched(twin, f"compressing {path.name}", passes(picture, wish)):
        (content,) = compress_all([picture], model, wish, max_pixels, [str(path)])
        header, payload = parse(content, max_pixels)
        again = picture_of(header, payload, twin, How(most=max_pixels))
    if wish.lossless and not same(again, picture):
        raise CodecError(f"{path} did not come back as it was; nothing has been written")
    if path.stat().st_size <= len(content):
        endings = (".jpg", ".jpeg", ".webp", ".avif", ".jp2")
        lossy = wish.lossless and path.suffix.lower() in endings
        why = ": what it is made of was coded with loss before" if lossy else ""
        tell.say(f"{path} is smaller itself, {path.stat().st_size} bytes{why}")
    seen = in_srgb(picture).levels if not wish.lossless else picture.levels
    told = {"kind": KINDS[header.kind], "model": twin.hash.hex()}
    shape = {"width": picture.size[1], "height": picture.size[0], "levels": picture.levels.size}
    return content, told | shape | ({} if wish.lossless else {"psnr": psnr(seen, again.levels)})


def same(a: Picture, b: Picture) -> bool:
    """Whether two pictures are equal in everything."""
    if a.alpha is None or b.alpha is None:
        alike = a.alpha is b.alpha
    else:
        alike = np.array_equal(a.alpha, b.alpha)
    return alike and np.array_equal(a.levels, b.levels) and a.icc == b.icc


def is_archive(file: Path) -> bool:
    """Whether a file is an archive.

    Raises:
        CodecError: it is no file of ours.
    """
    with file.open("rb") as source, named(file):
        return kind_of(source.read(16)) == ARCHIVE


def decompress(
    file: Path, out: Path, model: str | None, steps: int | None, temperature: float, seed: int,
    max_pixels: int, overwrite: bool, as_json: bool,
) -> int:  # fmt: skip
    """`underdraw decompress` of one picture."""
    start = time.monotonic()
    if out.is_dir() or not out.suffix:
        out = out / f"{file.stem}.png"
        folders.keep_pictures([out], overwrite)
    with named(file):
        header, payload = parse(file.read_bytes(), max_pixels)
        if header.kind == LOSSLESS:
            refuse_parts(steps, temperature, seed)
        twin, alpha = twin_of(header.model, model), alpha_of(header)
    rehearse(out, header.channels, (header.height, header.width), alpha)
    with named(file), watched(twin, f"decompressing {file.name}", header.height * header.width):
        picture = picture_of(header, payload, twin, How(steps, temperature, seed, max_pixels))
    write(picture, out, exact=header.kind == LOSSLESS)
    height, width = picture.size
    told = {"picture": str(out), "kind": KINDS[header.kind], "width": width, "height": height}
    return tell.result(told | {"seconds": time.monotonic() - start}, as_json)

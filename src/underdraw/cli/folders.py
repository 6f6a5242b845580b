"""Many pictures to a file each and back: what has one size goes through the model together."""

import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np

from underdraw.cli import tell
from underdraw.cli.watching import passes, watched
from underdraw.codec.container import LOSSLESS, BadPayload, Header, kind_of, parse
from underdraw.codec.decoding import How, each_of, pictures_of
from underdraw.codec.encoding import compress_all
from underdraw.codec.errors import CodecError, named
from underdraw.codec.image import Picture, in_srgb, read
from underdraw.codec.library import twin_of
from underdraw.codec.measures import psnr
from underdraw.codec.wishes import Wish, twin_for
from underdraw.codec.written import write
from underdraw.files import aside

ENDING = ".udr"


def compress(
    files: dict[str, Path],
    out: Path,
    model: str | None,
    wish: Wish,
    max_pixels: int,
    as_json: bool,
) -> int:
    """Lossy files of pictures, after they have been decoded again, in the folder `out`.

    Args:
        files: pictures by name; the names may have folders, which are made in `out`.
        out: folder to write.
        model: an exact model, if not the one that serves the wish.
        wish: what kind of files.
        max_pixels: that may be drawn for a picture.
        as_json: print one JSON object.

    Raises:
        CodecError: `out` is no place for a folder, two files would have one name, or that of a
            file that is there and is none of ours, or a picture cannot be coded; nothing has been
            written then.
    """
    if out.is_file() or out.suffix == ENDING:
        raise CodecError(
            f"{len(files)} pictures make an archive, which needs --lossless, or with loss a file "
            f"each: then -o is a folder, not {out}"
        )
    start, twin = time.monotonic(), twin_for(wish, model)
    targets = apart(out, files, ENDING)
    keep_others(targets)
    pictures = [read(path, max_pixels) for path in files.values()]
    total = sum(passes(picture, wish) for picture in pictures)
    with watched(twin, f"compressing {len(files)} pictures", total):
        names = [str(path) for path in files.values()]
        contents = compress_all(pictures, model, wish, max_pixels, names)
        parts = [parse(content, max_pixels) for content in contents]
        again = pictures_of(parts, twin, How(most=max_pixels), names)
    seen = [in_srgb(picture).levels for picture in pictures]
    for target, content in zip(targets, contents, strict=True):
        with aside(target) as temporary:
            temporary.write_bytes(content)
    size = sum(map(len, contents))
    told = {"folder": str(out), "files": len(targets), "model": twin.hash.hex(), "bytes": size}
    quality = {
        "bits_per_dim": 8 * size / sum(picture.levels.size for picture in pictures),
        "psnr": float(np.mean([psnr(a, b.levels) for a, b in zip(seen, again, strict=True)])),
    }
    return tell.result(told | quality | {"seconds": time.monotonic() - start}, as_json)


def decompress(
    files: dict[str, Path], out: Path, model: str | None, steps: int | None, temperature: float,
    seed: int, max_pixels: int, overwrite: bool, as_json: bool,
) -> int:  # fmt: skip
    """The pictures in files of one each, as PNG in the folder `out`; arguments as in `compress`.

    Files whose headers are right and whose payloads are not are left out, with exit code 1.

    Raises:
        CodecError: a header is damaged or an archive's, or two pictures would have one name, or
            that of one that is there, or no file has a picture; nothing has been written then.
    """
    if out.is_file():
        raise CodecError(f"{len(files)} pictures need a folder, and {out} is a file")
    start, targets = time.monotonic(), apart(out, files, ".png")
    keep_pictures(targets, overwrite)
    how, paths = How(steps, temperature, seed, max_pixels), list(files.values())
    parts, failed = _parsed(paths, max_pixels)
    found: dict[int, Picture] = {}
    for code in dict.fromkeys(header.model for header, _ in parts.values()):
        mine = [i for i, (header, _) in parts.items() if header.model == code]
        with named(paths[mine[0]]):
            twin = twin_of(code, model)
        part, names = [parts[i] for i in mine], [str(paths[i]) for i in mine]
        drawn = sum(parts[i][0].height * parts[i][0].width for i in mine)
        with watched(twin, f"decompressing {len(mine)} pictures", drawn):
            for i, one in each_of(part, twin, how, names):
                if isinstance(one, CodecError):
                    failed[mine[i]] = one
                else:
                    found[mine[i]] = one
    if not found:
        raise failed[min(failed)]
    for _, error in sorted(failed.items()):
        tell.say(f"{error}; it is left out")
    for i, picture in sorted(found.items()):
        write(picture, targets[i], exact=parts[i][0].kind == LOSSLESS)
    left = [str(paths[i]) for i in sorted(failed)]
    told = {"folder": str(out), "images": len(found), "failed": left}
    tell.result(told | {"seconds": time.monotonic() - start}, as_json)
    return 1 if failed else 0


def _parsed(
    paths: Sequence[Path], max_pixels: int
) -> tuple[dict[int, tuple[Header, memoryview]], dict[int, CodecError]]:
    """Headers and payloads by place, and what is wrong with payloads; raises for headers."""
    parts: dict[int, tuple[Header, memoryview]] = {}
    failed: dict[int, CodecError] = {}
    for i, path in enumerate(paths):
        try:
            with named(path):
                parts[i] = parse(path.read_bytes(), max_pixels)
        except BadPayload as error:
            failed[i] = error
    return parts, failed


def keep_others(targets: Iterable[Path]) -> None:
    """Refuse to write `.udr` files over others, as where `-o` was meant for another.

    Raises:
        CodecError: there is such a file, which is not empty.
    """
    for target in targets:
        if not target.is_file() or not target.stat().st_size:
            continue
        try:
            with target.open("rb") as file:
                kind_of(file.read(16))
        except CodecError as error:
            raise CodecError(f"{target} is there, and is no .udr file: remove it first") from error


def keep_pictures(targets: Iterable[Path], overwrite: bool) -> None:
    """Refuse to write over pictures in a folder, which may be those that files were made of.

    Raises:
        CodecError: there is such a file, which is not empty, and it may not be overwritten.
    """
    for target in () if overwrite else targets:
        if target.is_file() and target.stat().st_size:
            raise CodecError(f"{target} is there: --overwrite replaces it")


def files_in(paths: Iterable[Path], endings: Collection[str], what: str) -> dict[str, Path]:
    """Files by name: the paths themselves, and what ends so below those that are folders.

    Below folders, files and folders are passed over whose names begin with a dot: they are hidden.

    Raises:
        CodecError: two have one name, or there are none; then `what` was looked for.
    """
    found: dict[str, Path] = {}
    for path in paths:
        for name, file in below(path, endings) if path.is_dir() else [(path.name, path)]:
            if name in found:
                raise CodecError(f"{found[name]} and {file} have one name")
            found[name] = file
    if not found:
        raise CodecError(f"there are no {what}")
    return found


def below(folder: Path, endings: Collection[str]) -> list[tuple[str, Path]]:
    """Names and paths of the files in a folder that end so and are not hidden."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in endings):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            found.append((name.as_posix(), path))
    return found


def apart(out: Path, names: Iterable[str], ending: str) -> list[Path]:
    """A path in `out` for each name, with another ending.

    Raises:
        CodecError: two are one.
    """
    found: dict[Path, str] = {}
    for name in names:
        target = (out / name).with_suffix(ending)
        if target in found:
            raise CodecError(f"{found[target]} and {name} would both be {target}")
        found[target] = name
    return list(found)

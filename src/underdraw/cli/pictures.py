"""The commands of the codec and their flags. Nothing heavy is imported until a command runs."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from underdraw.codec.usual import MAX_PIXELS, RATES

Out = Annotated[Path, arg(aliases=["-o"])]


def compress(
    images: Positional[tuple[Path, ...]],
    out: Out,
    model: str | None = None,
    lossless: bool = False,
    steps: int | None = None,
    quality: float | None = None,
    bits_per_dim: float | None = None,
    tile: tuple[int, int] | None = None,
    max_pixels: int = MAX_PIXELS,
    json: bool = False,
) -> int:
    """Compress a picture to a .udr file, or many: lossless into an archive, lossy into a folder.

    Any beginning of a lossy file decodes, from the end of its header on. What is written has been
    decoded again before. Archives hold levels only: pictures that are not opaque are refused there,
    and colour profiles are dropped, which is said.

    Args:
        images: picture files; of a folder, all pictures in it that are not hidden.
        out: file to write, or for one picture a folder that is there; for many lossy pictures, the
            folder of their files.
        model: an exact model: a shipped name or a folder; if none is named, the one that serves
            what is asked for.
        lossless: keep every level.
        steps: lossy: store the first so many steps of the model only.
        quality: lossy: 0 to 100; 75 if nothing else is said.
        bits_per_dim: lossy: at most so many bits for every level; a colour pixel has three.
        tile: lossy: height and width of the small pictures, in pixels, if this is a sheet of them.
        max_pixels: refuse larger pictures; each pixel takes one to two kilobytes of memory.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import coding
    from underdraw.codec.wishes import Wish

    wish = Wish(lossless, steps, quality, bits_per_dim, tile)
    return coding.compress(images, out, model, wish, max_pixels, json)


def decompress(
    files: Positional[tuple[Path, ...]],
    out: Out,
    model: str | None = None,
    only: str | None = None,
    block: int | None = None,
    steps: int | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    max_pixels: int = MAX_PIXELS,
    overwrite: bool = False,
    json: bool = False,
) -> int:
    """Decompress a .udr file to a picture, or an archive or many files to a folder.

    Args:
        files: what to read; a lossy file may be cut. Of a folder, all .udr files in it.
        out: picture to write, in the format its name ends in; or a folder. Of an archive a folder,
            or with --only a picture, in a format that keeps it.
        model: the exact model it was made with, if that does not ship.
        only: of an archive, the picture of this name.
        block: of an archive, the pictures of this block, from 0.
        steps: of a lossy file, take the first so many steps only.
        temperature: of a lossy file, where nothing is stored: 0 the model's mean, 1 a sample.
        seed: of a lossy file, which sample.
        max_pixels: refuse larger pictures; each pixel takes one to two kilobytes of memory.
        overwrite: in a folder, replace pictures that are there.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import archives, coding, folders
    from underdraw.codec.decoding import refuse_parts

    if len(files) != 1 or files[0].is_dir():
        if only is not None or block is not None:
            raise ValueError(f"--only and --block are of one archive, not of {len(files)} files")
        found = folders.files_in(files, {folders.ENDING}, "files to decompress")
        return folders.decompress(
            found, out, model, steps, temperature, seed, max_pixels, overwrite, json
        )
    (file,) = files
    if only is None and block is None and not coding.is_archive(file):
        return coding.decompress(
            file, out, model, steps, temperature, seed, max_pixels, overwrite, json
        )
    refuse_parts(steps, temperature, seed)
    return archives.extract(file, out, model, only, block, max_pixels, overwrite, json)


def compare(
    images: Positional[tuple[Path, ...]],
    model: str | None = None,
    rates: tuple[float, ...] = RATES,
    out: Path = Path("out/compare"),
    max_pixels: int = MAX_PIXELS,
    json: bool = False,
) -> int:
    """Compare the codec with the classical ones at equal bytes, and without loss.

    Writes a picture for each rate. Small pictures of one size are also compared as on one sheet.

    Args:
        images: picture files, of any sizes.
        model: an exact model: a shipped name or a folder; if none is named, for each rate the one
            that serves it.
        rates: bits for every level of a picture, headers included.
        out: folder to write.
        max_pixels: refuse larger pictures; each pixel takes one to two kilobytes of memory.
        json: print one JSON object to stdout.
    """
    from underdraw.cli import comparing

    return comparing.compare(images, model, rates, out, max_pixels, json)

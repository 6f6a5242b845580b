"""`underdraw compare`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from underdraw.cli import tell
from underdraw.cli.coding import pictures_in
from underdraw.codec import compare as sides
from underdraw.codec.errors import named
from underdraw.codec.image import Picture, in_srgb, read
from underdraw.codec.library import fit
from underdraw.codec.wishes import Wish, twin_for
from underdraw.files import check_folder
from underdraw.plot import save


def compare(
    images: Sequence[Path], model: str | None, rates: Sequence[float], out: Path, max_pixels: int,
    as_json: bool,
) -> int:  # fmt: skip
    """`underdraw compare`."""
    check_folder(out)
    files = pictures_in(images)
    wishes = [*(Wish(bits_per_dim=rate) for rate in rates), Wish(lossless=True)]
    pictures = opened(files, model, wishes, max_pixels)
    names, rows, shown = [Path(name).stem[:12] for name in files], [], {}
    with tell.progress("comparing", len(rates) + 1) as report:
        for i, rate in enumerate(rates):
            say = tell.say if i == 0 else lambda text: None
            made = sides.at_rate(model, pictures, rate, say, max_pixels)
            sheet = sides.picture_of_rows(pictures[:8], clipped(made, 8), names[:8])
            shown[str(rate)] = str(save(sheet, out / f"compare_{rate}.png"))
            rows += made
            report(i + 1)
        rows += sides.without_loss(model, pictures, max_pixels=max_pixels)
    plain = [{k: v for k, v in asdict(one).items() if k != "shown"} for one in rows]
    if as_json:
        return tell.result({"images": len(pictures), "rows": plain, "pictures": shown}, True)
    heads = ["rate", "codec", "method", "met", "bytes", "bits/dim", "PSNR, dB", "SSIM"]
    tell.table(f"{len(pictures)} pictures", heads, [line(one) for one in rows])
    return tell.result({"pictures": out}, False)


def opened(
    files: Mapping[str, Path], model: str | None, wishes: Iterable[Wish], max_pixels: int
) -> list[Picture]:
    """The pictures, without opacity, after each has been held against every model that will serve.

    Raises:
        CodecError: one cannot be coded; it is named.
    """
    pictures = []
    for path in files.values():
        picture = read(path, max_pixels)
        with named(path):
            pictures.append(in_srgb(picture)._replace(alpha=None))
    for wish in wishes:
        wish.check()
        twin = twin_for(wish, model)
        for path, picture in zip(files.values(), pictures, strict=True):
            with named(path):
                fit(twin, len(picture.levels), picture.size, max_pixels)
    return pictures


def clipped(rows: Sequence[sides.Row], count: int) -> list[sides.Row]:
    """Rows that show the first `count` pictures."""
    return [replace(one, shown=one.shown[:count]) for one in rows]


def line(one: sides.Row) -> list[str]:
    """A row of the table."""
    figures = ((one.bytes, 1), (one.bits_per_dim, 3), (one.psnr, 2), (one.ssim, 4))
    numbers = ["" if value is None else f"{value:.{digits}f}" for value, digits in figures]
    return [str(one.rate or ""), one.codec, one.method, str(one.met), *numbers]

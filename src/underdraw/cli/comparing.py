"""`underdraw compare`."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from underdraw.cli import tell
from underdraw.cli.coding import pictures_in
from underdraw.codec import compare as sides
from underdraw.codec.image import in_srgb, read
from underdraw.plot import save


def compare(
    images: Sequence[Path], model: str | None, rates: Sequence[float], out: Path, as_json: bool
) -> int:
    """`underdraw compare`."""
    files = pictures_in(images)
    pictures = [in_srgb(read(path))._replace(alpha=None) for path in files.values()]
    names, rows, shown = [Path(name).stem[:12] for name in files], [], {}
    with tell.progress("comparing", len(rates) + 1) as report:
        for i, rate in enumerate(rates):
            made = sides.at_rate(model, pictures, rate, tell.say if i == 0 else lambda text: None)
            sheet = sides.picture_of_rows(pictures[:8], clipped(made, 8), names[:8])
            shown[str(rate)] = str(save(sheet, out / f"compare_{rate}.png"))
            rows += made
            report(i + 1)
        rows += sides.without_loss(model, pictures)
    plain = [{k: v for k, v in asdict(one).items() if k != "shown"} for one in rows]
    if as_json:
        return tell.result({"images": len(pictures), "rows": plain, "pictures": shown}, True)
    heads = ["rate", "codec", "method", "met", "bytes", "bits/dim", "PSNR, dB", "SSIM"]
    tell.table(f"{len(pictures)} pictures", heads, [line(one) for one in rows])
    return tell.result({"pictures": out}, False)


def clipped(rows: Sequence[sides.Row], count: int) -> list[sides.Row]:
    """Rows that show the first `count` pictures."""
    return [replace(one, shown=one.shown[:count]) for one in rows]


def line(one: sides.Row) -> list[str]:
    """A row of the table."""
    figures = ((one.bytes, 1), (one.bits_per_dim, 3), (one.psnr, 2), (one.ssim, 4))
    numbers = ["" if value is None else f"{value:.{digits}f}" for value, digits in figures]
    return [str(one.rate or ""), one.codec, one.method, str(one.met), *numbers]

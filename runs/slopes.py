"""What slopes and rates are worth with exact models: `python runs/slopes.py NAME... --data DIR`.

On validation photographs, which also chose the weights, for each model (a shipped one, a folder, or
the run of a float model, which is exported in memory):

    powers    of slopes: bits per dimension of streams of the first steps, and mean PSNR after each
    budgets   mean PSNR of the best streams of so many bits per dimension
    smooth    the same for the smoothest quarter of such photographs and of enlarged crops of them,
              which are more like tiles of large photographs
    sheets    with --sheet-rates: mean PSNR and SSIM of a hundred of either on one sheet, as
              `runs/codec.py` has those of Kodak's

From this is read which model serves which rate (`codec.library.LADDER`), and what qualities 0 and
100 of a model are (`runs/exact.py --powers`). With --write the numbers go to
runs/results/slopes.json, beside those of other models.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tyro

import record
from exact import SHIFT, levels
from underdraw import checkpoint
from underdraw.checkpoint import CheckpointError
from underdraw.codec import exact, lossy
from underdraw.codec.budgets import TRIED, encode_within
from underdraw.codec.compare import SHEET, ours_on_a_sheet
from underdraw.codec.errors import CodecError
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture
from underdraw.codec.library import twin_named
from underdraw.codec.matching import match
from underdraw.codec.measures import psnr
from underdraw.codec.usual import RATES
from underdraw.configs import from_json
from underdraw.data import DataConfig

SET = DataConfig("imagenet64")
ENLARGED = DataConfig("imagenet64", crop=64, enlarge=2)


def twin_of(name: str, data: Path) -> Twin:
    """A model that was exported, or that of a run."""
    try:
        return twin_named(name)
    except CodecError:
        twin = exact.twin_of(checkpoint.load(name), SHIFT)
    config = from_json(DataConfig, checkpoint.describe(name)["data"])
    calibration = levels(config, "train", data, 64)
    exact.prune(twin, calibration)
    match(twin, calibration)
    twin.seal()
    return twin


def decoded(twin: Twin, x: np.ndarray, streams: Sequence[bytes], steps: int | None = None) -> float:
    """Mean PSNR of streams, dB."""
    shown = lossy.decode(twin, streams, x.shape[2:], 3, steps)
    return float(np.mean([psnr(a, b) for a, b in zip(x, shown, strict=True)]))


def bits(streams: Sequence[bytes], x: np.ndarray) -> float:
    """Bits per dimension of streams."""
    return 8 * sum(map(len, streams)) / x.size


def slopes(twin: Twin, x: np.ndarray) -> list[dict[str, Any]]:
    """Streams of all slopes, of no steps, of one, and so on to all."""
    rows = []
    for power in TRIED:
        counts = range(twin.steps + 1)
        streams = [lossy.encode(twin, x, [power] * len(x), t) for t in counts]
        by_step = [decoded(twin, x, streams[-1], t) for t in counts]
        rates = [bits(some, x) for some in streams]
        rows.append({"power": power, "bits_per_dim": rates, "psnr": by_step})
        told = ", ".join(f"{r:.3f} {p:.2f}" for r, p in zip(rates, by_step, strict=True))
        print(f"  power {power}: bits/dim and dB {told}", flush=True)
    return rows


def smoothest(x: np.ndarray, count: int) -> np.ndarray:
    """Those of images (N, C, H, W) whose neighbours in a row are most alike, (count, C, H, W)."""
    rough = np.abs(np.diff(x.astype(np.int64), axis=3)).mean((1, 2, 3))
    return x[np.argsort(rough, kind="stable")[:count]]


def budgets(twin: Twin, x: np.ndarray, rates: Sequence[float]) -> list[dict[str, Any]]:
    """The best streams within budgets."""
    rows = []
    for rate in rates:
        streams = encode_within(twin, x, [int(rate * x[0].size / 8)] * len(x))
        rows.append({"rate": rate, "psnr": decoded(twin, x, streams)})
        print(f"  {rate} bits/dim: {rows[-1]['psnr']:.2f} dB", flush=True)
    return rows


def sheets(twin: Twin, sets: dict[str, np.ndarray], rates: Sequence[float]) -> list[dict[str, Any]]:
    """A hundred pictures of each set on one sheet, at each rate."""
    rows = []
    for name, x in sets.items():
        for rate in rates:
            made = ours_on_a_sheet(twin, [Picture(one) for one in x], rate)[0]
            rows.append({"set": name, "rate": rate, "psnr": made.psnr, "ssim": made.ssim})
            print(f"  sheet, {name}, {rate} bits/dim: {made.psnr:.2f} dB, SSIM {made.ssim:.3f}")
    return rows


def photographs(data: Path, count: int) -> dict[str, np.ndarray]:
    """Validation photographs, and the smoothest of enlarged crops, (count, 3, 64, 64) each."""
    more = levels(ENLARGED, "valid", data, 4 * count).numpy()
    return {
        "photographs": levels(SET, "valid", data, count).numpy(),
        "smooth": smoothest(more, count),
    }


def main(
    names: tyro.conf.Positional[tuple[str, ...]],
    data: Path,
    images: int = 24,
    rates: tuple[float, ...] = (*RATES, 1.6, 3.2),
    sheet_rates: tuple[float, ...] = (),
    write: bool = False,
) -> None:
    """Print, and with --write keep, what slopes and rates are worth.

    Args:
        names: shipped exact models, folders of them, or runs.
        data: a mirror with imagenet64 (or tiny-imagenet).
        images: photographs of 64 x 64.
        rates: of budgets, bits per dimension.
        sheet_rates: of sheets; with some, only these are measured, and put beside what there is.
        write: keep the numbers.
    """
    sets = photographs(data, SHEET if sheet_rates else images)
    for name in names:
        try:
            twin = twin_of(name, data)
        except CheckpointError as error:
            raise SystemExit(str(error)) from error
        print(f"{name} ({twin.hash.hex()})", flush=True)
        if sheet_rates:
            found = {"sheets": sheets(twin, sets, sheet_rates)}
        else:
            x, smooth = sets.values()
            found = {
                "images": len(x), "powers": slopes(twin, x), "budgets": budgets(twin, x, rates),
                "smooth": budgets(twin, smooth, rates),
            }  # fmt: skip
        if write:
            there = record.RESULTS / "slopes.json"
            others = record.read("slopes")["models"] if there.is_file() else {}
            found |= {"commit": record.commit(), "hash": twin.hash.hex()}
            had = others.get(name, {}) if others.get(name, {}).get("hash") == found["hash"] else {}
            record.write("slopes", models={**others, name: {**had, **found}})


if __name__ == "__main__":
    tyro.cli(main)

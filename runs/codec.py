"""The figures of the codec: `python runs/codec.py --data DIR [--model NAME] [--float RUN] [--few]`.

Part by part, into runs/results/codec.json and the page of results:

    lossless     500 test images of CIFAR-10 and 500 photographs of 64 x 64 that nobody trained on,
                 each a file and all an archive, there and back, beside the bound of the exact model
                 itself and the classical codecs
    steps        mean PSNR of 100 images after each step that is stored
    rates        all codecs at equal bytes, on tiles of Kodak's photographs made smaller
    cost         bits that exact arithmetic costs, if the run of the float model is named

A part that was measured with this model is not measured again: results so far are in out/codec_*.
With --few everything is tried on a few images, and nothing is written to the results.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from PIL import Image

import codec_tables
import record
import tables
from underdraw import checkpoint
from underdraw.codec import archive, exact, lossless, lossy
from underdraw.codec import compare as sides
from underdraw.codec.container import LOSSLESS, Header, build, parse, parse_archive
from underdraw.codec.exact import Twin
from underdraw.codec.files import QUALITY
from underdraw.codec.image import Picture
from underdraw.codec.library import twin_named, unique
from underdraw.codec.measures import psnr
from underdraw.codec.rivals import lossless_bytes
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.files import write_json
from underdraw.models.convdraw import ConvDRAW

SIZES = (32, 64)
QUALITIES = (20.0, QUALITY, 90.0)
SEED = 0
BATCH = 25
Levels = np.ndarray


def test_levels(name: str, root: Path, count: int) -> Levels:
    """Random images of the test split, uint8 (count, 3, H, W)."""
    images = open_images(DataConfig(name), "test", root)
    assert isinstance(images, Images)
    chosen = random_subset(images, count, SEED)
    x = chosen.take(np.arange(len(chosen)))
    return (x * 256 - 0.5).round().to(torch.uint8).numpy()


def tiles(root: Path, side: int, count: int) -> Levels:
    """Tiles of Kodak's photographs, made smaller by averaging boxes, 6 x 4 or 4 x 6 to each."""
    found: list[np.ndarray] = []
    for path in sorted((root / "kodak").glob("*.png")):
        with Image.open(path) as image:
            small = np.array(image.convert("RGB").reduce(128 // side)).transpose(2, 0, 1)
        rows, columns = (length // side for length in small.shape[1:])
        cut = small[:, : rows * side, : columns * side].reshape(3, rows, side, columns, side)
        found += list(cut.transpose(1, 3, 0, 2, 4).reshape(-1, 3, side, side))
    if not found:
        raise SystemExit(f"{root / 'kodak'} has no photographs (.png)")
    chosen = np.random.default_rng(SEED).permutation(len(found))[:count]
    return np.stack([found[i] for i in chosen])


def batches(levels: Sequence[Any]) -> list[Any]:
    """Some at a time."""
    return [levels[i : i + BATCH] for i in range(0, len(levels), BATCH)]


def without_loss(twin: Twin, levels: Levels) -> dict[str, Any]:
    """Both lossless kinds, there and back, beside the bound and the classical codecs."""
    dims, count, size = levels[0].size, len(levels), levels.shape[2:]
    bound = exact.bits_per_dim(twin, twin, torch.from_numpy(levels), SEED).mean().item()
    latents = archive.latents_of(twin, size)
    singles = _singles(twin, levels)
    many = _archive(twin, levels)
    overhead, share = singles["bits_per_dim"] - bound, latents / dims
    return {
        "images": count, "size": list(size), "bound": bound, "single": singles, "archive": many,
        "archive_over_bound": many["bits_per_dim"] - bound, "overhead": overhead,
        "active_latents": latents, "active_per_dim": share, "allowed": max(0.20, 0.26 * share),
        "classical": classical(levels),
    }  # fmt: skip


def _singles(twin: Twin, levels: Levels) -> dict[str, Any]:
    start, size, equal = time.perf_counter(), levels.shape[2:], 0
    head = Header(LOSSLESS, twin.hash, size[0], size[1], 3, twin.steps)
    short = unique(twin)
    streams = [stream for part in batches(levels) for stream in lossless.encode(twin, part)]
    files = [build(head, stream, short) for stream in streams]
    middle = time.perf_counter()
    for part, some in zip(batches(levels), batches(files), strict=True):
        found = lossless.decode(twin, [parse(content)[1] for content in some], size, 3)
        equal += int((found == part).all((1, 2, 3)).sum())
    end, total = time.perf_counter(), sum(map(len, files))
    return {
        "equal": equal, "bytes": total, "bits_per_dim": 8 * total / levels.size,
        "encode_s": middle - start, "decode_s": end - middle,
    }  # fmt: skip


def _archive(twin: Twin, levels: Levels) -> dict[str, Any]:
    names = [f"{i:04d}.png" for i in range(len(levels))]
    start = time.perf_counter()
    content = archive.encode(twin, list(levels), names)
    middle = time.perf_counter()
    places = archive.order(twin, [one.shape for one in levels])
    back = list(archive.decode(twin, content))
    end, index = time.perf_counter(), parse_archive(content)
    equal = sum(np.array_equal(levels[i], a) for i, a in zip(places, back, strict=True))
    total = len(content) - index.names.length
    return {
        "equal": int(equal), "bytes": total, "bits_per_dim": 8 * total / levels.size,
        "names_bytes": index.names.length, "blocks": len(index.blocks),
        "lanes": [block.lanes for block in index.blocks],
        "encode_s": middle - start, "decode_s": end - middle,
    }  # fmt: skip


def classical(levels: Levels) -> dict[str, float]:
    """Bits per dimension of the classical codecs that are installed."""
    found = {}
    for rival in sides.there(print):
        if rival.lossless is not None:
            total = sum(lossless_bytes(rival, Picture(one)) for one in levels)
            found[rival.name] = 8 * total / levels.size
    return found


def steps(twin: Twin, levels: Levels) -> dict[str, Any]:
    """Mean PSNR after each step, from none to all, at some qualities."""
    found, size = {}, levels.shape[2:]
    for quality in QUALITIES:
        power = lossy.power_of(quality)
        streams = [
            s for part in batches(levels) for s in lossy.encode(twin, part, [power] * len(part))
        ]
        means = []
        for t in range(twin.steps + 1):
            shown = [lossy.decode(twin, part, size, 3, t) for part in batches(streams)]
            pairs = zip(levels, np.concatenate(shown), strict=True)
            means.append(float(np.mean([min(psnr(a, b), 99.0) for a, b in pairs])))
        bits = 8 * sum(map(len, streams)) / levels.size
        found[f"{quality:g}"] = {"bits_per_dim": bits, "psnr": means}
    rises = [np.diff(one["psnr"]).min() for one in found.values()]
    return {"images": len(levels), "size": list(size), "qualities": found, "least_rise": min(rises)}


def at_rate(twin: Twin, levels: Levels, rate: float) -> list[dict[str, Any]]:
    """All codecs at one rate: files, and sheets of 100."""
    rows = sides.at_rate(twin, [Picture(one) for one in levels], rate)
    return [{k: v for k, v in asdict(row).items() if k != "shown"} for row in rows]


def cost(twin: Twin, run: Path, levels: Levels) -> dict[str, Any]:
    """What exact arithmetic costs."""
    model = checkpoint.load(run)
    assert isinstance(model, ConvDRAW)
    found = exact.cost(model, twin, torch.from_numpy(levels), SEED)
    return asdict(found) | {"excess": found.excess}


class Parts:
    """Results, each in a file as soon as it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def once(self, name: str, measure: Callable[[], Any]) -> Any:  # noqa: ANN401
        """The result of that name, measured if it is not there."""
        path = self.folder / f"{name}.json"
        if not path.is_file():
            start = time.perf_counter()
            write_json(path, {"found": measure(), "commit": record.commit()})
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
        return json.loads(path.read_text("utf-8"))["found"]


def measure(
    twin: Twin, root: Path, run: Path | None, many: int, hundred: int, parts: Parts
) -> dict[str, Any]:
    """All parts."""
    found: dict[str, Any] = {"lossless": {}, "rates": {}}
    for name in codec_tables.SETS:
        levels = test_levels(name, root, many)
        done = parts.once(f"lossless_{name}", lambda levels=levels: without_loss(twin, levels))
        found["lossless"][name] = done
    photographs = test_levels("imagenet64", root, hundred)
    found["steps"] = parts.once("steps", lambda: steps(twin, photographs))
    for side in SIZES:
        levels = tiles(root, side, hundred)
        rates = sides.RATES if hundred >= 100 else sides.RATES[1::4]
        for rate in rates:
            name = f"rate_{side}_{rate:g}"
            done = parts.once(name, lambda a=levels, r=rate: at_rate(twin, a, r))
            found["rates"].setdefault(str(side), []).append({"rate": rate, "rows": done})
    if run is not None:
        images = test_levels("cifar10", root, hundred)
        found["cost"] = parts.once("cost", lambda: cost(twin, run, images))
    return found


def main(
    data: Path, model: str = "convdraw_photo@1", float_: Path | None = None, few: bool = False
) -> None:
    """Measure what is not measured yet, and make the page.

    Args:
        data: a mirror with CIFAR-10, imagenet64 (or tiny-imagenet) and kodak/*.png.
        model: a shipped exact model, or a folder.
        float_: the run or folder of the float model that it was made of.
        few: a minute's trial.
    """
    twin = twin_named(model)
    many, hundred = (12, 8) if few else (500, 100)
    folder = record.ROOT / "out" / f"codec_{twin.hash.hex()}{'_few' if few else ''}"
    found = measure(twin, data, float_, many, hundred, Parts(folder))
    found |= {"model": Path(model).name, "hash": twin.hash.hex(), "measured": described(model)}
    if few:
        print(codec_tables.page(found))
        codec_tables.draw(found, folder)
        return
    record.write("codec", **found)
    codec_tables.draw(found, record.ROOT / "docs" / "images")
    tables.main()


def described(model: str) -> dict[str, float]:
    """What the export measured, without what is not finite."""
    told = exact.describe(model).get("measured", {})
    return {key: value for key, value in told.items() if math.isfinite(value)}


if __name__ == "__main__":
    tyro.cli(main)

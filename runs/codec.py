"""The figures of the codec: `python runs/codec.py --data DIR [--model NAME] [--few]`.

Part by part, into runs/results/codec.json and the page of results:

    lossless     500 test images of CIFAR-10 and 500 photographs of 64 x 64 that nobody trained on,
                 each a file and all an archive, there and back, beside the bound of the exact model
                 itself and the classical codecs
    steps        mean PSNR of 100 images after each step that is stored
    rates        all codecs at equal bytes, on tiles of Kodak's photographs made smaller
    models       what exporting each model that serves measured

Without --model every wish is served as users are served, by the models of `codec.library.LADDER`.
A part that was measured with the same model is not measured again: results so far are in
out/codec_HASH.
With --rivals only the lossless files of the classical codecs are measured anew.
With --few everything is tried on a few images, and nothing is written to the results.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from PIL import Image

import codec_tables
import record
import tables
from underdraw.codec import archive, exact, lanes, lossless, lossy
from underdraw.codec import compare as sides
from underdraw.codec.container import LOSSLESS, Header, build, parse, parse_archive
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture
from underdraw.codec.library import LADDER, unique
from underdraw.codec.measures import psnr
from underdraw.codec.rivals import lossless_bytes
from underdraw.codec.usual import RATES
from underdraw.codec.wishes import QUALITY, Setting, Wish, setting, twin_for
from underdraw.data import DataConfig, Images, open_images, random_subset
from underdraw.files import write_json

SIZES = (32, 64)
QUALITIES = (0.0, 20.0, 40.0, 60.0, QUALITY, 100.0)
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
    """Both lossless kinds, there and back, beside the bound."""
    dims, count, size = levels[0].size, len(levels), levels.shape[2:]
    bound = exact.bits_per_dim(twin, twin, torch.from_numpy(levels), SEED).mean().item()
    latents = lanes.latents_of(twin, size)
    singles = _singles(twin, levels)
    many = _archive(twin, levels)
    overhead, share = singles["bits_per_dim"] - bound, latents / dims
    return {
        "images": count, "size": list(size), "bound": bound, "single": singles, "archive": many,
        "archive_over_bound": many["bits_per_dim"] - bound, "overhead": overhead,
        "active_latents": latents, "active_per_dim": share, "allowed": max(0.20, 0.26 * share),
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


def steps(twin: Twin, levels: Levels, made: Setting) -> dict[str, Any]:
    """Mean PSNR after each step that a file stores, from none on."""
    (power, count), size, means = made, levels.shape[2:], []
    coded = [lossy.encode(twin, part, [power] * len(part), count) for part in batches(levels)]
    for t in range(count + 1):
        shown = [lossy.decode(twin, part, size, 3, t) for part in coded]
        pairs = zip(levels, np.concatenate(shown), strict=True)
        means.append(float(np.mean([min(psnr(a, b), 99.0) for a, b in pairs])))
    bits = 8 * sum(len(stream) for part in coded for stream in part) / levels.size
    return {"bits_per_dim": bits, "psnr": means}


def told(rows: Sequence[sides.Row]) -> list[dict[str, Any]]:
    """Rows without their pictures."""
    return [{k: v for k, v in asdict(row).items() if k != "shown"} for row in rows]


class Parts:
    """Results, each in a file as soon as it is there, in a folder for each model."""

    def __init__(self, root: Path, few: bool = False) -> None:
        self.root, self.end = root, "_few" * few

    def once(self, twin: Twin | None, name: str, measure: Callable[[], Any]) -> Any:  # noqa: ANN401
        """The result of that name, with that model or without one, measured if not there."""
        whose = "rivals" if twin is None else twin.hash.hex()
        path = self.root / f"codec_{whose}{self.end}" / f"{name}.json"
        if not path.is_file():
            start = time.perf_counter()
            write_json(path, {"found": measure(), "commit": record.commit()})
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
        return json.loads(path.read_text("utf-8"))["found"]


Choose = Callable[[Wish], Twin]


def measure(
    choose: Choose, named: bool, root: Path, many: int, hundred: int, parts: Parts
) -> dict[str, Any]:
    """All parts; `choose` says which model serves a wish, or it is always the one `named`."""
    return {
        "lossless": all_lossless(choose(Wish(lossless=True)), root, many, parts),
        "steps": all_steps(choose, named, test_levels("imagenet64", root, hundred), parts),
        "rates": all_rates(choose, root, hundred, parts),
    }


def all_lossless(twin: Twin, root: Path, many: int, parts: Parts) -> dict[str, Any]:
    """Both sets, without loss."""
    found = {}
    for name in codec_tables.SETS:
        levels = test_levels(name, root, many)
        part = f"lossless_{name}"
        mine = parts.once(twin, part, lambda levels=levels: without_loss(twin, levels))
        theirs = parts.once(None, part, lambda levels=levels: classical(levels))
        found[name] = {**mine, "classical": theirs}
    return found


def classical_again(root: Path) -> None:
    """Measure the classical codecs' lossless files anew, and leave all else in the results."""
    found = record.read("codec")
    for name, one in found["lossless"].items():
        one["classical"] = classical(test_levels(name, root, one["images"]))
    write_json(record.RESULTS / "codec.json", found)


def all_steps(choose: Choose, named: bool, levels: Levels, parts: Parts) -> dict[str, Any]:
    """PSNR by steps at all qualities, and the least rise among them."""
    found = {}
    for quality in QUALITIES:
        wish = Wish(quality=quality)
        twin = choose(wish)
        made = setting(twin, wish, named)
        found[f"{quality:g}"] = parts.once(
            twin, f"steps_{made.power}_{made.steps}", lambda t=twin, m=made: steps(t, levels, m)
        )
    least = min(float(np.diff(one["psnr"]).min()) for one in found.values())
    size = list(levels.shape[2:])
    return {"images": len(levels), "size": size, "qualities": found, "least_rise": least}


def all_rates(choose: Choose, root: Path, hundred: int, parts: Parts) -> dict[str, Any]:
    """All codecs at all rates, on tiles of all sizes."""
    found: dict[str, Any] = {}
    for side in SIZES:
        pictures, rivals = [Picture(one) for one in tiles(root, side, hundred)], sides.there(print)
        for rate in RATES if hundred >= 100 else RATES[1::4]:
            twin, name = choose(Wish(bits_per_dim=rate)), f"rate_{side}_{rate:g}"
            mine = partial(sides.ours, twin, pictures, rate)
            others = partial(sides.theirs, rivals, pictures, rate)
            rows = parts.once(twin, name, lambda go=mine: told(go()))
            rows += parts.once(None, name, lambda go=others: told(go()))
            found.setdefault(str(side), []).append({"rate": rate, "rows": rows})
    return found


def main(data: Path, model: str | None = None, few: bool = False, rivals: bool = False) -> None:
    """Measure what is not measured yet, and make the page.

    Args:
        data: a mirror with CIFAR-10, imagenet64 (or tiny-imagenet) and kodak/*.png.
        model: a shipped exact model, or a folder, for everything; if none is named, the one that
            serves each wish.
        few: a minute's trial.
        rivals: only measure the lossless files of the classical codecs anew, once another one is
            installed: JPEG XL needs `underdraw[jxl]`.
    """
    if rivals:
        classical_again(data)
        tables.main()
        return
    many, hundred = (12, 8) if few else (500, 100)
    parts = Parts(record.ROOT / "out", few)
    named = model is not None
    found = measure(lambda wish: twin_for(wish, model), named, data, many, hundred, parts)
    names = list(dict.fromkeys(rung.model for rung in LADDER)) if model is None else [model]
    found["models"] = [described(name) for name in names]
    if few:
        print(codec_tables.page(found))
        codec_tables.draw(found, record.ROOT / "out")
        return
    record.write("codec", **found)
    codec_tables.draw(found, record.ROOT / "docs" / "images")
    tables.main()


def described(model: str) -> dict[str, Any]:
    """A model, what its export measured, and what its rounded weights cost (`rounded`)."""
    about, folder = exact.describe(model), exact.locate(model)
    told = (record.RESULTS / f"{folder.name}.json").is_file()
    rounding = record.read(folder.name).get("rounding") if told else None
    measured = about.get("measured", {})
    return {
        "model": folder.name, "hash": about["hash"], "measured": measured, "rounding": rounding,
    }  # fmt: skip


if __name__ == "__main__":
    tyro.cli(main)

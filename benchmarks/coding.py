"""The codec's speed: images a second, megabytes a second, peak memory.

    python benchmarks/coding.py [--model NAME] [--quick]

At 32x32, 64x64 and 768x512, pieces of the photograph in the package, encoded and decoded

    lossy, lossless   files of one picture, many at a time; lossy ones of all steps
    budget            lossy files of at most so many bytes, for which slopes are tried
    archive           chained bits-back, with as many lanes side by side as the codec chooses
    lanes             the same with 16 lanes: faster, and longer where pictures are few
    plain             bits-back as it is usually written: one image at a time, on a stack of random
                      bits, with constriction's own Gaussians for each vector of latents

each in a process of its own, so that its peak memory is known (torch and the model are in it). Then
the classical codecs through Pillow. Megabytes are those of the levels. The last line is one JSON
object.
"""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from PIL import Image

from plain_bits_back import Plain
from underdraw.codec import archive, lanes, lossless, lossy
from underdraw.codec.budgets import encode_within
from underdraw.codec.exact import Twin
from underdraw.codec.image import Picture, from_array, to_pillow
from underdraw.codec.library import twin_named
from underdraw.codec.rivals import RIVALS, Options
from underdraw.codec.wishes import QUALITY, power_of

SIZES = {"32x32": (32, 32, 128), "64x64": (64, 64, 32), "768x512": (512, 768, 1)}
"""Height, width and how many are coded together."""
BARS = {
    "32x32": {"encode_ms": 30.0, "decode_ms": 15.0},
    "768x512": {"encode_ms": 40e3, "decode_ms": 15e3, "peak_mb": 2048.0},
}
"""What a lossy or lossless picture may take, on two cores; a large one within a budget, too."""
KINDS = ("lossy", "lossless", "budget", "archive", "lanes", "plain")
LANES, BUDGET = 16, 0.5  # bits per dimension
Levels = np.ndarray
Row = dict[str, Any]


def pieces(height: int, width: int, count: int) -> Levels:
    """Pieces of the photograph, uint8 (count, 3, height, width); small ones at half its size."""
    with Image.open(str(files("underdraw") / "demo" / "parrots.png")) as image:
        whole = image.convert("RGB")
    if max(height, width) > min(whole.size):
        whole = whole.resize((width, height)) if whole.size != (width, height) else whole
    elif max(height, width) <= min(whole.size) // 4:
        whole = whole.reduce(2)
    levels, rng = np.array(whole).transpose(2, 0, 1), np.random.default_rng(0)
    y = rng.integers(0, levels.shape[1] - height + 1, count)
    x = rng.integers(0, levels.shape[2] - width + 1, count)
    return np.stack([levels[:, i : i + height, j : j + width] for i, j in zip(y, x, strict=True)])


def clocked(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and seconds."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def plain(twin: Twin, levels: Levels) -> tuple[int, float, float]:
    """Bytes beyond the random ones, seconds to encode and to decode."""
    size = levels.shape[2], levels.shape[3]
    words = int(lanes.needed(lanes.latents_of(twin, size))) // 16 + 64  # with room for chance
    loop = Plain(twin, words)
    _, encode = clocked(lambda: [loop.push(one) for one in levels])
    total = 4 * (len(loop.coder.get_compressed()) - words)
    back, decode = clocked(lambda: [loop.pop(size) for _ in levels])
    assert np.array_equal(np.stack(back[::-1]), levels)
    return total, encode, decode


def ours(kind: str, twin: Twin, levels: Levels) -> tuple[int, float, float]:
    """Bytes, seconds to encode and to decode."""
    size = levels.shape[2], levels.shape[3]
    if kind in ("archive", "lanes"):
        many = LANES if kind == "lanes" else None
        (block, data), encode = clocked(lambda: archive.encode_block(twin, levels, many))
        back, decode = clocked(lambda: archive.decode_block(twin, block, data))
        assert np.array_equal(back, levels)
        return len(data), encode, decode
    if kind == "lossless":
        streams, encode = clocked(lambda: lossless.encode(twin, levels))
        back, decode = clocked(lambda: lossless.decode(twin, streams, size, 3))
        assert np.array_equal(back, levels)
    else:
        powers = [power_of(twin, QUALITY)] * len(levels)
        room = [int(BUDGET * levels[0].size / 8)] * len(levels)
        streams, encode = clocked(
            lambda: (
                encode_within(twin, levels, room)
                if kind == "budget"
                else lossy.encode(twin, levels, powers)
            )
        )
        _, decode = clocked(lambda: lossy.decode(twin, streams, size, 3))
    return sum(map(len, streams)), encode, decode


def row(name: str, levels: Levels, found: tuple[int, float, float], **more: Any) -> Row:  # noqa: ANN401
    """What is told of one way."""
    total, encode, decode = found
    told: Row = {"way": name, "images": len(levels), "bits_per_dim": 8 * total / levels.size}
    for what, seconds in (("encode", encode), ("decode", decode)):
        told[f"{what}_ms"] = 1e3 * seconds / len(levels)
        told[f"{what}_images_per_s"] = len(levels) / seconds
        told[f"{what}_mb_per_s"] = levels.size / 1e6 / seconds
    return told | more


def one(size: str, kind: str, model: str, count: int) -> Row:
    """One way, in this process; once before on a few images, to have everything made."""
    from bench import peak

    height, width, _ = SIZES[size]
    levels, twin = pieces(height, width, count), twin_named(model)
    work = plain if kind == "plain" else lambda t, a: ours(kind, t, a)
    work(twin, levels[:2, :, :32, :32])
    return row(kind, levels, work(twin, levels), peak_mb=peak())


def alone(size: str, kind: str, model: str, count: int) -> Row:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--model", model, "--only", size, kind, str(count)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def classical(levels: Levels) -> list[Row]:
    """The codecs that Pillow has, one image at a time, as they come."""
    rows, pictures = [], [to_pillow(Picture(a)) for a in levels]
    for rival in RIVALS.values():
        if rival.missing:
            continue
        lossy_options = None if rival.lossy is None else rival.lossy(75.0) | dict(rival.ways[0])
        for name, options in (("lossy", lossy_options), ("lossless", rival.lossless)):
            if options is not None:
                found = _classical(rival.form, options, pictures)
                rows.append(row(f"{rival.name}, {name}", levels, found))
    return rows


def _classical(
    form: str, options: Options, pictures: Sequence[Image.Image]
) -> tuple[int, float, float]:
    def encode() -> list[bytes]:
        outs = [io.BytesIO() for _ in pictures]
        for out, picture in zip(outs, pictures, strict=True):
            picture.save(out, format=form, **options)
        return [out.getvalue() for out in outs]

    def decode() -> list[Any]:
        found = [np.array(Image.open(io.BytesIO(content)).convert("RGB")) for content in made]
        return [from_array(planes) for planes in found]

    made, first = clocked(encode)
    _, second = clocked(decode)
    return sum(map(len, made)), first, second


def show(size: str, told: Row) -> None:
    """A line."""
    memory = f"{told['peak_mb']:>9.0f}" if "peak_mb" in told else " " * 9
    print(f"{size:<9}{told['way']:<20}{told['bits_per_dim']:>9.3f}"
          f"{told['encode_images_per_s']:>11.2f}{told['encode_mb_per_s']:>8.3f}"
          f"{told['decode_images_per_s']:>11.2f}{told['decode_mb_per_s']:>8.3f}{memory}",
          flush=True)  # fmt: skip


def ratios(size: str, rows: list[Row]) -> Row:
    """How much faster archives are than the plain loop, and what the bars say."""
    by = {told["way"]: told for told in rows}
    found: Row = {"size": size}
    for what in ("encode", "decode"):
        key = f"{what}_images_per_s"
        for kind in ("archive", "lanes"):
            found[f"{kind}_over_plain_{what}"] = by[kind][key] / by["plain"][key]
    held = ("lossy", "lossless", "budget") if size == "768x512" else ("lossy", "lossless")
    for key, bar in BARS.get(size, {}).items():
        found[f"{key}_over_bar"] = max(by[kind][key] for kind in held) / bar
    print("  " + ", ".join(f"{k} {v:.2f}" for k, v in found.items() if k != "size"))
    return found


def run(model: str, quick: bool = False) -> Row:
    """Measure every size and way, saying so line by line."""
    print(f"{'':<29}{'bits/dim':>9}{'encode/s':>11}{'MB/s':>8}{'decode/s':>11}{'MB/s':>8}"
          f"{'peak MB':>9}")  # fmt: skip
    everything, compared = {}, []
    for size, (height, width, count) in SIZES.items():
        if quick and size == "768x512":
            continue
        few = 8 if quick else count
        rows = []
        for kind in KINDS:
            rows.append(alone(size, kind, model, few))
            show(size, rows[-1])
        compared.append(ratios(size, rows))
        for told in classical(pieces(height, width, few)):
            rows.append(told)
            show(size, told)
        everything[size] = rows
    return {
        "model": Path(model).name, "rows": everything, "ratios": compared,
        "torch": torch.__version__, "threads": torch.get_num_threads(),
    }  # fmt: skip


def main(
    model: str = "convdraw_photo",
    quick: bool = False,
    only: tuple[str, str, int] | None = None,
) -> None:
    """Measure everything.

    Args:
        model: a shipped exact model, or a folder.
        quick: a few images of each size, the largest left out.
        only: size, way and count: measure that in this process.
    """
    if only is not None:
        print(json.dumps(one(only[0], only[1], model, only[2])))
        return
    head = ["git", "rev-parse", "--short=12", "HEAD"]
    commit = subprocess.run(head, cwd=Path(__file__).parent, capture_output=True, text=True)
    print(json.dumps({**run(model, quick), "commit": commit.stdout.strip()}))


if __name__ == "__main__":
    tyro.cli(main)

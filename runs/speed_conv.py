"""Run the benchmark of Convolutional DRAW and keep what it says: `python runs/speed_conv.py`.

Writes runs/results/speed_conv.json and the table of docs/generated/speed_conv.md.
"""

import sys
from typing import Any

import tyro

import record
from underdraw.files import write_text

sys.path.append(str(record.ROOT / "benchmarks"))
PAGE = record.ROOT / "docs" / "generated" / "speed_conv.md"
WAYS = {
    "plain": "plain: eager, float32, default memory format",
    "fast": "fast: compiled step, bf16 products, channels last",
    "recomputed": "recomputed: fast, and one state kept in every three steps",
}


def table(found: dict[str, Any]) -> str:
    """The page's generated part."""
    m, images = found["machine"], found["images_per_s"]
    lines = [
        f"Made by `runs/speed_conv.py` on {m['processor']}, {m['cores']} cores, "
        f"{m['instructions']}, torch {m['torch']}, commit {found['commit']}. Memory is the peak of "
        "a process that runs one way only; the first update finds the cache of the compiler as it "
        "is.",
        "",
        "| | images a second | ratio | peak memory | first update |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {way} | {images[name]:.1f} | {images[name] / images['plain']:.2f} "
        f"| {found['peak_mb'][name]:.0f} MB | {found['first_update_s'][name]:.1f} s |"
        for name, way in WAYS.items()
    ]
    rate, share = sum(found["convolution_gflops"]) / 2, found["share_of_convolution_rate"]
    lines += [
        "",
        f"Training costs {found['gflop_per_image']:.1f} GFLOP an image, nearly all of it in "
        "convolutions. In the same run this machine convolved the encoder's shape, forward and "
        f"backward and channels last, at {rate:,.0f} GFLOP/s in bf16 and at "
        f"{found['convolution_gflops_float32']:,.0f} in float32. The fast path reaches "
        f"{share:.2f} of the bf16 rate; at the whole of it, it would be "
        f"{found['ratio'] / share:.1f} times as fast as plain.",
    ]
    return "\n".join(lines) + "\n"


def main(seconds: float = 10.0, again: bool = True) -> None:
    """Measure, or with --no-again only make the page anew from what was measured."""
    if again:
        import conv

        record.write("speed_conv", **conv.run(seconds))
    found = record.read("speed_conv")
    write_text(PAGE, table(found))
    print({key: found[key] for key in ("ratio", "images_per_s", "share_of_convolution_rate")})


if __name__ == "__main__":
    tyro.cli(main)

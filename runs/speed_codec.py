"""Run the benchmark of the codec and keep what it says: `python runs/speed_codec.py`.

Writes runs/results/speed_codec.json and the tables of docs/generated/speed_codec.md.
"""

import sys
from typing import Any

import tyro

import record
from underdraw.files import write_text

sys.path.append(str(record.ROOT / "benchmarks"))
PAGE = record.ROOT / "docs" / "generated" / "speed_codec.md"
HEADS = (
    "bits/dim", "encode, images/s", "encode, MB/s", "decode, images/s", "decode, MB/s",
    "peak memory",
)  # fmt: skip


def line(told: dict[str, Any]) -> str:
    """One way, as a row of a table."""
    speeds = [
        f"{told[f'{what}_{unit}']:.{digits}f}"
        for what in ("encode", "decode")
        for unit, digits in (("images_per_s", 2), ("mb_per_s", 3))
    ]
    memory = f"{told['peak_mb']:.0f} MB" if "peak_mb" in told else ""
    cells = [told["way"], f"{told['bits_per_dim']:.3f}", *speeds, memory]
    return f"| {' | '.join(cells)} |"


def table(found: dict[str, Any]) -> str:
    """The page's generated part."""
    m = found["machine"]
    lines = [
        f"Made by `runs/speed_codec.py` with `{found['model']}` on {m['processor']}, {m['cores']} "
        f"cores, {m['instructions']}, torch {m['torch']}, commit {found['commit']}.",
    ]
    for size, rows in found["rows"].items():
        heads = " | ".join([f"{size}, {rows[0]['images']} images", *HEADS])
        lines += ["", f"| {heads} |", "|---" * (1 + len(HEADS)) + "|", *map(line, rows)]
    return "\n".join(lines) + "\n"


def main(model: str = "convdraw_photo", again: bool = True) -> None:
    """Measure, or with --no-again only make the page anew from what was measured."""
    if again:
        import coding

        record.write("speed_codec", **coding.run(model))
    found = record.read("speed_codec")
    write_text(PAGE, table(found))
    print(found["ratios"])


if __name__ == "__main__":
    tyro.cli(main)

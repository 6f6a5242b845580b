"""Run the benchmark and keep what it says: `python runs/speed.py`.

Writes runs/results/speed.json, the table of docs/generated/speed.md and its picture.
"""

import sys
from typing import Any

import tyro

import record
from underdraw.files import write_text
from underdraw.plot import save
from underdraw.plot.figures import COLOURS, INK, new_figure, plain, render

sys.path.append(str(record.ROOT / "benchmarks"))
PICTURE = "speed.png"
WAYS = ("reference", "eager", "fast")


def picture(rows: list[dict[str, Any]]) -> Any:  # noqa: ANN401
    """Images a second against glimpses, a panel a batch, with attention."""
    rows = [row for row in rows if row["attention"]]
    ticks = [t for t in (100, 300, 1000, 3000, 10_000) if t < 2 * max(r["fast"] for r in rows)]
    figure = new_figure(9.0, 3.4)
    for i, batch in enumerate(sorted({row["batch"] for row in rows})):
        axes = figure.add_axes((0.1 + 0.3 * i, 0.17, 0.27, 0.68))
        plain(axes, "glimpses", "images a second" if i == 0 else "")
        mine = [row for row in rows if row["batch"] == batch]
        glimpses = [row["glimpses"] for row in mine]
        for way, colour in zip(WAYS, COLOURS, strict=False):
            speed = [row[way] for row in mine]
            axes.plot(glimpses, speed, "o-", color=colour, label=way, markersize=4)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(glimpses, [str(count) for count in glimpses])
        axes.set_yticks(ticks, [f"{t:,}" if i == 0 else "" for t in ticks])
        axes.minorticks_off()
        axes.set_ylim(80, 1.2 * max(ticks))
        axes.set_title(f"batch {batch}", fontsize=10, color=INK)
        if i == 0:
            axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    return render(figure)


def table(found: dict[str, Any]) -> str:
    """The page's generated part."""
    m = found["machine"]
    lines = [
        f"Made by `runs/speed.py` on {m['processor']}, {m['cores']} cores, {m['instructions']}, "
        f"torch {m['torch']}, commit {found['commit']}; images a second, fast path in "
        f"{found['precision']} with {found['pace']} steps to a compiled region. *Kept* is what "
        "the forward pass keeps for its backward pass.",
        "",
        "| model | batch | glimpses | reference | eager | fast | fast / reference "
        "| kept, reference | kept, fast |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        name = "DRAW" if row["attention"] else "no attention"
        lines.append(
            f"| {name} | {row['batch']} | {row['glimpses']} | {row['reference']:.0f} "
            f"| {row['eager']:.0f} | {row['fast']:.0f} | {row['ratio']:.2f} "
            f"| {row['kept']['reference']:.0f} MB | {row['kept']['fast']:.0f} MB |"
        )
    grown = ", ".join(f"{value:.2f} for {name}" for name, value in found["growth"].items())
    peak = max(row["peak"] for row in found["rows"])
    lines += [
        "",
        "At 64 glimpses and batch 512 the fast path runs at "
        f"{found['share_of_matmul_rate']:.0%} of the rate of a matrix product of the encoder's "
        f"shape ({found['matmul_gflops']:.0f} GFLOP/s). The first update takes "
        f"{found['first_update_s']:.0f} s with an empty cache and "
        f"{found['second_process_s']:.0f} s in the next process. Cost grows by this much over "
        f"linear: {grown} (8 to 64 glimpses, 28 to 112 pixels a side, batch 32 to 512). Peak "
        f"memory of the process that ran all of this: {peak:.0f} MB.",
        "",
        f"![Images a second, by batch and glimpses](images/{PICTURE})",
    ]
    return "\n".join(lines) + "\n"


def main(seconds: float = 3.0, again: bool = True) -> None:
    """Measure, or with --no-again only make the page anew from what was measured."""
    if again:
        import bench

        record.write("speed", **bench.run(seconds, quick=False))
    found = record.read("speed")
    save(picture(found["rows"]), record.ROOT / "docs" / "images" / PICTURE)
    write_text(record.ROOT / "docs" / "generated" / "speed.md", table(found))
    shown = ("ratio_512", "ratio_128", "images_per_s_512", "images_per_s_128", "growth")
    print({key: found[key] for key in (*shown, "share_of_matmul_rate")})


if __name__ == "__main__":
    tyro.cli(main)

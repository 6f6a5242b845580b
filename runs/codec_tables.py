"""The codec's part of the results page, from runs/results/codec.json; `tables.py` puts it there."""

from pathlib import Path
from typing import Any

from underdraw.plot import save
from underdraw.plot.figures import COLOURS, INK, new_figure, plain, render

SETS = {"cifar10": "CIFAR-10, test", "imagenet64": "64 x 64 photographs, ImageNet's validation"}
PICTURE = "codec_steps.png"
LOW = (0.05, 0.1)  # bits per dimension at which the papers compare
LIKE = ("JPEG", "JPEG 2000")  # what they compare with
FALL = 0.05  # dB that a step may cost
FULL = 0.95  # share of the bits a codec was given, below which it is said how many it used
Found = dict[str, Any]


def lossless(found: Found) -> str:
    """The table of lossless files."""
    names = list(dict.fromkeys(n for one in found.values() for n in one["classical"]))
    lines = [
        "| images | exact model's own bound | archive | single files | "
        + " | ".join(names) + " |",
        "|---|---|---|---|" + "---|" * len(names),
    ]  # fmt: skip
    for key, one in found.items():
        rivals = " | ".join(_number(one["classical"].get(name)) for name in names)
        lines.append(
            f"| {SETS[key]}, {one['images']} | {one['bound']:.3f} "
            f"| **{one['archive']['bits_per_dim']:.3f}** "
            f"| {one['single']['bits_per_dim']:.3f} | {rivals} |"
        )
    return "\n".join([*lines, "", *(told(SETS[key], one) for key, one in found.items())])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def told(name: str, one: Found) -> str:
    """What the table leaves out."""
    many, single = one["archive"], one["single"]
    return (
        f"- {name}: {many['equal']} and {single['equal']} of {one['images']} came back equal from "
        f"the archive and from files of their own. The archive is {one['archive_over_bound']:+.4f} "
        f"bits per dimension from the bound, its container counted, {many['names_bytes']} bytes of "
        f"names not. Single files take {one['overhead']:.3f} more than the bound, with "
        f"{one['active_latents']:,} latents coded, {one['active_per_dim']:.2f} to a dimension "
        f"(the bar is {one['allowed']:.2f})."
    )


def rates(side: str, found: list[Found]) -> str:
    """The tables of one size: single files, and the sheet."""
    parts, count = [], max(row["met"] for at in found for row in at["rows"])
    for method, title in (("files", "one file for each"), ("sheet", "on one sheet")):
        rows = [row for at in found for row in at["rows"] if row["method"] == method]
        names = list(dict.fromkeys(row["codec"] for row in rows))
        lines = [
            "| bits/dim | " + " | ".join(names) + " |", "|---|" + "---|" * len(names),
        ]  # fmt: skip
        for at in found:
            mine = {row["codec"]: row for row in at["rows"] if row["method"] == method}
            cells = " | ".join(cell(mine.get(name), count, at["rate"]) for name in names)
            lines.append(f"| {at['rate']:g} | {cells} |")
        parts.append(f"{side} x {side}, {count} tiles, {title}:\n\n" + "\n".join(lines))
    return "\n\n".join([*parts, *verdicts(side, found)])


def verdicts(side: str, found: list[Found]) -> list[str]:
    """Where underdraw's sheet stands against those of the old codecs at low rates, in a line."""
    told = []
    for at in found:
        rows = {row["codec"]: row for row in at["rows"] if row["method"] == "sheet" and row["met"]}
        if at["rate"] in LOW and "underdraw" in rows:
            each = [verdict(rows["underdraw"], name, rows.get(name)) for name in LIKE]
            told.append(f"at {at['rate']:g} bits/dim {' and '.join(each)}")
    return [f"On the {side} x {side} sheet underdraw is, {'; '.join(told)}."] if told else []


def verdict(mine: Found, name: str, other: Found | None) -> str:
    """Whether a row is ahead of another codec's, and by how much."""
    if other is None:
        return f"alone, as {name} needs more bytes"
    ahead = [mine["psnr"] - other["psnr"]]
    words = [f"{ahead[0]:+.2f} dB"]
    if mine["ssim"] is not None and other["ssim"] is not None:
        ahead.append(mine["ssim"] - other["ssim"])
        words.append(f"{ahead[1]:+.3f} SSIM")
    wins = [more > 0 for more in ahead]
    sign = "ahead of" if all(wins) else "behind"
    if any(wins) and not all(wins):
        sign = f"ahead in {'PSNR' if wins[0] else 'SSIM'} alone of"
    return f"{sign} {name} ({', '.join(words)})"


def cell(row: Found | None, count: int, rate: float) -> str:
    """PSNR and SSIM of a row, of how many pictures where not of all, and what it left unused."""
    if row is None or not row["met"]:
        return "none"
    likeness = "" if row["ssim"] is None else f" · {row['ssim']:.3f}"
    some = f" ({row['met']})" if row["met"] < count else ""
    used = row["bits_per_dim"]
    return f"{row['psnr']:.2f}{likeness}{some}" + (f" [{used:.3f}]" if used < FULL * rate else "")


def steps(found: Found) -> str:
    """What the picture of steps shows."""
    least = found["least_rise"]
    return (
        f"Mean PSNR of {found['images']} photographs of {found['size'][1]} x {found['size'][0]} "
        f"after each step. The least rise from one step to the next is {least:+.3f} dB (no more "
        f"than {FALL} dB may be lost).{silent(found)}\n\n![PSNR by stored steps](images/{PICTURE})"
    )


def silent(found: Found) -> str:
    """At which qualities the first step tells nothing, in a sentence."""
    psnr = {quality: one["psnr"] for quality, one in found["qualities"].items()}
    still = [quality for quality, one in psnr.items() if one[1] == one[0]]
    return f" At quality {', '.join(still)} the first step tells nothing." if still else ""


def draw(found: Found, folder: Path) -> Path:
    """The picture of PSNR by steps."""
    figure = new_figure(6.4, 3.8)
    axes = figure.add_axes((0.11, 0.15, 0.84, 0.8))
    plain(axes, "stored steps that are read", "mean PSNR, dB")
    for (quality, one), colour in zip(found["steps"]["qualities"].items(), COLOURS, strict=False):
        label = f"quality {quality}, {one['bits_per_dim']:.2f} bits/dim"
        axes.plot(range(len(one["psnr"])), one["psnr"], "o-", color=colour, ms=3, label=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    return save(render(figure), folder / PICTURE)


def cost(found: Found) -> str:
    """What exact arithmetic costs one model."""
    one, name = found["measured"], f"`{found['model']}` ({found['hash']})"
    if "excess" not in one:
        text = f"- {name}: it was trained to be rounded, and the bound is not what it is for."
        return text + rounding(found["rounding"]) if found.get("rounding") else text
    return (
        f"- {name}: {one['bits_exact'] - one['bits_float']:+.4f} bits per dimension, "
        f"{100 * one['excess']:.2f} % of the float model's {one['bits_float']:.3f}, on "
        f"{one['images']} images; {100 * one['active']:.0f} % of the latents are coded."
    )


def rounding(found: Found) -> str:
    """What rounded weights cost a model of lossy files."""
    more = found["more_bits_per_dim"]
    return (
        f" Its rounded weights cost {more:+.5f} bits per dimension, "
        f"{more / found['float']['bits_per_dim']:.2%} of the rate, and "
        f"{found['more_psnr']:+.4f} dB, on {found['images']} images (`runs/rounded.py`)."
    )


def page(found: Found) -> str:
    """The section about the codec."""
    costs = "\n".join(cost(one) for one in found["models"])
    sizes = "\n\n".join(rates(side, rows) for side, rows in found["rates"].items())
    return (
        f"## The codec\n\nBy `runs/codec.py`, commit {found.get('commit', 'unknown')}, with the "
        "models that serve each rate; see [The codec](codec.md).\n\n"
        "### Without loss\n\nBits per dimension, all bytes counted but names.\n\n"
        f"{lossless(found['lossless'])}\n\nExact arithmetic costs:\n\n{costs}\n\n"
        "### At equal bytes\n\nPSNR in dB and SSIM, means over the pictures for which there is a "
        "file so small, in brackets how many these are where not all, in square ones the bits per "
        f"dimension that were used where they are less than {FULL:.0%} of those there were. Tiles "
        f"of Kodak's photographs, made smaller by averaging boxes.\n\n{sizes}\n\n"
        f"### Step by step\n\n{steps(found['steps'])}\n"
    )

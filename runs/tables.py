"""Make the result pages from the rows in runs/results: `python runs/tables.py`.

Writes src/underdraw/report/results.md, which the documentation and the report show, and the tables
between the markers in the README.
"""

from typing import Any

import classifier_tables
import codec_tables
import omniglot_tables
import record
import study_tables
from origins import origins, rows
from underdraw import catalogue
from underdraw.files import write_text
from underdraw.report.tables import NEIGHBOURS

BINARY = {
    "binarized_mnist": "## Bounds\n\nFixed binarized MNIST, test split, nats per image, by "
    "`runs/draw_mnist.py` and `runs/convdraw.py`; importance-weighted bounds of 1,000 images and "
    f"more by `runs/tight.py`. {NEIGHBOURS} Weights of `draw_mnist_noattention_prior` do not ship.",
    "two_digits": "## Two digits\n\nTwo digits in 60x60, test split, nats per image, by "
    "`runs/convdraw.py`.",
}
PUBLISHED = {"draw_mnist": 80.97, "draw_mnist_noattention": 87.40}
"""DRAW (2015), Table 2."""
SETS = {"cifar10": "CIFAR-10", "imagenet64": "Photographs"}
PAPER = {
    "cifar10": "\nConvolutional DRAW (2016), Table 2, reports < 3.58 for ConvDRAW (320 maps, 32 "
    "steps), < 4.13 for DRAW and < 4.54 for a deep VAE, all with Gaussian pixels; "
    "numbers of coupled colours are bounds on the same bits, by a likelihood that the paper's "
    "models do not have. `_1` and `_2` are an earlier setting of `convdraw_cifar10_small`, 8 steps "
    "of one layer of 40 maps; `_2` went on from the weights of `_1`. The schedule of today's was "
    "made by a trial that other work had slowed, and lengthened by hand from 11,132 updates to "
    "18,600 after 4,747. It learns on an image with 5.7 GFLOP, the deep VAE with 4.1, whose "
    "weights, being many, do not ship.\n\n"
    "![Validation while training](images/curves_cifar10.png)\n",
    "imagenet64": "\n`convdraw_photo_1` saw crops of photographs and is measured on such; "
    "`convdraw_photo`, on crops of which every other one is of a photograph made smaller, sharper "
    "and harder to tell; `_mid`, on such crops and enlarged ones; `_low` and `_least`, on crops of "
    "which two of three are enlarged. `convdraw_photo` began with the weights of an earlier run of "
    "it and `_least` with those of an earlier one of `_low`, whose updates are not counted here; "
    "`_mid` with those of the sixth part of `_low`, which are. `_low`, `_least` and `_mid` were "
    "trained to be rounded, for lossy files, and their rate is that of cells; all three by "
    "errors alone, so that they have no bound. Weights ship as those of the newest exact models "
    "(`underdraw models`), which `underdraw evaluate` takes, too, as the float models that they "
    "were; those of `convdraw_photo_1` as `convdraw_photo@1`.\n\n"
    "Convolutional DRAW (2016) reports, on the validation split of ImageNet, < 4.40 at 32x32 and "
    "< 4.10 at 64x64, where PixelRNN has 3.86 and 3.63. That is another task: whole photographs "
    "made small, and models of 160 maps and 32 steps, where these here are small enough for a "
    "codec and see crops.\n",
}
README = record.ROOT / "README.md"
START, END = "<!-- results:start -->", "<!-- results:end -->"


def bounds(data: str = "binarized_mnist") -> str:
    """The table of bounds on a set of binary images, nats per image."""
    lines = [
        "| model | pixels | parameters | test bound | distortion | rate | importance-weighted "
        "| paper |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows(data):
        test, tight = row["test"], row["importance"]
        millions = f"{row['parameters'] / 1e6:.2f} M" if "parameters" in row else ""
        lines.append(
            f"| `{row['name']}` | {row.get('likelihood', 'bernoulli')} | {millions} "
            f"| **{test['nats']:.2f}** ± {test['stderr']:.2f} "
            f"| {test['distortion']:.2f} | {test['rate']:.2f} "
            f"| {_weighted(row.get('tight') or [tight])} | {_published(row['name'])} |"
        )
    return "\n".join(lines) + "\n"


def _published(name: str) -> str:
    """What the paper has, if it has it."""
    return f"{PUBLISHED[name]:.2f}" if name in PUBLISHED else ""


def _weighted(found: list[dict[str, Any] | None]) -> str:
    """Importance-weighted bounds, those that there are."""
    return ", ".join(
        f"{one['importance_nats']:.2f} ± {one['importance_stderr']:.2f} "
        f"(K = {one['importance_samples']:,}, {one['images']:,} images)"
        for one in found
        if one is not None
    )


def bits(data: str) -> str:
    """The table of bits per dimension on a set of 8-bit images."""
    lines = [
        "| model | likelihood | bits/dim | with exact mass | rate | nats |",
        "|---|---|---|---|---|---|",
    ]
    found = sorted(
        rows(data), key=lambda row: row["name"][-2:] in ("_1", "_2")
    )  # earlier ones last
    for row in found:
        test = row["test"]
        lines.append(
            f"| `{row['name']}` | {row.get('likelihood', 'gaussian')} "
            f"| {_trained(row, '**{bits_per_dim:.3f}**')} "
            f"| {_trained(row, '{bits_per_dim_discrete:.3f}')} | {test['rate_bits_per_dim']:.3f} "
            f"| {_trained(row, '{nats:.1f} ± {stderr:.1f}')} |"
        )
    return (
        f"## {SETS[data]}\n\nTest split, bits per dimension (a colour pixel has three): the bound "
        "on the density of uniformly dequantised pixels, and the same with the exact mass of the "
        "256 levels, which is what a lossless coder pays; the `coupled` likelihood is a mass from "
        "the start, so that both are one number; by `runs/convdraw.py`.\n\n"
        + "\n".join(lines)
        + f"\n\n{origins(found)}{PAPER.get(data, '')}"
    )


def _trained(row: dict[str, Any], told: str) -> str:
    """A number by the likelihood, where training minimised it at all."""
    return "" if row.get("changed", {}).get("error") == 1 else told.format(**row["test"])


def start() -> str:
    """Where the start leads with each of its parts."""
    row = record.read("start")
    lines = ["| start | training bound |", "|---|---|"]
    lines += [f"| {name} | {nats:.1f} |" for name, nats in row["train_nats"].items()]
    return "\n".join(lines) + "\n"


def beginning() -> str:
    """The section about the start."""
    updates = record.read("start")["updates"]
    return (
        f"## The start\n\nTraining bound after {updates} updates, nats per image, averaged "
        "over the last 25, by `runs/start.py`: the model of `draw_mnist_small`, batch 64, learning "
        "rate 1e-3 unless said otherwise. See [Training](training.md#the-start).\n\n"
        f"{start()}\n![Training bound of the first updates](images/start.png)\n"
    )


def zoo() -> str:
    """The weights that ship."""
    lines = [
        "All weights in the package (`underdraw models`):\n",
        "| model | test bound or error | measured on | size |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{one.name}` | {one.known_by} | {one.split} | {one.bytes / 1e6:.1f} MB |"
        for one in catalogue.shipped()
    ]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The generated part of the results page: a section for all that was run."""
    parts = [
        f"{head}\n\n{bounds(data)}\n{origins(rows(data))}"
        for data, head in BINARY.items()
        if rows(data)
    ]
    if has("omniglot"):
        parts.append(omniglot_tables.page(record.read("omniglot")))
    parts += [bits(data) for data in SETS if rows(data)]
    parts.append(study_tables.page())
    if found := rows("mnist_cluttered"):
        parts.append(classifier_tables.page(found))
    if has("codec"):
        parts.append(codec_tables.page(record.read("codec")))
    if has("start"):
        parts.append(beginning())
    return "\n".join(part for part in parts if part)


def has(name: str) -> bool:
    """Whether that was run."""
    return (record.RESULTS / f"{name}.json").is_file()


def readme() -> str:
    """The README with the tables of now."""
    before, rest = README.read_text("utf-8").split(START)
    return f"{before}{START}\n\n{bounds()}\n{zoo()}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Write both pages."""
    write_text(record.ROOT / "src" / "underdraw" / "report" / "results.md", page())
    write_text(README, readme())


if __name__ == "__main__":
    import tyro

    tyro.cli(main)

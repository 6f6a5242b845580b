"""Make the result pages from the rows in runs/results: `python runs/tables.py`.

Writes src/underdraw/report/results.md, which the documentation and the report show, and the tables
between the markers in the README.
"""

import json
from typing import Any

import codec_tables
import record
from underdraw import catalogue
from underdraw.files import write_text

SETS = {"cifar10": "CIFAR-10", "imagenet64": "Photographs"}
PAPER = {
    "cifar10": "\nConvolutional DRAW (2016), Table 2, reports < 3.58 for ConvDRAW (320 maps, 32 "
    "steps), < 4.13 for DRAW and < 4.54 for a deep VAE, all with Gaussian pixels; "
    "numbers of coupled colours are bounds on the same bits, by a likelihood that the paper's "
    "models do not have. `_1` is the first hour of `convdraw_cifar10_small`, which went on from "
    "its weights (`initial` in `runs/results`).\n\n"
    "![Validation while training](images/curves_cifar10.png)\n",
    "imagenet64": "\n`convdraw_photo_1` saw crops of photographs and is measured on such; the "
    "others, on crops of which every other one is of a photograph made smaller, sharper and harder "
    "to tell. They began with the weights of others, whose updates are not counted here (`initial` "
    "in `runs/results`). `_low` and `_mid` were trained to be rounded, for lossy files, and their "
    "rate is that of cells; the bound is not what they are for.\n",
}
README = record.ROOT / "README.md"
START, END = "<!-- results:start -->", "<!-- results:end -->"


def rows(data: str = "binarized_mnist") -> list[dict[str, Any]]:
    """Every row that is a bound on the test split of `data`."""
    found = [json.loads(p.read_text("utf-8")) for p in sorted(record.RESULTS.glob("*.json"))]
    return [row for row in found if "test" in row and row["data"] == f"{data}/test"]


def bounds() -> str:
    """The table of bounds, nats per image."""
    lines = [
        "| model | test bound | distortion | rate | importance-weighted | paper |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows():
        test, tight = row["test"], row["importance"]
        lines.append(
            f"| `{row['name']}` | **{test['nats']:.2f}** ± {test['stderr']:.2f} "
            f"| {test['distortion']:.2f} | {test['rate']:.2f} "
            f"| {_weighted(tight)} | {_published(row)} |"
        )
    return "\n".join(lines) + "\n"


def _published(row: dict[str, Any]) -> str:
    """What the paper has, if it has it."""
    return f"{row['paper']:.2f}" if "paper" in row else ""


def _weighted(tight: dict[str, Any] | None) -> str:
    """An importance-weighted bound, if there is one."""
    if tight is None:
        return ""
    return (
        f"{tight['importance_nats']:.2f} ± {tight['importance_stderr']:.2f} "
        f"(K = {tight['importance_samples']}, {tight['images']:,} images)"
    )


def origins(of: list[dict[str, Any]]) -> str:
    """Where each bound comes from."""
    lines = [
        "| model | data | images seen | minutes | machine | commit |",
        "|---|---|---|---|---|---|",
    ]
    for row in of:
        m = row["machine"]
        gpu = f", {m['gpu']}" if m["gpu"] else ""
        lines.append(
            f"| `{row['name']}` | {row['data']}, {row['test']['images']:,} images "
            f"| {row['images_seen']:,} | {row['minutes']:.0f} "
            f"| {m['processor']}, {_cores(m)}, {m['instructions']}{gpu}, torch {m['torch']} "
            f"| {row['commit']} |"
        )
    return "\n".join(lines) + "\n"


def _cores(machine: dict[str, Any]) -> str:
    """Cores, and threads where they are known."""
    used = {None: "", 1: ", one thread"}
    count = machine.get("threads")
    return f"{machine['cores']} cores{used.get(count, f', {count} threads')}"


def omniglot() -> str:
    """The comparison on Omniglot."""
    found = record.read("omniglot")
    lines = [
        "| model | test bound | distortion | rate | importance-weighted | the plain bound there |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        test, tight = row["test"], row["importance"]
        lines.append(
            f"| `{row['name']}` | **{test['nats']:.2f}** ± {test['stderr']:.2f} "
            f"| {test['distortion']:.2f} | {test['rate']:.2f} "
            f"| {tight['importance_nats']:.2f} ± {tight['importance_stderr']:.2f} "
            f"(K = {tight['importance_samples']:,}) | {tight['nats']:.2f} |"
        )
    images = found["rows"][0]["importance"]["images"]
    theirs = "; ".join(row["paper"] for row in found["rows"])
    return (
        "## Omniglot\n\n28x28, test split, nats per image, by `runs/omniglot.py`. Each row was "
        f"trained for at least {fewest(found, 'minutes')} minutes of its own at the best of "
        f"several learning rates, each of which was tried for {fewest(found, 'pilot_minutes')}; "
        "where other work ran beside, minutes of the clock are more. Importance-weighted bounds "
        f"are of the same {images} random images.\n\n"
        + "\n".join(lines)
        + f"\n\n{passed(found)}{begun(found)}{behind(found)}{tried(found)}\n"
        f"{origins(found['rows'])}\n"
        "![Validation while training](images/curves_omniglot.png)\n\n"
        "Convolutional DRAW (2016), Table 1, is about another 28x28 version of Omniglot, so that "
        f"its numbers are not to be compared with these: {theirs}.\n"
    )


def fewest(found: dict[str, Any], what: str) -> str:
    """The least minutes that a row was given."""
    return f"{min(row['effort'][what] for row in found['rows']):g}"


def begun(found: dict[str, Any]) -> str:
    """Which rows started from other weights, or at the edge of the rates that were tried."""
    return "".join(
        f"`{row['name']}` started from the weights of the same model, trained as a VAE for "
        f"{row['started']:g} minutes that are not counted: an update of K samples takes so long "
        "that in its own minutes it would see too few images to learn from nothing. Its validation "
        "bounds below are of K samples.\n\n"
        for row in found["rows"]
        if row["started"]
    ) + "".join(
        f"The search for the rate of `{row['name']}` ended at its edge, after {len(row['pilots'])}."
        "\n\n"
        for row in found["rows"]
        if row["learning_rate"] == min(pilot["learning_rate"] for pilot in row["pilots"])
        or row["learning_rate"] == max(pilot["learning_rate"] for pilot in row["pilots"])
    )


def behind(found: dict[str, Any]) -> str:
    """Whether the IWAE has yet to catch up with the VAE."""
    rows = {row["name"]: row for row in found["rows"]}
    vae, iwae = rows.get("vae_omniglot"), rows.get("iwae_omniglot")
    if not vae or not iwae:
        return ""
    more = vae["images_seen"] / iwae["images_seen"]
    if iwae["importance"]["importance_nats"] < vae["importance"]["importance_nats"]:
        return ""
    return (
        "By the importance-weighted bound the IWAE ends above the VAE, which saw "
        f"{more:.0f} times as many images: in this time it is not trained to its end, and which of "
        "the two is better is not shown.\n\n"
    )


def passed(found: dict[str, Any]) -> str:
    """When ConvDRAW's validation passed where DRAW's ended, if it did."""
    rows = {row["name"]: row for row in found["rows"]}
    draw, conv = rows.get("draw_omniglot"), rows.get("convdraw_omniglot_small")
    if not draw or not conv:
        return ""
    early = [one for one in conv["log"] if one["nats"] < draw["valid_nats"]]
    if not early:
        return ""
    return (
        f"ConvDRAW validated below where DRAW ended ({draw['valid_nats']:.2f} nats) after "
        f"{early[0]['minutes']:.1f} minutes.\n\n"
    )


def tried(found: dict[str, Any]) -> str:
    """The learning rates of the comparison, with what validation gave for them."""
    lines = [
        "| model | learning rates tried: validation | chosen | updates | best at | valid |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        pilots = sorted(row["pilots"], key=lambda pilot: pilot["learning_rate"])
        each = ", ".join(f"{p['learning_rate']:g}: {_nats(p['valid_nats'])}" for p in pilots)
        lines.append(
            f"| `{row['name']}` | {each} | {row['learning_rate']:g} | {row['updates']:,} "
            f"| {row['best_at']:,} | {row['valid_nats']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def _nats(value: float | None) -> str:
    return "broke down" if value is None else f"{value:.2f}"


def bits(data: str) -> str:
    """The table of bits per dimension on a set of 8-bit images."""
    lines = [
        "| model | likelihood | bits/dim | with exact mass | rate | nats |",
        "|---|---|---|---|---|---|",
    ]
    for row in (found := rows(data)):
        test = row["test"]
        lines.append(
            f"| `{row['name']}` | {row.get('likelihood', 'gaussian')} "
            f"| **{test['bits_per_dim']:.3f}** "
            f"| {test['bits_per_dim_discrete']:.3f} | {test['rate_bits_per_dim']:.3f} "
            f"| {test['nats']:.1f} ± {test['stderr']:.1f} |"
        )
    return (
        f"## {SETS[data]}\n\nTest split, bits per dimension (a colour pixel has three): the bound "
        "on the density of uniformly dequantised pixels, and the same with the exact mass of the "
        "256 levels, which is what a lossless coder pays; the `coupled` likelihood is a mass from "
        "the start, so that both are one number; by `runs/convdraw.py`.\n\n"
        + "\n".join(lines)
        + f"\n\n{origins(found)}{PAPER.get(data, '')}"
    )


def classifiers(found: list[dict[str, Any]]) -> str:
    """The table of errors on cluttered digits."""
    amounts = sorted({int(pieces) for row in found for pieces in row["clutter"]})
    lines = [
        "| model | seed | test error, 95 % interval | "
        + " | ".join(f"{n} pieces" for n in amounts) + " | published |",
        "|---|---|---|" + "---|" * len(amounts) + "---|",
    ]  # fmt: skip
    for row in found:
        test, clutter = row["test"], row["clutter"]
        errors = [percent(clutter[str(n)]["error"]) for n in amounts]
        known = ", ".join(f"{name}: {percent(e)}" for name, e in row["published"].items())
        lines.append(
            f"| `{row['name'].rsplit('_', 1)[0]}` | {row['seed']} | **{percent(test['error'])}**, "
            f"{percent(test['low'])} to {percent(test['high'])} | {' | '.join(errors)} | {known} |"
        )
    return (
        "## Cluttered MNIST\n\nShare of the 10,000 test images (100x100, 8 pieces of clutter) that "
        "are classified wrongly, and the same among fewer and more pieces than were trained with; "
        "by `runs/glimpser.py`. Published errors are those of DRAW (2015), Table 1, on its own "
        "draw of the clutter. Names that go on are earlier recipes: `_plain`, digits as they are; "
        "`_short`, the same for half as many updates; `_from_plain`, from the weights of `_plain` "
        "with four glimpses; `_switched`, plain and short, with four glimpses in its first half "
        "and eight in its second. Each can be made at its commit.\n\n"
        + "\n".join(lines)
        + f"\n\n{after_glimpses(found)}\n{feeding()}{origins(found)}"
    )


def feeding() -> str:
    """How many images are made while training consumes one."""
    if not (record.RESULTS / "clutter.json").is_file():
        return ""
    found = record.read("clutter")
    m, lines = found["machine"], ["| model | made | consumed | ratio |", "|---|---|---|---|"]
    lines += [
        f"| `{row['preset']}` | {row['made']:,.0f} | {row['consumed']:,.0f} | {row['ratio']:.1f} |"
        for row in found["rows"]
    ]
    return (
        "Images a second that the loader makes in its one thread, and that training consumes, "
        f"on {found['threads']} threads of {m['processor']}; by `runs/clutter.py`, commit "
        f"{found['commit']}.\n\n" + "\n".join(lines) + "\n\n"
    )


def after_glimpses(found: list[dict[str, Any]]) -> str:
    """The errors of those that look more than once, after every glimpse."""
    looking = [row for row in found if len(row["test"]["error_per_glimpse"] or []) > 1]
    if not looking:
        return ""
    most = max(len(row["test"]["error_per_glimpse"]) for row in looking)
    lines = [
        "| error after glimpse | " + " | ".join(str(t + 1) for t in range(most)) + " |",
        "|---|" + "---|" * most,
    ]
    for row in looking:
        errors = [percent(e) for e in row["test"]["error_per_glimpse"]]
        errors += [""] * (most - len(errors))
        lines.append(f"| `{row['name']}` | {' | '.join(errors)} |")
    return "\n".join(lines) + "\n"


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{100 * share:.2f} %"


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


def betas() -> str:
    """What models come to that were trained with several weights of the distortion."""
    found = record.read("study_beta")
    lines = ["| beta | bits/dim, without beta | rate | nats |", "|---|---|---|---|"]
    lines += [
        f"| {row['beta']:g} | {row['bits_per_dim']:.3f} | {row['rate_bits_per_dim']:.3f} "
        f"| {row['nats']:.1f} ± {row['stderr']:.1f} |"
        for row in found["betas"]
    ]
    return (
        f"## Several beta\n\n`{found['preset']}`, {found['updates']:,} updates each (about "
        f"{found['minutes_each']:g} minutes on one thread), {found['images']} images of "
        f"{found['split']}, by `runs/studies.py beta`, commit {found['commit']}. "
        "`underdraw report` shows samples.\n\n" + "\n".join(lines) + "\n"
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
        "## Bounds\n\nFixed binarized MNIST, test split, nats per image.\n\n"
        f"{bounds()}\n{origins(rows())}"
    ]
    if (record.RESULTS / "omniglot.json").is_file():
        parts.append(omniglot())
    parts += [bits(data) for data in SETS if rows(data)]
    if (record.RESULTS / "study_beta.json").is_file():
        parts.append(betas())
    if found := rows("mnist_cluttered"):
        parts.append(classifiers(found))
    if (record.RESULTS / "codec.json").is_file():
        parts.append(codec_tables.page(record.read("codec")))
    if (record.RESULTS / "start.json").is_file():
        parts.append(beginning())
    return "\n".join(parts)


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

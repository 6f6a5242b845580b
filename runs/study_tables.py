"""The part of the results page about studies: of Convolutional DRAW, and of single parts."""

from typing import Any

import record


def page() -> str:
    """A table for each study that was run."""
    sections = {
        "study_beta": betas, "study_steps": steps, "study_store": stored,
        "study_information": informed, "ablations": ablated,
    }  # fmt: skip
    return "\n".join(
        section(record.read(name))
        for name, section in sections.items()
        if (record.RESULTS / f"{name}.json").is_file()
    )


def betas(found: dict[str, Any]) -> str:
    """What models come to that were trained with several weights of the distortion."""
    rows = [
        f"{row['beta']:g} | {row['bits_per_dim']:.3f} | {row['rate_bits_per_dim']:.3f} "
        f"| {row['nats']:.1f} ± {row['stderr']:.1f}"
        for row in found["betas"]
    ]
    return (
        "## Several beta\n\nAn earlier "
        f"{_setting(found)}, {found['updates']:,} updates each (about "
        f"{found['minutes_each']:g} minutes on one thread), {found['images']} images of "
        f"{found['split']}, {_by('beta', found)} `underdraw report` shows samples.\n\n"
        + table("beta | bits/dim, without beta | rate | nats", rows)
    )


def table(heads: str, rows: list[str]) -> str:
    """Markdown of cells that are separated by bars."""
    rule = "---|" * (1 + heads.count("|"))
    return "\n".join([f"| {heads} |", f"|{rule}", *(f"| {row} |" for row in rows)]) + "\n"


def steps(found: dict[str, Any]) -> str:
    """What the same minutes come to with several numbers of steps."""
    rows = [
        f"{row['steps']} | {row['images']:,} | {row['images_per_s']:.0f} | {best(row):.3f}"
        for row in found["runs"]
    ]
    return (
        "## Several numbers of steps\n\nAn earlier "
        f"{_setting(found)}, with T steps of {found['maps']} maps, "
        f"{found['minutes_each']:g} minutes each at a constant learning rate, the best of its "
        f"validations, {_by('steps', found)}\n\n"
        + table("T | images seen | images a second | validation, bits/dim", rows)
    )


def best(row: dict[str, Any]) -> float:
    """The lowest validation bound of a run, bits per dimension."""
    return min(one["bits_per_dim"] for one in row["curve"] if one["kind"] == "valid")


def stored(found: dict[str, Any]) -> str:
    """The price of the first steps or of upper layers, and the error of what is made of them."""
    parts = [_parts(name, told, "steps", "steps stored") for name, told in found["models"].items()]
    layers = found.get("layers", {})
    parts += [_parts(name, told, "layers", "layers from") for name, told in layers.items()]
    return (
        "## Parts stored\n\nThe first steps, or the upper layers of all steps, and the rest "
        "generated; what it would take to store by an ideal code, "
        f"{_by('store', found)}\n\n" + "\n".join(parts)
    )


def _parts(name: str, told: dict[str, Any], key: str, head: str) -> str:
    """A row for each part that was stored."""
    rows = [
        f"{row[key] if row['bits'] else 'none'} | {row['bits']:,.0f} | {row['bits_per_dim']:.3f} "
        f"| {row['psnr']:.2f} dB"
        for row in told["stored"]
    ]
    heads = f"{head} | bits per image | bits/dim | PSNR, zero variance"
    return f"`{name}`, {told['images']} images of {told['split']}:\n\n{table(heads, rows)}"


def informed(found: dict[str, Any]) -> str:
    """What each layer and step says, in bits."""
    parts = []
    for name, told in found["models"].items():
        count = len(told["bits"][0])
        lines = [
            f"`{name}`, {told['images']} images of {told['split']}, bits per image:\n",
            "| layer | " + " | ".join(f"t = {t + 1}" for t in range(count)) + " | all |",
            "|---|" + "---|" * (count + 1),
        ]
        lines += [
            f"| {layer + 1} | {' | '.join(map(_bits, row))} | {told['layer_bits'][layer]:,.1f} |"
            for layer, row in enumerate(told["bits"])
        ]
        parts.append("\n".join(lines))
    by = _by("information", found)
    return (
        f"## What each step says\n\nKL of every layer and step, {by}\n\n"
        + "\n\n".join(parts)
        + "\n"
    )


def ablated(found: dict[str, Any]) -> str:
    """What single parts are worth."""
    heads = (
        "model | changed | validation bound | distortion | rate | images seen | parameters "
        "| products"
    )
    rows = [
        f"`{row['base']}` | {row['what']} | **{row['nats']:.2f}** ± {row['stderr']:.2f} "
        f"| {row['distortion']:.2f} | {row['rate']:.2f} | {row['images_seen']:,} "
        f"| {row['parameters']:,} | {row['precision']}"
        for row in found["rows"]
    ]
    commits = ", ".join(sorted({row["commit"] for row in found["rows"]}))
    minutes = _of([row["minutes"] for row in found["rows"]])
    threads = _of([row["machine"]["threads"] for row in found["rows"]])
    return (
        "## Single parts\n\nOne thing changed, or those that are named, the same minutes "
        f"({minutes}; threads: {threads}; on another machine than the base's those in which it "
        "trains the base for as many updates), the same learning rate and, where no other is "
        "named, the same seed; nats per image of the validation split, by `runs/ablations.py`, "
        f"commit {commits}. The first row of a model is its base. From one seed to another it "
        "differs by several nats: see [Training](training.md#draw-on-digits).\n\n"
        + table(heads, rows)
    )


def _of(values: list[float]) -> str:
    """All the values that there are."""
    return " or ".join(f"{value:g}" for value in sorted(set(values)))


def _setting(found: dict[str, Any]) -> str:
    """The preset, and what it was when the study was run."""
    return f"`{found['preset']}` ({found['setting']})"


def _bits(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _by(name: str, found: dict[str, Any]) -> str:
    """What made it."""
    return f"by `runs/studies.py {name}`, commit {found['commit']}."

"""The part of the results page about the comparison on Omniglot."""

from typing import Any

from origins import origins
from underdraw.presets import preset


def page(found: dict[str, Any]) -> str:
    """The comparison on Omniglot."""
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
        f"{origins(found['rows'])}\n{unthreaded(found)}"
        "![Validation while training](images/curves_omniglot.png)\n\n"
        "Convolutional DRAW (2016), Table 1, is about another 28x28 version of Omniglot, so that "
        f"its numbers are not to be compared with these: {theirs}.\n"
    )


def unthreaded(found: dict[str, Any]) -> str:
    """Which rows do not say how many threads they had."""
    rows = [f"`{row['name']}`" for row in found["rows"] if row["machine"].get("threads") is None]
    if not rows:
        return ""
    return (
        f"The threads of {' and '.join(rows)} were not noted; by their speed they had both cores "
        "when nothing ran beside, twice what the other rows had.\n\n"
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
            f"| {row['best_at']:,} | {row['valid_nats']:.2f}{weighted(row['name'])} |"
        )
    return "\n".join(lines) + "\n"


def weighted(name: str) -> str:
    """The number of samples of a validation bound, if it has several."""
    samples = preset(name).train.importance_samples
    return f" (K = {samples})" if samples > 1 else ""


def _nats(value: float | None) -> str:
    return "broke down" if value is None else f"{value:.2f}"

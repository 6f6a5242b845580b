"""The part of the results page about classifiers of cluttered digits."""

from typing import Any

import record
from origins import origins


def page(found: list[dict[str, Any]]) -> str:
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

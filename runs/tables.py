"""Make the result pages from the rows in runs/results: `python runs/tables.py`.

Writes docs/generated/results.md and the table between the markers in the README.
"""

import json
from typing import Any

import record
from underdraw.files import write_text

START, END = "<!-- results:start -->", "<!-- results:end -->"


def rows() -> list[dict[str, Any]]:
    """Every row that is a bound on a test split."""
    found = [json.loads(p.read_text("utf-8")) for p in sorted(record.RESULTS.glob("*.json"))]
    return [row for row in found if "test" in row]


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
            f"| {tight['importance_nats']:.2f} ± {tight['importance_stderr']:.2f} "
            f"(K = {tight['importance_samples']}, {tight['images']:,} images) "
            f"| {row['paper']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def origins() -> str:
    """Where each bound comes from."""
    lines = [
        "| model | data | images seen | minutes | machine | commit |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows():
        m = row["machine"]
        lines.append(
            f"| `{row['name']}` | {row['data']}, {row['test']['images']:,} images "
            f"| {row['images_seen']:,} | {row['minutes']:.0f} "
            f"| {m['processor']}, {m['cores']} cores, {m['instructions']}, torch {m['torch']} "
            f"| {row['commit']} |"
        )
    return "\n".join(lines) + "\n"


def start() -> str:
    """Where the start leads with each of its parts."""
    row = record.read("start")
    lines = ["| start | training bound |", "|---|---|"]
    lines += [f"| {name} | {nats:.1f} |" for name, nats in row["train_nats"].items()]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The generated part of the results page."""
    text = (
        "## Bounds\n\nFixed binarized MNIST, test split, nats per image.\n\n"
        f"{bounds()}\n{origins()}"
    )
    if not (record.RESULTS / "start.json").is_file():
        return text
    updates = record.read("start")["updates"]
    return (
        f"{text}\n## The start\n\nTraining bound after {updates} updates, nats per image, averaged "
        "over the last 25, by `runs/start.py`: the model of `draw_mnist_small`, batch 64, learning "
        "rate 1e-3 unless said otherwise. See [Training](training.md#the-start).\n\n"
        f"{start()}\n![Training bound of the first updates](images/start.png)\n"
    )


def main() -> None:
    """Write both pages."""
    write_text(record.ROOT / "docs" / "generated" / "results.md", page())
    path = record.ROOT / "README.md"
    before, rest = path.read_text("utf-8").split(START)
    after = rest.split(END)[1]
    write_text(path, f"{before}{START}\n\n{bounds()}\n{END}{after}")


if __name__ == "__main__":
    main()

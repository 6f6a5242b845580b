"""The rows of the results, and where each comes from."""

import json
from typing import Any

import record


def rows(data: str = "binarized_mnist") -> list[dict[str, Any]]:
    """Every row that is a bound on the test split of `data`."""
    found = [json.loads(p.read_text("utf-8")) for p in sorted(record.RESULTS.glob("*.json"))]
    return [row for row in found if "test" in row and row["data"] == f"{data}/test"]


def origins(of: list[dict[str, Any]]) -> str:
    """Where each bound comes from; `arithmetic` says what an operation is."""
    lines = [
        "| model | data | images seen | 10^15 operations | minutes | machine | commit |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in of:
        m = row["machine"]
        gpu = f", {m['gpu']}" if m["gpu"] else ""
        lines.append(
            f"| `{row['name']}` | {row['data']}, {row['test']['images']:,} images "
            f"| {row['images_seen']:,} | {counted(row.get('pflop'))} | {row['minutes']:.0f} "
            f"| {m['processor']}, {cores(m)}, {m['instructions']}{gpu}, torch {m['torch']} "
            f"| {row['commit']} |"
        )
    return "\n".join(lines) + "\n"


def counted(pflop: float | None) -> str:
    """Operations of training, where they were counted."""
    return "" if pflop is None else f"{pflop:.2f}"


def cores(machine: dict[str, Any]) -> str:
    """Cores, and threads where they are known."""
    used = {None: "", 1: ", one thread"}
    count = machine.get("threads")
    return f"{machine['cores']} cores{used.get(count, f', {count} threads')}"

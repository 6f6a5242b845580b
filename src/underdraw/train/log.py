"""What a run says: a line of JSON to log.jsonl, a live line to the terminal, optional trackers."""

import json
import math
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from underdraw.files import write_text

LOG = "log.jsonl"


class Log:
    """The voice of a run; silent except on the first process."""

    def __init__(self, run: Path, steps: int, start: int, accelerator: Any, quiet: bool) -> None:  # noqa: ANN401
        self.path, self.accelerator = run / LOG, accelerator
        self.speaks = accelerator.is_main_process
        console = Console(stderr=True, quiet=quiet or not self.speaks)
        self.live = sys.stderr.isatty()
        self.console = console
        self.progress = Progress(
            TextColumn("{task.completed}/{task.total}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=console,
            disable=not self.live,
        )
        self.task = self.progress.add_task("starting", total=steps, completed=start)
        if self.speaks:
            run.mkdir(parents=True, exist_ok=True)
            _cut(self.path, start)

    def __enter__(self) -> "Log":
        self.progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.progress.stop()

    def row(self, kind: str, step: int, **values: Any) -> None:  # noqa: ANN401
        """Write a row {"kind", "step", ...} and show it."""
        if not self.speaks:
            return
        plain = {key: _plain(value) for key, value in values.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, "step": step, **plain}) + "\n")
        self._show(kind, step, values)
        if self.accelerator.trackers:
            numbers = {k: v for k, v in values.items() if isinstance(v, int | float)}
            self.accelerator.log({f"{kind}/{k}": v for k, v in numbers.items()}, step=step)

    def _show(self, kind: str, step: int, values: dict[str, Any]) -> None:
        if kind == "train":
            text = f"{values['nats']:.2f} nats  {values['images_per_s']:.0f} images/s"
            self.progress.update(self.task, completed=step, description=text)
            if self.live:
                return
        shown = "  ".join(
            f"{key} {_short(value)}" if isinstance(value, float) else f"{key} {value}"
            for key, value in values.items()
        )
        self.console.print(f"{step:>7}  {kind:<6} {shown}", highlight=False, soft_wrap=True)


def read_log(run: Path) -> list[dict[str, Any]]:
    """The rows of a run's log; a last line cut short by a kill is left out."""
    path, rows = run / LOG, []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows


def _cut(path: Path, step: int) -> None:
    """Forget rows after `step`: the run will write them again."""
    rows = [row for row in read_log(path.parent) if row["step"] <= step] if step else []
    text = "".join(json.dumps(row) + "\n" for row in rows)
    write_text(path, text)


def _plain(value: Any) -> Any:  # noqa: ANN401
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _short(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"

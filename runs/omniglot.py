"""Omniglot, one fair comparison: VAE, IWAE (K = 50), DRAW and ConvDRAW on the same bits.

    python runs/omniglot.py --data DIR [--only ROW ...] [--minutes M] [--pilot-minutes P]

Every row goes the same way, by its own speed on this machine (`clock`):

1. A minute's trial says how fast it is.
2. Pilots: its whole schedule made small, so that it ends after P minutes, at a half, once and
   twice the learning rate of its preset, from the same seed. While the best is the lowest or the
   highest of those tried, the next one beyond is tried too, up to `MOST` in all.
3. The rate whose pilot validates best is trained from scratch for as many updates as take M
   minutes at the speed of the fastest pilot, and `MARGIN` more, so that no row has less than M.
   The cosine ends there. From scratch, because a schedule that goes down to 0 beats a constant
   rate, and a pilot that has gone down is not one to go on from.
4. The weights that were best on validation images are measured on the test split, once.

Interrupt it, kill it, run it again: it goes on in out/omniglot where it was, and rows that are done
stay done. What is done is in runs/results/omniglot.json. All rows train on the training split with
bits drawn anew each epoch; the bits that validate and test are fixed. Validating is not counted in
the minutes.

One row has more: an update of IWAE costs K passes, and in its M minutes it sees too few images to
learn from nothing. It starts from the same model trained as a VAE, at the rate of its preset, for
`START` minutes that are not counted either, and the rates that it tries are `LATER` times lower.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import arithmetic
import clock
import record
from underdraw.presets import Preset, preset
from underdraw.study.runs import finish, numbers_of
from underdraw.train import Diverged, read_log
from underdraw.train.precision import settled
from underdraw.train.state import with_precision

ROWS = ("vae_omniglot", "iwae_omniglot", "draw_omniglot", "convdraw_omniglot_small")
FAST = ("draw_omniglot", "iwae_omniglot")
"""As ConvDRAW's preset has it; the small products of the VAE gain nothing by bf16."""
FROM = {"iwae_omniglot": "vae_omniglot"}  # rows that start from weights trained for another bound
START = 40.0  # minutes of that
LATER = 0.125  # of the preset's learning rate, from weights that are trained
FACTORS = (1.0, 0.5, 2.0)  # learning rates to try, in the preset's
MOST = 5
MARGIN = 1.05
PAPER = {
    "vae_omniglot": "VAE 106.31",
    "iwae_omniglot": "IWAE 103.38",
    "draw_omniglot": "DRAW < 96.5",
    "convdraw_omniglot_small": "ConvDRAW, of another size, < 91.0",
}


@dataclass(frozen=True)
class Effort:
    """What every row is given."""

    minutes: float = 60.0
    """Of training at the best learning rate."""
    pilot_minutes: float = 5.0
    """Of training at each learning rate that is tried."""
    trial_minutes: float = 1.0
    """To find out the speed."""


def base(name: str) -> Preset:
    """The experiment of a row."""
    found = preset(name)
    return settled(with_precision(found, "fast") if name in FAST else found)


def started(found: Preset, home: Path, root: Path | None) -> Preset:
    """The experiment, to start from weights that are trained first if the row is one of `FROM`."""
    if found.name not in FROM:
        return found
    before, run = base(FROM[found.name]), home / "start"
    speed = clock.once(
        home / "start.json", lambda: clock.trial(before, home / "start_trial", root, 1.0)
    )
    finish(clock.scheduled(before, clock.updates(before, speed, START), 4), run, root)
    rate = found.train.learning_rate * LATER
    return replace(found, train=replace(found.train, initial=str(run), learning_rate=rate))


def at_rate(found: Preset, factor: float) -> Preset:
    """The experiment with its learning rate times `factor`."""
    rate = found.train.learning_rate * factor
    return replace(found, train=replace(found.train, learning_rate=rate))


def next_factor(tried: Mapping[float, float]) -> float | None:
    """The factor of the learning rate to try next, or None if it is found.

    Args:
        tried: what validation gave for each so far, nats; infinite where the cost broke down.
    """
    for factor in FACTORS:
        if factor not in tried:
            return factor
    best = min(tried, key=lambda factor: tried[factor])
    beyond = {min(tried): best / 2, max(tried): best * 2}
    return beyond.get(best) if len(tried) < MOST else None


def pilot(found: Preset, run: Path, root: Path | None) -> dict[str, Any]:
    """What one learning rate comes to in a small schedule; nats are None if the cost broke down."""
    try:
        finish(found, run, root)
        best = numbers_of(run).best
    except Diverged:
        best = None
    return {
        "learning_rate": found.train.learning_rate, "valid_nats": best,
        "updates": found.train.steps, "minutes": numbers_of(run).minutes,
        "updates_per_minute": clock.speed(run),
    }  # fmt: skip


def pilots(found: Preset, home: Path, root: Path | None, effort: Effort) -> dict[float, Any]:
    """The pilots of a row by their factors."""
    speed = clock.once(
        home / "trial.json", lambda: clock.trial(found, home / "trial", root, effort.trial_minutes)
    )
    small = clock.scheduled(found, clock.updates(found, speed, effort.pilot_minutes), 4)
    done: dict[float, Any] = {}
    while (factor := next_factor({f: nats(p) for f, p in done.items()})) is not None:
        path = home / f"pilot_{factor:g}"
        changed = at_rate(small, factor)
        done[factor] = clock.once(
            path.with_name(f"{path.name}.json"), lambda c=changed, p=path: pilot(c, p, root)
        )
    return done


def nats(pilot: Mapping[str, Any]) -> float:
    """What a pilot came to, infinite if its cost broke down."""
    return math.inf if pilot["valid_nats"] is None else pilot["valid_nats"]


def best_factor(done: Mapping[float, Any]) -> float:
    """The factor of the pilot that validates best.

    Raises:
        ValueError: the cost of all broke down.
    """
    best = min(done, key=lambda factor: nats(done[factor]))
    if math.isinf(nats(done[best])):
        raise ValueError(f"the cost of every pilot broke down: {list(done.values())}")
    return best


def train_row(name: str, home: Path, root: Path | None, effort: Effort) -> dict[str, Any]:
    """Try, pick and train a row, or what is left of that; returns what the pilots came to.

    Raises:
        ValueError: `home` was begun with another effort.
    """
    begun = clock.once(home / "effort.json", lambda: asdict(effort))
    if begun != asdict(effort):
        raise ValueError(f"{home} was begun with {begun}, not {asdict(effort)}")
    found = started(base(name), home, root)
    done = pilots(found, home, root, effort)
    record.begin(home / "full")
    per_minute = max(pilot["updates_per_minute"] for pilot in done.values())
    chosen = at_rate(found, best_factor(done))
    finish(
        clock.scheduled(chosen, math.ceil(MARGIN * per_minute * effort.minutes), 20),
        home / "full",
        root,
    )
    return {
        "learning_rate": chosen.train.learning_rate,
        "precision": chosen.train.precision,
        "effort": asdict(effort),
        "started": START if name in FROM else None,
        "pilots": list(done.values()),
    }


def main(
    data: Path | None = None,
    only: tuple[str, ...] = (),
    minutes: float = 60.0,
    pilot_minutes: float = 5.0,
    trial_minutes: float = 1.0,
    samples: int = 5000,
    few_samples: int = 50,
    images: int = 200,
    out: Path = record.ROOT / "out" / "omniglot",
) -> None:
    """Try, train and measure the rows, or those named in `only`.

    Args:
        data: local mirror of the data; None asks the hub.
        only: rows.
        minutes: of training for each row, at its best learning rate.
        pilot_minutes: of training at each rate that is tried.
        trial_minutes: to find out the speed.
        samples: K of the importance-weighted bound of the VAEs.
        few_samples: K for the DRAWs, whose passes cost more.
        images: random test images for it, the same for all rows.
        out: folder of the runs.
    """
    if unknown := set(only) - set(ROWS):
        raise ValueError(f"no row {sorted(unknown)}; there are {', '.join(ROWS)}")
    effort = Effort(minutes, pilot_minutes, trial_minutes)
    for name in only or ROWS:
        home, k = out / name, few_samples if "draw" in name else samples
        tried = train_row(name, home, data, effort)
        record.measure(home / "full", data, k, images, **tried)
        collect(out)


def collect(out: Path) -> Path:
    """Write the rows that are measured into the results; those without a run here stay as told."""
    begun = (record.RESULTS / "omniglot.json").is_file()
    rows = {row["name"]: row for row in (record.read("omniglot")["rows"] if begun else [])}
    for name in ROWS:
        run = out / name / "full"
        if (run / record.TEST).is_file():
            told = {"paper": PAPER[name], "log": validations(run)}
            rows[name] = {"name": name, **record.measured(run), **told}
    ordered = [counted(rows[name]) for name in ROWS if name in rows]
    return record.write("omniglot", data="omniglot/test", rows=ordered)


def counted(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the operations of its training, also where it is older than their counting."""
    found, updates = base(row["name"]), row["updates"]
    train = replace(found.train, steps=updates)
    return {"pflop": arithmetic.pflop(found.model, train, updates, row["images_seen"]), **row}


def validations(run: Path) -> list[dict[str, Any]]:
    """The rows of a run's log that are about validation."""
    return [row for row in read_log(run) if row["kind"] == "valid"]


if __name__ == "__main__":
    import tyro

    tyro.cli(main)

"""What single parts of the models are worth, at equal compute.

    python runs/ablations.py --data DIR [--minutes M] [--only NAME ...]

Every row is its base with one thing changed, trained from the same seed with a schedule that ends
after M minutes, by a minute's trial (`clock`): a part that costs time takes fewer updates. Rows
that change the seed alone show how far the others can be trusted. Where the base has a row, perhaps
of another machine, the time is that in which this machine trains the base for as many updates, by a
trial of the base, so that rows of several machines can be compared.
Early glimpses are those of the base, as far as the row has more. No row has its own learning rate:
DRAW's is four times that of `draw_mnist`, as minutes ask for. Products are in bf16 or in float32,
whichever is faster on the machine. The number is the bound on the whole
validation split with the weights that were best on 2,000 of its images; the test split is not
looked at.

    DRAW on binarized MNIST      the model of `draw_mnist` with 32 glimpses
    ConvDRAW on Omniglot         `convdraw_omniglot_small`

Runs are in out/ablations and resume; rows that are done stay done. Run it with one thread on a core
of its own (OMP_NUM_THREADS=1), or rows that wait for each other are compared with rows that do not;
and the first on another machine alone, as it also tries the base.
The numbers go to runs/results/ablations.json.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import clock
import record
from underdraw import checkpoint
from underdraw.fast import faster
from underdraw.presets import Preset, preset
from underdraw.study.runs import finish, numbers_of

GLIMPSES = 32
FAST = 8e-3  # learning rate of DRAW: from nothing and in minutes, high ones lead


@dataclass(frozen=True)
class Row:
    """A base, and what is changed."""

    what: str
    base: str
    changes: dict[str, Any]
    seed: int = 0


DRAW, CONVDRAW = "draw_mnist", "convdraw_omniglot_small"
ROWS = {
    "draw": Row("2x2 read, 5x5 write, 32 glimpses", DRAW, {}),
    "draw_1": Row("from another seed", DRAW, {}, 1),
    "draw_2": Row("from a third seed", DRAW, {}, 2),
    "read_1": Row("read 1x1", DRAW, {"read_size": 1}),
    "read_5": Row("read 5x5", DRAW, {"read_size": 5}),
    "write_3": Row("write 3x3", DRAW, {"write_size": 3}),
    "write_8": Row("write 8x8", DRAW, {"write_size": 8}),
    "large": Row("read 8x8, write 8x8, learned prior", DRAW,
                 {"read_size": 8, "write_size": 8, "learned_prior": True}),
    "glimpses_16": Row("16 glimpses", DRAW, {"steps": 16}),
    "glimpses_64": Row("64 glimpses", DRAW, {"steps": 64}),
    "prior": Row("learned prior", DRAW, {"learned_prior": True}),
    "no_norm": Row("no LayerNorm", DRAW, {"layer_norm": False}),
    "windows": Row("windows start from border to border, as in Eq. 24", DRAW,
                   {"tiled_windows": False}),
    "convdraw": Row("16 steps, 48 maps, posterior scale from the image", CONVDRAW, {}),
    "constant": Row("posterior scale a constant", CONVDRAW, {"constant_scale": True}),
}  # fmt: skip
BASES = {row.base: name for name, row in ROWS.items() if not (row.changes or row.seed)}


def changed(row: Row, precision: str) -> Preset:
    """The experiment of a row."""
    found = preset(row.base)
    given = {"steps": GLIMPSES, **row.changes} if row.base == DRAW else row.changes
    model = replace(found.model, **given)
    fewer = tuple((share, count) for share, count in found.train.glimpses if count < model.steps)
    rate = FAST if row.base == DRAW else found.train.learning_rate
    train = replace(
        found.train, precision=precision, glimpses=fewer, learning_rate=rate, seed=row.seed
    )
    return replace(found, model=model, train=train)


def pace(found: Preset, home: Path, root: Path | None) -> float:
    """Updates a minute with all steps, by a trial in a folder, once in each precision."""
    name = f"trial_{found.train.precision}"
    return clock.once(home / f"{name}.json", lambda: clock.trial(found, home / name, root, 1.0))


def allowed(row: Row, out: Path, root: Path | None, minutes: float, precision: str) -> float:
    """Minutes of this machine for a row: those of its base's row, if there is one.

    Raises:
        ValueError: the base had other minutes than these.
    """
    told = {made["name"]: made for made in earlier()}.get(BASES[row.base])
    if told is None:
        return minutes
    if told["minutes"] != minutes:
        raise ValueError(f"{row.base} was given {told['minutes']:g} minutes, not {minutes:g}")
    found = changed(ROWS[told["name"]], precision)
    full = told["updates"] * clock.cost(found.train, getattr(found.model, "steps", 1))
    return full * (1 - 1e-9) / pace(found, out / told["name"], root)  # `updates` rounds up


def earlier() -> list[dict[str, Any]]:
    """The rows that are measured."""
    begun = (record.RESULTS / "ablations.json").is_file()
    return record.read("ablations")["rows"] if begun else []


def measured(
    row: Row, home: Path, root: Path | None, minutes: float, precision: str
) -> dict[str, Any]:
    """Train a row in its folder, or what is left of that, and validate it; raises as `allowed`."""
    found, run, out = changed(row, precision), home / "full", home.parent
    here = clock.once(
        home / f"allowed_{precision}.json", lambda: allowed(row, out, root, minutes, precision)
    )
    origin = record.begin(run)
    same = home if row.changes else out / BASES[row.base]  # another seed is as fast
    updates = clock.updates(found, pace(found, same, root), here)
    finish(clock.scheduled(found, updates, 10), run, root)
    model, state = checkpoint.load_latent(run), numbers_of(run)
    bound = record.bound(model, found.data, root, "valid")
    return {
        "what": row.what, "base": row.base, "data": f"{found.data.name}/valid",
        "minutes": minutes, "precision": precision, "trained": state.minutes,
        "updates": state.step, "images_seen": state.images,
        "parameters": sum(p.numel() for p in model.parameters()),
        "images": bound.images, "nats": bound.nats, "stderr": bound.stderr,
        "distortion": bound.distortion, "rate": bound.rate, **origin,
    }  # fmt: skip


def collect(out: Path) -> Path:
    """Write the rows that are measured into the results; those without a run here stay as told."""
    rows = {row["name"]: row for row in earlier()}
    for name in ROWS:
        if (out / name / "row.json").is_file():
            rows[name] = {"name": name, **clock.once(out / name / "row.json", dict)}
    return record.write("ablations", rows=[rows[name] for name in ROWS if name in rows])


def main(
    data: Path | None = None,
    minutes: float = 10.0,
    only: tuple[str, ...] = (),
    precision: Literal["float32", "bf16"] | None = None,
    out: Path = record.ROOT / "out" / "ablations",
) -> None:
    """Train and validate the rows, or those named in `only`.

    Args:
        data: local mirror of the data; None asks the hub.
        minutes: of training for each row; those of the base's row, if it has one.
        only: rows.
        precision: of the products; None takes the one in which they are faster here.
        out: folder of the runs.
    """
    if unknown := set(only) - set(ROWS):
        raise ValueError(f"no row {sorted(unknown)}; there are {', '.join(ROWS)}")
    products = precision or faster()
    for name in only or ROWS:
        home = out / name
        made = clock.once(
            home / "row.json", lambda r=ROWS[name], h=home: measured(r, h, data, minutes, products)
        )
        if made["minutes"] != minutes:
            raise ValueError(f"{home} was given {made['minutes']:g} minutes, not {minutes:g}")
        if precision not in (None, made["precision"]):
            raise ValueError(f"{home} was trained in {made['precision']}, not {precision}")
        collect(out)


if __name__ == "__main__":
    import tyro

    tyro.cli(main)

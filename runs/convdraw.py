"""Train a preset, measure it on the test split once, and ship it if asked to.

    python runs/convdraw.py NAME --data DIR [--minutes M] [--max-minutes m] [--now] [--ship]

For `convdraw_cifar10_small`, `deepvae_cifar10_small`, `convdraw_omniglot_small`, `convdraw_cifar10`
and any other preset. The run is in out/NAME and resumes. With --minutes the schedule is made to end
after so many minutes on this machine, by a minute's trial (`clock`); without, it is the preset's.
--max-minutes is how long this call may train: run it again to go on. A run that was begun keeps its
settings, so --run can also name one that another script trained; --initial can name the folder of a
run to go on from (`parts`), best with another --seed. The weights are those that were best on
validation images; the test split is looked at when the schedule is finished, or --now, and never
for a run in another folder, a trial, unless it ships. The numbers go to runs/results/NAME.json.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import clock
import parts
import record
from origins import cores
from underdraw.configs import from_json
from underdraw.data import describe, is_binary
from underdraw.presets import Preset, preset
from underdraw.report.tables import NEIGHBOURS
from underdraw.train import train
from underdraw.train.precision import settled

CARD = """# {name}

{summary}; {parameters:,} parameters.

- **Trained on** the training split of `{data}` for {updates:,} updates ({images_seen:,}
  images), {minutes:.0f} minutes{machine}, by
  `runs/convdraw.py`. These are the weights of the update that was best on validation
  images.{initial}{stored}
- **Test bound** ({images:,} images, one sample each): {bound}.
{pixels}- **Use:** studying, teaching and generating such images. It knows nothing else.
- **Licence:** Apache-2.0. The images: {licence}.
"""

SHIPPED = (
    "images", "nats", "stderr", "distortion", "rate", "bits_per_dim", "bits_per_dim_discrete",
    "rate_bits_per_dim",
)  # fmt: skip


def settings(
    name: str,
    run: Path,
    root: Path | None,
    minutes: float | None,
    steady: bool = False,
    **changes: Any,  # noqa: ANN401
) -> Preset:
    """The settings of the run in that folder, or of one to begin."""
    begun = run / "preset.json"
    if begun.is_file():
        return from_json(Preset, json.loads(begun.read_text(encoding="utf-8")))
    given = {key: value for key, value in changes.items() if value is not None}
    if steady:
        if "beta_from" in given:
            raise ValueError(f"beta is to be steady, and to fall from {given['beta_from']}")
        given["beta_from"] = None
    found = preset(name)
    found = replace(found, train=replace(found.train, **given))
    if "seed" in given and found.data.crop is not None:  # other crops, in another order
        found = replace(found, data=replace(found.data, seed=given["seed"]))
    found = settled(found)  # a trial is then of what is trained
    if minutes is None:
        return found
    speed = clock.once(run / "trial.json", lambda: clock.trial(found, run / "trial", root, 1.0))
    return clock.scheduled(found, clock.updates(found, speed, minutes), 20)


def carried(
    found: Preset, run: Path, root: Path | None, max_minutes: float | None, now: bool
) -> bool:
    """Train what is left to train of a run; whether it is to be measured, as it has been or `now`.

    A run that was measured is left alone.
    """
    if (run / record.TEST).is_file():
        return True
    record.begin(run, found.train.initial)
    outcome = train(found, run, root=root, resume=True, max_minutes=max_minutes)
    if outcome.reason == "finished" or now:
        return True
    print(f"stopped at update {outcome.step} by {outcome.reason}; run again to go on")
    return False


def bound(found: Preset, row: dict[str, Any]) -> str:
    """The test bound in words."""
    test, tight = row["test"], row["importance"]
    if row.get("changed", {}).get("error") == 1:
        return f"none, as only errors were minimised; rate {test['rate_bits_per_dim']:.3f} bits/dim"
    if not is_binary(found.data):
        density = found.model.likelihood == "gaussian"
        exact = f"{test['bits_per_dim_discrete']:.3f} with the exact mass of the 256 levels; "
        return (
            f"**{test['bits_per_dim']:.3f} bits per dimension**, of which rate "
            f"{test['rate_bits_per_dim']:.3f}; {exact if density else ''}"
            f"{test['nats']:.1f} +- {test['stderr']:.1f} nats per image"
        )
    text = (
        f"**{test['nats']:.2f} +- {test['stderr']:.2f} nats**, of which distortion "
        f"{test['distortion']:.2f} and rate {test['rate']:.2f}"
    )
    if tight is None:
        return text
    return (
        f"{text}; importance-weighted (K = {tight['importance_samples']}, {tight['images']} random "
        f"test images) {tight['importance_nats']:.2f} +- {tight['importance_stderr']:.2f}, where "
        f"the plain bound is {tight['nats']:.2f}"
    )


def pixels(found: Preset) -> str:
    """What is to be known before a bound is compared with others."""
    if getattr(found.model, "likelihood", "") != "neighbours":
        return ""
    lines = NEIGHBOURS.replace("\n", "\n  ")
    return f"- **Pixels:** {lines}\n"


def card(name: str, found: Preset, row: dict[str, Any]) -> str:
    """The card of a model that ships."""
    m = row["machine"]
    machine = m["gpu"] or f"{m['processor']} ({cores(m)}, {m['instructions']})"
    return CARD.format(
        name=name, summary=found.summary, parameters=row["parameters"], data=found.data.name,
        updates=row["updates"], images_seen=row["images_seen"],
        minutes=row["minutes"], machine=parts.where(row, machine), images=row["test"]["images"],
        bound=bound(found, row), initial=parts.in_words(row), pixels=pixels(found),
        stored=" They are rounded to float16." if row.get("half") else "",
        licence=describe(found.data).licence,
    )  # fmt: skip


def main(
    name: str,
    data: Path | None = None,
    minutes: float | None = None,
    max_minutes: float | None = None,
    learning_rate: float | None = None,
    batch: int | None = None,
    pace: int | None = None,
    precision: Literal["float32", "bf16", "fast"] | None = None,
    initial: str | None = None,
    updates: int | None = None,
    kl_warmup: int | None = None,
    beta: float | None = None,
    error: float | None = None,
    structure: float | None = None,
    whole: bool = False,
    beta_from: tuple[float, float] | None = None,
    steady: bool = False,
    seed: int | None = None,
    run: Path | None = None,
    importance_samples: int = 0,
    images: int = 100,
    now: bool = False,
    ship: bool = False,
    half: bool = False,
) -> None:
    """Train, measure, ship.

    Args:
        name: of the preset.
        data: local mirror of the data; None asks the hub.
        minutes: make the schedule end after so many minutes of training in all.
        max_minutes: stop this call, resumable, after so many minutes.
        learning_rate: another than the preset's.
        batch: another than the preset's.
        pace: another than the preset's.
        precision: another than the preset's.
        initial: model whose weights to start from.
        updates: of the schedule, if not the preset's.
        kl_warmup: updates in which the rate gets its weight, if not the preset's.
        beta: weight of the pixels, if not the preset's.
        error: share of the distortion that goes by squared errors, if not the preset's.
        structure: how much of that goes by structural dissimilarity, if not the preset's.
        whole: take all steps from the start, though the preset begins with fewer.
        beta_from: a larger beta at first and the share of updates in which it falls.
        steady: keep to one beta from the start, though the preset begins with a larger one.
        seed: of the order of images, their crops and the noise, if not the preset's.
        run: the run's folder; out/NAME if not given.
        importance_samples: K of the importance-weighted bound; 0 leaves it out.
        images: random test images for it.
        now: measure what is best so far, though the schedule is not finished.
        ship: put the model into the package.
        half: round the weights to float16, before they are measured.
    """
    run = record.ROOT / "out" / name if run is None else run
    found = settings(
        name, run, data, minutes, learning_rate=learning_rate, batch=batch, pace=pace,
        precision=precision, initial=initial, steps=updates, kl_warmup=kl_warmup, beta=beta,
        error=error, structure=structure, beta_from=beta_from, seed=seed,
        glimpses=() if whole else None, steady=steady,
    )  # fmt: skip
    if not carried(found, run, data, max_minutes, now):
        return
    if not ship and run.resolve() != (record.ROOT / "out" / name).resolve():
        print(f"{run}: {parts.validations(run)[-1]}; only what ships is measured on test")
        return
    record.measure(run, data, importance_samples, images, half)
    row = record.measured(run)
    record.write(name, **row, log=parts.validations(run))
    if ship:
        plain = {key: row["test"][key] for key in SHIPPED if row["test"][key] is not None}
        record.ship(run, name, card(name, found, row), split=row["data"], **plain)
    print(f"{name}: {bound(found, row)}")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))

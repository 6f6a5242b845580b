"""Go on from a model that ships, when the folder of its run is gone.

    python runs/revive.py NAME [--run DIR]
    python runs/convdraw.py NAME --initial out/NAME_before --seed 2 ...

Puts the shipped weights of NAME (of the newest exact model, if it ships as one, in float32 again)
into out/NAME_before, with its row of the results, so that what goes on from there tells of all
parts.
"""

from pathlib import Path

import parts
import record
from underdraw import checkpoint
from underdraw.codec import exact
from underdraw.files import write_json


def main(name: str, run: Path | None = None) -> None:
    """Write the folder.

    Args:
        name: of a preset whose weights ship.
        run: the folder; out/NAME_before if not given.

    Raises:
        SystemExit: there is such a folder.
    """
    run = record.ROOT / "out" / f"{name}_before" if run is None else run
    if run.exists():
        raise SystemExit(f"{run} exists")
    row = record.read(name)  # fails, if at all, before there is a folder
    if name in checkpoint.shipped():
        model = checkpoint.load_latent(name)
    else:
        model = exact.float_of(exact.load(name))
    checkpoint.save(model, run)
    write_json(run / parts.TOLD, row)
    print(f"{run}: {row['updates']:,} updates, {row['minutes']:.0f} minutes")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))

"""Store shipped weights in float16 and measure them again.

    python runs/halve.py NAME... --data DIR

For models that were measured, and shipped, in float32; `runs/convdraw.py --half` rounds before it
measures. The bound on the whole test split goes to runs/results/NAME.json and to the model's
config, in the place of the old one; an importance-weighted one stays, that of the weights before.
"""

from dataclasses import asdict
from pathlib import Path

import record
from underdraw import checkpoint
from underdraw.configs import from_json
from underdraw.data import DataConfig

USE = "- **Use:**"
STORED = "- **Stored** in float16, and measured again: {nats:.2f} +- {stderr:.2f} nats.\n"
KEPT = ("preset", "data", "train", "trained", "licence")


def main(names: tuple[str, ...], data: Path | None = None) -> None:
    """Round, measure, ship again.

    Args:
        names: shipped models with a row of their own in the results.
        data: local mirror of the data; None asks the hub.
    """
    for name in names:
        folder, row = record.ZOO / name, record.read(name)
        about, model = checkpoint.describe(folder), checkpoint.load_latent(folder).half().float()
        told = asdict(record.bound(model, from_json(DataConfig, about["data"]), data))
        found = {key: value for key, value in told.items() if "importance" not in key}
        measured = {key: found.get(key, value) for key, value in about["measured"].items()}
        card = (folder / checkpoint.CARD).read_text(encoding="utf-8")
        card = card.replace(USE, STORED.format(**found) + USE)
        checkpoint.save(
            model, folder, card=card, half=True, measured=measured,
            **{key: about[key] for key in KEPT},
        )  # fmt: skip
        record.rewrite({**row, "test": {**row["test"], **found}, "half": True})
        print(f"{name}: {found['nats']:.4f} +- {found['stderr']:.4f} nats")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))

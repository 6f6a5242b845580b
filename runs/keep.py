"""Keep a picture that a run left, for the report: `python runs/keep.py NAME PICTURE ...`.

    python runs/keep.py steps out/study/steps/steps.png "what it shows" "of which run"

The picture goes to src/underdraw/report/kept/NAME.png with at most 256 colours and at most `side`
pixels a side, and NAME.json beside it says what it shows, from which run, and the commit and
machine of the moment: keep it where and when it was made. NAME is one that
`underdraw.report.kept.WANTED` waits for.
"""

from pathlib import Path

from PIL import Image

import record
from underdraw.files import write_json
from underdraw.plot import save
from underdraw.report.kept import KEPT, WANTED


def main(name: str, picture: Path, caption: str, run: str, side: int = 1600) -> None:
    """Keep a picture.

    Args:
        name: that the report knows it by.
        picture: file of it.
        caption: what it shows, a sentence or two.
        run: command, data and minutes.
        side: longest side, pixels.

    Raises:
        ValueError: the report does not wait for that name.
    """
    known = [one.kept for one in WANTED]
    if name not in known:
        raise ValueError(f"the report knows {', '.join(known)}, not {name!r}")
    with Image.open(picture) as found:
        shown = found.convert("RGB")
    shown.thumbnail((side, side), Image.Resampling.LANCZOS)
    path = save(shown.quantize(256), KEPT / f"{name}.png")
    about = {"caption": caption, "run": run, "commit": record.commit(), "machine": record.machine()}
    write_json(KEPT / f"{name}.json", about)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    import tyro

    tyro.cli(main, config=(tyro.conf.PositionalRequiredArgs,))

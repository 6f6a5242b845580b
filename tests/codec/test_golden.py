"""Files that must decode for ever, to the same levels; a change of bits is a new format version.

KIND.udr             written with tests/golden/tiny@1 from the parrots: 40 x 28 pixels, and five of
                     12 x 9; encoders must still write the same bytes
NAME@V.KIND.udr      the same pictures, written with a model that ships; found by its hash alone
first.KIND.udr       by the first encoder, which rounded otherwise; with tests/golden/tiny@1

`python -m codec.test_golden NAME@V`, in tests, writes the files of a model when it first ships.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.crops import GOLDEN, crops, tiny
from underdraw.codec import archive, exact
from underdraw.codec.container import parse, parse_archive
from underdraw.codec.decoding import decompress, picture_of
from underdraw.codec.encoding import compress_all
from underdraw.codec.exact import Twin
from underdraw.codec.library import twin_named, twin_of
from underdraw.codec.wishes import Wish

WISHES = {
    "lossy": Wish(quality=70.0),
    "steps": Wish(quality=80.0, steps=2),
    "budget": Wish(bits_per_dim=0.9),
    "lossless": Wish(lossless=True),
    "tiles": Wish(quality=70.0, tile=(11, 16)),
}
FIRST = "first"
DIGESTS = "digests.json"


def picture(name: str) -> np.ndarray:
    """The picture of a golden file, (H, W, channels); "grey" ones have one channel."""
    levels = crops(1, 28, 40)[0]
    if name.endswith("clear"):
        levels = np.concatenate([levels, np.where(levels[:1] > 100, 255, 40).astype(np.uint8)])
    return levels[0] if name.endswith("grey") else levels.transpose(1, 2, 0)


def digest(levels: np.ndarray) -> str:
    return hashlib.sha256(repr(levels.shape).encode() + levels.tobytes()).hexdigest()


def made(twin: Twin) -> dict[str, bytes]:
    """All golden files of a model, made anew: those that are "clear" in the long form."""
    kinds = [(wish, kind) for wish in WISHES for kind in ("", "_grey", "_clear")]
    files = {
        wish + kind: compress_all([picture(kind)], twin, WISHES[wish])[0] for wish, kind in kinds
    }
    files["archive"] = archive.encode(twin, list(crops(5, 12, 9)), list("abcde"))
    return files


def split(path: Path) -> tuple[str | None, str]:
    """The model that ships, `FIRST` or None for the tiny one, and the kind of a golden file."""
    name, _, kind = path.stem.rpartition(".")
    return name or None, kind


def ships(name: str | None) -> bool:
    return name not in (None, FIRST)


def shown(folder: Path = GOLDEN, start: str = "") -> dict[str, str]:
    """What the golden files decode to, those of one model only if its name and a dot are given."""
    found = {}
    for path in sorted(folder.glob(f"{start}*.udr")):
        name, kind = split(path)
        told = decoded(path.read_bytes(), kind, None if ships(name) else tiny())
        found |= {path.stem + what: digest(levels) for what, levels in told.items()}
    return found


def decoded(content: bytes, kind: str, twin: Twin | None) -> dict[str, np.ndarray]:
    """What one golden file decodes to, in some ways; its model is found by its hash if None."""
    if kind == "archive":
        found = twin_of(parse_archive(content).model, twin)
        return {"": np.stack(list(archive.decode(found, content)))}
    levels = {"": np.asarray(decompress(content, model=twin))}
    if not kind.startswith("lossless"):
        dream = decompress(content, model=twin, steps=1, temperature=0.9, seed=3)
        header, payload = parse(content)
        cut = picture_of(header, payload[: len(payload) // 3], twin_of(header.model, twin))
        levels |= {", dreamt": np.asarray(dream), ", cut": cut.levels}
    return levels


def test_golden_files_decode_to_what_they_were() -> None:
    assert shown() == json.loads((GOLDEN / DIGESTS).read_text())


def test_encoders_still_write_them() -> None:
    files = made(tiny())
    assert {split(path)[1] for path in GOLDEN.glob("*.udr") if not split(path)[0]} == files.keys()
    for name, content in files.items():
        if name.endswith("clear"):  # deflated bytes are zlib's choice
            continue
        assert content == (GOLDEN / f"{name}.udr").read_bytes(), name


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*lossless*.udr")), ids=lambda path: path.stem)
def test_the_lossless_ones_are_the_pictures(path: Path) -> None:
    name, kind = split(path)
    found = decompress(path.read_bytes(), model=None if ships(name) else tiny())
    assert isinstance(found, Image.Image)
    assert np.array_equal(np.asarray(found), picture(kind))


def test_files_of_models_that_ship_are_found_by_their_hash(tmp_path: Path, monkeypatch) -> None:
    """With the tiny model, as if it shipped."""
    monkeypatch.setattr(exact, "shipped", lambda: {"tiny@1": GOLDEN / "tiny@1"})
    monkeypatch.setattr(exact.store, "shipped", exact.shipped)
    (tmp_path / DIGESTS).write_text('{"other": "stays"}')
    write("tiny@1", tmp_path)
    known = json.loads((GOLDEN / DIGESTS).read_text())
    found = json.loads((tmp_path / DIGESTS).read_text())
    assert found == {
        "other": "stays",
        **{f"tiny@1.{key}": value for key, value in known.items() if "." not in key},
    }
    assert {"other": "stays"} | shown(tmp_path) == found
    forms = {parse(path.read_bytes())[0].short for path in tmp_path.glob("*lossy*.udr")}
    assert forms == {True, False}
    monkeypatch.setattr(exact, "shipped", dict)
    with pytest.raises(ValueError, match="no shipped model has the hash"):
        shown(tmp_path)


def write(name: str, folder: Path = GOLDEN, kinds: Sequence[str] = ()) -> None:
    """Write the files of a model that ships, of some kinds or all, and add what they decode to."""
    for kind, content in made(twin_named(name)).items():
        if not kinds or kind in kinds:
            (folder / f"{name}.{kind}.udr").write_bytes(content)
    known = json.loads((folder / DIGESTS).read_text())
    save(known | shown(folder, f"{name}."), folder)


def write_anew() -> None:
    """Write those of the tiny model, and what all decode to: only with a new format version."""
    for kind, content in made(tiny()).items():
        (GOLDEN / f"{kind}.udr").write_bytes(content)
    save(shown(), GOLDEN)


def save(digests: dict[str, str], folder: Path) -> None:
    (folder / DIGESTS).write_text(json.dumps(digests, indent=1) + "\n")


if __name__ == "__main__":
    for each in sys.argv[1:]:
        write(each, kinds=("lossy", "lossless", "archive"))
    if not sys.argv[1:]:
        write_anew()

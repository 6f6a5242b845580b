"""Files that must decode for ever, to the same levels; a change of bits is a new format version.

They were written with tests/golden/tiny@1 from the parrots: 40 x 28 pixels, and three of 12 x 9.
"""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from codec.crops import GOLDEN, crops, tiny
from underdraw.codec import archive
from underdraw.codec.container import parse
from underdraw.codec.files import Wish, compress_all, decompress, picture_of

WISHES = {
    "lossy": Wish(quality=70.0),
    "steps": Wish(quality=80.0, steps=2),
    "budget": Wish(bits_per_dim=0.9),
    "lossless": Wish(lossless=True),
}
DIGESTS = json.loads((GOLDEN / "digests.json").read_text())


def picture(name: str) -> np.ndarray:
    """The picture of a golden file, (H, W, channels); "grey" ones have one channel."""
    levels = crops(1, 28, 40)[0]
    if name.endswith("clear"):
        levels = np.concatenate([levels, np.where(levels[:1] > 100, 255, 40).astype(np.uint8)])
    return levels[0] if name.endswith("grey") else levels.transpose(1, 2, 0)


def digest(levels: np.ndarray) -> str:
    return hashlib.sha256(repr(levels.shape).encode() + levels.tobytes()).hexdigest()


def made() -> dict[str, bytes]:
    """All golden files, made anew."""
    kinds = [(wish, kind) for wish in WISHES for kind in ("", "_grey", "_clear")]
    files = {
        wish + kind: compress_all([picture(kind)], tiny(), WISHES[wish])[0] for wish, kind in kinds
    }
    files["archive"] = archive.encode(tiny(), list(crops(5, 12, 9)), list("abcde"))
    return files


def shown() -> dict[str, str]:
    """What the golden files decode to."""
    found = {}
    for path in sorted(GOLDEN.glob("*.udr")):
        content = path.read_bytes()
        if path.stem == "archive":
            found[path.stem] = digest(np.stack(list(archive.decode(tiny(), content))))
            continue
        found[path.stem] = digest(np.asarray(decompress(content, model=tiny())))
        if not path.stem.startswith("lossless"):
            dream = decompress(content, model=tiny(), steps=1, temperature=0.9, seed=3)
            found[f"{path.stem}, dreamt"] = digest(np.asarray(dream))
            header, payload = parse(content)
            cut = picture_of(header, payload[: len(payload) // 3], tiny())
            found[f"{path.stem}, cut"] = digest(cut.levels)
    return found


def test_golden_files_decode_to_what_they_were() -> None:
    assert shown() == DIGESTS


def test_encoders_still_write_them() -> None:
    files = made()
    assert {path.stem for path in GOLDEN.glob("*.udr")} == files.keys()
    for name, content in files.items():
        if name.endswith("clear"):  # deflated bytes are zlib's choice
            continue
        assert content == (GOLDEN / f"{name}.udr").read_bytes(), name


@pytest.mark.parametrize("kind", ["", "_grey", "_clear"])
def test_the_lossless_ones_are_the_pictures(kind: str) -> None:
    content = (GOLDEN / f"lossless{kind}.udr").read_bytes()
    found = decompress(content, model=tiny())
    assert isinstance(found, Image.Image)
    assert np.array_equal(np.asarray(found), picture(kind))


def write() -> None:
    """Write all anew: only with a new version of the format."""
    for name, content in made().items():
        (GOLDEN / f"{name}.udr").write_bytes(content)
    (GOLDEN / "digests.json").write_text(json.dumps(shown(), indent=1) + "\n")


if __name__ == "__main__":
    write()

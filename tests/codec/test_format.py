"""docs/format.md says what the code does."""

import re
from pathlib import Path

import numpy as np

from codec.plain_coder import digest
from underdraw.codec.coder import (
    Cells,
    Decoder,
    Encoder,
    Grid,
    Stack,
    get_gaussians,
    put_gaussians,
    put_pixels,
)
from underdraw.codec.container import LOSSY, Header, build
from underdraw.codec.exact.twin import NAMED
from underdraw.codec.tables import normal, roots

PAGE = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
GRID = Grid(1000, [2600, -1500, 90000, 0], [320, 352, 256, 320])


def test_the_page_has_the_hashes_of_the_tables():
    assert f"| T | `{digest(normal())}` |" in PAGE
    assert f"| SIGMA, then INVERSE | `{digest(np.stack(roots()))}` |" in PAGE


def test_the_page_lists_what_a_hash_is_made_of():
    plain = " ".join(PAGE.split())
    names = [f"`{name}`" for name in NAMED]
    assert f"{', '.join(names[:-1])} and {names[-1]})" in plain


def test_the_page_has_the_right_bytes():
    rows = re.findall(r"^\| ([-\d, ]+) \| `([0-9a-f]+)` \| `([0-9a-f]+)` \|$", PAGE, re.M)
    assert len(rows) == 2
    for numbers, stream, pile in rows:
        encoder, stack, k = Encoder(), Stack(), [int(number) for number in numbers.split(",")]
        put_gaussians([encoder], k, GRID)
        put_gaussians([stack], k, GRID)
        assert (encoder.finish().hex(), stack.bytes.hex()) == (stream, pile)


def test_the_page_is_right_about_cuts():
    data = bytes.fromhex("76e6061d")
    assert [get_gaussians([Decoder(data[:n])], GRID).read.tolist() for n in range(4)] == [
        [False] * 4,
        *[[False, True, False, False]] * 3,
    ]
    header = Header(LOSSY, bytes.fromhex("0123456789abcdef"), 32, 32, 3, 16)
    assert f"`{build(header, data).hex(' ')}`" in PAGE


def test_the_page_is_right_about_levels():
    encoder = Encoder()
    put_pixels([encoder], [10, 11, 200], Cells([2600, 2700, 2800], [300, 320, 300], 256))
    assert f"are `{encoder.finish().hex()}`" in PAGE

"""Grids: the rows of the specification, and refusals."""

import math

import numpy as np
import pytest

from codec.coder.samples import CASES, WIDTH, picture, sample
from codec.plain_coder import first_row, gaussian_row, sizes
from underdraw.codec.coder import Grid
from underdraw.codec.errors import CodecError


def test_rows_are_those_of_plain_python():
    for scale, delta, _ in CASES:
        _, grid = sample(20, scale, delta)
        for i in range(20):
            one = grid[i : i + 1]
            row = gaussian_row(delta, int(one.mean[0]), int(one.scale[0]))
            assert (one.rows()[0] + 1).tolist() == np.diff(row).tolist()
            assert min(np.diff(row)) > 0
            assert (one.shift[0], one.half[0]) == sizes(delta, int(one.scale[0]))
    _, cells = picture(20)
    for i in range(20):
        row = first_row(int(cells.twice[i]) // 2, int(cells.scale[i]), WIDTH)
        assert (cells.run(slice(i, i + 1)).first_rows()[0] + 1).tolist() == np.diff(row).tolist()


@pytest.mark.parametrize(
    ("delta", "mean", "scale"),
    [
        (0, 0, 0),
        (1 << 25, 0, 0),
        (1, math.nan, 0),
        (1, math.inf, 0),
        (1, 1 << 41, 0),
        (1, 0.5, 0),
        (1, 0, -1),
        (1, 0, 1024),
        (1, [0, 0], [0, 0, 0]),
        (1, "0", 0),
    ],
)
def test_grids_refuse(delta, mean, scale):
    with pytest.raises(CodecError, match=r"delta|mean|scale"):
        Grid(delta, mean, scale)

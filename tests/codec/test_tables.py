import math

import numpy as np
import pytest

from codec.plain_coder import INVERSE, SIGMA, digest
from underdraw.codec import tables
from underdraw.codec.errors import CodecError, whole
from underdraw.codec.tables import FREE, Ruler, normal, roots, sigma


def test_tables_are_the_format():
    expected = "c9be1a1863ff27b10bf796d2cae894eb35205a085125ffe8cd7c340653e0d6ba"
    assert digest(normal()) == expected
    expected = "68911f4577a7b1626ec3a83ce93ecc0f09901e6eec2050969239a80a0762d2f9"
    assert digest(np.stack(roots())) == expected


def test_normal_table_is_the_normal_distribution():
    table = normal()
    exact = [FREE / 2 * math.erfc((2**14 - i) / 2**11 / math.sqrt(2)) for i in range(len(table))]
    assert np.abs(table - exact).max() < 1
    assert (np.diff(table) >= 0).all()
    assert (table + table[::-1] == FREE).all()


def test_roots_are_rounded_roots():
    assert roots()[0].tolist() == SIGMA
    assert roots()[1].tolist() == INVERSE


def test_sigma_of_every_class():
    scale = np.arange(1024)
    np.testing.assert_allclose(sigma(scale), 2.0 ** (scale / 32), rtol=1e-6, atol=1)


def test_ruler_measures_to_half_a_step_of_the_table():
    scale, distance = np.array([0, 320, 700, 1023]), np.array([1, -700, 3_000_000, 4 * 10**9])
    there = [
        FREE / 2 * math.erfc(-d / 2 ** (s / 32) / math.sqrt(2))
        for d, s in zip(distance.tolist(), scale.tolist(), strict=True)
    ]
    assert np.abs(Ruler(scale).cdf(2 * distance) - there).max() < FREE * 0.4 / 2**12 + 1


@pytest.mark.parametrize("bound", [0, 1 << 62], ids=["by whole numbers", "in float64"])
def test_ladder_is_the_same_one_by_one(bound, monkeypatch):
    monkeypatch.setattr(tables, "_EXACT", bound)  # all numbers here are below the real one
    scale, first = np.array([5, 333, 800]), np.array([-9, 4000, -(10**9)])
    steps = np.array([3, 500, 10**7])
    ladder = Ruler(scale).ladder(first, steps, 60)
    for i in range(60):
        assert ladder[:, i].tolist() == Ruler(scale).cdf(first + i * steps).tolist()


@pytest.mark.parametrize("power", range(20, 42))
def test_ladder_is_exact_at_any_size(power, monkeypatch):
    chance = np.random.default_rng(power)
    scale, steps = chance.integers(0, 64, 500), chance.integers(0, (1 << power) // 40, 500)
    first = chance.integers(-16, 17, 500) - chance.integers(0, 40, 500) * steps  # passes 0
    given = Ruler(scale).ladder(first, steps, 40)
    monkeypatch.setattr(tables, "_EXACT", 0)  # by whole numbers
    assert (given == Ruler(scale).ladder(first, steps, 40)).all()


@pytest.mark.parametrize(
    "values", [np.nan, [0.0, np.inf], 0.5, 11, -1, "3", [1j], np.array([True])]
)
def test_only_whole_numbers_in_range(values):
    with pytest.raises(CodecError, match="number"):
        whole("number", values, 0, 10)


def test_whole_floats_are_whole_numbers():
    assert whole("number", np.array([3.0, 0.0]), 0, 10).tolist() == [3, 0]
    assert whole("number", np.zeros((0, 3)), 0, 10).shape == (0, 3)

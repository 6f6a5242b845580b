import numpy as np

from underdraw.data import chance


def test_numbers_never_change():
    """Files of runs and choices of subsets rest on these."""
    assert chance.hashed(1, 2, 3)[0] == 15020427595393229491
    assert chance.permutation(8, 5, 6).tolist() == [6, 4, 5, 0, 1, 3, 2, 7]


def test_uses_do_not_share_keys():
    uses = {name: value for name, value in vars(chance).items() if isinstance(value, int)}
    assert len(set(uses.values())) == len(uses) == 13


def test_number_depends_on_its_key_alone():
    index = np.array([7, 3, 11])
    together = chance.uniform(1, index, 4)
    alone = [chance.uniform(1, np.array([i]), 4)[0] for i in index]
    assert together.tolist() == alone


def test_every_part_of_the_key_matters():
    keys = [(1, 2, 3), (2, 1, 3), (1, 2), (1, 2, 0), (0, 1, 2, 3), (-1, 2, 3)]
    assert len({int(chance.hashed(*key)[0]) for key in keys}) == len(keys)


def test_uniform_is_uniform():
    u = chance.uniform(0, np.arange(200)[:, None], np.arange(500))
    assert u.shape == (200, 500)
    assert abs(u.mean() - 0.5) < 0.005
    assert abs(u.var() - 1 / 12) < 0.002
    assert u.min() >= 0
    assert u.max() < 1
    rows = np.corrcoef(u[:50])
    assert np.abs(rows - np.eye(50)).max() < 0.25


def test_below_and_permutation():
    k = chance.below(3, 9, np.arange(3000))
    assert np.bincount(k).min() > 900
    assert k.max() == 2
    order = chance.permutation(1000, 1)
    assert sorted(order) == list(range(1000))
    assert abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1

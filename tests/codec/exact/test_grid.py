import math

import pytest
import torch

from underdraw.codec.exact.grid import BOUND, bound_, classes, on_grid, prove, shift_


@pytest.mark.parametrize("bits", [1, 11, 17, 34])
def test_a_shift_is_a_floor_in_both_arithmetics(bits):
    a = torch.tensor(
        [0, 1, -1, 2**bits - 1, 2**bits, -(2**bits), -(2**bits) - 1, 2**52 + 1, -(2**52)]
    )
    wanted = [value // 2**bits for value in a.tolist()]
    assert shift_(a.clone(), bits).tolist() == wanted
    assert shift_(a.double(), bits).tolist() == wanted


def test_the_bound():
    assert bound_(torch.tensor([2.0**30, -(2.0**30), 5.0])).tolist() == [BOUND, -BOUND, 5]


def test_a_class_is_a_32nd_of_an_octave():
    log2_sigma = torch.linspace(-15.9, 15.9, 400, dtype=torch.float64)
    found = classes(on_grid(log2_sigma, 16).double())
    assert (found - 32 * (log2_sigma + 16)).abs().max() <= 0.5 + 2**-10
    assert classes(torch.tensor([-30.0 * 2**16, 30.0 * 2**16])).tolist() == [0, 1023]


def test_classes_round_to_the_nearest():
    step = 2**11
    v = torch.tensor([0, step // 2 - 1, step // 2, -step // 2, -step // 2 - 1]).double()
    assert (classes(v) - 512).tolist() == [0, 0, 1, 0, -1]


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e12])
def test_what_has_no_place_on_the_grid_is_named(value):
    with pytest.raises(ValueError, match="no exact place"):
        on_grid(torch.tensor([1.0, value]), 16)


def test_products_that_could_reach_2_53_are_refused():
    weight = torch.zeros(3, 3, 2, 4, dtype=torch.int64)
    weight[:, :, 1] = (2**29 - 2**12) // 36
    prove("fine", weight, torch.tensor([2**52, 0]))
    weight[1, 1, 1, 0] += 2**13
    with pytest.raises(ValueError, match=r"heavy: map 1 could reach 2\^53"):
        prove("heavy", weight, torch.tensor([2**52, 0]))
    with pytest.raises(ValueError, match=r"heavy: map 0"):
        prove("heavy", weight * 0, torch.tensor([-(2**53), 0]))


def test_at_the_edge_of_the_proof_sums_are_exact():
    weight = torch.full((1, 1000), 2**29 // 1000 - 100, dtype=torch.int64)
    a = torch.full((1000, 1), BOUND - 1, dtype=torch.int64)
    prove("edge", weight[None, None], torch.tensor([0]))
    wanted = 1000 * weight[0, 0].item() * (BOUND - 1)
    assert (weight.double() @ a.double()).item() == wanted == (weight @ a).item()

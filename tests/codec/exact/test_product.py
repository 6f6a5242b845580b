import itertools

import pytest
import torch

from underdraw.codec.exact import product
from underdraw.codec.exact.product import Plan, Product


def loops(x, weight, bias):
    """A convolution with "same" padding in Python's integers."""
    (n, _, height, width), (kernel, _, outputs, inputs) = x.shape, weight.shape
    x, weight, bias, pad = x.tolist(), weight.tolist(), bias.tolist(), kernel // 2
    y = torch.zeros(n, outputs, height, width, dtype=torch.int64)
    for b, o, r, c in itertools.product(*map(range, y.shape)):
        total = bias[o]
        for i, j in itertools.product(range(kernel), repeat=2):
            row, column = r + i - pad, c + j - pad
            if 0 <= row < height and 0 <= column < width:
                for k in range(inputs):
                    total += weight[i][j][o][k] * x[b][k][row][column]
        y[b, o, r, c] = total
    return y


def build(kernel, inputs=2, outputs=3, dtype=torch.float64):
    part = Product(inputs, outputs, kernel)
    limit = 2**28 // (inputs * kernel**2)
    part.weight = torch.randint(-limit, limit, part.weight.shape).to(dtype)
    part.bias = torch.randint(-(2**50), 2**50, (outputs,)).to(dtype)
    return part


def convolved(part, x):
    plan = part.plan(x)
    a, out = plan.lay([x], part.weight.dtype), torch.empty(len(part.bias), plan.columns)
    out = out.to(part.weight.dtype)
    for strip in plan.strips():
        out[:, strip] = part.accumulate(a, strip, plan.wide, 0)
    return plan.pixels(out)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("strip", [7, 1024])
def test_a_convolution_is_exact(kernel, strip, monkeypatch):
    monkeypatch.setattr(product, "STRIP", strip)
    part, x = build(kernel), torch.randint(-(2**24), 2**24, (2, 2, 4, 5))
    wanted = loops(x, part.weight.long(), part.bias.long())
    assert torch.equal(convolved(part, x.double()).long(), wanted)
    part.weight, part.bias = part.weight.long(), part.bias.long()
    assert torch.equal(convolved(part, x.double()), wanted)


def test_a_map_smaller_than_the_kernel():
    part, x = build(5), torch.randint(-99, 99, (3, 2, 1, 1))
    assert torch.equal(
        convolved(part, x.double()).long(), loops(x, part.weight.long(), part.bias.long())
    )


def test_parts_are_laid_below_each_other_and_clamped():
    plan = Plan(2, 3, 4, 1)
    a, b = torch.randn(2, 1, 3, 4).double(), torch.full((2, 2, 3, 4), 2.0**40).double()
    flat = plan.lay([a, b], torch.float64)
    pixels = plan.pixels(flat[:, plan.margin : plan.margin + plan.columns])
    assert torch.equal(pixels[:, :1], a)
    assert (pixels[:, 1:] == 2**24).all()
    assert flat.count_nonzero() == 3 * 2 * 3 * 4


def test_strips_cover_every_column_once(monkeypatch):
    monkeypatch.setattr(product, "STRIP", 10)
    plan = Plan(3, 4, 5, 1)
    covered = [c for strip in plan.strips() for c in range(strip.start, strip.stop)]
    assert covered == list(range(plan.columns))

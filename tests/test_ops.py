"""Products under autocast, and without."""

import torch
import torch.nn.functional as F

from underdraw.ops import conv2d, linear


def test_without_autocast_it_is_an_affine_map():
    x, weight, bias = torch.randn(2, 3, 5), torch.randn(4, 5), torch.randn(4)
    torch.testing.assert_close(linear(x, weight, bias), F.linear(x, weight, bias))
    torch.testing.assert_close(linear(x, weight), x @ weight.mT)


def test_double_stays_double():
    x, weight, bias = (torch.randn(*shape).double() for shape in ((2, 5), (4, 5), (4,)))
    y = linear(x, weight, bias)
    assert y.dtype == torch.float64
    torch.testing.assert_close(y, x @ weight.mT + bias, rtol=1e-13, atol=1e-13)


def test_autocast_reduces_the_product_but_not_the_result():
    x, weight = torch.randn(8, 64), torch.randn(16, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = linear(x, weight)
    assert y.dtype == torch.float32
    torch.testing.assert_close(y, y.bfloat16().float(), rtol=0, atol=0)  # the product was bf16
    torch.testing.assert_close(y, (x.bfloat16() @ weight.bfloat16().mT).float(), rtol=0, atol=0)
    assert not torch.equal(y, x @ weight.mT)


def test_autocast_adds_the_bias_in_full_precision():
    x, weight, bias = torch.full((1, 1), 256.0), torch.ones(1, 1), torch.tensor([0.5])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = linear(x, weight, bias)
    assert y.item() == 256.5  # bf16 has steps of 2 here
    assert (x.bfloat16() + bias.bfloat16()).item() == 256.0


def test_gradients_under_autocast_have_the_types_of_what_they_belong_to():
    x, weight, bias = (torch.randn(*s).requires_grad_() for s in ((2, 5), (4, 5), (4,)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = linear(x, weight, bias)
    y.sum().backward()
    for tensor in (x, weight, bias):
        assert tensor.grad is not None
        assert tensor.grad.dtype == torch.float32
    torch.testing.assert_close(weight.grad, x.sum(0).expand(4, 5), rtol=2e-2, atol=2e-2)
    torch.testing.assert_close(bias.grad, torch.full((4,), 2.0))


def test_a_convolution_likewise():
    x, weight, bias = torch.randn(2, 3, 7, 6), torch.randn(4, 3, 3, 3), torch.randn(4)
    exact = F.conv2d(x, weight, bias, stride=2, padding=1)
    torch.testing.assert_close(conv2d(x, weight, bias, 2, 1), exact, rtol=1e-5, atol=1e-5)
    bare = conv2d(x, weight)
    torch.testing.assert_close(bare, F.conv2d(x, weight), rtol=1e-5, atol=1e-5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, reduced = conv2d(x, weight, bias, 2, 1), conv2d(x, weight)
    assert y.dtype == reduced.dtype == torch.float32
    torch.testing.assert_close(reduced, reduced.bfloat16().float(), rtol=0, atol=0)
    assert not torch.equal(reduced, bare)
    torch.testing.assert_close(y, exact, rtol=2e-2, atol=0.1)

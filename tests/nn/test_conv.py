"""Convolutional parts against loops, and what their options promise."""

import numpy as np
import pytest
import torch
from torch import nn

from nn.reference_conv import convolved, sigmoid
from underdraw.nn.conv import (
    Add,
    ConstantScaleHead,
    Conv2d,
    ConvGaussianHead,
    ConvLSTMCell,
    Enlarge,
    Subtract,
    normalise,
    to_depth,
    to_space,
)


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def doubles(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


# --- scales ----------------------------------------------------------------------------------


def test_to_depth_makes_blocks_of_pixels_into_maps():
    x = doubles(2, 3, 4, 9)
    deep = to_depth(x, (2, 3))
    assert deep.shape == (2, 18, 2, 3)
    for c in range(3):
        for i in range(2):
            for j in range(3):
                assert torch.equal(deep[:, 6 * c + 3 * i + j], x[:, c, i::2, j::3])
    assert torch.equal(to_space(deep, (2, 3)), x)
    assert torch.equal(to_depth(x, (1, 1)), x)


def test_equal_strides_are_torchs_pixel_shuffles():
    x = doubles(2, 12, 6, 4)
    assert torch.equal(to_depth(x, (2, 2)), nn.functional.pixel_unshuffle(x, 2))
    assert torch.equal(to_space(x, (2, 2)), nn.functional.pixel_shuffle(x, 2))


def test_a_convolution_of_blocks_is_a_strided_one():
    x, small = doubles(1, 2, 8, 6), doubles(3, 2, 4, 4)
    deep = small.reshape(3, 2, 2, 2, 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(3, 8, 2, 2)
    direct = nn.functional.conv2d(x, small, stride=2)
    torch.testing.assert_close(nn.functional.conv2d(to_depth(x, (2, 2)), deep), direct)


def test_enlarge_gives_every_pixel_equally_many_terms():
    up = Enlarge(2, 3, 3, (2, 2)).double()
    with torch.no_grad():
        up.affine.weight.fill_(1)
    large = up(torch.ones(1, 2, 5, 4).double())
    assert large.shape == (1, 3, 10, 8)
    assert (large[:, :, 2:-2, 2:-2] == 18).all()


def test_sums_and_differences():
    a, b = doubles(1, 2, 3, 4), doubles(1, 2, 3, 4)
    assert torch.equal(Add()(a, b), a + b)
    assert torch.equal(Subtract()(a, b), a - b)


# --- the cell --------------------------------------------------------------------------------


def cell(norm: str = "none", weight_norm: bool = False, kernel: int = 3) -> ConvLSTMCell:
    made = ConvLSTMCell(2, 3, kernel, norm, weight_norm).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return made


def centred(a: np.ndarray, over) -> np.ndarray:
    a = a - a.mean(over, keepdims=True)
    return a / np.sqrt((a**2).mean(over, keepdims=True) + 1e-5)


@pytest.mark.parametrize("weight_norm", [False, True])
@pytest.mark.parametrize("norm", ["none", "channel", "image"])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_the_cell_is_its_equations(norm, weight_norm, kernel):
    rnn = cell(norm, weight_norm, kernel)
    x, h, c = doubles(2, 2, 5, 4), doubles(2, 3, 5, 4), doubles(2, 3, 5, 4)
    found_h, found_c = rnn(x, (h, c))
    w = {name: array(value) for name, value in rnn.named_parameters()}
    weight = w["weight"]
    if weight_norm:
        for row, length in zip(weight, w["length"], strict=True):
            row *= length / np.sqrt((row**2).sum())
    over = {"channel": 0, "image": (0, 1, 2)}.get(norm)
    for k in range(2):
        both = np.concatenate([array(x[k]), array(h[k])])
        gates = convolved(both, weight, np.zeros(12)).reshape(4, 3, 5, 4)
        if over is not None:
            gates = np.stack([centred(gate, over) for gate in gates])
            gates = gates * w["gain"][:, :, None, None]
        i, f, g, o = gates + w["bias"][:, :, None, None]
        cell_state = sigmoid(f) * array(c[k]) + sigmoid(i) * np.tanh(g)
        shown = cell_state
        if over is not None:
            shown = centred(shown, over) * w["cell_gain"][:, None, None]
            shown = shown + w["cell_bias"][:, None, None]
        np.testing.assert_allclose(array(found_c[k]), cell_state, rtol=1e-9, atol=1e-12)
        hidden = sigmoid(o) * np.tanh(shown)
        np.testing.assert_allclose(array(found_h[k]), hidden, rtol=1e-9, atol=1e-12)


def test_weight_normalisation_starts_as_what_it_is_without():
    torch.manual_seed(3)
    plain = ConvLSTMCell(4, 3, 3, emphasis=(2, 5.0))
    torch.manual_seed(3)
    normed = ConvLSTMCell(4, 3, 3, weight_norm=True, emphasis=(2, 5.0))
    torch.testing.assert_close(normed.filters(), plain.filters())
    assert normed.length is not None
    with torch.no_grad():
        normed.weight.mul_(7)
    torch.testing.assert_close(normed.filters(), plain.filters())
    with torch.no_grad():
        normed.length.mul_(2)
    torch.testing.assert_close(normed.filters(), 2 * plain.filters())


def test_emphasis_is_on_the_last_maps_of_the_input():
    torch.manual_seed(3)
    plain = ConvLSTMCell(4, 3, 3)
    torch.manual_seed(3)
    loud = ConvLSTMCell(4, 3, 3, emphasis=(2, 5.0))
    factor = loud.weight / plain.weight
    wanted = torch.tensor([1.0, 1, 5, 5, 1, 1, 1])[None, :, None, None]
    torch.testing.assert_close(factor, wanted.expand_as(factor))


def test_the_forget_gate_starts_open():
    assert ConvLSTMCell(2, 3, 3).bias.tolist() == [[0] * 3, [1] * 3, [0] * 3, [0] * 3]


def test_a_cell_moves_with_its_image_far_from_borders():
    rnn, x = cell("channel"), torch.zeros(1, 2, 12, 12).double()
    x[..., 4:7, 4:7] = doubles(1, 2, 3, 3)
    state = (torch.zeros(1, 3, 12, 12).double(),) * 2
    h, moved = (rnn(image, state)[0] for image in (x, x.roll((2, 1), (2, 3))))
    torch.testing.assert_close(moved[..., 3:-1, 2:-1], h.roll((2, 1), (2, 3))[..., 3:-1, 2:-1])


def test_results_keep_the_type_of_the_state_under_autocast():
    rnn, x, h = ConvLSTMCell(2, 3, 3, "channel"), torch.randn(1, 2, 4, 4), torch.randn(1, 3, 4, 4)
    exact = rnn(x, (h, h))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        reduced = rnn(x, (h, h))
    for a, b in zip(reduced, exact, strict=True):
        assert a.dtype == torch.float32
        torch.testing.assert_close(a, b, rtol=0.05, atol=0.05)
        assert not torch.equal(a, b)


def test_cells_keep_channels_last():
    rnn, last = ConvLSTMCell(2, 3, 3, "channel"), torch.channels_last
    x, h = (torch.randn(2, m, 4, 5).contiguous(memory_format=last) for m in (2, 3))
    for out in rnn(x, (h, h.clone())):
        assert out.is_contiguous(memory_format=last)


@pytest.mark.parametrize(("norm", "over"), [("channel", (1,)), ("image", (1, 2, 3))])
def test_normalisation_leaves_no_mean_and_unit_variance(norm, over):
    found = normalise(3 + 2 * doubles(4, 6, 5, 5), norm)
    torch.testing.assert_close(found.mean(over), torch.zeros_like(found.mean(over)))
    variance = found.var(over, correction=0)
    torch.testing.assert_close(variance, torch.ones_like(variance), rtol=1e-3, atol=0)


# --- heads -----------------------------------------------------------------------------------

T = torch.zeros((), dtype=torch.int64)


def test_the_halves_of_one_convolution_are_mean_and_log_variance():
    head, h = ConvGaussianHead(3, 2, 3).double(), doubles(2, 3, 5, 4)
    emitted = array(head.affine(h))
    g = head(h, T)
    np.testing.assert_allclose(array(g.mu), emitted[:, :2])
    np.testing.assert_allclose(array(g.sigma) ** 2, np.exp(emitted[:, 2:]))
    w, b = array(head.affine.weight), array(head.affine.bias)
    np.testing.assert_allclose(emitted[1], convolved(array(h[1]), w, b), atol=1e-12)


def test_mu_gain_and_the_standard_start():
    torch.manual_seed(3)
    plain = ConvGaussianHead(3, 2, 3)
    torch.manual_seed(3)
    gained = ConvGaussianHead(3, 2, 3, mu_gain=4.0)
    torch.testing.assert_close(gained.affine.weight[:2], 4 * plain.affine.weight[:2])
    assert torch.equal(gained.affine.weight[2:], plain.affine.weight[2:])
    p = ConvGaussianHead(3, 2, 3, standard=True)(torch.randn(2, 3, 4, 4), T)
    assert torch.equal(p.mu, torch.zeros(2, 2, 4, 4))
    assert torch.equal(p.sigma, torch.ones(2, 2, 4, 4))


def test_a_constant_scale_is_of_the_step_and_the_map_alone():
    head = ConstantScaleHead(3, 2, 3, steps=4, mu_gain=2.0)
    with torch.no_grad():
        head.log_variance.copy_(torch.randn(4, 2))
    for t in range(4):
        g = head(torch.randn(2, 3, 5, 4), T + t)
        assert g.mu.shape == g.log_sigma.shape == (2, 2, 5, 4)
        wanted = head.log_variance[t].div(2).exp()[None, :, None, None]
        torch.testing.assert_close(g.sigma, wanted.expand(2, 2, 5, 4))
    assert head.affine.weight.abs().max() > 27**-0.5  # twice that at most


def test_a_convolution_keeps_the_size():
    conv, x = Conv2d(2, 3, 5).double(), doubles(1, 2, 4, 7)
    with torch.no_grad():
        conv.bias.copy_(doubles(3))
    wanted = convolved(array(x[0]), array(conv.weight), array(conv.bias))
    np.testing.assert_allclose(array(conv(x)[0]), wanted, atol=1e-12)

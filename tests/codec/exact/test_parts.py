import pytest
import torch

from underdraw.codec.exact import parts, quantise
from underdraw.codec.exact.parts import cell, tanh
from underdraw.nn import conv

UNIT = 2.0**-16


def given(twin, integers, dtype=torch.float64):
    """`twin` with these integers, by the end of their names."""
    state = {name.removeprefix("part."): value.to(dtype) for name, value in integers.items()}
    twin.load_state_dict(state, assign=True)
    return twin


def on_grid(*shape, scale=1.0):
    return (torch.randn(*shape).double() * scale * 2**16).round()


@pytest.mark.parametrize("fraction", [16, 34])
def test_tanh(fraction):
    a = (torch.linspace(-9, 9, 2001).double() * 2**fraction).round()
    found = tanh(a.clone(), fraction)
    assert (found * UNIT - (a * 2.0**-fraction).tanh()).abs().max() < 2**-12.9
    assert torch.equal(tanh(a.long(), fraction).double(), found)


def test_the_cell_is_an_lstm():
    gates, c = torch.randn(8, 50).double() * 2, torch.randn(2, 50).double()
    i, f, o, g = gates.unflatten(0, (4, 2))
    want_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    halves = torch.cat([gates[:6] / 2, gates[6:]])
    h, new = cell((halves * 2**34).round(), (c * 2**16).round())
    assert (new * UNIT - want_c).abs().max() < 5e-4
    assert (h * UNIT - o.sigmoid() * want_c.tanh()).abs().max() < 5e-4


def test_a_convolution_rounds_and_clamps():
    part = conv.Conv2d(2, 3, 3)
    twin = given(parts.twin_of(part), quantise.of_conv("part", part))
    x = on_grid(2, 2, 4, 5)
    found, wanted = twin(x), part.double()(x * UNIT)
    assert (found * UNIT - wanted).abs().max() < 2 * UNIT
    assert torch.equal(found, found.round())
    part.bias.data += 400
    twin = given(twin, quantise.of_conv("part", part))
    assert (twin(x) == 2**24).all()


def test_the_cell_module_follows_the_float_one():
    part = conv.ConvLSTMCell(3, 4, 3, weight_norm=True)
    part.length.data *= 1.5
    state = on_grid(2, 4, 4, 5, scale=0.3), on_grid(2, 4, 4, 5)
    x = on_grid(2, 3, 4, 5)
    twin = parts.twin_of(part)
    found = given(twin, quantise.of_cell("part", part, torch.ones(0)))(x, state)
    wanted = part.double()(x * UNIT, (state[0] * UNIT, state[1] * UNIT))
    for a, b in zip(found, wanted, strict=True):
        assert (a * UNIT - b).abs().max() < 1e-3
    again = given(twin, quantise.of_cell("part", part, torch.ones(0)), torch.int64)(x, state)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))


def test_columns_that_read_log_variances_read_log2_sigmas():
    part, seen = conv.ConvLSTMCell(4, 2, 1), quantise.halves(2)
    canvas, z, zero = torch.randn(1, 2, 2, 2).double(), on_grid(1, 2, 2, 2), on_grid(1, 2, 2, 2) * 0
    twin = given(parts.twin_of(part), quantise.of_cell("part", part, seen))
    shown = (canvas * seen[:, None, None] * 2**16).round()
    found = twin(torch.cat([z, shown], 1), (zero, zero))
    wanted = part.double()(torch.cat([z * UNIT, canvas], 1), (zero, zero))
    assert (found[0] * UNIT - wanted[0]).abs().max() < 1e-3


def test_heads_say_mean_and_class():
    part = conv.ConvGaussianHead(3, 2, 3)
    rows = quantise.halves(4)
    twin = parts.twin_of(part)
    given(twin.affine, quantise.of_conv("part", part.affine, rows))
    h, t = on_grid(2, 3, 4, 5), torch.tensor(0)
    found, wanted = twin(h, t).real, part.double()(h * UNIT, t)
    assert (found.mu - wanted.mu).abs().max() < 1e-4
    assert (found.log_sigma - wanted.log_sigma).abs().max() < 0.5 * 0.6932 / 32 + 1e-4


def test_pixels():
    v = torch.tensor([-8.0, -4.0]) * 2**16
    canvas = torch.stack([torch.tensor([300.0, -5.0]), v]).reshape(1, 2, 1, 2).double()
    pixels = parts.PixelLikelihood()(canvas)
    assert pixels.levels.tolist() == [[[[1, 0]]]]
    assert pixels.scale.tolist() == [[[[256, 384]]]]
    assert pixels.levels.dtype == torch.uint8


def test_sums_and_differences_stay_within_bounds():
    a, b = torch.tensor([[[[2.0**24, 3.0]]]]), torch.tensor([[[[5.0, 4.0]]]])
    assert parts.Add()(a, b).tolist() == [[[[2**24, 7]]]]
    assert parts.Subtract()(-a, b).tolist() == [[[[-(2**24), -7]]]]

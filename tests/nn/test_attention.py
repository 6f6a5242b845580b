"""Attention against a slow float64 loop over Eqs 19-29, and the choices made around it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nn import reference_attention as reference
from underdraw.nn import attention
from underdraw.nn.attention import (
    AttentiveReader,
    AttentiveWriter,
    FullReader,
    FullWriter,
    Glimpse,
    Window,
)

# height, width, N, five emitted numbers: g~_x, g~_y, log sigma^2, log delta~, log gamma
LOOKS = {
    "start": (7, 7, 2, (0.0, 0.0, 0.0, 0.0, 0.0)),
    "tall": (9, 5, 3, (0.2, -0.3, 0.4, -0.5, 0.7)),
    "wide": (5, 9, 3, (-0.4, 0.1, -0.6, -0.2, -0.8)),
    "one_filter": (6, 8, 1, (0.3, -0.2, 0.5, 0.9, 0.3)),
    "sharp": (6, 8, 4, (0.1, 0.2, -3.0, -0.4, 0.1)),
    "partly_outside": (6, 8, 3, (0.9, -0.8, 0.3, 0.1, -0.2)),
    "wholly_outside": (6, 8, 3, (1.6, -1.7, 1.2, -1.5, 0.2)),
}


@pytest.fixture(params=LOOKS, ids=list(LOOKS))
def look(request):
    return LOOKS[request.param]


def fixed(part, emitted):
    """The reader or writer in float64, its window emitting these five numbers when h is 0."""
    part = part.double()
    with torch.no_grad():
        part.window.head.bias.copy_(torch.tensor(emitted, dtype=torch.float64))
    return part


def blank(hidden: int = 4, batch: int = 1) -> torch.Tensor:
    return torch.zeros(batch, hidden).double()


def zeroed(height: int, width: int, size: int, tiled: bool) -> Window:
    """A window whose hidden state says nothing: only the biases of a start with tiles remain."""
    window = Window(4, height, width, size, tiled)
    with torch.no_grad():
        window.head.bias[[0, 1, 4]] = 0
        if not tiled:
            window.head.bias.zero_()
    return window


def glimpse_at(g_x, g_y=None, delta=1.0, sigma2=1.0, log_gamma=0.0, size=1):
    """A glimpse of a batch of one."""
    g_y = g_x if g_y is None else g_y
    values = (g_x, g_y, delta, sigma2, log_gamma)
    tensors = [v if torch.is_tensor(v) else torch.tensor([v], dtype=torch.float64) for v in values]
    return Glimpse(*tensors, size)


# --- against the loop ------------------------------------------------------------------------


def test_the_window_is_the_references(look):
    height, width, size, emitted = look
    window = Window(4, height, width, size).double()
    with torch.no_grad():
        window.head.bias.copy_(torch.tensor(emitted, dtype=torch.float64))
    glimpse = window(blank())
    g_x, g_y, delta, sigma2, gamma = reference.parameters(emitted, height, width, size)
    assert glimpse.size == size
    assert glimpse.g_x.item() == pytest.approx(g_x)
    assert glimpse.g_y.item() == pytest.approx(g_y)
    assert glimpse.delta.item() == pytest.approx(delta)
    assert glimpse.sigma2.item() == pytest.approx(sigma2)
    assert glimpse.log_gamma.exp().item() == pytest.approx(gamma)


def test_filters_are_the_references(look):
    height, width, size, emitted = look
    f_y, f_x, _ = reference.look(emitted, height, width, size)
    glimpse = fixed(AttentiveReader(4, (1, height, width), size), emitted).window(blank())
    ours_y, ours_x = attention.filters(glimpse, height, width)
    np.testing.assert_allclose(ours_y[0].detach(), f_y, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours_x[0].detach(), f_x, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_read_is_the_references(look, channels):
    height, width, size, emitted = look
    reader = fixed(AttentiveReader(4, (channels, height, width), size), emitted)
    x, x_hat = (torch.randn(1, channels, height, width).double() for _ in range(2))
    r, _ = reader(x, x_hat, blank())
    f_y, f_x, gamma = reference.look(emitted, height, width, size)
    planes = [*x[0].tolist(), *x_hat[0].tolist()]
    expected = [reference.read(plane, f_y, f_x, gamma) for plane in planes]
    assert r.shape == (1, reader.features)
    np.testing.assert_allclose(r[0].detach(), np.ravel(expected), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_write_is_the_references(look, channels):
    height, width, size, emitted = look
    writer = fixed(AttentiveWriter(4, (channels, height, width), size), emitted)
    stroke, _ = writer(blank())
    patch = writer.to_patch.bias.detach().reshape(channels, size, size).tolist()
    f_y, f_x, gamma = reference.look(emitted, height, width, size)
    expected = [reference.write(plane, f_y, f_x, gamma) for plane in patch]
    np.testing.assert_allclose(stroke[0].detach(), expected, rtol=1e-9, atol=1e-11)


def test_every_image_of_a_batch_has_its_own_window():
    reader = AttentiveReader(4, (2, 7, 5), 3).double()
    writer = AttentiveWriter(4, (2, 7, 5), 3).double()
    x, x_hat, h = torch.randn(3, 2, 7, 5), torch.randn(3, 2, 7, 5), 2 * torch.randn(3, 4)
    x, x_hat, h = x.double(), x_hat.double(), h.double()
    r, stroke = reader(x, x_hat, h)[0], writer(h)[0]
    for i in range(3):
        one = slice(i, i + 1)
        torch.testing.assert_close(r[one], reader(x[one], x_hat[one], h[one])[0])
        torch.testing.assert_close(stroke[one], writer(h[one])[0])


def test_float32_stays_near_the_reference(look):
    height, width, size, emitted = look
    f_y, f_x, _ = reference.look(emitted, height, width, size)
    reader = fixed(AttentiveReader(4, (1, height, width), size), emitted).float()
    ours_y, ours_x = attention.filters(reader.window(blank().float()), height, width)
    np.testing.assert_allclose(ours_y[0].detach(), f_y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours_x[0].detach(), f_x, rtol=1e-4, atol=1e-5)


# --- where the grid stands -------------------------------------------------------------------

START = {2: [1, 28], 5: [1, 7.75, 14.5, 21.25, 28]}


def check_grid_at_the_start(size: int) -> None:
    """Eqs 19-24 with five zeros on 28 pixels: from border pixel to border pixel."""
    glimpse = zeroed(28, 28, size, tiled=False)(torch.zeros(1, 4))
    for g in (glimpse.g_x, glimpse.g_y):
        mu = attention.centres(g, glimpse.delta, size)
        np.testing.assert_allclose(mu[0].detach(), START[size], rtol=1e-6)


@pytest.mark.parametrize("size", START)
def test_the_grid_reaches_from_border_to_border_at_the_start(size):
    check_grid_at_the_start(size)
    mu = reference.centres(14.5, 27 / (size - 1), size)
    assert mu == pytest.approx(START[size])


def centres_from_zero(g, delta, size):
    """The classic mistake: i = 0..N-1 in Eq. 19."""
    i = torch.arange(size, dtype=g.dtype)
    return g[:, None] + (i - size / 2 - 0.5) * delta[:, None]


@pytest.mark.parametrize("size", START)
def test_indices_from_zero_would_fail(size, monkeypatch):
    monkeypatch.setattr(attention, "centres", centres_from_zero)
    with pytest.raises(AssertionError):
        check_grid_at_the_start(size)


def corners() -> torch.Tensor:
    """A 28 x 28 image with a different grey at each corner, in blocks of 4 x 4."""
    x = torch.zeros(1, 1, 28, 28)
    x[0, 0, :4, :4], x[0, 0, :4, -4:] = 1, 2
    x[0, 0, -4:, :4], x[0, 0, -4:, -4:] = 3, 4
    return x


def what_a_2x2_read_sees() -> list[float]:
    reader = AttentiveReader(4, (1, 28, 28), 2, tiled=False)
    with torch.no_grad():
        reader.window.head.bias.zero_()
    r, _ = reader(corners(), torch.zeros(1, 1, 28, 28), torch.zeros(1, 4))
    return r[0, :4].tolist()


def test_a_2x2_read_sees_the_four_corners(monkeypatch):
    assert what_a_2x2_read_sees() == pytest.approx([1, 2, 3, 4], abs=0.02)
    monkeypatch.setattr(attention, "centres", centres_from_zero)
    assert what_a_2x2_read_sees() != pytest.approx([1, 2, 3, 4], abs=0.02)


def test_pixels_are_counted_from_one():
    mu = torch.tensor([[3.0]])
    bank = attention.filterbank(mu, torch.tensor([0.01]), 5)
    np.testing.assert_allclose(bank[0, 0], [0, 0, 1, 0, 0], atol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28), (60, 60), (9, 7), (7, 9)])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_tiled_windows_start_overlapping_and_inside(shape, size):
    height, width = shape
    glimpse = zeroed(height, width, size, tiled=True)(torch.zeros(1, 4))
    delta, sigma = glimpse.delta.item(), glimpse.sigma2.sqrt().item()
    if size > 1:
        assert delta == pytest.approx(max(shape) / size)
    assert sigma >= max(shape) / size / 2 * (1 - 1e-5)
    for g, pixels in ((glimpse.g_x, width), (glimpse.g_y, height)):
        mu = attention.centres(g, glimpse.delta, size)
        assert mu.mean().item() == pytest.approx((pixels + 1) / 2)
        if pixels == max(shape):
            assert mu.min() >= 1
            assert mu.max() <= pixels


def test_an_untiled_start_does_not_overlap():
    glimpse = zeroed(28, 28, 2, tiled=False)(torch.zeros(1, 4))
    assert glimpse.sigma2.item() == 1
    assert glimpse.delta.item() == 27


def test_tiles_see_the_middle_that_corners_miss():
    x = torch.zeros(1, 1, 28, 28)
    x[..., 8:20, 8:20] = 1
    seen = {}
    for tiled in (True, False):
        f_y, f_x = attention.filters(zeroed(28, 28, 2, tiled)(torch.zeros(1, 4)), 28, 28)
        seen[tiled] = attention.extract(x, f_y, f_x).mean().item()
    assert seen[True] > 0.2
    assert seen[False] < 1e-6


def test_one_filter_sits_at_the_centre_whatever_the_stride():
    for delta in (0.0, 1.0, 50.0):
        mu = attention.centres(torch.tensor([4.25]), torch.tensor([delta]), 1)
        assert mu.tolist() == [[4.25]]


def test_one_filter_has_a_finite_stride():
    glimpse = zeroed(6, 8, 1, tiled=False)(torch.zeros(1, 4))
    assert glimpse.delta.item() == pytest.approx(7)  # N - 1 is replaced by 1


def test_a_window_needs_a_filter():
    with pytest.raises(ValueError, match="size=0"):
        Window(4, 8, 8, 0)


# --- filters ---------------------------------------------------------------------------------

places = st.one_of(st.floats(-40, 80, width=32), st.floats(-1e6, 1e6, width=32))
strides = st.floats(0, 1e3, width=32)
variances = st.one_of(st.floats(2.0**-13, 1, width=32), st.floats(1, 1e6, width=32))


@given(places, strides, variances, st.integers(1, 6), st.integers(1, 40))
def test_rows_sum_to_one_and_hold_no_denormals(g, delta, sigma2, size, pixels):
    mu = attention.centres(torch.tensor([g]), torch.tensor([delta]), size)
    bank = attention.filterbank(mu, torch.tensor([sigma2]), pixels)
    assert bank.shape == (1, size, pixels)
    assert bank.isfinite().all()
    assert (bank >= torch.finfo(torch.float32).tiny).all()
    np.testing.assert_allclose(bank.sum(2), np.ones((1, size)), rtol=1e-5)


def test_without_the_bound_there_would_be_denormals(monkeypatch):
    mu, sigma2 = torch.tensor([[14.5]]), torch.tensor([1.0])
    tiny = torch.finfo(torch.float32).tiny
    assert attention.filterbank(mu, sigma2, 28).min() >= tiny
    monkeypatch.setattr(attention, "FLOOR", -math.inf)
    bank = attention.filterbank(mu, sigma2, 28)
    assert ((bank > 0) & (bank < tiny)).any()


@pytest.mark.parametrize(("mu", "expected"), [(3.5, [0, 0, 0.5, 0.5, 0]), (3.4, [0, 0, 1, 0, 0])])
def test_the_sharpest_filter_between_two_pixels_is_finite(mu, expected):
    sigma2 = torch.tensor([attention.MIN_SIGMA2], requires_grad=True)
    where = torch.tensor([[mu]], requires_grad=True)
    bank = attention.filterbank(where, sigma2, 5)
    np.testing.assert_allclose(bank[0, 0].detach(), expected, atol=1e-5)
    (bank * torch.arange(5.0)).sum().backward()
    assert where.grad is not None
    assert sigma2.grad is not None
    assert where.grad.isfinite().all()
    assert sigma2.grad.isfinite().all()


def test_a_window_bounds_its_variance_below():
    window = zeroed(6, 8, 3, tiled=False)
    with torch.no_grad():
        window.head.bias[2] = -100
    glimpse = window(torch.zeros(1, 4))
    assert glimpse.sigma2.item() == pytest.approx(attention.MIN_SIGMA2)
    f_y, f_x = attention.filters(glimpse, 6, 8)
    assert f_y.isfinite().all()
    assert f_x.isfinite().all()


def test_width_goes_with_x_and_height_with_y():
    height, width = 4, 9
    x = torch.zeros(1, 1, height, width).double()
    x[0, 0, 1, 7] = 1  # row 2 from the top, column 8 from the left
    f_y, f_x = attention.filters(glimpse_at(8.0, 2.0, sigma2=0.01), height, width)
    assert f_y.shape == (1, 1, height)
    assert f_x.shape == (1, 1, width)
    assert attention.extract(x, f_y, f_x).item() == pytest.approx(1)
    stroke = attention.spread(torch.ones(1, 1, 1, 1).double(), f_y, f_x)
    np.testing.assert_allclose(stroke, x, atol=1e-12)


def test_g_tilde_of_one_third_moves_along_its_own_side():
    window = zeroed(5, 11, 3, tiled=False)
    with torch.no_grad():
        window.head.bias[0] = 1 / 3
    glimpse = window(torch.zeros(1, 4))
    assert glimpse.g_x.item() == pytest.approx(8)  # (11 + 1) / 2 * 4 / 3
    assert glimpse.g_y.item() == pytest.approx(3)  # (5 + 1) / 2


def test_rows_of_a_patch_run_down_and_columns_across():
    x = torch.arange(30.0).double().reshape(1, 1, 5, 6)
    f_y, f_x = attention.filters(glimpse_at(3.0, 3.0, delta=2.0, sigma2=0.01, size=3), 5, 6)
    patch = attention.extract(x, f_y, f_x)[0, 0]
    np.testing.assert_allclose(patch, [[0, 2, 4], [12, 14, 16], [24, 26, 28]], atol=1e-6)


def test_all_channels_share_the_filters():
    f_y, f_x = attention.filters(glimpse_at(3.0, 2.0, size=3), 5, 7)
    x, patch = torch.randn(1, 4, 5, 7).double(), torch.randn(1, 4, 3, 3).double()
    together, spread = attention.extract(x, f_y, f_x), attention.spread(patch, f_y, f_x)
    for k in range(4):
        one = slice(k, k + 1)
        torch.testing.assert_close(together[:, one], attention.extract(x[:, one], f_y, f_x))
        torch.testing.assert_close(spread[:, one], attention.spread(patch[:, one], f_y, f_x))


def test_spread_is_the_transpose_of_extract():
    f_y, f_x = attention.filters(glimpse_at(3.0, 2.0, sigma2=2.0, size=3), 5, 7)
    x, patch = torch.randn(1, 2, 5, 7).double(), torch.randn(1, 2, 3, 3).double()
    left = (attention.extract(x, f_y, f_x) * patch).sum()
    right = (x * attention.spread(patch, f_y, f_x)).sum()
    torch.testing.assert_close(left, right)


def test_a_flat_image_reads_flat_and_a_write_keeps_its_mass():
    for g in (3.0, -2.0, 50.0):
        f_y, f_x = attention.filters(glimpse_at(g, delta=2.0, size=3), 5, 7)
        flat = attention.extract(torch.full((1, 1, 5, 7), 0.7, dtype=torch.float64), f_y, f_x)
        np.testing.assert_allclose(flat, np.full((1, 1, 3, 3), 0.7), rtol=1e-9)
        patch = torch.randn(1, 1, 3, 3).double()
        torch.testing.assert_close(attention.spread(patch, f_y, f_x).sum(), patch.sum())


# --- windows that leave the image ------------------------------------------------------------

SIDE = 8
ACROSS = torch.arange(1.0, SIDE + 1).double().expand(1, 1, SIDE, SIDE)  # brighter to the right
DOWN = ACROSS.mT


def read_at(place: float, image: torch.Tensor, sigma2: float = 4.0, size: int = 1):
    """The read at (place, middle), or (middle, place) for DOWN, and its gradient on the place."""
    g = torch.tensor([place]).double().requires_grad_()
    middle = torch.tensor([(SIDE + 1) / 2]).double()
    g_x, g_y = (middle, g) if image is DOWN else (g, middle)
    f_y, f_x = attention.filters(glimpse_at(g_x, g_y, sigma2=sigma2, size=size), SIDE, SIDE)
    value = attention.extract(image, f_y, f_x).mean()
    value.backward()
    return value.item(), g.grad.item()


@pytest.mark.parametrize("image", [ACROSS, DOWN], ids=["x", "y"])
@pytest.mark.parametrize("place", [-6.0, -1.0, SIDE + 2.0, SIDE + 7.0])
def test_moderately_outside_a_gradient_leads_back(image, place):
    value, gradient = read_at(place, image)
    toward_inside = 1 if place < 1 else -1
    error = (value - (SIDE + 1) / 2) ** 2  # wants what the middle shows
    assert error > 1
    pull = -2 * (value - (SIDE + 1) / 2) * gradient  # minus the gradient of that error
    assert pull * toward_inside > 0.01


@pytest.mark.parametrize(
    ("place", "edge"), [(-20.0, 1), (SIDE + 20.0, SIDE), (-1e5, 1), (1e5, SIDE)]
)
@pytest.mark.parametrize("image", [ACROSS, DOWN], ids=["x", "y"])
def test_wholly_outside_the_nearest_edge_is_read(image, place, edge):
    value, gradient = read_at(place, image, sigma2=1.0)
    assert value == pytest.approx(edge, abs=1e-6)
    assert math.isfinite(gradient)


@pytest.mark.parametrize(("place", "edge"), [(-20.0, 0), (SIDE + 20.0, SIDE - 1)])
def test_wholly_outside_a_write_lands_on_the_nearest_edge(place, edge):
    f_y, f_x = attention.filters(glimpse_at(place, 4.0), SIDE, SIDE)
    stroke = attention.spread(torch.ones(1, 1, 1, 1).double(), f_y, f_x)
    assert stroke[..., edge].sum().item() == pytest.approx(1, abs=1e-6)


def test_the_other_choice_would_read_nothing_and_never_come_back():
    """Z + 1e-8 in place of Z: the alternative that the module's text turns down."""
    place = -20.0

    def filterbank(mu, sigma2, pixels):
        a = torch.arange(1, pixels + 1, dtype=mu.dtype)
        weight = (-((a - mu[:, :, None]) ** 2) / (2 * sigma2[:, None, None])).exp()
        return weight / (weight.sum(2, keepdim=True) + 1e-8)

    ours, gradient = read_at(place, ACROSS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "filterbank", filterbank)
        theirs, dead = read_at(place, ACROSS)
    assert ours == pytest.approx(1, abs=0.01)
    assert gradient > 1e-4
    assert abs(theirs) < 1e-4
    assert abs(dead) < 1e-4


@pytest.mark.parametrize("place", [-1e6, -300.0, 0.0, 4.6, 9.0, 300.0, 1e6])
@pytest.mark.parametrize("sigma2", [1e-4, 1.0, 1e4])
def test_values_and_gradients_are_finite_everywhere(place, sigma2):
    tensors = [torch.tensor([v], requires_grad=True) for v in (place, -place, 3.0, sigma2, 0.0)]
    f_y, f_x = attention.filters(Glimpse(*tensors, 3), 5, 7)
    loss = (attention.extract(torch.rand(1, 1, 5, 7), f_y, f_x) ** 2).sum()
    loss = loss + (attention.spread(torch.rand(1, 1, 3, 3), f_y, f_x) ** 2).sum()
    loss.backward()
    assert loss.isfinite()
    for tensor in tensors[:4]:
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()


def test_a_window_partly_outside_has_inner_filters_untouched():
    inside = attention.filterbank(torch.tensor([[4.0]]).double(), torch.tensor([0.5]).double(), 9)
    mu = torch.tensor([[-4.0, 0.0, 4.0]]).double()
    partly = attention.filterbank(mu, torch.tensor([0.5]).double(), 9)
    torch.testing.assert_close(partly[0, 2], inside[0, 0])
    np.testing.assert_allclose(partly[0, 0], [1, *[0] * 8], atol=2e-4)


# --- intensity -------------------------------------------------------------------------------


def test_gamma_multiplies_the_read():
    x, x_hat = torch.randn(1, 2, 5, 7).double(), torch.randn(1, 2, 5, 7).double()
    reader = fixed(AttentiveReader(4, (2, 5, 7), 3), (0.1, 0.2, 0.3, -0.4, 0.0))
    plain, _ = reader(x, x_hat, blank())
    with torch.no_grad():
        reader.window.head.bias[4] = math.log(2.5)
    torch.testing.assert_close(reader(x, x_hat, blank())[0], 2.5 * plain)


def test_the_writes_own_gamma_divides_the_write():
    writer = fixed(AttentiveWriter(4, (2, 5, 7), 3), (0.1, 0.2, 0.3, -0.4, 0.0))
    reader = fixed(AttentiveReader(4, (2, 5, 7), 3), (0.1, 0.2, 0.3, -0.4, 5.0))
    plain, _ = writer(blank())
    with torch.no_grad():
        writer.window.head.bias[4] = math.log(2.5)
    torch.testing.assert_close(writer(blank())[0], plain / 2.5)
    assert reader.window.head.bias is not writer.window.head.bias
    with torch.no_grad():
        writer.window.head.bias[4] = -19  # exp(19), where 1 / (gamma + 1e-8) would saturate
    torch.testing.assert_close(writer(blank())[0], plain * math.exp(19))


# --- gradients -------------------------------------------------------------------------------


def parameters_of(part):
    names, values = zip(*part.named_parameters(), strict=True)
    return names, [value.detach().requires_grad_() for value in values]


@pytest.mark.parametrize("size", [1, 2])
def test_gradients_of_the_read(size):
    reader = AttentiveReader(3, (2, 4, 5), size).double()
    names, values = parameters_of(reader)
    x, x_hat = (torch.randn(2, 2, 4, 5).double().requires_grad_() for _ in range(2))
    h = torch.randn(2, 3).double().requires_grad_()

    def read(x, x_hat, h, *values):
        given = dict(zip(names, values, strict=True))
        return torch.func.functional_call(reader, given, (x, x_hat, h))[0]

    assert torch.autograd.gradcheck(read, [x, x_hat, h, *values])


@pytest.mark.parametrize("size", [1, 2])
def test_gradients_of_the_write(size):
    writer = AttentiveWriter(3, (2, 4, 5), size).double()
    names, values = parameters_of(writer)
    h = torch.randn(2, 3).double().requires_grad_()

    def write(h, *values):
        return torch.func.functional_call(writer, dict(zip(names, values, strict=True)), (h,))[0]

    assert torch.autograd.gradcheck(write, [h, *values])


@pytest.mark.parametrize("place", [-2.0, 7.5])
def test_gradients_of_filters_outside_the_image(place):
    mu = torch.tensor([[place, place + 1]]).double().requires_grad_()
    sigma2 = torch.tensor([1.5]).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda m, s: attention.filterbank(m, s, 6), [mu, sigma2])


# --- without attention -----------------------------------------------------------------------


def test_the_full_reader_is_the_error_image_beside_the_image():
    reader = FullReader(4, (2, 3, 5))
    x, x_hat = torch.randn(2, 2, 3, 5), torch.randn(2, 2, 3, 5)
    r, glimpse = reader(x, x_hat, torch.randn(2, 4))
    assert glimpse is None
    assert (reader.features, reader.constant) == (60, 30)
    assert r.tolist() == [x_hat[i].flatten().tolist() for i in (0, 1)]


def test_the_full_writer_is_an_affine_map():
    writer, h = FullWriter(4, (2, 3, 5)).double(), torch.randn(3, 4).double()
    weight, bias = (p.detach().numpy() for p in writer.to_canvas.parameters())
    stroke, glimpse = writer(h)
    assert glimpse is None
    expected = (h.numpy() @ weight.T + bias).reshape(3, 2, 3, 5)
    np.testing.assert_allclose(stroke.detach(), expected, rtol=1e-12)


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("value", [-1e4, -100.0, 100.0, 1e4])
def test_no_emitted_value_makes_anything_infinite(place, value):
    reader = AttentiveReader(3, (1, 6, 5), 2)
    writer = AttentiveWriter(3, (1, 6, 5), 2)
    with torch.no_grad():
        reader.window.head.bias[place] = value
        writer.window.head.bias[place] = value
    x, h = torch.rand(2, 1, 6, 5), torch.zeros(2, 3)
    for made, module in ((reader(x, x, h)[0], reader), (writer(h)[0], writer)):
        assert made.isfinite().all()
        made.sum().backward()
        assert all(p.grad.isfinite().all() for p in module.parameters() if p.grad is not None)

"""The attentive classifier: its first window, what it is told, what can be switched off."""

import math

import pytest
import torch

from underdraw.models import build
from underdraw.models.glimpser import GlimpserConfig, widened
from underdraw.nn.attention import centres, filters, read
from underdraw.presets import glimpser_mnist_cluttered, glimpser_mnist_cluttered_4


def test_the_paper_has_these_sizes():
    for preset, steps in ((glimpser_mnist_cluttered, 8), (glimpser_mnist_cluttered_4, 4)):
        found = preset().model
        assert (found.steps, found.hidden, found.read_size) == (steps, 256, 12)
        assert (found.shape, found.classes, found.scales) == ((1, 100, 100), 10, 1)


def test_the_first_window_covers_the_whole_image():
    """Its filters tile the image: every pixel weighs about as much, and no digit falls between."""
    model = build(GlimpserConfig())
    with torch.no_grad():
        model.window.head.bias[:2] = 0  # where chance has put the centre
        (first, *_) = model.looks(torch.zeros(1, 1, 100, 100), 1)
    mu = centres(first.window.g_x, first.window.delta, 12)[0]
    torch.testing.assert_close(
        mu[[0, -1]], torch.tensor([50.5 - 45.83, 50.5 + 45.83]), atol=0.01, rtol=0
    )
    assert first.window.sigma2.sqrt().item() == pytest.approx(100 / 12 / 2)
    f_y, _ = filters(first.window, 100, 100)
    weight = f_y[0].sum(0)
    assert weight.max() < 1.8 * weight.min()


def test_without_tiles_it_starts_from_border_to_border():
    plain, tiled = (build(GlimpserConfig(tiled_window=tiled)) for tiled in (False, True))
    assert plain.window.head.bias.abs().max() <= 256**-0.5  # a Linear's own start, from 256 units
    assert tiled.window.head.bias[2:4].abs().max() > 256**-0.5
    torch.nn.init.zeros_(plain.window.head.bias)
    (first, *_) = plain.looks(torch.zeros(1, 1, 100, 100), 1)
    mu = centres(first.window.g_x, first.window.delta, 12)[0]
    torch.testing.assert_close(mu[[0, -1]], torch.tensor([1.0, 100.0]))
    assert first.window.sigma2.item() == 1


def test_a_gain_scales_the_weights_of_what_is_seen_alone():
    models = []
    for gain in (1.0, 4.0):
        torch.manual_seed(0)
        models.append(build(GlimpserConfig(glimpse_gain=gain)))
    one, other = (model.state_dict() for model in models)
    one["embed.weight"][:, : 12 * 12] *= 4
    for name in one:
        torch.testing.assert_close(other[name], one[name])


def test_cells_may_be_plain_and_classes_have_a_layer_of_their_own():
    names = [
        set(build(GlimpserConfig(**change)).state_dict())
        for change in ({}, {"layer_norm": False}, {"head": 32})
    ]
    usual, plain, headed = names
    assert usual - plain == {"rnn.gain", "rnn.cell_norm.weight", "rnn.cell_norm.bias"}
    assert headed - usual == {"to_head.weight", "to_head.bias"}
    model = build(GlimpserConfig(head=32))
    with torch.no_grad():
        model.to_head.bias.fill_(-1e3)  # rectified away
    assert torch.equal(model(torch.rand(2, 1, 100, 100))[-1, 0], model.to_classes.bias)


def test_the_first_window_is_the_same_for_every_image_and_later_ones_are_not():
    model = build(GlimpserConfig(shape=(1, 20, 20), read_size=4, hidden=16))
    first, *_, last = model.looks(torch.rand(2, 1, 20, 20), 3)
    assert torch.equal(first.window.g_x[0], first.window.g_x[1])
    assert not torch.equal(last.window.g_x[0], last.window.g_x[1])


def test_what_is_seen_is_the_read_of_the_window():
    model = build(GlimpserConfig(shape=(1, 20, 16), read_size=4, hidden=16, scales=2))
    x = torch.rand(2, 1, 20, 16)
    *_, last = model.looks(x, 2)
    near, far = read(last.window, x), read(widened(last.window, 2.0), x)
    torch.testing.assert_close(last.patch, torch.cat([near, far], 1))


def test_a_wider_window_has_the_same_centre():
    model = build(GlimpserConfig(shape=(1, 20, 20), read_size=4, hidden=16))
    (first, *_) = model.looks(torch.zeros(1, 1, 20, 20), 1)
    wide = widened(first.window, 2.0)
    assert wide.g_x is first.window.g_x
    torch.testing.assert_close(wide.delta, 2 * first.window.delta)
    torch.testing.assert_close(wide.sigma2, 4 * first.window.sigma2)


def test_the_place_is_near_zero_for_a_window_on_the_whole_image():
    model = build(GlimpserConfig(shape=(1, 40, 60)))
    window = model.window.glimpse(torch.zeros(1, 5))
    full = 60 / 12
    window = window._replace(delta=torch.tensor([full]), sigma2=torch.tensor([(full / 2) ** 2]))
    torch.testing.assert_close(model.place(window), torch.zeros(1, 4), atol=1e-5, rtol=0)
    left = window._replace(g_x=torch.tensor([1.0]), delta=torch.tensor([full / math.e]))
    torch.testing.assert_close(model.place(left)[0, :3], torch.tensor([2 / 61 - 1, 0.0, -1.0]))


def test_a_window_without_width_has_a_place():
    """On an image of one pixel, or with a stride that underflows, a logarithm would be infinite."""
    dot = build(GlimpserConfig(shape=(1, 1, 1), read_size=2, hidden=8, embedding=8))
    dot(torch.ones(1, 1, 1, 1))[-1].sum().backward()
    assert all(p.grad.isfinite().all() for p in dot.parameters() if p.grad is not None)
    model = build(GlimpserConfig(shape=(1, 20, 20), read_size=4, hidden=16))
    window = model.window.glimpse(torch.tensor([[0.0, 0.0, -500.0, -500.0, 0.0]]))
    assert model.place(window).isfinite().all()


def test_it_is_told_where_it_looked_unless_it_is_not():
    """Of an empty image nothing else can be known."""
    for location in (True, False):
        torch.manual_seed(0)
        model = build(GlimpserConfig(shape=(1, 20, 20), read_size=4, hidden=16, location=location))
        x = torch.zeros(1, 1, 20, 20)
        before = model(x)[0]
        with torch.no_grad():
            model.window.head.bias[0] += 0.5
        assert torch.equal(before, model(x)[0]) is not location


def test_a_bright_spot_is_found_by_gradient():
    """The window has a gradient that leads to what matters: the reason for it to be blurred."""
    model = build(GlimpserConfig(shape=(1, 40, 40), read_size=4, hidden=16, steps=1))
    torch.nn.init.zeros_(model.window.head.bias[:2].data)
    x = torch.zeros(1, 1, 40, 40)
    x[..., 18:22, 28:32] = 1
    (look, *_) = model.looks(x, 1)
    look.patch[0, 0, 1:3, 1:3].sum().backward()  # more light in the middle
    slope = model.window.head.bias.grad
    assert slope[0] > 0  # to the right
    assert slope[0].abs() > 10 * slope[1].abs()  # and hardly up or down


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shape", (1, 0, 5)),
        ("classes", 1),
        ("steps", 0),
        ("hidden", -1),
        ("read_size", 0),
        ("scales", 0),
        ("embedding", -1),
        ("head", -2),
        ("glimpse_gain", 0.0),
    ],
)
def test_what_cannot_be_built_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        GlimpserConfig(**{field: value})

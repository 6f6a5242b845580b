"""Convolutional classifiers: the papers' sizes, and what is refused."""

import pytest
import torch

from underdraw.models import build
from underdraw.models.convnet import ConvNetConfig
from underdraw.presets import convnet_mnist_cluttered, convnet_small_mnist_cluttered


def test_the_papers_network_has_its_sizes():
    model = build(convnet_mnist_cluttered().model)
    shapes = {name: tuple(value.shape) for name, value in model.named_parameters()}
    assert shapes["convs.0.weight"] == (8, 1, 10, 10)
    assert shapes["to_hidden.weight"] == (256, 8 * 19 * 19)
    assert shapes["to_classes.weight"] == (10, 256)
    assert len(shapes) == 6


def test_the_small_one_halves_the_side_and_keeps_the_largest_values():
    config = convnet_small_mnist_cluttered().model
    assert [ConvNetConfig(maps=(4,) * n, kernel=3, stride=2).side(100) for n in (1, 2, 3, 4)] == [
        50, 25, 13, 7,
    ]  # fmt: skip
    model = build(config).eval()
    x = torch.zeros(1, 1, 100, 100)
    x[..., 16:32, 16:32] = torch.rand(16, 16)
    moved = x.roll((32, 32), (2, 3))  # by whole strides, far from the border: the same values
    torch.testing.assert_close(model(moved), model(x), rtol=1e-3, atol=1e-3)


def test_the_size_of_what_passes_is_kept():
    model = build(ConvNetConfig(shape=(3, 64, 64), maps=(32, 32, 32), kernel=5, stride=1, hidden=0))
    x = torch.randn(4, 3, 64, 64)
    for conv in model.convs:
        x = torch.nn.functional.conv2d(x, conv.weight, conv.bias, 1, 2).relu()
    assert 0.3 < x.square().mean() < 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shape", (1, 0, 5)),
        ("maps", ()),
        ("maps", (4, 0)),
        ("kernel", 0),
        ("kernel", 102),
        ("kernel", 12),  # too large for the second maps, of 10 x 10
        ("stride", 0),
        ("hidden", -1),
        ("classes", 1),
    ],
)
def test_what_cannot_be_built_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        ConvNetConfig(**{"maps": (4, 4), "kernel": 10, "stride": 9, field: value})

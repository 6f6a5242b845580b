"""Models of one layer and of two, images for them, and a preset that trains in a moment."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from underdraw.data import hold
from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig
from underdraw.models.draw import DRAW, DRAWConfig
from underdraw.presets import draw_mnist_small

SHAPE = (1, 6, 5)


@pytest.fixture
def model():
    torch.manual_seed(3)
    config = DRAWConfig(shape=SHAPE, steps=4, hidden=9, latent=4, write_size=3, learned_prior=True)
    model = DRAW(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.mul_(3.0 if "write" in name else 1.0)  # so that latents show in the canvas
    return model


@pytest.fixture
def two_layers():
    torch.manual_seed(3)
    config = ConvDRAWConfig(
        shape=SHAPE, steps=3, kernel=3, maps=(5, 4), latent=(2, 3), stride=(2, 1),
        likelihood="bernoulli",
    )  # fmt: skip
    model = ConvDRAW(config).eval()
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.3 * torch.randn_like(value))
    return model


@pytest.fixture
def images():
    return hold(np.random.default_rng(0).random((11, *SHAPE)) < 0.4, name="noise")


@pytest.fixture
def preset():
    """A few updates of a small DRAW on the digits in the package."""
    small = draw_mnist_small()
    train = replace(
        small.train, steps=4, batch=4, validate_images=6, validate_every=4, log_every=1,
        snapshot_every=4,
    )  # fmt: skip
    return replace(small, model=replace(small.model, steps=2, hidden=6, latent=3), train=train)

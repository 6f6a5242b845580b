"""Small models with weights that do something, images, and integer twins."""

import torch

from underdraw.codec import exact
from underdraw.codec.exact import Twin
from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig

CODEC = {"norm": "none", "weight_norm": True, "constant_scale": True}
MODELS = {
    "one": ConvDRAWConfig((3, 9, 8), 3, 3, (6,), (3,), (2,), **CODEC),
    "wide": ConvDRAWConfig((1, 9, 9), 2, 5, (4,), (2,), (3,), **CODEC),
    "two": ConvDRAWConfig((3, 8, 8), 2, 3, (6, 5), (2, 3), (2, 2), **CODEC),
    "three": ConvDRAWConfig((3, 8, 8), 2, 3, (4, 3, 4), (2, 1, 2), (1, 2, 1), **CODEC),
}


def stirred(config: ConvDRAWConfig) -> ConvDRAW:
    """A model that is far from its start: priors, scales and starts depend on things."""
    torch.manual_seed(1)
    model = ConvDRAW(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def picture(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, shape, generator=generator).byte()


def integer(model: ConvDRAW) -> Twin:
    """The twin of `model` that computes in int64."""
    twin = exact.twin_of(model)
    twin.take(twin.integers(), torch.int64)
    return twin

"""Products, written once.

A recurrent model spends its arithmetic in matrix products and its care everywhere else. Inside
`torch.autocast` the products here run in the reduced type (bf16) and their results come back in
the type of the input, so sums, non-linearities, logarithms and states keep float32:

    y = (x W^T) + b        x W^T in autocast's type, + b in x's; a convolution likewise

Products with filterbanks are small, and rounded filters would no longer sum to 1: they are exact.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


def linear(
    x: Float[Tensor, "*b i"], weight: Float[Tensor, "o i"], bias: Float[Tensor, " o"] | None = None
) -> Float[Tensor, "*b o"]:
    """Affine map whose product follows autocast and whose result has the weight's type."""
    y = F.linear(x, weight).to(weight.dtype)
    return y if bias is None else y + bias


def affine(x: Float[Tensor, "b i"], *maps: nn.Linear) -> tuple[Float[Tensor, "b _"], ...]:
    """Several affine maps of one input, in one product: thin products cost more than they do."""
    weight, bias = (torch.cat([getattr(m, part) for m in maps]) for part in ("weight", "bias"))
    return linear(x, weight, bias).split([m.out_features for m in maps], 1)


def conv2d(
    x: Float[Tensor, "b i h w"],
    weight: Float[Tensor, "o i k l"],
    bias: Float[Tensor, " o"] | None = None,
    stride: int = 1,
    padding: int = 0,
) -> Float[Tensor, "b o y x"]:
    """Convolution whose product follows autocast and whose result has the type of `x`."""
    y = F.conv2d(x, weight, stride=stride, padding=padding).to(x.dtype)
    return y if bias is None else y + bias[:, None, None]


def exact(a: Float[Tensor, "b i j"], b: Float[Tensor, "b j k"]) -> Float[Tensor, "b i k"]:
    """Matrix product in the factors' own type, whatever autocast says."""
    with torch.autocast(a.device.type, enabled=False):
        return a @ b


def join(*parts: Float[Tensor, "b _"]) -> Float[Tensor, "b i"]:
    """Vectors side by side, the factor of a product, in the type in which that will run.

    So nothing is first laid out in float32 and then rounded.
    """
    kind = parts[0].device.type
    if torch.is_autocast_enabled(kind) and parts[0].dtype != torch.float64:  # as autocast does
        parts = tuple(part.to(torch.get_autocast_dtype(kind)) for part in parts)
    return torch.cat(parts, 1)

"""Products, written once.

A recurrent model spends its arithmetic in matrix products and its care everywhere else. Inside
`torch.autocast` the products here run in the reduced type (bf16) and their results come back in
the type of the input, so sums, non-linearities, logarithms and states keep float32:

    y = (x W^T) + b        x W^T in autocast's type, + b in x's

Products with filterbanks are small, and rounded filters would no longer sum to 1: they are exact.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def linear(
    x: Float[Tensor, "*b i"], weight: Float[Tensor, "o i"], bias: Float[Tensor, " o"] | None = None
) -> Float[Tensor, "*b o"]:
    """Affine map whose product follows autocast and whose result has the type of `x`."""
    y = F.linear(x, weight).to(x.dtype)
    return y if bias is None else y + bias


def exact(a: Float[Tensor, "b i j"], b: Float[Tensor, "b j k"]) -> Float[Tensor, "b i k"]:
    """Matrix product in the factors' own type, whatever autocast says."""
    with torch.autocast(a.device.type, enabled=False):
        return a @ b

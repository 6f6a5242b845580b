"""The exact twins of the parts that a Convolutional DRAW is made of.

Between parts, maps are float64 tensors (B, C, H, W) of whole numbers of units. Parts whose buffers
are int64 compute in int64, and give the same numbers.

The LSTM cell takes its sigmoids from the table of tanh, s = 1 + tanh(a / 2) in units of 2^-16, the
double of a sigmoid in units of 2^-16, or a sigmoid in units of 2^-17:

    c' = (s_f c + s_i tanh(g)) / 2^17        h' = s_o tanh(c') / 2^17        both rounded

Its rows are in the order i, f, o, g, and those of i, f and o hold halves of weights.
"""

from typing import cast

import torch
from torch import Tensor, nn

from underdraw.codec.exact.gaussians import ExactGaussian, ExactPixels
from underdraw.codec.exact.grid import (
    FLOAT,
    FRACTION,
    GRIDS,
    WEIGHT_FRACTION,
    bound_,
    classes,
    shift_,
)
from underdraw.codec.exact.product import Product
from underdraw.codec.exact.tables import ENTRIES, RESOLUTION, tanh_table
from underdraw.likelihoods import Likelihood
from underdraw.nn import conv
from underdraw.nn.conv import State

ONE = 1 << FRACTION


class Add(nn.Module):
    """The sum of two maps, clamped."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """The sum a + b."""
        return bound_(a + b)


class Subtract(nn.Module):
    """The difference of two maps, clamped."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """The difference a - b."""
        return bound_(a - b)


class Conv2d(Product):
    """A convolution with "same" padding, rounded to the grid and clamped."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        plan = self.plan(x)
        a, out = plan.lay([x], self.weight.dtype), plan.room(len(self.bias))
        for strip in plan.strips():
            total = self.accumulate(a, strip, plan.wide, 1 << (WEIGHT_FRACTION - 1))
            out[:, strip] = bound_(shift_(total, WEIGHT_FRACTION))
        return plan.pixels(out)


class ConvLSTMCell(Product):
    """A convolutional LSTM cell; gates i, f, o, g."""

    def forward(self, x: Tensor, state: State) -> State:
        """One step: input (B, I, H, W), state (h, c) of (B, M, H, W) each -> new (h, c)."""
        h, c = state
        plan, maps, dtype = self.plan(x), h.shape[1], self.weight.dtype
        a, old = plan.lay([x, h], dtype), plan.lay([c], dtype)[:, plan.margin :]
        new_h, new_c = plan.room(maps), plan.room(maps)
        for strip in plan.strips():
            gates = self.accumulate(a, strip, plan.wide, 0)
            new_h[:, strip], new_c[:, strip] = cell(gates, old[:, strip])
        return plan.pixels(new_h), plan.pixels(new_c)


def cell(gates: Tensor, c: Tensor) -> State:
    """New (h, c), (M, columns), from sums of products (4 M, columns), which are overwritten."""
    maps = len(c)
    t = tanh(gates, FRACTION + WEIGHT_FRACTION)
    t[: 3 * maps] += ONE
    s_i, s_f, s_o, g = t.unflatten(0, (4, maps))
    c = bound_(halved(s_f * c + s_i * g))
    return halved(tanh(c.clone(), FRACTION) * s_o), c


def tanh(a: Tensor, fraction: int) -> Tensor:
    """Tanh of whole numbers of units of 2^-fraction, in units of 2^-16; overwrites `a`.

    The conversion to integers cuts towards 0, which for what is not negative is the floor.
    """
    if a.is_floating_point():
        a.mul_(2.0 ** (RESOLUTION - fraction))
    else:
        a.bitwise_right_shift_(fraction - RESOLUTION)
    index = a.add_(ENTRIES // 2).clamp_(0, ENTRIES - 1).to(torch.int32)
    return tanh_table(a.dtype).index_select(0, index.view(-1)).view(a.shape)


def halved(a: Tensor) -> Tensor:
    """Products with the doubles of sigmoids, back on the grid; in place."""
    return shift_(a.add_(ONE), FRACTION + 1)


class GaussianHead(nn.Module):
    """A convolution to mean and log2 sigma, and that to a scale class."""

    def __init__(self, affine: Conv2d) -> None:
        super().__init__()
        self.affine = affine

    def forward(self, h: Tensor, t: Tensor) -> ExactGaussian:
        """The distribution, (B, latent, H, W); the step `t` does not matter."""
        mean, v = self.affine(h).chunk(2, 1)
        return ExactGaussian(mean, classes(v))


class ConstantScaleHead(nn.Module):
    """A convolution to the mean, and what is known of a posterior without the image.

    Buffers, all (steps, latent): `scale`, its class; `delta`, the step of the grid that latents
    lie on, in units; `active`, whether a map is coded; `order`, maps by what they tell. And
    `shift`, (steps, GRIDS, latent): classes to add to the prior's for rounded means of each grid.
    """

    scale: Tensor
    delta: Tensor
    active: Tensor
    order: Tensor
    shift: Tensor

    def __init__(self, affine: Conv2d, steps: int) -> None:
        super().__init__()
        self.affine = affine
        for name in ("scale", "delta", "active", "order"):
            self.register_buffer(name, torch.empty(steps, len(affine.bias), dtype=torch.int64))
        self.register_buffer("shift", torch.empty(steps, GRIDS, len(affine.bias)).long())

    def forward(self, h: Tensor, t: Tensor) -> ExactGaussian:
        """The distribution, (B, latent, H, W), at step `t`, an integer tensor of no axes."""
        mean = self.affine(h)
        scale = self.scale.index_select(0, t.reshape(1))[..., None, None].to(FLOAT)
        return ExactGaussian(mean, scale.expand_as(mean))


class PixelLikelihood(Likelihood):
    """Canvas of means and log2 sigmas to Gaussian pixels on 256 levels."""

    planes = 2
    continuous = False

    def forward(self, canvas: Tensor) -> ExactPixels:
        """The distribution; (B, 2C, H, W) -> pixels (B, C, H, W)."""
        mean, v = canvas.chunk(2, 1)
        return ExactPixels(mean, classes(v))

    def target(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """What is scored: `x` itself."""
        return x


def twin_of(part: nn.Module) -> nn.Module | None:
    """An empty exact twin of `part`, if it is one of the parts that have one."""
    if isinstance(part, conv.Conv2d | conv.ConvLSTMCell):
        outputs, inputs, kernel, _ = part.weight.shape
        kind = Conv2d if isinstance(part, conv.Conv2d) else ConvLSTMCell
        return kind(inputs, outputs, kernel)
    if isinstance(part, conv.ConvGaussianHead):
        return GaussianHead(cast("Conv2d", twin_of(part.affine)))
    if isinstance(part, conv.ConstantScaleHead):
        affine = cast("Conv2d", twin_of(part.affine))
        return ConstantScaleHead(affine, len(part.log_variance))
    if isinstance(part, conv.Add | conv.Subtract):
        return Add() if isinstance(part, conv.Add) else Subtract()
    return PixelLikelihood() if isinstance(part, Likelihood) else None


def swap(whole: nn.Module) -> None:
    """Put exact twins in the place of all parts of `whole` that have one."""
    for name, part in whole.named_children():
        if (twin := twin_of(part)) is None:
            swap(part)
        else:
            setattr(whole, name, twin)

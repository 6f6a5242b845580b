"""Convolutional parts: cells, heads, and the ways between scales.

A convolutional LSTM (Shi et al., 2015) concatenates input and hidden state, and takes its four
gates from one convolution of k x k pixels with "same" padding:

    i, f, g, o = W * [x, h] + b
    c' = sigmoid(f) c + sigmoid(i) tanh(g)
    h' = sigmoid(o) tanh(c')

Pre-activations and cell state may be normalised, LN(a) = gain (a - mean(a)) / std(a) + bias, over
the maps of each pixel ("channel") or over all maps and pixels of an image ("image"). With weight
normalisation (Salimans & Kingma, 2016) the weights of each output map are g V / norm(V); g starts
as norm(V), so the function is that without it, and nothing depends on data.

A stride of s is a rearrangement: s x s pixels of one map become one pixel of s^2 maps, and a k x k
convolution of those is one of sk x sk pixels with stride s. It lets everything that a cell reads
stand side by side in one product. The way back is its inverse, a pixel shuffle: unlike most
transposed convolutions it gives every pixel equally many terms. A stride of the whole map leaves
one pixel, on which a 1 x 1 convolution is a fully connected layer.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.distributions import Gaussian
from underdraw.ops import conv2d

State = tuple[Tensor, Tensor]
Scale = tuple[int, int]
Norm = Literal["none", "channel", "image"]


def to_depth(x: Float[Tensor, "b c h w"], scale: Scale) -> Float[Tensor, "b d y x"]:
    """Each `scale` block of pixels as one pixel: (B, C, H, W) -> (B, C s t, H / s, W / t)."""
    if scale == (1, 1):
        return x
    b, c, h, w = x.shape
    s, t = scale
    blocks = x.reshape(b, c, h // s, s, w // t, t)
    return blocks.permute(0, 1, 3, 5, 2, 4).reshape(b, c * s * t, h // s, w // t)


def to_space(x: Float[Tensor, "b d h w"], scale: Scale) -> Float[Tensor, "b c y x"]:
    """The inverse of `to_depth`: (B, C s t, H, W) -> (B, C, s H, t W)."""
    if scale == (1, 1):
        return x
    b, d, h, w = x.shape
    s, t = scale
    blocks = x.reshape(b, d // (s * t), s, t, h, w)
    return blocks.permute(0, 1, 4, 2, 5, 3).reshape(b, d // (s * t), s * h, t * w)


def same(
    x: Float[Tensor, "b i h w"],
    weight: Float[Tensor, "o i k k"],
    bias: Float[Tensor, " o"] | None = None,
) -> Float[Tensor, "b o h w"]:
    """A convolution with "same" padding, channels last: what convolutions are fastest on."""
    x = x.contiguous(memory_format=torch.channels_last)
    return conv2d(x, weight, bias, padding=weight.shape[-1] // 2)


class Add(nn.Module):
    """The sum of two maps, as a part that can be exchanged for one of other arithmetic."""

    def forward(self, a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"]) -> Tensor:
        """The sum a + b."""
        return a + b


class Subtract(nn.Module):
    """The difference of two maps; see `Add`."""

    def forward(self, a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"]) -> Tensor:
        """The difference a - b."""
        return a - b


class Conv2d(nn.Module):
    """A convolution of stride 1 with "same" padding, whose product follows autocast.

    Args:
        inputs: maps of the input.
        outputs: maps of the output.
        kernel: pixels a side, odd.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        spread = (inputs * kernel**2) ** -0.5
        nn.init.uniform_(self.weight, -spread, spread)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        return same(x, self.weight, self.bias)


class Enlarge(nn.Module):
    """A convolution, and a pixel shuffle to a finer scale.

    Args:
        inputs: maps of the input.
        outputs: maps of the output.
        kernel: pixels of the input a side, odd.
        scale: pixels of the output to a pixel of the input, down and across.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, scale: Scale) -> None:
        super().__init__()
        self.scale = scale
        self.affine = Conv2d(inputs, outputs * scale[0] * scale[1], kernel)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o y x"]:
        """(B, inputs, H, W) -> (B, outputs, s H, t W)."""
        return to_space(self.affine(x), self.scale)


class ConvLSTMCell(nn.Module):
    """A convolutional LSTM cell with the signature of `nn.LSTMCell`.

    The weight is (4 M, I + M, k, k) with gates in the order i, f, g, o; the forget gate starts
    with a bias of 1.

    Args:
        inputs: maps of the input, I.
        maps: maps of the hidden state, M.
        kernel: pixels a side, odd.
        norm: over what to normalise gates and cell state, if at all.
        weight_norm: give each output map's weights a length of their own.
        emphasis: (n, f): the initial weights of the last n maps of the input are f times larger.
    """

    def __init__(
        self,
        inputs: int,
        maps: int,
        kernel: int,
        norm: Norm = "none",
        weight_norm: bool = False,
        emphasis: tuple[int, float] = (0, 1.0),
    ) -> None:
        super().__init__()
        self.norm: Norm = norm
        self.weight = nn.Parameter(torch.empty(4 * maps, inputs + maps, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(4, maps))
        spread = ((inputs + maps) * kernel**2) ** -0.5
        nn.init.uniform_(self.weight, -spread, spread)
        nn.init.ones_(self.bias[1])
        count, factor = emphasis
        with torch.no_grad():
            self.weight[:, inputs - count : inputs] *= factor
        lengths = self.weight.detach().flatten(1).norm(dim=1)
        self.length = nn.Parameter(lengths) if weight_norm else None
        normed = norm != "none"
        self.gain = nn.Parameter(torch.ones(4, maps)) if normed else None
        self.cell_gain = nn.Parameter(torch.ones(maps)) if normed else None
        self.cell_bias = nn.Parameter(torch.zeros(maps)) if normed else None

    def filters(self) -> Float[Tensor, "o i k k"]:
        """The weight that is convolved with, weight normalisation applied."""
        if self.length is None:
            return self.weight
        lengths = self.weight.flatten(1).norm(dim=1)
        return self.weight * (self.length / lengths)[:, None, None, None]

    def forward(self, x: Float[Tensor, "b i h w"], state: State) -> State:
        """One step: input (B, I, H, W), state (h, c) of (B, M, H, W) each -> new (h, c)."""
        h, c = state
        product = same(torch.cat([x, h], 1), self.filters())
        gates = product.unflatten(1, (4, -1))  # (B, 4, M, H, W)
        if self.gain is not None:
            gates = normalise(gates, self.norm) * self.gain[:, :, None, None]
        i, f, g, o = (gates + self.bias[:, :, None, None]).unbind(1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self._seen(c).tanh(), c

    def _seen(self, c: Tensor) -> Tensor:
        if self.cell_gain is None or self.cell_bias is None:
            return c
        gain, bias = self.cell_gain[:, None, None], self.cell_bias[:, None, None]
        return normalise(c, self.norm) * gain + bias


def normalise(a: Float[Tensor, "*b m h w"], norm: Norm, eps: float = 1e-5) -> Tensor:
    """Zero mean and unit variance over the maps of a pixel, or of all pixels."""
    over = (-3,) if norm == "channel" else (-3, -2, -1)
    variance, mean = torch.var_mean(a, over, correction=0, keepdim=True)
    return (a - mean) * (variance + eps).rsqrt()


class ConvGaussianHead(nn.Module):
    """A convolution to mean and log *variance* (Convolutional DRAW, 2016; DRAW: log sigma).

    Args:
        inputs: maps of the hidden state.
        latent: maps of the latent.
        kernel: pixels a side, odd.
        mu_gain: factor on the initial weights of the mean.
        standard: start as N(0, I) instead, whatever the hidden state.
    """

    def __init__(
        self,
        inputs: int,
        latent: int,
        kernel: int,
        mu_gain: float = 1.0,
        *,
        standard: bool = False,
    ) -> None:
        super().__init__()
        self.affine = Conv2d(inputs, 2 * latent, kernel)
        with torch.no_grad():
            self.affine.weight[:latent].mul_(mu_gain)
            if standard:
                self.affine.weight.zero_()

    def forward(self, h: Float[Tensor, "b i h w"], t: Tensor) -> Gaussian:
        """The distribution, (B, latent, H, W); the step `t` does not matter."""
        mu, log_variance = self.affine(h).chunk(2, 1)
        return Gaussian(mu, 0.5 * log_variance)


class ConstantScaleHead(nn.Module):
    """A mean that is read from the hidden state, and a learned scale for each step and map.

    What codes latents on a grid must know the width of the posterior without the image
    (Convolutional DRAW, section 3). Arguments as in `ConvGaussianHead`.
    """

    def __init__(
        self, inputs: int, latent: int, kernel: int, steps: int, mu_gain: float = 1.0
    ) -> None:
        super().__init__()
        self.affine = Conv2d(inputs, latent, kernel)
        self.log_variance = nn.Parameter(torch.zeros(steps, latent))
        with torch.no_grad():
            self.affine.weight.mul_(mu_gain)

    def forward(self, h: Float[Tensor, "b i h w"], t: Tensor) -> Gaussian:
        """The distribution, (B, latent, H, W), at step `t`, an integer tensor of no axes."""
        mu = self.affine(h)
        log_sigma = 0.5 * self.log_variance.index_select(0, t.reshape(1))[..., None, None]
        return Gaussian(mu, log_sigma.expand_as(mu))

"""Two-dimensional differentiable attention (DRAW, 2015, section 3).

A grid of N x N Gaussian filters is laid over a B x A image (height B, width A; pixels are counted
from 1). A linear map of the hidden state emits five numbers (Eq. 21), and

    g_x = (A + 1) / 2 (g~_x + 1)        g_y = (B + 1) / 2 (g~_y + 1)             (22, 23)
    delta = (max(A, B) - 1) / (N - 1) delta~                                     (24)
    mu_x[i] = g_x + (i - N / 2 - 1 / 2) delta,   i = 1..N                        (19, 20)
    F_x[i, a] = exp(-(a - mu_x[i])^2 / (2 sigma^2)) / Z_x,   a = 1..A            (25, 26)
    read  = gamma [F_y x F_x^T, F_y x_hat F_x^T]                                 (27)
    write = 1 / gamma F_y^T w F_x                                                (28, 29)

Choices the paper leaves open, made here:

* Z is exact: every row sums to 1, also when its window lies outside the image, where it reads the
  nearest edge (and a write lands there), with a gradient that leads back from up to about
  30 sigma^2 pixels away. The alternative, a sum plus a constant, reads zero there and leads
  nowhere. `filterbank` takes exponents relative to the nearest
  pixel, so nothing underflows, and bounds them at -30, so nothing becomes denormal.
* N = 1 has no neighbours and so no stride: N - 1 is replaced by 1 in Eq. 24, and delta has no
  effect on the single centre.
* The variance is at least 1e-4 square pixels, and the emitted logarithms are bounded by 20 (of
  variance and stride above, of the intensity on both sides), so that no emitted value makes
  anything infinite. Beyond a bound there is no gradient, and nothing to see either.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.ops import affine, exact, linear

FLOOR = -30.0  # exponents below this make denormals and add nothing
MIN_SIGMA2 = 1e-4  # square pixels
MAX_LOG = 20.0  # of an emitted variance, stride or intensity


class Glimpse(NamedTuple):
    """Where and how a window looks, in pixels counted from 1; every tensor is (B,).

    Attributes:
        g_x: horizontal centre of the grid.
        g_y: vertical centre of the grid.
        delta: distance between neighbouring filters.
        sigma2: variance of the filters, square pixels.
        log_gamma: logarithm of the intensity.
        size: filters on a side, N.
    """

    g_x: Tensor
    g_y: Tensor
    delta: Tensor
    sigma2: Tensor
    log_gamma: Tensor
    size: int


def centres(g: Float[Tensor, " b"], delta: Float[Tensor, " b"], size: int) -> Float[Tensor, "b n"]:
    """Filter centres along one axis (Eqs 19-20), in pixels counted from 1."""
    i = torch.arange(1, size + 1, dtype=g.dtype, device=g.device)
    return g[:, None] + (i - size / 2 - 0.5) * delta[:, None]


def filterbank(
    mu: Float[Tensor, "b n"], sigma2: Float[Tensor, " b"], pixels: int
) -> Float[Tensor, "b n a"]:
    """Gaussian filters over `pixels` positions (Eqs 25-26); each row sums to 1."""
    a = torch.arange(1, pixels + 1, dtype=mu.dtype, device=mu.device)
    mu = mu[:, :, None]
    nearest = mu.detach().round().clamp(1, pixels)
    # (a - mu)^2 - (nearest - mu)^2 as a product: nothing cancels, however far away mu is
    further = (a - nearest) * (a + nearest - 2 * mu)
    weight = (-further / (2 * sigma2[:, None, None])).clamp(min=FLOOR).exp()
    return weight / weight.sum(2, keepdim=True)


def filters(
    glimpse: Glimpse, height: int, width: int
) -> tuple[Float[Tensor, "b n h"], Float[Tensor, "b n w"]]:
    """F_y and F_x of a glimpse on an image of `height` x `width` pixels."""
    mu_x = centres(glimpse.g_x, glimpse.delta, glimpse.size)
    mu_y = centres(glimpse.g_y, glimpse.delta, glimpse.size)
    f_x = filterbank(mu_x, glimpse.sigma2, width)
    f_y = filterbank(mu_y, glimpse.sigma2, height)
    return f_y, f_x


def extract(
    x: Float[Tensor, "b c h w"],
    f_y: Float[Tensor, "b n h"],
    f_x: Float[Tensor, "b n w"],
    *more: Float[Tensor, "b c h w"],
) -> Float[Tensor, "b d n n"]:
    """F_y x F_x^T, the same filters for every channel of `x` and of `more` images like it.

    Written as (F_x (F_y x)^T)^T: with the filters on the left of a product, their gradients are
    laid out as they are, which is worth a good deal of time.
    """
    rows = torch.cat([_rows(exact(f_y, _lines(image)), x.shape[1]) for image in (x, *more)], 1)
    patches = exact(f_x, rows.mT).unflatten(2, (1 + len(more), f_y.shape[1], -1))  # b n m n c
    return patches.permute(0, 2, 4, 3, 1).flatten(1, 2)


def read(
    glimpse: Glimpse, x: Float[Tensor, "b c h w"], *more: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b d n n"]:
    """Gamma F_y x F_x^T, of `x` and of `more` images like it (Eq. 27)."""
    f_y, f_x = filters(glimpse, x.shape[2], x.shape[3])
    return glimpse.log_gamma.exp()[:, None, None, None] * extract(x, f_y, f_x, *more)


def spread(
    patch: Float[Tensor, "b c n n"], f_y: Float[Tensor, "b n h"], f_x: Float[Tensor, "b n w"]
) -> Float[Tensor, "b c h w"]:
    """F_y^T w F_x, the transpose of `extract`, as ((w^T F_y)^T F_x)."""
    channels = patch.shape[1]
    columns = exact(patch.mT.flatten(1, 2), f_y).unflatten(1, (channels, -1))  # b c n h
    image = exact(columns.mT.flatten(1, 2), f_x)  # b (c h) w
    return image.unflatten(1, (channels, -1))


def _lines(image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b h _"]:
    """An image as lines across all its channels."""
    return image.transpose(1, 2).flatten(2)


def _rows(lines: Float[Tensor, "b h _"], channels: int) -> Float[Tensor, "b _ w"]:
    """Lines across all channels as a row for each."""
    return lines.unflatten(2, (channels, -1)).flatten(1, 2)


class Window(nn.Module):
    """Five numbers from a hidden state (Eqs 21-24).

    With `tiled` the biases of stride and variance start the filters as overlapping tiles of the
    image: delta = max(A, B) / N and sigma = delta / 2. Without it they start as Eq. 24 has them,
    with the outermost centres on the border pixels and sigma = 1: for N = 2 on a 28 x 28 digit
    those are four black corners, and nothing is seen.
    """

    def __init__(self, hidden: int, height: int, width: int, size: int, tiled: bool = True) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f"a window needs at least one filter a side, got size={size}")
        self.height, self.width, self.size = height, width, size
        self.full = (max(height, width) - 1) / max(size - 1, 1)
        self.head = nn.Linear(hidden, 5)
        if tiled:
            self._tile()

    def _tile(self) -> None:
        delta = max(self.height, self.width) / self.size
        with torch.no_grad():
            self.head.bias[2] = 2 * math.log(delta / 2)
            self.head.bias[3] = math.log(delta / max(self.full, 1e-3))

    def forward(self, h: Float[Tensor, "b hidden"]) -> Glimpse:
        """The glimpse that the hidden state asks for."""
        return self.glimpse(linear(h, self.head.weight, self.head.bias))

    def glimpse(self, emitted: Float[Tensor, "b 5"]) -> Glimpse:
        """The glimpse of the five numbers that `head` emits (Eqs 21-24)."""
        x_tilde, y_tilde, log_sigma2, log_delta, log_gamma = emitted.t().contiguous().unbind(0)
        g_x = (self.width + 1) / 2 * (x_tilde + 1)
        g_y = (self.height + 1) / 2 * (y_tilde + 1)
        delta = self.full * log_delta.clamp(max=MAX_LOG).exp()
        sigma2 = log_sigma2.clamp(max=MAX_LOG).exp().clamp(min=MIN_SIGMA2)
        log_gamma = log_gamma.clamp(-MAX_LOG, MAX_LOG)
        return Glimpse(g_x, g_y, delta, sigma2, log_gamma, self.size)


class AttentiveReader(nn.Module):
    """Reads a patch of image and error image through one window (Eq. 27).

    Attributes:
        features: length of r, 2 C N^2.
        constant: how many of these are the same at every step, 0.
    """

    constant = 0

    def __init__(self, hidden: int, shape: Sequence[int], size: int, *, tiled: bool = True) -> None:
        super().__init__()
        channels, height, width = shape
        self.window = Window(hidden, height, width, size, tiled)
        self.features = 2 * channels * size * size

    def forward(
        self,
        x: Float[Tensor, "b c h w"],
        x_hat: Float[Tensor, "b c h w"],
        h_dec: Float[Tensor, "b hidden"],
    ) -> tuple[Float[Tensor, "b features"], Glimpse | None]:
        """Patches gamma [F_y x F_x^T, F_y x_hat F_x^T], flattened, and the glimpse."""
        glimpse = self.window(h_dec)
        return read(glimpse, x, x_hat).flatten(1), glimpse


class FullReader(nn.Module):
    """Reads the whole image and error image, r = [x, x_hat] (Eq. 17).

    Attributes:
        features: length of r, 2 C H W.
        constant: how many of these, the first, are the same at every step: x, which is half of
            the arithmetic of reading and need not be told to the encoder more than once.
    """

    def __init__(self, hidden: int, shape: Sequence[int]) -> None:
        super().__init__()
        self.constant = math.prod(shape)
        self.features = 2 * self.constant

    def forward(
        self,
        x: Float[Tensor, "b c h w"],
        x_hat: Float[Tensor, "b c h w"],
        h_dec: Float[Tensor, "b hidden"],
    ) -> tuple[Float[Tensor, "b varying"], Glimpse | None]:
        """What is not `constant` of r, x_hat, flattened; there is no glimpse."""
        return x_hat.flatten(1), None


class AttentiveWriter(nn.Module):
    """Writes a patch through a window of its own (Eqs 28-29)."""

    def __init__(self, hidden: int, shape: Sequence[int], size: int, *, tiled: bool = True) -> None:
        super().__init__()
        channels, height, width = shape
        self.shape = (channels, size, size)
        self.window = Window(hidden, height, width, size, tiled)
        self.to_patch = nn.Linear(hidden, channels * size * size)

    def forward(
        self, h_dec: Float[Tensor, "b hidden"]
    ) -> tuple[Float[Tensor, "b c h w"], Glimpse | None]:
        """1 / gamma F_y^T w F_x, what is added to the canvas, and the glimpse."""
        emitted, w = affine(h_dec, self.window.head, self.to_patch)
        glimpse = self.window.glimpse(emitted)
        f_y, f_x = filters(glimpse, self.window.height, self.window.width)
        w = w.unflatten(1, self.shape)
        return (-glimpse.log_gamma).exp()[:, None, None, None] * spread(w, f_y, f_x), glimpse


class FullWriter(nn.Module):
    """Writes the whole canvas (Eq. 18)."""

    def __init__(self, hidden: int, shape: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.to_canvas = nn.Linear(hidden, math.prod(shape))

    def forward(
        self, h_dec: Float[Tensor, "b hidden"]
    ) -> tuple[Float[Tensor, "b c h w"], Glimpse | None]:
        """W(h_dec), what is added to the canvas; there is no glimpse."""
        update = linear(h_dec, self.to_canvas.weight, self.to_canvas.bias)
        return update.unflatten(1, self.shape), None

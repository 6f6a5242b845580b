"""The deep VAE: convolutional layers without recurrence.

The baseline of the Convolutional DRAW paper (Gregor et al., 2016, section 4.1.2): "architectures
with multiple layers, both deterministic and stochastic but with standard functional forms". What
ConvDRAW does in time it does in depth: layers i = 1..D stand from the top, the coarsest scale, down
to the finest, and none shares a weight with another. A residual layer is
R(h) = h + W' s(W s(h)), s(a) = a sigmoid(a), and no layer normalises.

    e_D = R(W_x x)      e_i = R(down(e_i+1))                            bottom up, i = D-1..1
    p_i = N(W_p s(h_i-1))                                               top down, from a learned h_0
    q_i = p_i moved by W_q s([h_i-1, e_i])
    z_i ~ q_i
    h_i = up(R(h_i-1 + W_z z_i))
    c   = c_0 + W s(h_D)

Every W is a convolution; the first and the last have a stride, made by rearranging pixels (see
`nn.conv`). `down` averages and `up` repeats where a scale ends, and do nothing elsewhere; what does
not divide is filled up with zeros on the way up and cut on the way down. p_1 is N(0, I). The
posterior is emitted relative to the prior, mu_q = mu_p + a and sigma_q = sigma_p exp(b), so a layer
that has nothing to say costs nothing (as in NVAE: Vahdat & Kautz, 2020). *Stochastic*: every layer
has a latent, each a step of the story. *Deterministic*: the top has one, all other layers are
computed from it, and the story has one step. The canvas stays c_0 until the last step.
A compiled model has a graph for each stretch of layers, where recurrent ones share a single one.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.distributions import Gaussian, standard
from underdraw.latent import Draw, Frame, LatentModel, Site, Size
from underdraw.likelihoods import check_likelihood, likelihood_of
from underdraw.nn.conv import Conv2d, Enlarge, to_depth

MAX_LAYERS = 1024


@dataclass(frozen=True)
class DeepVAEConfig:
    """What a deep VAE is made of. Lengths are counts; sizes are pixels a side."""

    shape: tuple[int, int, int] = (1, 28, 28)
    """Channels, height, width of the images."""
    depth: tuple[int, ...] = (6, 3)
    """Layers at each scale, the finest first."""
    maps: int = 32
    """Hidden maps."""
    latent: int = 4
    """Latent maps of a layer."""
    kernel: int = 3
    """Side of every kernel, odd."""
    stride: int = 2
    """Pixels to a position of the finest scale, and from each scale to the next."""
    stochastic: bool = True
    """A latent at every layer, instead of one at the top."""
    likelihood: str = "bernoulli"
    """"bernoulli", or "neighbours" for binary images of one channel; for 8-bit images "gaussian",
    "logistics" or, of three colours, "coupled"."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: a count or size below 1, an even kernel, no layer or too many, or an
                unknown likelihood, named in the message.
        """
        if len(self.shape) != 3:
            raise ValueError(f"shape must be (channels, height, width), got {self.shape}")
        counts = {name: getattr(self, name) for name in ("maps", "latent", "kernel", "stride")}
        counts |= {f"shape[{i}]": side for i, side in enumerate(self.shape)}
        counts |= {f"depth[{i}]": layers for i, layers in enumerate(self.depth)}
        for name, value in counts.items():
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if not self.depth:
            raise ValueError("depth must name the layers of at least one scale, got ()")
        if sum(self.depth) > MAX_LAYERS:
            raise ValueError(f"depth must name at most {MAX_LAYERS} layers, got {sum(self.depth)}")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, got {self.kernel}")
        check_likelihood(self.likelihood, self.shape[0])


def filled(a: Float[Tensor, "b m h w"], side: int) -> Float[Tensor, "b m y x"]:
    """Zeros below and to the right, until both sides are multiples of `side`.

    (Not left to pooling with `ceil_mode`: torch 2.13 compiles the gradient of that wrongly.)
    """
    return F.pad(a, (0, -a.shape[3] % side, 0, -a.shape[2] % side))


class Residual(nn.Module):
    """h + W' s(W s(h)), W' starting smaller by `share`."""

    def __init__(self, maps: int, kernel: int, share: float) -> None:
        super().__init__()
        self.inner, self.outer = Conv2d(maps, maps, kernel), Conv2d(maps, maps, kernel)
        with torch.no_grad():
            self.outer.weight.mul_(share)

    def forward(self, h: Float[Tensor, "b m y x"]) -> Float[Tensor, "b m y x"]:
        """(B, maps, H, W) -> the same."""
        return h + self.outer(F.silu(self.inner(F.silu(h))))


class Latent(nn.Module):
    """A layer's prior and posterior, and the way of its latent into the hidden maps."""

    def __init__(self, maps: int, latent: int, kernel: int, share: float, *, top: bool) -> None:
        super().__init__()
        self.latent = latent
        self.to_p = None if top else Conv2d(maps, 2 * latent, kernel)
        self.to_q = Conv2d(2 * maps, 2 * latent, kernel)
        self.to_h = Conv2d(latent, maps, kernel)
        with torch.no_grad():
            self.to_h.weight.mul_(share)

    def forward(
        self, h: Float[Tensor, "b m y x"], e: Float[Tensor, "b m y x"] | None, draw: Draw
    ) -> Float[Tensor, "b m y x"]:
        """From h, and e if an image is seen, to h + W_z z."""
        p = self._prior(F.silu(h))
        q = None
        if e is not None:
            shift, scale = self.to_q(F.silu(torch.cat([h, e], 1))).chunk(2, 1)
            q = Gaussian(p.mu + shift, p.log_sigma + scale)
        return h + self.to_h(draw(p, q))

    def _prior(self, a: Tensor) -> Gaussian:
        if self.to_p is None:
            return standard(a.new_zeros(a.shape[0], self.latent, *a.shape[2:]))
        mu, log_sigma = self.to_p(a).chunk(2, 1)
        return Gaussian(mu, log_sigma)


class State(NamedTuple):
    """What is carried down: steps done, hidden maps, canvas, and e_i not used yet, next last."""

    done: int
    h: Tensor
    canvas: Tensor
    seen: tuple[Tensor, ...]


class DeepVAE(LatentModel[State]):
    """Deep convolutional VAE, deterministic or stochastic (Gregor et al., 2016, 4.1.2)."""

    gradual = False

    def __init__(self, config: DeepVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = config.shape
        self.likelihood = likelihood_of(config.likelihood)
        maps, kernel, stride = config.maps, config.kernel, config.stride
        self.scales = [s for s, layers in enumerate(config.depth) for _ in range(layers)][::-1]
        layers, share = len(self.scales), len(self.scales) ** -0.5
        latents = layers if config.stochastic else 1
        self.sites = tuple(Site(i, i, 0) for i in range(latents))
        channels, height, width = config.shape
        planes = channels * self.likelihood.planes
        self.stem = Conv2d(channels * stride**2, maps, kernel)
        self.up = nn.ModuleList(Residual(maps, kernel, share) for _ in range(layers))
        self.down = nn.ModuleList(Residual(maps, kernel, share) for _ in range(layers))
        self.latents = nn.ModuleList(
            Latent(maps, config.latent, kernel, share, top=i == 0) for i in range(latents)
        )
        self.to_canvas = Enlarge(maps, planes, kernel, (stride, stride))
        self.h_0 = nn.Parameter(torch.zeros(maps, *self._size(self.scales[0])))
        blank = self.likelihood.blank(channels)[:, None, None]
        self.c_0 = nn.Parameter(blank.repeat(1, height, width))

    def _size(self, scale: int) -> tuple[int, int]:
        """Height and width of the hidden maps at `scale`; -1 is the image."""
        cell = self.config.stride ** (scale + 1)
        _, height, width = self.shape
        return -(-height // cell), -(-width // cell)

    def latent_shape(self, site: Site, size: Size | None = None) -> tuple[int, ...]:
        """(latent maps, height, width) of the site's scale."""
        return (self.config.latent, *self._size(self.scales[site.index]))

    def begin(self, n: int, size: Size | None = None) -> State:
        """The learned h_0 and c_0 for `n` images."""
        h, c = (start.expand(n, *start.shape) for start in (self.h_0, self.c_0))
        layout = torch.channels_last  # what convolutions are quickest in
        return State(0, h.contiguous(memory_format=layout), c.contiguous(memory_format=layout), ())

    def look(self, x: Float[Tensor, "b c h w"]) -> tuple[Tensor, ...]:
        """The encoder: e_D..e_1, or e_1 alone where there is one latent."""
        stride = self.config.stride
        e, seen, scale = self.stem(to_depth(filled(x, stride), (stride, stride))), [], 0
        for layer, at in zip(self.up, reversed(self.scales), strict=True):
            if at != scale:
                e, scale = F.avg_pool2d(filled(e, stride), stride), at
            e = layer(e)
            seen.append(e)
        return tuple(seen[-len(self.sites) :])

    def step(self, state: State, draw: Draw, x: Tensor | None) -> tuple[State, Frame]:
        """A latent, the layers down to the next one, and at the end the canvas."""
        done, h, c, seen = state
        if x is not None and done == 0:
            seen = self.look(x)
        h = self.latents[done](h, seen[-1] if seen else None, draw)
        last = done + 1 == len(self.sites)
        for layer in range(done, len(self.scales) if last else done + 1):
            h = self._descend(layer, h)
        if last:
            c = c + self._paint(h)
        return State(done + 1, h, c, seen[:-1]), Frame(c, None, None)

    def _descend(self, layer: int, h: Tensor) -> Tensor:
        """One residual layer, and on to the next scale if the next layer is on it."""
        h = self.down[layer](h)
        following = self.scales[layer + 1] if layer + 1 < len(self.scales) else 0
        if following == self.scales[layer]:
            return h
        height, width = self._size(following)
        return F.interpolate(h, scale_factor=self.config.stride)[:, :, :height, :width]

    def _paint(self, h: Tensor) -> Tensor:
        """W s(h), cut to the size of the images."""
        return self.to_canvas(F.silu(h))[..., : self.shape[1], : self.shape[2]]

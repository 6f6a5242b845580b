"""VAE: layers of latents between layers of tanh units, for binary images.

The model of Burda, Grosse & Salakhutdinov ("Importance weighted autoencoders", ICLR 2016, section
5), a row of the Convolutional DRAW paper's Table 1. Layers 1..L count from the pixels up; each
f is a stack of tanh layers:

    p(z_L) = N(0, I)      h_L = f_L(z_L)
    p(z_l | z_>l) = N(mu(h_l+1), sigma(h_l+1))      h_l = f_l(z_l)      l = L-1..1
    p(x | z) = D(x | c_0 + W h_1)

    d_0 = x      d_l = g_l(d_l-1)                                       bottom up
    q(z_L | x) = N(mu(d_L), sigma(d_L))
    q(z_l | x, z_>l) = N(mu(d_l, h_l+1), sigma(d_l, h_l+1))             top down

The generative half is theirs. Inference is not: theirs goes up, q(z_1 | x) q(z_2 | z_1), so its
latents are drawn in another order than they are generated in, and a layer is told nothing of what
was decided above it. Here the network goes up through the same tanh layers and latents are drawn on
the way down, each posterior seeing what its prior sees (as in the ladder VAE of Sonderby et al.,
2016): the stronger of the two, and the one in which each latent is given those before it. All
layers are choices of one step. The IWAE is this model trained with several importance samples.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.distributions import Gaussian, standard
from underdraw.latent import Draw, Frame, LatentModel, Site, Size
from underdraw.likelihoods import check_likelihood, likelihood_of
from underdraw.nn.heads import GaussianHead
from underdraw.ops import linear

MAX_LAYERS = 1024  # of tanh units, on the way up


@dataclass(frozen=True)
class VAEConfig:
    """What a VAE is made of. Lengths are counts, from the pixels up."""

    shape: tuple[int, int, int] = (1, 28, 28)
    """Channels, height, width of the images."""
    latents: tuple[int, ...] = (100, 50)
    """Latents of each stochastic layer."""
    hidden: tuple[int, ...] = (200, 100)
    """Units of the tanh layers below each stochastic layer."""
    between: int = 2
    """Tanh layers below each stochastic layer."""
    likelihood: str = "bernoulli"
    """"bernoulli", or "neighbours" for binary images of one channel; for 8-bit images "gaussian",
    "logistics" or, of three colours, "coupled"."""
    mu_gain: float = 3.0
    """Factor on the initial weights of the posterior means."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: a count below 1, no layer or too many, not as many hidden sizes as there are
                layers of latents, or an unknown likelihood, named in the message.
        """
        if len(self.shape) != 3:
            raise ValueError(f"shape must be (channels, height, width), got {self.shape}")
        if not self.latents or len(self.latents) != len(self.hidden):
            raise ValueError(
                f"latents and hidden need a size per layer, got {self.latents} and {self.hidden}"
            )
        for name in ("shape", "latents", "hidden"):
            for i, value in enumerate(getattr(self, name)):
                if value < 1:
                    raise ValueError(f"{name}[{i}] must be at least 1, got {value}")
        if self.between < 1:
            raise ValueError(f"between must be at least 1, got {self.between}")
        if self.between * len(self.latents) > MAX_LAYERS:
            raise ValueError(
                f"between must make at most {MAX_LAYERS} layers, got {self.between} below each of "
                f"{len(self.latents)}"
            )
        check_likelihood(self.likelihood, self.shape[0])


class TanhLayers(nn.Module):
    """h <- tanh(W h + b), `count` times; weights start as Glorot & Bengio (2010)."""

    def __init__(self, inputs: int, hidden: int, count: int) -> None:
        super().__init__()
        sizes = [inputs, *[hidden] * count]
        self.affine = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        for weight, bias in self._weights():
            nn.init.xavier_uniform_(weight)
            nn.init.zeros_(bias)

    def _weights(self) -> list[tuple[nn.Parameter, nn.Parameter]]:
        return [(layer.weight, layer.bias) for layer in self.affine]  # type: ignore[misc]

    def forward(self, h: Float[Tensor, "b i"]) -> Float[Tensor, "b hidden"]:
        """(B, inputs) -> (B, hidden)."""
        for weight, bias in self._weights():
            h = linear(h, weight, bias).tanh()
        return h


class VAE(LatentModel[Tensor]):
    """Variational autoencoder with any number of stochastic layers (Burda et al., 2016, 5).

    What it carries is the canvas alone.
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = config.shape
        self.likelihood = likelihood_of(config.likelihood)
        latents, hidden, between = config.latents, config.hidden, config.between
        count = len(latents)
        self.sites = tuple(Site(i, 0, count - 1 - i) for i in range(count))
        channels, height, width = config.shape
        canvas = (channels * self.likelihood.planes, height, width)
        below = [channels * height * width, *hidden[:-1]]
        above = [*hidden[1:], 0]
        self.up = nn.ModuleList(map(TanhLayers, below, hidden, [between] * count))
        self.down = nn.ModuleList(map(TanhLayers, latents, hidden, [between] * count))
        self.to_q = nn.ModuleList(
            GaussianHead(seen + told, latent, config.mu_gain)
            for seen, told, latent in zip(hidden, above, latents, strict=True)
        )
        self.to_p = nn.ModuleList(map(GaussianHead, hidden[1:], latents[:-1]))
        self.to_canvas = nn.Linear(hidden[0], canvas[0] * height * width, bias=False)
        blank = self.likelihood.blank(channels)[:, None, None]
        self.c_0 = nn.Parameter(blank.repeat(1, height, width))

    def latent_shape(self, site: Site, size: Size | None = None) -> tuple[int, ...]:
        """(latents of the layer,)."""
        return (self.config.latents[site.layer],)

    def begin(self, n: int, size: Size | None = None) -> Tensor:
        """The learned c_0 for `n` images."""
        return self.c_0.repeat(n, 1, 1, 1)

    def look(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """What the encoder makes of `x` on its way up: d_1..d_L, (B, hidden) each."""
        d, seen = x.flatten(1), []
        for layer in self.up:
            d = layer(d)
            seen.append(d)
        return seen

    def step(self, state: Tensor, draw: Draw, x: Tensor | None) -> tuple[Tensor, Frame]:
        """The whole story: every layer from the top down, then the canvas."""
        seen = None if x is None else self.look(x)
        h = state.new_zeros(state.shape[0], 0)
        for layer in reversed(range(len(self.sites))):
            p = self._prior(layer, h)
            q = None if seen is None else self.to_q[layer](torch.cat([seen[layer], h], 1))
            h = self.down[layer](draw(p, q))
        canvas = state + linear(h, self.to_canvas.weight).view_as(state)
        return canvas, Frame(canvas, None, None)

    def _prior(self, layer: int, h: Tensor) -> Gaussian:
        """p(z_l | z_>l): N(0, I) at the top, else read from the layers above."""
        if layer < len(self.to_p):
            return self.to_p[layer](h)
        return standard(h.new_zeros(h.shape[0], self.config.latents[layer]))

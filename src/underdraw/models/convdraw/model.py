"""Convolutional DRAW (Gregor et al., "Towards Conceptual Compression", 2016), any number of layers.

For t = 1..T, from learned r_0 and states, with two layers:

    eps   = x - mean(r)                                                  (12)
    h_e1  = Rnn(x, eps, h_e1, h_d1)      q_1 = q(z_1 | h_e1)             (13, 14)
    h_e2  = Rnn(mu(q_1), h_e2, h_d2)     q_2 = q(z_2 | h_e2)             (15, 16)
    z_2   ~ q_2                          p_2 = p(z_2 | h_d2)             (16, 17)
    h_d2  = Rnn(z_2, h_d2)                                               (18)
    z_1   ~ q_1                          p_1 = p(z_1 | h_d1, h_d2)       (14, 19)
    h_d1  = Rnn(z_1, h_d1, h_d2, r)                                      (20)
    r     = r + W h_d1                                                   (21)

    -log p(x) <= -log p(x | r_T) + sum_t KL(q_1 || p_1) + KL(q_2 || p_2)         (10, 11, 22)

With one layer these are Eqs 1-7. With more, each layer reads mu(q) of the one below and speaks to
it as layer 2 does to layer 1; only the first sees the canvas. Priors read decoders alone.

Each layer has a stride to what it reads (see `nn.conv`). Where it is not 1, the layer's h_d reaches
the one below through a convolution and a pixel shuffle, as W reaches the pixels; where it is None,
the whole map, the layer is fully connected.
"""

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from underdraw.distributions import Gaussian
from underdraw.latent import Draw, Frame, LatentModel, Site, Size
from underdraw.likelihoods import likelihood_of
from underdraw.models.convdraw.config import ConvDRAWConfig
from underdraw.models.convdraw.layer import Layer, LSTMState, spread
from underdraw.nn.conv import Add, ConstantScaleHead, Enlarge, Scale, Subtract


class State(NamedTuple):
    """What is carried from step to step; `enc` and `dec` have (h, c) of every layer."""

    t: Tensor
    r: Tensor
    enc: tuple[LSTMState, ...]
    dec: tuple[LSTMState, ...]


class ConvDRAW(LatentModel[State]):
    """Convolutional DRAW (Gregor et al., 2016): images of any size, unless its config fixes it."""

    def __init__(self, config: ConvDRAWConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = config.shape
        self.any_size = config.any_size
        self.stride = math.prod(s for s in config.stride if s is not None)
        self.likelihood = likelihood_of(config.likelihood)
        channels = config.shape[0]
        planes = channels * self.likelihood.planes
        top = range(len(config.maps) - 1, -1, -1)
        order = [(t, layer) for t in range(config.steps) for layer in top]
        self.sites = tuple(Site(i, t, layer) for i, (t, layer) in enumerate(order))
        self.scales: list[Scale] = []
        self.layers = nn.ModuleList()
        size = self.drawn_size()
        canvas = size if config.initial_maps else (1, 1)
        for index, s in enumerate(config.stride):
            scale = size if s is None else (s, s)
            size = size[0] // scale[0], size[1] // scale[1]
            self.scales.append(scale)
            reads, drawn = (config.latent[index - 1], 0) if index else (2 * channels, planes)
            start = size if config.initial_maps else (1, 1)
            self.layers.append(Layer(config, index, reads, drawn, scale, start))
        self.write = Enlarge(config.maps[0], planes, config.kernel_of(0), self.scales[0])
        self.error, self.add = Subtract(), Add()
        blank = self.likelihood.blank(channels)[:, None, None]
        self.r_0 = nn.Parameter(blank.expand(planes, *canvas).clone())
        with torch.no_grad():
            self.write.affine.weight.mul_(config.write_gain)

    @property
    def tower(self) -> list[Layer]:
        """The layers, from the pixels up."""
        return cast("list[Layer]", list(self.layers))

    def sizes(self, drawn: Size) -> list[Size]:
        """Height and width of every layer's maps, where so much is drawn; see `drawn_size`."""
        height, width = drawn
        found = []
        for down, across in self.scales:
            height, width = height // down, width // across
            found.append((height, width))
        return found

    def latent_shape(self, site: Site, size: Size | None = None) -> tuple[int, ...]:
        """(latent, height, width) of the site's layer."""
        return self.config.latent[site.layer], *self.sizes(self.drawn_size(size))[site.layer]

    def posterior_log_sigma(self, site: Site) -> Tensor:
        """Logarithm of the posterior's scale for each map at `site`, (latent,), a constant.

        Raises:
            ValueError: in this model it depends on the image.
        """
        head = self.tower[site.layer].to_q
        if not isinstance(head, ConstantScaleHead):
            raise ValueError("the scale of this model's posterior depends on the image")
        return 0.5 * head.log_variance[site.step]

    def begin(self, n: int, size: Size | None = None) -> State:
        """The learned r_0 and states for `n` images, with the count of steps at 0."""
        drawn = self.drawn_size() if size is None else size
        both = [layer.begin(n, s) for layer, s in zip(self.tower, self.sizes(drawn), strict=True)]
        enc, dec = zip(*both, strict=True)
        t = torch.zeros((), dtype=torch.int64, device=self.r_0.device)
        return State(t, spread(self.r_0, n, drawn), enc, dec)

    def step(self, state: State, draw: Draw, x: Tensor | None) -> tuple[State, Frame]:
        """One step: encoders from the pixels up, then choices and decoders from the top down."""
        t, r, enc, dec = state
        enc, qs = self._look(state, x)
        made, told = list(dec), []
        for i, layer in reversed(list(enumerate(self.tower))):
            p = layer.prior(dec[i], told, t)  # Eqs 17, 19
            z = draw(p, qs[i])
            made[i] = layer.decode(z, dec[i], told, [] if i else [r])  # Eqs 18, 20
            told = [layer.say(made[i][0])]
        r = self.add(r, self.write(made[0][0]))  # Eq. 21
        return State(t + 1, r, enc, tuple(made)), Frame(r, None, None)

    def _look(
        self, state: State, x: Tensor | None
    ) -> tuple[tuple[LSTMState, ...], list[Gaussian] | list[None]]:
        t, r, enc, dec = state
        if x is None:
            return enc, [None] * len(enc)
        eps = self.error(x, self.likelihood.glance(r))  # Eq. 12
        seen = torch.cat([x, eps], 1)
        made, qs = [], []
        for layer, old, (h_dec, _) in zip(self.tower, enc, dec, strict=True):
            new, q = layer.encode(seen, old, h_dec, t)  # Eqs 13-16
            made.append(new)
            qs.append(q)
            seen = q.mu
        return tuple(made), qs

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
from underdraw.likelihoods import LIKELIHOODS
from underdraw.models.convdraw_config import ConvDRAWConfig
from underdraw.nn.conv import (
    Add,
    ConstantScaleHead,
    ConvGaussianHead,
    ConvLSTMCell,
    Enlarge,
    Scale,
    Subtract,
    to_depth,
)

LSTMState = tuple[Tensor, Tensor]


class State(NamedTuple):
    """What is carried from step to step; `enc` and `dec` have (h, c) of every layer."""

    t: Tensor
    r: Tensor
    enc: tuple[LSTMState, ...]
    dec: tuple[LSTMState, ...]


class Layer(nn.Module):
    """One layer: encoder, decoder, posterior and prior, and what it says to the layer below.

    Args:
        config: of the model.
        index: which layer, from 0 at the pixels.
        reads: maps of what the encoder reads, pixels or mu(q), at the scale below.
        canvas: maps of the canvas, if the decoder reads it.
        scale: stride to what is below, down and across.
        start: height and width of the initial states; (1, 1) is broadcast.
    """

    def __init__(
        self,
        config: ConvDRAWConfig,
        index: int,
        reads: int,
        canvas: int,
        scale: Scale,
        start: Size,
    ) -> None:
        super().__init__()
        self.scale = scale
        maps, latent, kernel = config.maps[index], config.latent[index], config.kernel_of(index)
        told = config.maps[index + 1] if index + 1 < len(config.maps) else 0
        seen, drawn = reads * math.prod(scale), canvas * math.prod(scale)
        normal = (config.norm, config.weight_norm)
        self.rnn_enc = ConvLSTMCell(maps + seen, maps, kernel, *normal, (seen, config.input_gain))
        self.rnn_dec = ConvLSTMCell(latent + told + drawn, maps, kernel, *normal)
        self.to_q = (
            ConstantScaleHead(maps, latent, kernel, config.steps, config.mu_gain)
            if config.constant_scale
            else ConvGaussianHead(maps, latent, kernel, config.mu_gain)
        )
        self.to_p = ConvGaussianHead(maps + told, latent, kernel, standard=True)
        self.say = (
            nn.Identity() if canvas or scale == (1, 1) else Enlarge(maps, maps, kernel, scale)
        )
        self.enc_0 = nn.Parameter(torch.zeros(2, maps, *start))
        self.dec_0 = nn.Parameter(torch.zeros(2, maps, *start))

    def begin(self, n: int, size: Size) -> tuple[LSTMState, LSTMState]:
        """The learned states of encoder and decoder for `n` images, `size` in its own pixels."""
        enc, dec = ([spread(start, n, size) for start in two] for two in (self.enc_0, self.dec_0))
        return (enc[0], enc[1]), (dec[0], dec[1])

    def encode(
        self, seen: Tensor, enc: LSTMState, h_dec: Tensor, t: Tensor
    ) -> tuple[LSTMState, Gaussian]:
        """Look at what is below, (B, reads, ...): the new state, and q (Eqs 13-16)."""
        enc = self.rnn_enc(torch.cat([h_dec, to_depth(seen, self.scale)], 1), enc)
        return enc, self.to_q(enc[0], t)

    def prior(self, dec: LSTMState, told: list[Tensor], t: Tensor) -> Gaussian:
        """Prior given this decoder and what the layer above says, if there is one (17, 19)."""
        return self.to_p(torch.cat([dec[0], *told], 1), t)

    def decode(
        self, z: Tensor, dec: LSTMState, told: list[Tensor], canvas: list[Tensor]
    ) -> LSTMState:
        """Take in the latent, what the layer above says and the canvas (18, 20)."""
        drawn = [to_depth(r, self.scale) for r in canvas]
        return self.rnn_dec(torch.cat([z, *told, *drawn], 1), dec)


class ConvDRAW(LatentModel[State]):
    """Convolutional DRAW (Gregor et al., 2016): images of any size, unless its config fixes it."""

    def __init__(self, config: ConvDRAWConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = config.shape
        self.any_size = config.any_size
        self.stride = math.prod(s for s in config.stride if s is not None)
        self.likelihood = LIKELIHOODS[config.likelihood]()
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
        self.write = Enlarge(config.maps[0], planes, config.kernel, self.scales[0])
        self.error, self.add = Subtract(), Add()
        blank = self.likelihood.blank(channels)[:, None, None]
        self.r_0 = nn.Parameter(blank.expand(planes, *canvas).clone())
        with torch.no_grad():
            self.write.affine.weight.mul_(config.write_gain)

    @property
    def tower(self) -> list[Layer]:
        """The layers, from the pixels up."""
        return cast("list[Layer]", list(self.layers))

    def sizes(self, size: Size | None = None) -> list[Size]:
        """Height and width of every layer's maps, for images of `size`."""
        height, width = self.drawn_size(size)
        found = []
        for down, across in self.scales:
            height, width = height // down, width // across
            found.append((height, width))
        return found

    def latent_shape(self, site: Site, size: Size | None = None) -> tuple[int, ...]:
        """(latent, height, width) of the site's layer."""
        return self.config.latent[site.layer], *self.sizes(size)[site.layer]

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
        drawn = self.drawn_size(size)
        both = [layer.begin(n, s) for layer, s in zip(self.tower, self.sizes(size), strict=True)]
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
        eps = self.error(x, self.likelihood(r).mean)  # Eq. 12
        seen = torch.cat([x, eps], 1)
        made, qs = [], []
        for layer, old, (h_dec, _) in zip(self.tower, enc, dec, strict=True):
            new, q = layer.encode(seen, old, h_dec, t)  # Eqs 13-16
            made.append(new)
            qs.append(q)
            seen = q.mu
        return tuple(made), qs


def spread(start: Tensor, n: int, size: Size) -> Tensor:
    """A learned start (M, h, w) for `n` images of `size`, laid out as what convolutions return.

    So the first step has the layout of all others, and one compiled graph serves them.
    """
    whole = start.expand(n, -1, *size)
    if len(start) == 1 or size == (1, 1):  # channels last and first are one, by another name
        return whole.contiguous()
    return whole.contiguous(memory_format=torch.channels_last)

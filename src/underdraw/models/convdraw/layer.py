"""One layer of Convolutional DRAW (Gregor et al., 2016)."""

import math

import torch
from torch import Tensor, nn

from underdraw.distributions import Gaussian
from underdraw.latent import Size
from underdraw.models.convdraw.config import ConvDRAWConfig
from underdraw.nn.conv import (
    ConstantScaleHead,
    ConvGaussianHead,
    ConvLSTMCell,
    Enlarge,
    Scale,
    to_depth,
)

LSTMState = tuple[Tensor, Tensor]


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


def spread(start: Tensor, n: int, size: Size) -> Tensor:
    """A learned start (M, h, w) for `n` images of `size`, laid out as what convolutions return.

    So the first step has the layout of all others, and one compiled graph serves them.
    """
    whole = start.expand(n, -1, *size)
    if len(start) == 1 or size == (1, 1):  # channels last and first are one, by another name
        return whole.contiguous()
    return whole.contiguous(memory_format=torch.channels_last)

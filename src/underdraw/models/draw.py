"""DRAW: a recurrent neural network for image generation (Gregor et al., ICML 2015).

For t = 1..T, from learned c_0, h_enc_0, h_dec_0:

    x_hat = x - sigma(c)                            (3)
    r     = read(x, x_hat, h_dec)                   (4)
    h_enc = LSTM_enc([r, h_dec], h_enc)             (5)
    z     ~ q(z | h_enc)                            (6)
    h_dec = LSTM_dec(z, h_dec)                      (7)
    c     = c + write(h_dec)                        (8)

    -log p(x) <= -log D(x | c_T) + sum_t KL(q_t || p_t)                          (9, 10, 12)

p is N(0, I) in the paper; with `learned_prior` it is a Gaussian read from h_dec before z is drawn,
as in Convolutional DRAW (2016), and never sees the encoder. Without attention (`read_size` and
`write_size` None) another reader and writer stand in the same two places.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from underdraw.latent import Draw, Frame, LatentModel, Site, Size
from underdraw.likelihoods import check_likelihood, likelihood_of
from underdraw.nn.attention import AttentiveReader, AttentiveWriter, FullReader, FullWriter
from underdraw.nn.cells import LSTMCell
from underdraw.nn.heads import GaussianHead, StandardHead
from underdraw.ops import join

MAX_STEPS = 4096


@dataclass(frozen=True)
class DRAWConfig:
    """What a DRAW is made of. Lengths are counts; sizes are pixels or filters a side."""

    shape: tuple[int, int, int] = (1, 28, 28)
    """Channels, height, width of the images."""
    steps: int = 64
    """Glimpses, T."""
    hidden: int = 256
    """Units of each LSTM."""
    latent: int = 100
    """Latents a step."""
    read_size: int | None = 2
    """Filters a side of the reading window; None reads the whole image."""
    write_size: int | None = 5
    """Filters a side of the writing window; None writes the whole canvas."""
    likelihood: str = "bernoulli"
    """"bernoulli", or "neighbours" for binary images of one channel; for 8-bit images "gaussian",
    "logistics" or, of three colours, "coupled"."""
    learned_prior: bool = False
    """Read the prior from h_dec, starting as N(0, I); otherwise it stays N(0, I)."""
    layer_norm: bool = True
    """Normalise gates and cells of both LSTMs."""
    tiled_windows: bool = True
    """Start the windows as overlapping tiles instead of Eq. 24's border to border."""
    glimpse_gain: float = 10.0
    """Factor on the encoder's initial weights for what is read through a window."""
    mu_gain: float = 3.0
    """Factor on the initial weights of the posterior mean."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: a count or size below 1, or an unknown likelihood, named in the message.
        """
        if len(self.shape) != 3:
            raise ValueError(f"shape must be (channels, height, width), got {self.shape}")
        if self.steps > MAX_STEPS:
            raise ValueError(f"steps must be at most {MAX_STEPS}, got {self.steps}")
        counts = {"steps": self.steps, "hidden": self.hidden, "latent": self.latent}
        counts |= {f"shape[{i}]": side for i, side in enumerate(self.shape)}
        sizes = {"read_size": self.read_size, "write_size": self.write_size}
        for name, value in (counts | sizes).items():
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        check_likelihood(self.likelihood, self.shape[0])


class State(NamedTuple):
    """What DRAW carries from step to step; `enc` and `dec` are (hidden, cell), (B, hidden) each."""

    canvas: Tensor
    enc: tuple[Tensor, Tensor]
    dec: tuple[Tensor, Tensor]


class Seen(NamedTuple):
    """What every step is given of images, (B, C, H, W).

    `ahead` is what they alone add to the encoder's gates, (B, 4 hidden), where that is the same at
    every step; with a window nothing is.
    """

    x: Tensor
    ahead: Tensor | None


class DRAW(LatentModel[State]):
    """Deep Recurrent Attentive Writer (Gregor et al., 2015), any height, width and channels."""

    def __init__(self, config: DRAWConfig) -> None:
        super().__init__()
        self.config = config
        self.shape = config.shape
        self.sites = tuple(Site(t, t, 0) for t in range(config.steps))
        self.likelihood = likelihood_of(config.likelihood)
        channels, height, width = config.shape
        canvas = (channels * self.likelihood.planes, height, width)
        hidden, tiled = config.hidden, config.tiled_windows
        self.read = (
            FullReader(hidden, config.shape)
            if config.read_size is None
            else AttentiveReader(hidden, config.shape, config.read_size, tiled=tiled)
        )
        self.write = (
            FullWriter(hidden, canvas)
            if config.write_size is None
            else AttentiveWriter(hidden, canvas, config.write_size, tiled=tiled)
        )
        self.rnn_enc = LSTMCell(self.read.features + hidden, hidden, config.layer_norm)
        self.rnn_dec = LSTMCell(config.latent, hidden, config.layer_norm)
        self.to_q = GaussianHead(hidden, config.latent, config.mu_gain)
        self.to_p = (
            GaussianHead(hidden, config.latent, standard=True)
            if config.learned_prior
            else StandardHead(config.latent)
        )
        blank = self.likelihood.blank(channels)[:, None, None]
        self.c_0 = nn.Parameter(blank.repeat(1, height, width))
        self.enc_0 = nn.Parameter(torch.zeros(2, hidden))
        self.dec_0 = nn.Parameter(torch.zeros(2, hidden))
        if config.read_size is not None:
            with torch.no_grad():
                self.rnn_enc.weight[:, : self.read.features] *= config.glimpse_gain

    def latent_shape(self, site: Site, size: Size | None = None) -> tuple[int, ...]:
        """(latent,) at every site."""
        return (self.config.latent,)

    def begin(self, n: int, size: Size | None = None) -> State:
        """The learned c_0, h_enc_0 and h_dec_0 for `n` images."""
        h_enc, c_enc = self.enc_0.unsqueeze(1).repeat(1, n, 1)
        h_dec, c_dec = self.dec_0.unsqueeze(1).repeat(1, n, 1)
        return State(self.c_0.repeat(n, 1, 1, 1), (h_enc, c_enc), (h_dec, c_dec))

    def observe(self, x: Tensor) -> Seen:
        """The images, and what of reading them is the same at every step."""
        same = x.flatten(1)[:, : self.read.constant]
        return Seen(x, self.rnn_enc.ahead(same) if self.read.constant else None)

    def step(self, state: State, draw: Draw, x: Seen | None) -> tuple[State, Frame]:
        """One glimpse and one stroke."""
        c, enc, dec = state
        q, looked = None, None
        if x is not None:
            image, ahead = x
            x_hat = image - self.likelihood.glance(c)  # Eq. 3
            r, looked = self.read(image, x_hat, dec[0])  # Eq. 4
            enc = self.rnn_enc(join(r, dec[0]), enc, ahead)  # Eq. 5
            q = self.to_q(enc[0])  # Eqs 1-2
        p = self.to_p(dec[0])
        z = draw(p, q)  # Eq. 6
        dec = self.rnn_dec(z, dec)  # Eq. 7
        stroke, wrote = self.write(dec[0])
        c = c + stroke  # Eq. 8
        return State(c, enc, dec), Frame(c, looked, wrote)

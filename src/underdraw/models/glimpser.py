"""Glimpser: the attentive classifier of the DRAW paper, "Differentiable RAM" (2015, section 4.1).

For t = 1..T, from learned h_0:

    r_t = read(x, h_t-1)                               (21-27, without an error image)
    h_t = LSTM([r_t, l_t], h_t-1)                      l_t: where the window was
    log p(y | x) = log softmax(W h_T)

It is the Recurrent Attention Model (Mnih et al., 2014) with a window that has a gradient. The
window of step t is read from the hidden state of step t - 1, so the first one is learned and the
same for every image: it starts as overlapping tiles of the whole image, a blurred 12 x 12 picture
of it.

What the paper does not say, each of which can be switched off: cells are normalised; the LSTM is
told where it looked, l = (x~, y~, log delta, log sigma) in units of the image; what is read passes
a rectified layer, as in the model of 2014; classes are read after every glimpse, and not only
after the last, so training can ask for them early.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.classifier import Classifier, Look
from underdraw.nn.attention import Glimpse, Window, read
from underdraw.nn.cells import LSTMCell
from underdraw.ops import join, linear

State = tuple[Tensor, Tensor]
PLACE = 4  # numbers that say where a window is
LEAST = 1e-6  # of what a logarithm is taken of: a window on one pixel has no stride


@dataclass(frozen=True)
class GlimpserConfig:
    """What a Glimpser is made of. Lengths are counts; sizes are pixels or filters a side."""

    shape: tuple[int, int, int] = (1, 100, 100)
    """Channels, height, width of the images."""
    classes: int = 10
    """Classes to tell apart."""
    steps: int = 8
    """Glimpses, T."""
    hidden: int = 256
    """Units of the LSTM."""
    read_size: int = 12
    """Filters a side of the window."""
    scales: int = 1
    """Windows to a glimpse, around one centre, each twice as wide as the one before."""
    embedding: int = 256
    """Units of the rectified layer between what is read and the LSTM; 0 leaves it out."""
    head: int = 0
    """Units of a rectified layer between LSTM and classes; 0 leaves it out."""
    location: bool = True
    """Tell the LSTM where it looked."""
    layer_norm: bool = True
    """Normalise gates and cells of the LSTM."""
    tiled_window: bool = True
    """Start the window as overlapping tiles instead of Eq. 24's border to border."""
    glimpse_gain: float = 4.0
    """Factor on the initial weights for what is read."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: a count or size below its least, named in the message.
        """
        if len(self.shape) != 3:
            raise ValueError(f"shape must be (channels, height, width), got {self.shape}")
        least = {"steps": 1, "hidden": 1, "read_size": 1, "scales": 1, "embedding": 0, "head": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
        if self.classes < 2:
            raise ValueError(f"classes must be at least 2, got {self.classes}")
        if min(self.shape) < 1:
            raise ValueError(f"shape must be at least 1 everywhere, got {self.shape}")
        if not self.glimpse_gain > 0:
            raise ValueError(f"glimpse_gain must be above 0, got {self.glimpse_gain}")


class Glimpser(Classifier[State]):
    """Differentiable RAM (Gregor et al., 2015, section 4.1), any height, width and channels."""

    def __init__(self, config: GlimpserConfig) -> None:
        super().__init__()
        self.config = config
        self.shape, self.classes, self.steps = config.shape, config.classes, config.steps
        channels, height, width = config.shape
        hidden, place = config.hidden, PLACE * config.location
        features = channels * config.scales * config.read_size**2
        self.window = Window(hidden, height, width, config.read_size, config.tiled_window)
        self.embed = nn.Linear(features + place, config.embedding) if config.embedding else None
        self.rnn = LSTMCell(config.embedding or features + place, hidden, config.layer_norm)
        self.to_head = nn.Linear(hidden, config.head) if config.head else None
        self.to_classes = nn.Linear(config.head or hidden, config.classes)
        self.h_0 = nn.Parameter(torch.zeros(2, hidden))
        first = self.rnn.weight if self.embed is None else self.embed.weight
        with torch.no_grad():
            first[:, :features] *= config.glimpse_gain

    def begin(self, n: int) -> State:
        """The learned h_0 for `n` images."""
        h, c = self.h_0.unsqueeze(1).repeat(1, n, 1)
        return h, c

    def step(self, state: State, x: Tensor) -> tuple[State, Look]:
        """One glimpse."""
        h, _ = state
        window = self.window(h)
        patch = torch.cat([read(widened(window, 2.0**k), x) for k in range(self.config.scales)], 1)
        r = [patch.flatten(1)]
        if self.config.location:
            r.append(self.place(window))
        seen = join(*r)
        if self.embed is not None:
            seen = linear(seen, self.embed.weight, self.embed.bias).relu()
        h, c = self.rnn(seen, state)
        return (h, c), Look(self.classify(h), window, patch)

    def classify(self, h: Float[Tensor, "b hidden"]) -> Float[Tensor, "b classes"]:
        """Logits of the classes."""
        if self.to_head is not None:
            h = linear(h, self.to_head.weight, self.to_head.bias).relu()
        return linear(h, self.to_classes.weight, self.to_classes.bias)

    def place(self, window: Glimpse) -> Float[Tensor, "b 4"]:
        """Centre, log stride and log width of a window, near 0 for one that covers the image."""
        _, height, width = self.shape
        full = max(height, width) / window.size
        return torch.stack(
            [
                2 * window.g_x / (width + 1) - 1,
                2 * window.g_y / (height + 1) - 1,
                (window.delta / full).clamp(min=LEAST).log(),
                (window.sigma2 * (2 / full) ** 2).clamp(min=LEAST).log() / 2,
            ],
            1,
        )


def widened(window: Glimpse, times: float) -> Glimpse:
    """A window around the same centre, so many times as wide."""
    if times == 1.0:
        return window
    return window._replace(delta=times * window.delta, sigma2=times**2 * window.sigma2)

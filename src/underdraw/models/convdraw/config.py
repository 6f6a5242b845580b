"""What a Convolutional DRAW is made of."""

from dataclasses import dataclass

from underdraw.likelihoods import check_likelihood
from underdraw.nn.conv import Norm

MAX_STEPS = 4096


@dataclass(frozen=True)
class ConvDRAWConfig:
    """A Convolutional DRAW. `maps`, `latent` and `stride` have an entry per layer, pixels first."""

    shape: tuple[int, int, int] = (3, 32, 32)
    """Channels, height, width of the images."""
    steps: int = 16
    """Steps, T."""
    kernel: int = 5
    """Pixels a side of all convolutions, odd; 1 in fully connected layers."""
    maps: tuple[int, ...] = (32,)
    """Maps of each LSTM: units, in a fully connected layer."""
    latent: tuple[int, ...] = (12,)
    """Maps of latents a step."""
    stride: tuple[int | None, ...] = (2,)
    """Pixels below to a pixel of the layer, a side; None: all of them, fully connected."""
    likelihood: str = "gaussian"
    """"bernoulli", or "neighbours" for binary images of one channel; for 8-bit images "gaussian",
    "logistics" or, of three colours, "coupled"."""
    norm: Norm = "channel"
    """Normalise gates and cells over the maps of a pixel ("channel"), over the image, or not."""
    weight_norm: bool = False
    """Weight normalisation in the LSTMs."""
    constant_scale: bool = False
    """The posterior's scale is a learned constant for each step and map, which codecs need."""
    initial_maps: bool = False
    """Learn initial states and canvas for every pixel; otherwise for every map, and broadcast."""
    input_gain: float = 1.0
    """Factor on the encoders' initial weights for what they look at."""
    mu_gain: float = 3.0
    """Factor on the initial weights of the posterior means."""
    write_gain: float = 0.1
    """Factor on the initial weights of W."""

    @property
    def any_size(self) -> bool:
        """Whether nothing in the model belongs to one size of image."""
        return not self.initial_maps and None not in self.stride

    def kernel_of(self, layer: int) -> int:
        """Pixels a side of the convolutions of a layer."""
        return 1 if None in self.stride[: layer + 1] else self.kernel

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            ValueError: a value out of range or an unknown word, named in the message.
        """
        if len(self.shape) != 3:
            raise ValueError(f"shape must be (channels, height, width), got {self.shape}")
        if not 0 < len(self.maps) == len(self.latent) == len(self.stride):
            raise ValueError(
                "maps, latent and stride must have an entry per layer, got "
                f"{self.maps}, {self.latent} and {self.stride}"
            )
        if not 1 <= self.steps <= MAX_STEPS:
            raise ValueError(f"steps must be 1 to {MAX_STEPS}, got {self.steps}")
        for name in ("shape", "maps", "latent", "stride"):
            if any(value is not None and value < 1 for value in getattr(self, name)):
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        above = self.stride[self.stride.index(None) + 1 :] if None in self.stride else ()
        if any(side not in (None, 1) for side in above):
            raise ValueError(
                f"stride is {self.stride}: above a fully connected layer one pixel is left to read"
            )
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, got {self.kernel}")
        check_likelihood(self.likelihood, self.shape[0])
        if self.norm not in ("none", "channel", "image"):
            raise ValueError(f"norm must be none, channel or image, got {self.norm!r}")
        if self.norm == "channel" and 1 in self.maps:
            raise ValueError(f"maps is {self.maps}: one map alone, normalised, is always 0")
        for name in ("input_gain", "mu_gain", "write_gain"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")

"""The exact twin of a trained Convolutional DRAW: the same story in whole numbers.

`Twin` is a ConvDRAW whose parts are exchanged for those of `exact.parts`, so its `paint` and `step`
are the ones that trained. What differs from the float model besides rounding:

    log variances a are carried as log2 sigma = a / (2 log 2), on the canvas too
    weight normalisation is folded into the weights
    posteriors have a scale class and a grid for each step and map, delta = sigma_q / 2 about

It runs on a CPU. DRAW itself has no twin: its filterbanks take exponentials, quotients and
normalising sums of every image and step, and would need a table or a long division at each of
2 N (A + B) places a step, with an error analysis of its own, for a model that is tied to one size
of image. Convolutional DRAW needs none of it.
"""

import hashlib
import json
import math
import reprlib
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from underdraw.codec.exact.gaussians import ExactGaussian, ExactPixels
from underdraw.codec.exact.grid import FLOAT, FRACTION, INTEGER, LEVEL, WEIGHT_FRACTION
from underdraw.codec.exact.parts import ConstantScaleHead, swap
from underdraw.codec.exact.product import Product
from underdraw.codec.exact.tables import tanh_table
from underdraw.configs import to_json
from underdraw.distributions import Gaussian
from underdraw.latent import Site
from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig

FORMAT = 1
NAMED = (
    "shape", "steps", "kernel", "maps", "latent", "stride", "likelihood", "norm", "weight_norm",
    "constant_scale", "initial_maps", "input_gain", "mu_gain", "write_gain",
)  # fmt: skip
"""Fields of a config that the hash of a model is made of: a new one must not rename old models."""
MAX_STRIDE = 64
MAX_LAYERS = 16
MAX_SITES = 1 << 12
"""Steps times layers: so many choices of latents."""
POWERS = (67, -253)
"""Powers of slopes at qualities 0 and 100, of a model that says nothing else."""


def refuse(config: ConvDRAWConfig) -> None:
    """Refuse models that have no exact twin, before anything is made of them.

    Raises:
        ValueError: with the option that is in the way.
    """
    layers, sites = len(config.maps), config.steps * len(config.maps)
    reasons = {
        "maps": (layers > MAX_LAYERS, f"it has more than {MAX_LAYERS} layers"),
        "steps": (sites > MAX_SITES, f"they have {sites} latents, more than {MAX_SITES}"),
        "norm": (config.norm != "none", "a norm divides by a sum over each image"),
        "constant_scale": (not config.constant_scale, "the decoder must know the grid"),
        "likelihood": (config.likelihood != "gaussian", "only Gaussian pixels have integer tables"),
        "stride": (
            None in config.stride or math.prod(s or 1 for s in config.stride) > MAX_STRIDE,
            f"it has to be a number for each layer, {MAX_STRIDE} at most in all",
        ),
        "initial_maps": (config.initial_maps, "it ties the model to one size"),
    }
    for name, (present, why) in reasons.items():
        if present:
            value = reprlib.repr(getattr(config, name))
            raise ValueError(f"no exact twin with {name}={value}: {why}")


class Twin(ConvDRAW):
    """A Convolutional DRAW in exact arithmetic; what it draws and shows are whole numbers.

    Images and canvas means are in units of 2^-16 of the range from black to white, latents in
    units of 2^-16 of their own.

    Attributes:
        fraction: bits behind the point of these units.
        hash: what names the model in a file: 8 bytes, of everything that its numbers depend on.
        powers: of slopes (see `codec.lossy`) at qualities 0 and 100; the encoder's affair alone.
    """

    fraction = FRACTION
    hash: bytes
    powers: tuple[int, int] = POWERS

    def __init__(self, config: ConvDRAWConfig) -> None:
        refuse(config)
        super().__init__(config)
        swap(self)
        self.requires_grad_(False)

    @property
    def steps(self) -> int:
        """Steps of the story."""
        return self.config.steps

    def posterior(self, site: Site) -> ConstantScaleHead:
        """What is known of the posterior at `site` without an image."""
        head: nn.Module = self.tower[site.layer].to_q
        assert isinstance(head, ConstantScaleHead)
        return head

    def delta(self, site: Site) -> Tensor:
        """Step of the grid that latents at `site` lie on, in units, int64 (latent,)."""
        return self.posterior(site).delta[site.step]

    def q_scale(self, site: Site) -> Tensor:
        """Scale class of the posterior at `site`, int64 (latent,)."""
        return self.posterior(site).scale[site.step]

    def active(self, site: Site) -> Tensor:
        """Which maps at `site` are coded, bool (latent,); the others stay at `rest`."""
        return self.posterior(site).active[site.step].bool()

    def order(self, site: Site) -> Tensor:
        """Maps at `site`, those first that tell most, int64 (latent,)."""
        return self.posterior(site).order[site.step]

    def shift(self, site: Site) -> Tensor:
        """Classes to add to the prior's where rounded means are coded, int64 (GRIDS, latent)."""
        return self.posterior(site).shift[site.step]

    def rest(self, site: Site, p: Gaussian) -> Tensor:
        """The latent that says nothing: the point of the grid nearest the prior mean, in units."""
        return self.nearest(site, p.mu)

    def nearest(self, site: Site, value: Tensor) -> Tensor:
        """`value` (B, latent, h, w), whole numbers of units, on the grid at `site`.

        The quotient, which IEEE 754 rounds in one way, has bits enough for its floor to be right.
        """
        delta = self.delta(site)[:, None, None].to(FLOAT)
        return ((value / delta) + 0.5).floor() * delta

    def see(self, levels: Tensor) -> Tensor:
        """8-bit images (B, C, H, W) as the encoder sees them: x = 256 b + 128, in units.

        Raises:
            ValueError: they are no bytes, or not of the model's shape.
        """
        if levels.dtype != torch.uint8 or levels.ndim != 4 or levels.shape[1] != self.shape[0]:
            raise ValueError(
                f"images are uint8 (B, {self.shape[0]}, H, W), got {levels.dtype} "
                f"{tuple(levels.shape)}"
            )
        return levels.to(FLOAT) * LEVEL + LEVEL // 2

    def pixels(self, canvas: Tensor) -> ExactPixels:
        """What a canvas (B, 2C, H, W) says of the pixels."""
        shown = self.likelihood(canvas)
        assert isinstance(shown, ExactPixels)
        return shown

    def posterior_log_sigma(self, site: Site) -> Tensor:
        """Logarithm of the posterior's scale for each map at `site`, as real numbers."""
        mean = self.q_scale(site).to(FLOAT)
        return ExactGaussian(mean, mean).real.log_sigma

    def take(self, tensors: dict[str, Tensor], arithmetic: torch.dtype = FLOAT) -> None:
        """Take these integers; see `integers`. `arithmetic` is float64, or int64 to compute in."""
        products = [name for name, part in self.named_modules() if isinstance(part, Product)]
        kinds = {f"{name}.{part}": arithmetic for name in products for part in ("weight", "bias")}
        kinds |= dict.fromkeys(dict(self.named_parameters()), FLOAT)
        state = {name: value.to(kinds.get(name, INTEGER)) for name, value in tensors.items()}
        self.load_state_dict(state, assign=True)
        self.requires_grad_(False).eval()
        self.seal()

    def seal(self) -> None:
        """Compute `hash` anew, after a change."""
        self.hash = digest(self).digest()[:8]

    def integers(self) -> dict[str, Tensor]:
        """Everything that was measured or trained, int64, by name."""
        return {name: value.to(INTEGER) for name, value in self.state_dict().items()}


def digest(twin: Twin) -> "hashlib._Hash":
    """SHA-256 of the config, the constants of the format, the table and all integers."""
    config = to_json(twin.config)
    about: dict[str, Any] = {"format": FORMAT, "model": "convdraw"}
    about |= {"config": {name: config[name] for name in NAMED}}
    about |= {"fraction": FRACTION, "weight_fraction": WEIGHT_FRACTION}
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, value in sorted({**twin.integers(), "tanh": tanh_table(INTEGER)}.items()):
        found.update(f"{name} {tuple(value.shape)}".encode())
        found.update(as_bytes([value]))
    return found


def as_bytes(tensors: Iterable[Tensor]) -> bytes:
    """Whole numbers as little-endian int64, one tensor after the other."""
    return b"".join(t.to(INTEGER).contiguous().numpy().astype("<i8").tobytes() for t in tensors)

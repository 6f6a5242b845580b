"""What a preset is: the model, the data, and how it is trained."""

import math
from dataclasses import dataclass
from typing import Literal

from underdraw.data import DataConfig
from underdraw.models.convdraw import ConvDRAWConfig
from underdraw.models.convnet import ConvNetConfig
from underdraw.models.deepvae import DeepVAEConfig
from underdraw.models.draw import DRAWConfig
from underdraw.models.glimpser import GlimpserConfig
from underdraw.models.vae import VAEConfig

ModelConfig = (
    DRAWConfig | ConvDRAWConfig | VAEConfig | DeepVAEConfig | GlimpserConfig | ConvNetConfig
)
Precision = Literal["float32", "bf16", "fast"]
OMNIGLOT = DataConfig("omniglot", binarize="dynamic")
"""The data of every Omniglot preset, so that their numbers can be compared."""


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. One step is one update of the weights."""

    steps: int = 30_000
    """Updates in all; the cosine ends here."""
    batch: int = 128
    """Images in a joint batch, over all processes."""
    learning_rate: float = 2e-3
    """Adam's, at its highest."""
    warmup: int = 100
    """Updates over which the learning rate rises."""
    final: float = 0.0
    """Where the cosine ends, as a share of the learning rate."""
    kl_warmup: int = 300
    """Updates over which the weight of the rate rises to 1."""
    beta: float = 1.0
    """Weight of the distortion (Convolutional DRAW, Eq. 11); reported bounds do not have it."""
    beta_from: tuple[float, float] | None = None
    """(b, s): beta falls geometrically from b over the first share s of the updates. So latents
    come to be used before a small beta presses on them."""
    importance_samples: int = 1
    """Above 1 the objective is the importance-weighted bound with so many samples, which has
    none of `beta`, `beta_from` and `kl_warmup`."""
    cells: bool = False
    """Train for a codec that rounds: posteriors are uniform with the same spread, and a latent pays
    for the mass that its cell has under the prior instead of the KL term."""
    error: float = 0.0
    """Share of the distortion that goes by the logarithm of the mean squared error of each image,
    which PSNR measures, instead of the likelihood: for a lossy codec."""
    structure: float = 0.0
    """How much of that logarithm goes by structural dissimilarity, 1 - SSIM, instead; see
    `likelihoods.distortion`."""
    early: float = 1.0
    """Of a classifier: weight of the mean cross-entropy after the earlier glimpses, beside that
    after the last."""
    glimpses: tuple[tuple[float, int], ...] = ()
    """Fewer glimpses at first: pairs (share of the updates done, glimpses until then)."""
    clip: float = 5.0
    """Largest global norm of the gradient."""
    ema: float = 0.999
    """Decay of the averaged weights, which are validated and kept; it warms up."""
    initial: str | None = None
    """A shipped name or a folder whose weights to start from, where they fit."""
    seed: int = 0
    """Of the weights, the order of images and all noise."""
    precision: Precision = "float32"
    """"float32", or "bf16" for the products alone, or "fast" for the faster of both where the run
    begins, whose name preset.json then has."""
    compile: bool = True
    """Compile the step where there is a compiler."""
    pace: int = 1
    """Steps of the model to a compiled region."""
    recompute: bool = False
    """Keep one state in every ceil(sqrt(T)) steps and compute the rest again in the backward pass:
    memory grows like the square root of the steps, and an update takes a third longer."""
    cuda_graphs: bool = False
    """On a GPU, capture the compiled regions in graphs and replay them."""
    log_every: int = 50
    """Updates between lines of the log, and between looks for a jump of the cost."""
    validate_every: int = 1000
    """Updates between validations."""
    validate_images: int = 2000
    """Images of the validation split to use, the same for every seed; 0 for all."""
    snapshot_every: int = 500
    """Updates between the snapshots to which training goes back after a jump."""
    jump: float = 8.0
    """Go back when the cost exceeds its running mean by so many running deviations."""
    save_minutes: float = 3.0
    """Minutes between checkpoints."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained.

        Raises:
            ValueError: a field out of range, named in the message.
        """
        least = {
            "steps": 1, "batch": 1, "warmup": 0, "kl_warmup": 0, "importance_samples": 1,
            "pace": 1, "log_every": 1, "validate_every": 1, "validate_images": 0,
            "snapshot_every": 1, "seed": 0,
        }  # fmt: skip
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
        for name in ("learning_rate", "clip", "beta", "jump", "save_minutes"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.early < math.inf:
            raise ValueError(f"early must be finite and not negative, got {self.early}")
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must be in [0, 1), got {self.ema}")
        for name in ("final", "error", "structure"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if self.structure and not self.error:
            raise ValueError(f"structure is a part of error, which is 0: got {self.structure}")
        if self.precision not in ("float32", "bf16", "fast"):
            raise ValueError(f"precision must be float32, bf16 or fast, got {self.precision!r}")
        if self.snapshot_every < 2 * self.log_every:
            raise ValueError(
                f"snapshot_every must be at least twice log_every ({self.log_every}), or a jump "
                f"may be in the snapshots before it is seen; got {self.snapshot_every}"
            )
        falling = self.beta_from is not None
        if (self.cells or self.error or self.beta != 1 or falling) and self.importance_samples > 1:
            raise ValueError(
                "cells, error, beta and beta_from exclude importance_samples, which are "
                f"{self.importance_samples}: got {self.cells}, {self.error}, {self.beta} and "
                f"{self.beta_from}"
            )
        if self.beta_from is not None and not (
            self.beta < self.beta_from[0] < math.inf and 0 < self.beta_from[1] <= 1
        ):
            raise ValueError(
                f"beta_from must be a number above beta ({self.beta:g}) and a share of the updates "
                f"in (0, 1], got {self.beta_from}"
            )
        shares = [share for share, _ in self.glimpses]
        if shares != sorted(shares) or any(count < 1 for _, count in self.glimpses):
            raise ValueError(f"glimpses must be pairs of rising shares and counts: {self.glimpses}")


@dataclass(frozen=True)
class Preset:
    """A whole experiment."""

    name: str
    """model_dataset[_variant]."""
    summary: str
    """One line for lists."""
    model: ModelConfig
    """What to build."""
    data: DataConfig
    """What to train on."""
    train: TrainConfig = TrainConfig()
    """How."""

"""Presets: one frozen description of a whole experiment, by name.

`model_dataset[_variant]`: the model, the data and the training of each row of the DRAW paper's
Table 3, and small ones for demonstrations. A preset is a value; the command line changes fields of
it and the resolved value is saved beside the weights.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from underdraw.data import DataConfig
from underdraw.models.draw import DRAWConfig

ModelConfig = DRAWConfig


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
    importance_samples: int = 1
    """Above 1 the objective is the importance-weighted bound with so many samples, which has
    neither `beta` nor `kl_warmup`."""
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
    precision: Literal["float32", "bf16"] = "float32"
    """"float32", or "bf16" for the matrix products (fast where the machine has it)."""
    compile: bool = True
    """Compile the step where there is a compiler."""
    pace: int = 1
    """Steps of the model to a compiled region."""
    log_every: int = 50
    """Updates between lines of the log, and between looks for a jump of the cost."""
    validate_every: int = 1000
    """Updates between validations."""
    validate_images: int = 2000
    """Images of the validation split to use (a seeded subset); 0 for all."""
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
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema must be in [0, 1), got {self.ema}")
        if not 0 <= self.final <= 1:
            raise ValueError(f"final must be in [0, 1], got {self.final}")
        if self.precision not in ("float32", "bf16"):
            raise ValueError(f"precision must be float32 or bf16, got {self.precision!r}")
        if self.snapshot_every < 2 * self.log_every:
            raise ValueError(
                f"snapshot_every must be at least twice log_every ({self.log_every}), or a jump "
                f"may be in the snapshots before it is seen; got {self.snapshot_every}"
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


def draw_mnist() -> Preset:
    """DRAW on the fixed binarized MNIST split (DRAW, Table 3)."""
    return Preset(
        "draw_mnist",
        "64 glimpses, 2x2 read, 5x5 write, binarized MNIST",
        DRAWConfig(),
        DataConfig("binarized_mnist"),
        TrainConfig(steps=9_000, glimpses=((0.4, 16), (0.75, 32)), pace=2),
    )


def draw_mnist_noattention() -> Preset:
    """The same without attention: another reader and writer, nothing else (section 3.1)."""
    paper = draw_mnist()
    return replace(
        paper,
        name="draw_mnist_noattention",
        summary="64 steps that read and write the whole image, binarized MNIST",
        model=replace(paper.model, read_size=None, write_size=None),
    )


def draw_two_digits() -> Preset:
    """Two digits at random places of 60x60 (section 4.3; sizes are not given there)."""
    return Preset(
        "draw_two_digits",
        "two digits in 60x60, made online",
        DRAWConfig(shape=(1, 60, 60), read_size=5, write_size=5),
        DataConfig("two_digits"),
    )


def draw_svhn() -> Preset:
    """House numbers, random 54x54 crops of 64x64 (section 4.4)."""
    return Preset(
        "draw_svhn",
        "54x54 crops of house numbers, pixels as Bernoulli means",
        DRAWConfig(
            shape=(3, 54, 54), steps=32, hidden=800, latent=100, read_size=12, write_size=12
        ),
        DataConfig("svhn"),
        TrainConfig(learning_rate=1e-3),
    )


def draw_cifar10() -> Preset:
    """CIFAR-10 with pixels as Bernoulli means (section 4.5)."""
    return Preset(
        "draw_cifar10",
        "CIFAR-10, pixels as Bernoulli means",
        DRAWConfig(shape=(3, 32, 32), steps=64, hidden=400, latent=200, read_size=5, write_size=5),
        DataConfig("cifar10"),
        TrainConfig(learning_rate=1e-3),
    )


def draw_mnist_small() -> Preset:
    """A DRAW that learns digits in about a minute on two cores: for demonstrations."""
    return Preset(
        "draw_mnist_small",
        "10 glimpses, 5x5 read and write, 128 units: learns in a minute",
        DRAWConfig(steps=10, hidden=128, latent=32, read_size=5, write_size=5),
        DataConfig("binarized_mnist"),
        TrainConfig(
            steps=900, batch=64, learning_rate=4e-3, kl_warmup=300, ema=0.99, compile=False,
            log_every=10, validate_every=300, validate_images=500,
        ),
    )  # fmt: skip


PRESETS: dict[str, Callable[[], Preset]] = {
    make.__name__: make
    for make in (
        draw_mnist,
        draw_mnist_noattention,
        draw_two_digits,
        draw_svhn,
        draw_cifar10,
        draw_mnist_small,
    )
}


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ValueError: there is none; the message lists all.
    """
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]()

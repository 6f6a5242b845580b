"""DRAW: the settings of its paper's Table 3 and of the second paper's tables, and a small one."""

from dataclasses import replace

from underdraw.data import DataConfig
from underdraw.models.draw import DRAWConfig
from underdraw.presets.config import OMNIGLOT, Preset, TrainConfig

# Ours, with attention and without.
WIDE = DRAWConfig(steps=32, read_size=8, write_size=8, learned_prior=True)
WHOLE = DRAWConfig(steps=16, read_size=None, write_size=None, learned_prior=True)


def draw_mnist() -> Preset:
    """DRAW on the fixed binarized MNIST split (DRAW, Table 3)."""
    return Preset(
        "draw_mnist",
        "64 glimpses, 2x2 read, 5x5 write, binarized MNIST",
        DRAWConfig(),
        DataConfig("binarized_mnist"),
        TrainConfig(steps=9_000, glimpses=((0.4, 16), (0.75, 32)), pace=2),
    )


def draw_mnist_wide() -> Preset:
    """Ours: windows that take in more of a digit, a learned prior, and half as many glimpses."""
    paper = draw_mnist()
    return replace(
        paper,
        name="draw_mnist_wide",
        summary="32 glimpses, 8x8 read, 8x8 write, learned prior, binarized MNIST",
        model=WIDE,
        train=replace(
            paper.train, steps=24_000, learning_rate=5e-3, precision="fast", glimpses=((0.3, 16),)
        ),
    )


def draw_mnist_neighbours() -> Preset:
    """`draw_mnist_wide` with pixels that know those before them, as no paper's DRAW has."""
    return _knowing(draw_mnist_wide(), "draw_mnist_neighbours", WIDE)


def draw_mnist_noattention() -> Preset:
    """`draw_mnist` without attention: another reader and writer, a schedule, and nothing else.

    (Section 3.1.)
    """
    paper = draw_mnist()
    return replace(
        paper,
        name="draw_mnist_noattention",
        summary="64 steps that read and write the whole image, binarized MNIST",
        model=DRAWConfig(read_size=None, write_size=None),
        train=replace(paper.train, steps=8_000, learning_rate=6e-3, precision="fast"),
    )


def draw_mnist_noattention_prior() -> Preset:
    """Ours without attention: a learned prior, and a quarter of the steps."""
    paper = draw_mnist_noattention()
    return replace(
        paper,
        name="draw_mnist_noattention_prior",
        summary="16 steps that read and write the whole image, learned prior, binarized MNIST",
        model=WHOLE,
        train=replace(paper.train, steps=20_000, learning_rate=5e-3, glimpses=()),
    )


def draw_mnist_noattention_neighbours() -> Preset:
    """`draw_mnist_noattention_prior` with pixels that know those before them."""
    return _knowing(draw_mnist_noattention_prior(), "draw_mnist_noattention_neighbours", WHOLE)


def _knowing(base: Preset, name: str, model: DRAWConfig) -> Preset:
    """The preset of that model with pixels that know those before them."""
    return replace(
        base,
        name=name,
        summary=f"{base.name} with pixels that know their neighbours",
        model=replace(model, likelihood="neighbours"),
    )


def draw_two_digits() -> Preset:
    """Two digits at random places of 60x60 (section 4.3).

    Sizes are not given there; windows and steps here are those of house numbers, which also have
    several digits to a picture.
    """
    return Preset(
        "draw_two_digits",
        "two digits in 60x60, made online",
        DRAWConfig(shape=(1, 60, 60), steps=32, read_size=12, write_size=12),
        DataConfig("two_digits"),
        TrainConfig(
            steps=15_000, learning_rate=4e-3, glimpses=((0.4, 8), (0.75, 16)), precision="fast",
            pace=2,
        ),
    )  # fmt: skip


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


CIFAR10 = DRAWConfig((3, 32, 32), hidden=400, latent=200, read_size=5, write_size=5)


def draw_cifar10() -> Preset:
    """CIFAR-10 with pixels as Bernoulli means (section 4.5)."""
    return Preset(
        "draw_cifar10",
        "CIFAR-10, pixels as Bernoulli means",
        CIFAR10,
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


def draw_omniglot() -> Preset:
    """DRAW on 28x28 Omniglot, 30 glimpses (Convolutional DRAW, Table 1)."""
    return Preset(
        "draw_omniglot",
        "30 glimpses, 5x5 read and write, Omniglot",
        DRAWConfig(steps=30, read_size=5, write_size=5),
        OMNIGLOT,
        TrainConfig(steps=20_000, learning_rate=8e-3, glimpses=((0.3, 10), (0.6, 20)), pace=2),
    )


def draw_cifar10_gaussian() -> Preset:
    """CIFAR-10 in bits per dimension (Convolutional DRAW, Table 2)."""
    return Preset(
        "draw_cifar10_gaussian",
        "CIFAR-10, Gaussian pixels",
        replace(CIFAR10, likelihood="gaussian"),
        DataConfig("cifar10"),
        TrainConfig(learning_rate=1e-3),
    )

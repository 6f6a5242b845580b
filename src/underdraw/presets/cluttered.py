"""Classifiers of cluttered MNIST: the rows of DRAW's Table 1, and a modern rival."""

from dataclasses import replace

from underdraw.data import DataConfig
from underdraw.models.convnet import ConvNetConfig
from underdraw.models.glimpser import GlimpserConfig
from underdraw.presets.config import Preset, TrainConfig

CLUTTERED = DataConfig("mnist_cluttered")
WARPED = replace(CLUTTERED, warp=0.2)
"""The same with the digits of training images distorted a little, as by other hands."""
GROWING = replace(WARPED, growing=4)
"""The same, large at first: a window as wide as the canvas shows digits as blobs, and what to look
for is found at once where they are large, and late or never where they are not."""
TRAIN = TrainConfig(
    steps=30_000, batch=128, learning_rate=2e-3, clip=1.0, precision="fast", pace=4, log_every=100,
    validate_every=1500, validate_images=5000, snapshot_every=500,
)  # fmt: skip


def glimpser_mnist_cluttered() -> Preset:
    """Differentiable RAM, 8 glimpses (DRAW, Table 1), from the weights of the one with 4."""
    return Preset(
        "glimpser_mnist_cluttered",
        "8 glimpses of 12x12, classifies cluttered MNIST",
        GlimpserConfig(),
        WARPED,
        replace(TRAIN, learning_rate=5e-4, initial="glimpser_mnist_cluttered_4"),
    )


def glimpser_mnist_cluttered_4() -> Preset:
    """Differentiable RAM, 4 glimpses (DRAW, Table 1)."""
    return Preset(
        "glimpser_mnist_cluttered_4",
        "4 glimpses of 12x12, classifies cluttered MNIST",
        GlimpserConfig(steps=4),
        GROWING,
        replace(TRAIN, steps=56_000),
    )


def glimpser_mnist_cluttered_small() -> Preset:
    """One that learns something in a minute, from digits that ship."""
    return Preset(
        "glimpser_mnist_cluttered_small",
        "3 glimpses of 8x8, classifies digits among 2 pieces of clutter in 40x40",
        GlimpserConfig((1, 40, 40), steps=3, hidden=64, read_size=8, embedding=64),
        DataConfig("mnist_cluttered_small", pieces=2, canvas=40),
        replace(TRAIN, steps=1500, batch=64, pace=3, validate_every=500, precision="float32"),
    )


def convnet_mnist_cluttered() -> Preset:
    """The paper's convolutional network (Mnih et al., 2014; DRAW, Table 1)."""
    return Preset(
        "convnet_mnist_cluttered",
        "8 filters of 10x10 and 256 units, classifies cluttered MNIST",
        ConvNetConfig(),
        CLUTTERED,
        replace(TRAIN, steps=80_000, learning_rate=1e-3, pace=1, validate_every=4000),
    )


def convnet_small_mnist_cluttered() -> Preset:
    """A small modern convolutional network."""
    return Preset(
        "convnet_small_mnist_cluttered",
        "4 normalised layers of 3x3, halving the side, and 128 units, classifies cluttered MNIST",
        ConvNetConfig(
            maps=(16, 32, 64, 128), kernel=3, stride=2, pool="max", hidden=128, norm=True
        ),
        CLUTTERED,
        replace(TRAIN, learning_rate=2e-3, pace=1),
    )

"""Convolutional DRAW: the paper's settings, ones for a GPU half hour, and ones for two cores."""

from dataclasses import replace

from underdraw.data import DataConfig
from underdraw.models.convdraw import ConvDRAWConfig
from underdraw.presets.config import OMNIGLOT, Preset, TrainConfig

COLOUR = (3, 32, 32)
CIFAR10 = DataConfig("cifar10")
PHOTO = ConvDRAWConfig(
    COLOUR, 8, 3, (40,), (12,), (2,), norm="none", weight_norm=True, constant_scale=True,
    input_gain=4.0, mu_gain=10.0,
)  # fmt: skip


def convdraw_cifar10_paper() -> Preset:
    """The paper's own setting for CIFAR-10 (section 4): 1.6 TFLOP to train on an image."""
    return Preset(
        "convdraw_cifar10_paper",
        "32 steps, 320 maps, 5x5, CIFAR-10: the paper's size",
        ConvDRAWConfig(COLOUR, 32, 5, (320,), (12,), (2,), norm="none"),
        CIFAR10,
        TrainConfig(steps=250_000, batch=64, learning_rate=5e-4, precision="fast"),
    )


def convdraw_imagenet32() -> Preset:
    """The paper's setting for ImageNet at 32x32 (section 4)."""
    return Preset(
        "convdraw_imagenet32",
        "32 steps, 160 maps, 5x5, ImageNet 32x32: the paper's size",
        ConvDRAWConfig(COLOUR, 32, 5, (160,), (12,), (2,), norm="none"),
        DataConfig("imagenet32"),
        TrainConfig(steps=250_000, batch=64, learning_rate=5e-4, precision="fast"),
    )


def convdraw_imagenet64() -> Preset:
    """The paper's setting for ImageNet at 64x64 (section 4)."""
    return Preset(
        "convdraw_imagenet64",
        "32 steps, 160 maps, 5x5, ImageNet 64x64: the paper's size",
        ConvDRAWConfig((3, 64, 64), 32, 5, (160,), (12,), (2,), norm="none"),
        DataConfig("imagenet64"),
        TrainConfig(steps=250_000, batch=64, learning_rate=5e-4, precision="fast"),
    )


def convdraw_omniglot() -> Preset:
    """The paper's 30 steps on Omniglot (section 4.1.1; other sizes are not given there)."""
    return Preset(
        "convdraw_omniglot",
        "30 steps, 64 maps, 5x5, Omniglot",
        ConvDRAWConfig((1, 28, 28), 30, 5, (64,), (4,), (2,), "bernoulli"),
        OMNIGLOT,
        TrainConfig(steps=50_000, learning_rate=1e-3, precision="fast"),
    )


def convdraw_cifar10() -> Preset:
    """A middle size, for half an hour on a GPU."""
    return Preset(
        "convdraw_cifar10",
        "16 steps, 128 maps, 5x5, CIFAR-10",
        ConvDRAWConfig(COLOUR, 16, 5, (128,), (12,), (2,)),
        CIFAR10,
        TrainConfig(steps=20_000, batch=64, learning_rate=1e-3, precision="fast"),
    )


def convdraw_omniglot_small() -> Preset:
    """One that two cores can train in hours."""
    return Preset(
        "convdraw_omniglot_small",
        "16 steps, 48 maps, 3x3, a fully connected second layer, Omniglot",
        ConvDRAWConfig((1, 28, 28), 16, 3, (48, 32), (4, 16), (2, None), "bernoulli"),
        OMNIGLOT,
        TrainConfig(steps=30_000, batch=16, learning_rate=4e-3, precision="fast", pace=2),
    )


def convdraw_cifar10_small() -> Preset:
    """One that two cores can train in hours.

    Colours are coupled: what the three of a pixel share is told once, by the likelihood, and the
    latents have less to learn. By the clock few steps learn more than many (the study of steps),
    and a second layer at half the resolution sees far for a third of the first one's arithmetic:
    together 5.7 GFLOP to train on an image.
    """
    return Preset(
        "convdraw_cifar10_small",
        "4 steps, layers of 64 and 48 maps, 3x3, coupled colours, CIFAR-10",
        ConvDRAWConfig(
            COLOUR, 4, 3, (64, 48), (12, 8), (2, 2), "coupled", input_gain=4.0, mu_gain=10.0
        ),
        CIFAR10,
        TrainConfig(
            steps=20_000, batch=8, learning_rate=2e-3, kl_warmup=1100, precision="fast", pace=2
        ),
    )


def convdraw_photo() -> Preset:
    """Photographs of any size, in the form that a codec needs.

    Nothing in it belongs to one size, nothing is normalised over an image, and the posterior's
    scale is known without the image. What is seen starts loud, because without normalisation little
    of it reaches latents that start as wide as their prior.
    """
    return Preset(
        "convdraw_photo",
        "8 steps, 40 maps, 3x3, any size: 32x32 crops of photographs",
        PHOTO,
        DataConfig("imagenet64", crop=32, shrink=2),
        TrainConfig(steps=30_000, batch=16, learning_rate=3e-3, precision="fast", pace=2),
    )  # fmt: skip


def convdraw_photo_low() -> Preset:
    """Photographs of any size, for small files.

    Pixels weigh a seventh of what they do in the bound, so that its latents tell little, and by
    errors alone: squared ones and, as those let quiet places blur, structure. A pixel of its maps
    is 8x8 of the picture, as a block is in JPEG: what is alike in neighbours is told once. It is
    trained for rounded latents, which must tell much or nothing, on smooth pictures and busy ones.
    Were pixels not to weigh more at first, hardly any latent would come to be used.
    """
    return Preset(
        "convdraw_photo_low",
        "4 steps, 96 maps, 3x3, any size: 48x48 crops of photographs, at low rates",
        replace(PHOTO, shape=(3, 48, 48), steps=4, maps=(96,), latent=(32,), stride=(8,)),
        DataConfig("imagenet64", crop=48, enlarge=3),
        TrainConfig(
            steps=20_000, batch=8, learning_rate=2e-3, kl_warmup=0, clip=1.0, beta=0.14,
            beta_from=(4.0, 0.6), cells=True, error=1.0, structure=0.5, precision="fast", pace=2,
        ),
    )  # fmt: skip


def convdraw_photo_mid() -> Preset:
    """Photographs of any size, for files of middle size.

    `convdraw_photo_low`, in whose shape and from whose weights it was trained, with thrice the
    weight of the pixels, and more at first. Maps that the other does not use began anew.
    """
    low = convdraw_photo_low()
    return replace(
        low,
        name="convdraw_photo_mid",
        summary="4 steps, 96 maps, 3x3, any size: 48x48 crops of photographs, at middle rates",
        train=replace(low.train, steps=10_000, learning_rate=1e-3, beta=0.4, beta_from=(4.0, 0.35)),
    )


def convdraw_photo_least() -> Preset:
    """Photographs of any size, for the smallest files.

    By squared errors alone, at less than half the rate of `convdraw_photo_low`. It was trained from
    the weights of an earlier one of those; from nothing hardly any latent would come to be used.
    """
    low = convdraw_photo_low()
    return replace(
        low,
        name="convdraw_photo_least",
        summary="4 steps, 96 maps, 3x3, any size: 48x48 crops of photographs, at the lowest rates",
        train=replace(
            low.train, steps=2600, learning_rate=1e-3, beta=0.09, beta_from=None, structure=0.0
        ),
    )

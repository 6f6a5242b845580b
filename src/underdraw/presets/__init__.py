"""Presets: one frozen description of a whole experiment, by name.

`model_dataset[_variant]`: the model, the data and the training. A preset is a value; the command
line changes fields of it and the resolved value is saved beside the weights.
"""

from collections.abc import Callable

from underdraw.presets.baselines import (
    deepvae_cifar10,
    deepvae_cifar10_small,
    iwae_omniglot,
    vae_omniglot,
)
from underdraw.presets.cluttered import (
    convnet_mnist_cluttered,
    convnet_small_mnist_cluttered,
    glimpser_mnist_cluttered,
    glimpser_mnist_cluttered_4,
    glimpser_mnist_cluttered_small,
)
from underdraw.presets.config import OMNIGLOT, ModelConfig, Preset, TrainConfig
from underdraw.presets.convdraw import (
    convdraw_cifar10,
    convdraw_cifar10_paper,
    convdraw_cifar10_small,
    convdraw_imagenet32,
    convdraw_imagenet64,
    convdraw_omniglot,
    convdraw_omniglot_small,
    convdraw_photo,
    convdraw_photo_least,
    convdraw_photo_low,
    convdraw_photo_mid,
)
from underdraw.presets.draw import (
    draw_cifar10,
    draw_cifar10_gaussian,
    draw_mnist,
    draw_mnist_neighbours,
    draw_mnist_noattention,
    draw_mnist_noattention_neighbours,
    draw_mnist_noattention_prior,
    draw_mnist_small,
    draw_mnist_wide,
    draw_omniglot,
    draw_svhn,
    draw_two_digits,
)

__all__ = [
    "OMNIGLOT",
    "PRESETS",
    "ModelConfig",
    "Preset",
    "TrainConfig",
    "convdraw_cifar10",
    "convdraw_cifar10_paper",
    "convdraw_cifar10_small",
    "convdraw_imagenet32",
    "convdraw_imagenet64",
    "convdraw_omniglot",
    "convdraw_omniglot_small",
    "convdraw_photo",
    "convdraw_photo_least",
    "convdraw_photo_low",
    "convdraw_photo_mid",
    "convnet_mnist_cluttered",
    "convnet_small_mnist_cluttered",
    "deepvae_cifar10",
    "deepvae_cifar10_small",
    "draw_cifar10",
    "draw_cifar10_gaussian",
    "draw_mnist",
    "draw_mnist_neighbours",
    "draw_mnist_noattention",
    "draw_mnist_noattention_neighbours",
    "draw_mnist_noattention_prior",
    "draw_mnist_small",
    "draw_mnist_wide",
    "draw_omniglot",
    "draw_svhn",
    "draw_two_digits",
    "glimpser_mnist_cluttered",
    "glimpser_mnist_cluttered_4",
    "glimpser_mnist_cluttered_small",
    "iwae_omniglot",
    "preset",
    "vae_omniglot",
]

PRESETS: dict[str, Callable[[], Preset]] = {
    make.__name__: make
    for make in (
        draw_mnist,
        draw_mnist_wide,
        draw_mnist_neighbours,
        draw_mnist_noattention,
        draw_mnist_noattention_prior,
        draw_mnist_noattention_neighbours,
        draw_two_digits,
        draw_svhn,
        draw_cifar10,
        draw_mnist_small,
        draw_omniglot,
        draw_cifar10_gaussian,
        convdraw_omniglot,
        convdraw_omniglot_small,
        convdraw_cifar10_paper,
        convdraw_cifar10,
        convdraw_cifar10_small,
        convdraw_imagenet32,
        convdraw_imagenet64,
        convdraw_photo,
        convdraw_photo_least,
        convdraw_photo_low,
        convdraw_photo_mid,
        vae_omniglot,
        iwae_omniglot,
        deepvae_cifar10,
        deepvae_cifar10_small,
        glimpser_mnist_cluttered,
        glimpser_mnist_cluttered_4,
        glimpser_mnist_cluttered_small,
        convnet_mnist_cluttered,
        convnet_small_mnist_cluttered,
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

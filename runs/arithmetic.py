"""What training took, counted instead of timed.

    C = images K c F

where F are the operations of one image with all steps, forward and backward: those of products and
convolutions, two to a multiplication with its addition (PyTorch's counter). K is the number of
importance samples, and c what early glimpses leave of an update's cost (`clock.cost`). Validation,
and what was done for weights that a run began with, are not counted.
"""

import torch
from torch.utils.flop_counter import FlopCounterMode

import clock
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAWConfig
from underdraw.models.deepvae import DeepVAEConfig
from underdraw.presets import TrainConfig


def flops(config: object, train: bool = True) -> float:
    """Operations for one image: to train on it, or to encode it."""
    large = isinstance(config, (ConvDRAWConfig, DeepVAEConfig))
    with torch.device("meta" if large else "cpu"):  # windows need autocast, which meta has not
        model = build(config)
        noise = [torch.zeros(1, *model.latent_shape(site)) for site in model.sites]
        x = torch.zeros(1, *model.shape)
        with FlopCounterMode(display=False) as counter:
            bound = model(x, noise, x).bound
            if train:
                bound.sum().backward()
    return counter.get_total_flops()


def pflop(config: object, train: TrainConfig, updates: int, images: int) -> float:
    """10^15 operations of a run that has done so many updates and seen so many images."""
    done = min(updates / train.steps, 1.0)
    share = train.importance_samples * clock.cost(train, getattr(config, "steps", 1), done)
    return images * share * flops(config) / 1e15

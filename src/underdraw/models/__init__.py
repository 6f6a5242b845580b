"""Models, and the one table of them by name."""

from typing import Any

from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig
from underdraw.models.convnet import ConvNet, ConvNetConfig
from underdraw.models.deepvae import DeepVAE, DeepVAEConfig
from underdraw.models.draw import DRAW, DRAWConfig
from underdraw.models.glimpser import Glimpser, GlimpserConfig
from underdraw.models.vae import VAE, VAEConfig

MODELS: dict[str, tuple[type[Any], type[Any]]] = {
    "draw": (DRAWConfig, DRAW),
    "convdraw": (ConvDRAWConfig, ConvDRAW),
    "vae": (VAEConfig, VAE),
    "deepvae": (DeepVAEConfig, DeepVAE),
    "glimpser": (GlimpserConfig, Glimpser),
    "convnet": (ConvNetConfig, ConvNet),
}


def build(config: Any) -> Any:  # noqa: ANN401
    """The `LatentModel` or `Classifier` that `config` describes, freshly initialised.

    Raises:
        ValueError: no model has such a config.
    """
    for config_type, model_type in MODELS.values():
        if isinstance(config, config_type):
            return model_type(config)
    raise ValueError(f"no model is built from a {type(config).__name__}")

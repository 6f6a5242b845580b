"""Baselines of the Convolutional DRAW paper's tables; its DRAWs are among the presets of DRAW."""

from underdraw.data import DataConfig
from underdraw.models.deepvae import DeepVAEConfig
from underdraw.models.vae import VAEConfig
from underdraw.presets.config import OMNIGLOT, Preset, TrainConfig


def vae_omniglot() -> Preset:
    """Two stochastic layers (Convolutional DRAW, Table 1; Burda et al., 2016)."""
    return Preset(
        "vae_omniglot",
        "VAE with layers of 100 and 50 latents, Omniglot",
        VAEConfig(),
        OMNIGLOT,
        TrainConfig(
            steps=200_000,
            kl_warmup=1000,
            log_every=500,
            validate_every=5000,
            snapshot_every=5000,
        ),
    )


def iwae_omniglot() -> Preset:
    """The same model, importance weighted with K = 50 (Burda et al., 2016)."""
    return Preset(
        "iwae_omniglot",
        "the same trained on the importance-weighted bound, K = 50, Omniglot",
        VAEConfig(),
        OMNIGLOT,
        TrainConfig(steps=60_000, batch=32, importance_samples=50, validate_every=2000),
    )


def deepvae_cifar10() -> Preset:
    """A deep VAE for a GPU (Convolutional DRAW, Table 2; sizes are not given there)."""
    return Preset(
        "deepvae_cifar10",
        "36 layers at two scales, 256 maps, a latent at each, CIFAR-10",
        DeepVAEConfig((3, 32, 32), (24, 12), 256, 12, likelihood="gaussian"),
        DataConfig("cifar10"),
        TrainConfig(steps=20_000, batch=64, learning_rate=5e-4, precision="fast", pace=6),
    )


def deepvae_cifar10_small() -> Preset:
    """A deep VAE that two cores can train in hours."""
    return Preset(
        "deepvae_cifar10_small",
        "18 layers at two scales, 64 maps, a latent at each, coupled colours, CIFAR-10",
        DeepVAEConfig((3, 32, 32), (12, 6), 64, 12, likelihood="coupled"),
        DataConfig("cifar10"),
        TrainConfig(
            steps=30_000, batch=16, learning_rate=1e-3, kl_warmup=800, precision="fast", pace=2
        ),
    )

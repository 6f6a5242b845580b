"""Small models that every test of the core can afford."""

from typing import Any

import hypothesis
import pytest
import torch

from underdraw.classifier import Classifier
from underdraw.latent import LatentModel
from underdraw.likelihoods import Bernoulli
from underdraw.models import MODELS, build

hypothesis.settings.register_profile(
    "repeatable", deadline=None, derandomize=True, max_examples=50, database=None
)
hypothesis.settings.load_profile("repeatable")
torch.set_num_threads(1)  # small tensors: threads only wait for each other

SMALL = {"shape": (1, 8, 6), "steps": 3, "hidden": 11, "latent": 4, "read_size": 2, "write_size": 3}
DEEP = {"shape": (1, 6, 5), "depth": (2, 1), "maps": 5, "latent": 2}
CONV = {
    "shape": (1, 8, 6),
    "steps": 2,
    "kernel": 3,
    "maps": (5,),
    "latent": (2,),
    "likelihood": "bernoulli",
}
TWO = CONV | {"maps": (5, 4), "latent": (2, 3), "stride": (2, 1)}
THREE = CONV | {"maps": (5, 4, 3), "latent": (2, 3, 1), "stride": (2, 1, 2)}
WHOLE = {"read_size": None, "write_size": None}

# model -> variant -> constructor arguments of its config
TINY: dict[str, dict[str, dict[str, Any]]] = {
    "draw": {
        "attention": SMALL,
        "no_attention": SMALL | WHOLE,
        "read_only": SMALL | {"write_size": None},
        "learned_prior": SMALL | {"learned_prior": True},
        "plain": SMALL | {"layer_norm": False, "tiled_windows": False},
        "colour": SMALL | {"shape": (3, 9, 7)},
        "gaussian": SMALL | {"shape": (3, 9, 7), "likelihood": "gaussian", "learned_prior": True},
        "neighbours": SMALL | {"likelihood": "neighbours", "learned_prior": True},
        "gaussian_no_attention": SMALL | WHOLE | {"shape": (3, 5, 4), "likelihood": "gaussian"},
    },
    "convdraw": {
        "one": CONV,
        "padded": CONV | {"shape": (3, 7, 5), "likelihood": "gaussian", "norm": "image"},
        "two": TWO | {"initial_maps": True},
        "two_strided": TWO | {"stride": (1, 2), "shape": (3, 8, 6), "likelihood": "gaussian"},
        "two_dense": TWO | {"stride": (2, None), "norm": "image", "initial_maps": True},
        "three": THREE | {"shape": (3, 8, 8), "likelihood": "logistics", "norm": "none"},
        "three_dense": THREE | {"stride": (2, None, 1), "constant_scale": True},
        "neighbours": CONV | {"shape": (1, 7, 5), "likelihood": "neighbours"},
        "coupled": TWO | {"shape": (3, 8, 6), "likelihood": "coupled"},
        "codec": CONV
        | {
            "shape": (3, 8, 6),
            "likelihood": "gaussian",
            "norm": "none",
            "weight_norm": True,
            "constant_scale": True,
        },
    },
    "vae": {
        "two": {"shape": (1, 8, 6), "latents": (5, 3), "hidden": (11, 7)},
        "one": {"shape": (1, 8, 6), "latents": (5,), "hidden": (11,), "between": 1},
        "neighbours": {
            "shape": (1, 8, 6),
            "latents": (5,),
            "hidden": (11,),
            "likelihood": "neighbours",
        },
        "three": {
            "shape": (3, 5, 4),
            "latents": (5, 4, 3),
            "hidden": (11, 8, 7),
            "likelihood": "gaussian",
        },
    },
    "deepvae": {
        "stochastic": DEEP,
        "deterministic": DEEP | {"stochastic": False},
        "gaussian": DEEP | {"shape": (3, 8, 7), "depth": (1, 1, 1), "likelihood": "gaussian"},
        "neighbours": DEEP | {"depth": (2,), "likelihood": "neighbours"},
        "one_scale": DEEP | {"depth": (2,), "stride": 3, "kernel": 5},
    },
}


LOOKS = {"shape": (1, 9, 8), "classes": 4, "steps": 3, "hidden": 7, "read_size": 3}

# the same for classifiers
CLASSIFIERS: dict[str, dict[str, dict[str, Any]]] = {
    "glimpser": {
        "default": LOOKS | {"embedding": 6},
        "plain": LOOKS
        | {"embedding": 0, "location": False, "layer_norm": False, "tiled_window": False},
        "more": LOOKS | {"shape": (3, 8, 9), "scales": 2, "embedding": 0, "head": 5},
        "once": LOOKS | {"steps": 1, "read_size": 1},
    },
    "convnet": {
        "paper": {"shape": (1, 9, 8), "classes": 4, "kernel": 4, "stride": 2, "hidden": 6},
        "modern": {
            "shape": (3, 9, 8),
            "classes": 4,
            "maps": (4, 5),
            "kernel": 3,
            "stride": 2,
            "pool": "max",
            "hidden": 0,
            "norm": True,
        },
    },
}


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def tiny() -> dict[str, dict[str, dict[str, Any]]]:
    """The whole table of small models: name -> variant -> arguments of the config."""
    return TINY


@pytest.fixture
def classifiers() -> list[tuple[str, dict[str, Any]]]:
    """All small classifiers: name and arguments of the config."""
    return [(name, options) for name, table in CLASSIFIERS.items() for options in table.values()]


def _build(name: str, variant: str) -> LatentModel[Any]:
    torch.manual_seed(0)
    return build(MODELS[name][0](**TINY[name][variant]))


@pytest.fixture(
    params=[(name, variant) for name, variants in TINY.items() for variant in variants],
    ids="-".join,
)
def model(request: pytest.FixtureRequest) -> LatentModel[Any]:
    """Every small model in turn, freshly initialised, but for weights of likelihoods that are 0."""
    model = _build(*request.param)
    for weight in model.likelihood.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight)
    return model


@pytest.fixture(
    params=[(name, variant) for name, variants in CLASSIFIERS.items() for variant in variants],
    ids="-".join,
)
def classifier(request: pytest.FixtureRequest) -> Classifier[Any]:
    """Every small classifier in turn, freshly initialised."""
    name, variant = request.param
    torch.manual_seed(0)
    return build(MODELS[name][0](**CLASSIFIERS[name][variant]))


@pytest.fixture
def draw() -> LatentModel[Any]:
    """One small DRAW with attention and a learned prior."""
    return _build("draw", "learned_prior")


@pytest.fixture
def images(request: pytest.FixtureRequest) -> torch.Tensor:
    """Three images for the test's `model` or `draw`: binary ones, or ones of 256 levels."""
    wanted = request.getfixturevalue("model" if "model" in request.fixturenames else "draw")
    x = torch.rand(3, *wanted.shape, generator=torch.Generator().manual_seed(1))
    return (
        x.round() if isinstance(wanted.likelihood, Bernoulli) else ((256 * x).floor() + 0.5) / 256
    )

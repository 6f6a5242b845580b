import pytest
import torch

from underdraw.latent import mode, posterior
from underdraw.models.draw import DRAW, DRAWConfig


def small(steps=6, **options):
    """A small untrained DRAW whose canvas changes at every step."""
    torch.manual_seed(0)
    sizes = {"steps": steps, "hidden": 8, "latent": 4, "shape": (1, 8, 10)}
    model = DRAW(DRAWConfig(**{**sizes, "read_size": 2, "write_size": 3, **options}))
    with torch.no_grad():
        for name, value in model.write.named_parameters():
            value.mul_(6.0 if "patch" in name or "canvas" in name else 1.0)
    return model


@pytest.fixture
def make():
    return small


@pytest.fixture(scope="session")
def attentive():
    return small()


@pytest.fixture(scope="session")
def plain():
    return small(read_size=None, write_size=None)


@pytest.fixture(scope="session")
def x():
    return torch.rand(4, 1, 8, 10, generator=torch.Generator().manual_seed(1)).round()


@pytest.fixture(scope="session")
def seen(attentive, x):
    torch.manual_seed(1)
    return attentive.unroll(posterior(), x, frames="all")


@pytest.fixture(scope="session")
def dreamt(attentive):
    return attentive.unroll(mode, n=4, frames="all")


@pytest.fixture(scope="session")
def blurred(plain, x):
    torch.manual_seed(1)
    return plain.unroll(posterior(), x, frames="all")

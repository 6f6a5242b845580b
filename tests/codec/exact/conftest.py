"""Small models, and one that is exported."""

from pathlib import Path

import pytest
import torch

from codec.exact.small import MODELS, picture, stirred
from underdraw.codec import exact
from underdraw.models.convdraw import ConvDRAW


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> ConvDRAW:
    return stirred(MODELS[request.param])


@pytest.fixture
def two() -> ConvDRAW:
    return stirred(MODELS["two"])


@pytest.fixture
def levels(request: pytest.FixtureRequest) -> torch.Tensor:
    """Eight images of the model's shape."""
    name = "model" if "model" in request.fixturenames else "two"
    shape = request.getfixturevalue(name).shape
    return picture(8, *shape)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model."""
    model = stirred(MODELS["two"])
    path = tmp_path_factory.mktemp("exact") / "tiny@1"
    exact.export(model, path, picture(4, *model.shape), card="tiny")
    return path

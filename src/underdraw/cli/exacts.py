"""Exact models as float ones, to be measured by the bound and the data of their preset."""

from underdraw.codec import exact
from underdraw.data import DataConfig
from underdraw.likelihoods import Distortion
from underdraw.presets import preset
from underdraw.trained import Trained


def is_exact(name: str) -> bool:
    """Whether it is the name of an exact model that ships, and the newest version of it.

    Older ones were trained by other data and costs than today's preset has.
    """
    folder = exact.shipped().get(name) if "@" in name else None
    return folder is not None and exact.locate(_preset(name)) == folder


def as_trained(name: str, device: str) -> Trained:
    """An exact model in float32 again, and how its preset measures it.

    Raises:
        ModelError: it is damaged.
    """
    twin, found = exact.load(name), preset(_preset(name)).train
    model, cells = exact.float_of(twin).to(device), bool(exact.describe(name).get("cells"))
    return Trained(name, model, None, cells, Distortion(found.error, found.structure))


def data_of(name: str) -> DataConfig:
    """The data its preset is trained on."""
    return preset(_preset(name)).data


def _preset(name: str) -> str:
    return name.rpartition("@")[0]

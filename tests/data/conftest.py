"""Tiny mirrors of the hub, made on the spot."""

import io

import datasets
import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """Keep what `datasets` caches, and the network, out of the tests."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def encode(a, kind="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(a).save(out, kind, **options)
    return out.getvalue()


def random_levels(n, *shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def write_table(file, pictures, column="image", **more):
    """A parquet file as the hub has it; `pictures` are arrays, or encoded bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"bytes": p if isinstance(p, bytes) else encode(p), "path": None} for p in pictures]
    features = datasets.Features({column: datasets.Image(), "label": datasets.Value("int64")})
    rows = {column: cells, "label": list(range(len(cells)))}
    for name, (values, feature) in more.items():
        rows[name], features[name] = values, feature
    datasets.Dataset.from_dict(rows, features=features).to_parquet(file)
    return pictures

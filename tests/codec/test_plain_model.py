"""A second model, written from docs/format.md, draws what exact twins draw."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from codec.crops import crops, tiny
from codec.plain_coder import digest
from codec.plain_model import PlainModel, numbers_of, shapes_of
from underdraw.codec.exact import Twin, export
from underdraw.codec.exact.grid import INTEGER
from underdraw.codec.exact.tables import tanh_table
from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig

PAGE = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
TABLE = tanh_table(INTEGER).numpy()


def plain(twin: Twin) -> PlainModel:
    numbers = {name: value.numpy() for name, value in twin.integers().items()}
    return PlainModel(numbers, twin.config.steps, twin.config.stride, TABLE)


def tower() -> Twin:
    """Three layers of random numbers, with and without a stride."""
    config = ConvDRAWConfig(
        shape=(3, 8, 8), steps=2, kernel=3, maps=(4, 3, 2), latent=(2, 1, 2), stride=(2, 1, 3),
        norm="none", constant_scale=True,
    )  # fmt: skip
    with torch.device("meta"):
        twin = Twin(config)
    rng, numbers = np.random.default_rng(0), {}
    for name, value in twin.state_dict().items():
        high = 1 << (35 if name.endswith("bias") else 18)
        low = -high
        if ".to_q." in name and "affine" not in name:
            low, high = (0, 2) if name.endswith("active") else (1, 1000)
        found = rng.integers(low, high, tuple(value.shape))
        found = found.argsort(-1) if name.endswith("order") else found
        numbers[name] = torch.from_numpy(found)
    twin.take(numbers)
    return twin


@pytest.mark.parametrize("make", [tiny, tower])
@pytest.mark.parametrize("size", [(12, 18), (7, 9)])
def test_a_second_model_tells_the_same_story(make, size) -> None:
    twin = make()
    levels = crops(1, *size)
    rng = np.random.default_rng(1)
    told = twin.unroll(
        lambda site, p, q: p.mu + torch.from_numpy(rng.integers(-(1 << 19), 1 << 19, p.mu.shape)),
        twin.see(torch.from_numpy(levels)),
    )
    choices = list(told.choices)

    def choose(site: int, mu: np.ndarray, s: np.ndarray, mean: np.ndarray | None) -> np.ndarray:
        choice = choices[site]
        assert choice.site.index == site
        assert np.array_equal(mu, choice.p.mu[0].numpy())
        assert np.array_equal(s, choice.p.log_sigma[0].numpy())
        if mean is not None:
            assert choice.q is not None
            assert np.array_equal(mean, choice.q.mu[0].numpy())
        return choice.z[0].long().numpy()

    pixels = twin.pixels(told.frames[-1].canvas)
    for seen in (levels[0], None):
        mean, scale = plain(twin).tell(choose, size, seen)
        assert np.array_equal(mean, pixels.mean[0].numpy())
        assert np.array_equal(scale, pixels.scale[0].numpy())
    assert len(np.unique(mean)) > 10


def test_the_page_has_the_hash_of_the_table() -> None:
    assert f"The SHA-256 of H, as 8-byte numbers, is `{digest(TABLE)}`." in PAGE


def test_the_page_tells_how_models_are_named() -> None:
    twin = tiny()
    config = (
        '{"constant_scale": true, "initial_maps": false, "input_gain": 1.0, "kernel": 3, '
        '"latent": [3], "likelihood": "gaussian", "maps": [10], "mu_gain": 3.0, "norm": "none", '
        '"shape": [3, 32, 32], "steps": 4, "stride": [2], "weight_norm": true, "write_gain": 0.1}'
    )
    found = hashlib.sha256(
        f'{{"config": {config}, "format": 1, "fraction": 16, "model": "convdraw", '
        '"weight_fraction": 18}'.encode()
    )
    assert (
        named(found, {name: value.numpy() for name, value in twin.integers().items()}) == twin.hash
    )


def named(found: "hashlib._Hash", tensors: dict[str, np.ndarray]) -> bytes:
    """The hash, `found` having seen the JSON object."""
    tensors = tensors | {"tanh": TABLE}
    for name in sorted(tensors):
        found.update(f"{name} {tensors[name].shape}".encode())
        found.update(tensors[name].astype("<i8").tobytes())
    return found.digest()[:8]


def test_the_numbers_of_a_folder_are_read_as_the_page_says(tmp_path) -> None:
    config = ConvDRAWConfig(
        shape=(3, 24, 24), steps=2, kernel=3, maps=(4, 5, 6), latent=(2, 3, 1), stride=(2, 3, 1),
        norm="none", constant_scale=True,
    )  # fmt: skip
    torch.manual_seed(0)
    export(ConvDRAW(config), tmp_path / "small@1", shift=6)
    about = json.loads((tmp_path / "small@1" / "config.json").read_text())
    content = (tmp_path / "small@1" / "integers.z").read_bytes()
    tensors = numbers_of(content, shapes_of(about["config"]), about["weight_shift"])
    told = {key: about[key] for key in ("config", "format", "fraction", "model", "weight_fraction")}
    found = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    assert named(found, tensors).hex() == about["hash"]

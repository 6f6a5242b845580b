"""Presets: what they cost, and that they survive being written and changed."""

import json
from dataclasses import replace

import pytest
import torch

from arithmetic import flops, pflop
from underdraw.cli.work import resolve
from underdraw.configs import from_json, to_json
from underdraw.data import describe, is_binary
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAWConfig
from underdraw.presets import PRESETS, Preset, preset

GIGA = 1e9


def test_flops_are_two_to_a_product():
    config = ConvDRAWConfig((1, 8, 8), 1, 3, (5,), (2,), (2,), "bernoulli")
    cells = 20 * (5 + 8 + 5) + 20 * (2 + 4 + 5)
    heads = 4 * 5 + 4 * 5
    assert flops(config, train=False) == 2 * 16 * 9 * (cells + heads + 4 * 5)


def test_early_glimpses_and_importance_samples_count():
    config, train = preset("draw_mnist").model, preset("draw_mnist").train
    whole = pflop(config, replace(train, glimpses=()), train.steps, 10**6)
    assert whole == pytest.approx(0.370, abs=0.001)
    assert pflop(config, train, train.steps, 10**6) / whole == pytest.approx(
        0.4 / 4 + 0.35 / 2 + 0.25
    )
    half = pflop(config, train, train.steps // 2, 10**6)
    assert half / whole == pytest.approx((0.4 / 4 + 0.1 / 2) / 0.5)
    more = replace(train, importance_samples=3)
    assert pflop(config, more, train.steps // 2, 10**6) == pytest.approx(3 * half)


@pytest.mark.parametrize(
    ("name", "train", "least", "most"),
    [
        ("convdraw_cifar10_paper", True, 1500, 1700),
        ("convdraw_cifar10", True, 100, 200),
        ("convdraw_cifar10_small", True, 5.65, 5.75),  # as the results say
        ("convdraw_omniglot_small", True, 5, 10),
        ("convdraw_photo", False, 0.5, 1.5),
        ("convdraw_photo_low", False, 0.5, 1.5),
        ("convdraw_photo_least", False, 0.5, 1.5),
        ("convdraw_photo_mid", False, 0.5, 1.5),
        ("deepvae_cifar10", True, 100, 200),
        ("deepvae_cifar10_small", True, 4.05, 4.15),
    ],
)
def test_presets_keep_to_their_budgets(name, train, least, most):
    assert least * GIGA <= flops(preset(name).model, train) <= most * GIGA


def test_a_step_of_the_papers_size_trains():
    model = build(replace(preset("convdraw_cifar10_paper").model, steps=1))
    x = torch.rand(1, *model.shape, generator=torch.Generator().manual_seed(0))
    model(x, model.noise(1), x).bound.sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert model.write.affine.weight.grad.any()


@pytest.mark.parametrize("name", [name for name in PRESETS if name.startswith("convdraw")])
def test_data_and_model_agree(name):
    found = preset(name)
    assert found.name == name
    assert (found.model.likelihood in ("bernoulli", "neighbours")) == is_binary(found.data)
    if found.data.crop is not None:
        assert found.model.shape == (3, found.data.crop, found.data.crop)
    else:
        assert found.model.shape == describe(found.data).shape


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("convdraw_photo", 12),
        ("convdraw_photo_low", 32),
        ("convdraw_photo_least", 32),
        ("convdraw_photo_mid", 32),
    ],
)
def test_the_models_of_photographs_are_ones_for_codecs(name, maps):
    model = build(preset(name).model)
    assert model.any_size
    assert not [key for key, _ in model.named_parameters() if "gain" in key]
    assert model.posterior_log_sigma(model.sites[0]).shape == (maps,)
    assert preset(name).train.cells is (name != "convdraw_photo")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_being_written(name):
    found = preset(name)
    assert from_json(Preset, json.loads(json.dumps(to_json(found)))) == found


def test_the_command_line_changes_fields_of_any_model():
    words = ["--model.steps", "4", "--model.maps", "7", "3", "--model.latent", "2", "1"]
    words += ["--model.stride", "2", "None", "--train.batch", "3"]
    found = resolve("convdraw_cifar10_small", words)
    assert isinstance(found.model, ConvDRAWConfig)
    assert (found.model.steps, found.model.maps, found.model.stride) == (4, (7, 3), (2, None))
    assert found.model.kernel == preset("convdraw_cifar10_small").model.kernel
    assert found.train.batch == 3
    assert resolve("draw_mnist", ["--model.steps", "5"]).model.steps == 5
    assert resolve("vae_omniglot", ["--train.batch", "5"]).train.batch == 5

from dataclasses import replace

import pytest
import torch

from codec.exact.small import MODELS, stirred
from underdraw.codec import exact
from underdraw.codec.exact.quantise import quantise
from underdraw.latent import mode

NOT_TRAINED = ("active", "order", "shift")
PLAIN = replace(MODELS["two"], weight_norm=False)


def trained(integers):
    """Those that a float model stands behind."""
    return {k: v for k, v in integers.items() if k.rpartition(".")[2] not in NOT_TRAINED}


def agree(integers, others):
    """All equal, biases as far as float32 holds them."""
    assert integers.keys() == others.keys()
    for name, value in integers.items():
        if name.endswith(".bias"):
            assert torch.allclose(value.double(), others[name].double(), rtol=1e-6, atol=1), name
        else:
            assert torch.equal(value, others[name]), name


def test_a_float_model_comes_back_from_its_twin(model):
    integers = quantise(model)
    agree(trained(quantise(exact.float_of(exact.twin_of(model)))), trained(integers))


def test_also_without_weight_normalisation():
    model = stirred(PLAIN)
    with torch.no_grad():
        model.tower[0].rnn_enc.weight[5] = 0.0
    back = exact.float_of(exact.twin_of(model))
    assert back.config == model.config
    agree(quantise(back), quantise(model))


def test_filters_of_nothing_but_zeros_come_back(two):
    with torch.no_grad():
        two.tower[0].rnn_dec.length[3] = 0.0
    back = exact.float_of(exact.twin_of(two))
    agree(trained(quantise(back)), trained(quantise(two)))


def test_it_draws_what_the_model_drew(model):
    back = exact.float_of(exact.twin_of(model))
    assert not back.training
    x = torch.rand(2, *model.shape)
    with torch.no_grad():
        one, other = (m.unroll(mode, x).frames[-1].canvas for m in (model, back))
    assert torch.allclose(one, other, atol=1e-3)
    assert one.std() > 0.01


@pytest.mark.parametrize("name", ["convdraw_photo", "convdraw_photo_low"])
def test_what_ships_could_be_exported_again(name):
    twin, about = exact.load(name), exact.describe(name)
    again = exact.twin_of(exact.float_of(twin), about["weight_shift"])
    agree(trained(again.integers()), trained(twin.integers()))

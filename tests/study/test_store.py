import json
import math

import numpy as np
import pytest
import torch
from PIL import Image

from toy import Toy
from underdraw.data import random_subset
from underdraw.evaluate import evaluate
from underdraw.latent import mode, posterior, prior
from underdraw.noise import image_noise
from underdraw.study import images_seen, information, store
from underdraw.study.sending import first_steps, layers_from, parts, receive, send
from underdraw.study.store import curve

PLACES = range(11)


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def everything(images):
    return images.take(np.arange(len(images)))


def test_bits_stored_with_all_steps_are_the_rate(model, images, tmp_path):
    found = store(model, images, tmp_path, steps=(4, 0, 2), batch=4, rows=2, samples=1, seed=3)
    none, half, full = found["stored"]
    assert [row["steps"] for row in found["stored"]] == [0, 2, 4]
    rates = evaluate(model, images, seed=3, batch=11).rate_per_step
    assert none["nats"] == none["bits"] == 0
    assert half["nats"] == pytest.approx(sum(rates[:2]), rel=1e-5)
    assert full["nats"] == pytest.approx(sum(rates), rel=1e-5)
    assert full["bits"] == pytest.approx(sum(rates) / math.log(2), rel=1e-5)
    assert full["bits_per_dim"] == pytest.approx(full["bits"] / 30)


def test_errors_are_those_of_the_pictures(model, images, tmp_path):
    (row,) = store(model, images, tmp_path, steps=(2,), rows=1, samples=1)["stored"]
    x = everything(images)
    noise, _ = image_noise(model, 0, PLACES, 0)
    told = model.unroll(posterior(noise), x)
    second = prior(0.0, [torch.zeros_like(e) for e in noise])
    kept = model.unroll(lambda s, p, q: told.choices[s.index].z if s.step < 2 else second(s, p, q),
                        n=11)  # fmt: skip
    mse = (kept.frames[-1].canvas.sigmoid() - x).square().mean().item()
    assert row["mse"] == pytest.approx(mse, rel=1e-5)
    assert row["psnr"] == pytest.approx(-10 * math.log10(mse), rel=1e-5)


@pytest.mark.parametrize("which", ["model", "two_layers"])
def test_storing_everything_reproduces_the_reconstruction(which, images, request):
    model, x = request.getfixturevalue(which), everything(images)
    noise, _ = image_noise(model, 5, PLACES, 0)
    whole = model.likelihood(model.unroll(posterior(noise), x).frames[-1].canvas).mean
    sent = send(model, x, PLACES, 5)
    for dreamt in (mode, prior()):
        made = receive(model, first_steps(4), sent, dreamt).pictures
        torch.testing.assert_close(made, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("which", ["model", "two_layers"])
def test_storing_nothing_with_zero_variance_is_the_priors_own_picture(which, images, request):
    model = request.getfixturevalue(which)
    alone = model.likelihood(model.unroll(prior(0.0), n=1).frames[-1].canvas).mean
    sent = send(model, everything(images), PLACES, 0)
    made = receive(model, first_steps(0), sent, mode)
    torch.testing.assert_close(made.pictures, alone.expand_as(made.pictures))
    assert made.nats.tolist() == [0.0] * 11
    dreamt = receive(model, first_steps(0), sent, prior()).pictures
    assert (dreamt[0] - dreamt[1]).abs().max() > 1e-3


def test_what_is_stored_stays_and_the_rest_varies(model, images):
    sent = send(model, everything(images), PLACES, 0)
    once, again = (receive(model, first_steps(2), sent, prior()) for _ in range(2))
    assert torch.equal(once.nats, again.nats)
    assert (once.pictures - again.pictures).abs().max() > 1e-3


def test_layers_split_the_rate(two_layers, images, tmp_path):
    found = store(two_layers, images, tmp_path / "s", layers=(2,), rows=2, samples=2)
    assert [row["layers"] for row in found["stored"]] == [3, 2, 1]
    none, upper, full = found["stored"]
    told = information(two_layers, images, tmp_path / "i")
    assert none["nats"] == 0
    # The prior of layer 2 reads layer 2 alone, so what the receiver has is what was told.
    assert upper["nats"] == pytest.approx(told["layer_nats"][1], rel=1e-4)
    assert full["nats"] == pytest.approx(told["total_nats"], rel=1e-4)
    assert full["nats"] - upper["nats"] == pytest.approx(told["layer_nats"][0], rel=1e-3)


def test_the_price_is_by_the_prior_of_the_receiver():
    toy = Toy(layers=True)
    x = torch.randn(3, 1, 1, 5, dtype=torch.float64)
    sent = send(toy, x, range(3), 0)
    found = receive(toy, layers_from(2, 2), sent, mode)
    q = sent.choices[1].q
    s, m, tau = q.sigma[:, 0], q.mu[:, 0], toy.tau  # the receiver has z_1 = 0: p = N(0, tau^2)
    wanted = math.log(tau) - s.log() + (s**2 + m**2) / (2 * tau**2) - 0.5
    torch.testing.assert_close(found.nats, wanted)
    assert (found.nats - q.kl(sent.choices[1].p)[:, 0]).abs().min() > 1e-3
    canvas = toy.b + sent.choices[1].z * toy.w[:, 1]
    torch.testing.assert_close(found.pictures[:, 0, 0], canvas.clamp(0, 1))


def pixels(path):
    """A picture's pixels as brightness."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L")).astype(int)


def tops(picture):
    """Where rows of tiles begin: pixels that are not ground in the first column."""
    ground = picture[0, 0]
    inside = (picture[:, 8:90] != ground).all(1)
    return [y for y in range(1, len(picture)) if inside[y] and not inside[y - 1]]


def test_pictures_hold_the_tiles_they_say(model, images, tmp_path):
    seen = []
    found = store(model, random_subset(images, 9, 0), tmp_path, steps=(0, 4), rows=3, samples=2,
                  batch=4, report=seen.append)  # fmt: skip
    zero, full = (pixels(found[name]) for name in ("zero_variance", "full_variance"))
    assert len(tops(zero)) == len(tops(full)) == 3  # the samples stand beside each other
    assert full.shape[1] > zero.shape[1]
    assert seen == [4, 8, 9, 12, 15]
    assert seen[-1] == images_seen(9, 3, 2)
    assert len(found["shown"]) == 3
    kept = json.loads((tmp_path / "store.json").read_text())
    assert kept["stored"] == found["stored"]
    # With zero variance and nothing stored every row begins with the same tile.
    first, second = (zero[y : y + 6 * 17] for y in tops(zero)[:2])
    assert np.array_equal(first[:, 8:93], second[:, 8:93])
    assert not np.array_equal(first[:, 95:180], second[:, 95:180])


def test_many_samples_stand_below_each_other(model, images, tmp_path):
    found = store(model, images, tmp_path, rows=2, samples=3)
    assert len(tops(pixels(found["full_variance"]))) == 6


def test_default_parts(model, two_layers):
    assert [part.key["steps"] for part in parts(model, (), ())] == [0, 1, 2, 3, 4]
    names = [part.name for part in parts(two_layers, (), (1, 2))]
    assert names == ["nothing", "layer 2", "all layers"]
    assert [layers_from(2, 3).name, layers_from(3, 3).name] == ["layers 2-3", "layer 3"]


def test_what_cannot_be_stored_is_refused(model, two_layers):
    for case, words in [
        ((model, (5,), ()), "0 to 4 in this model, got 5"),
        ((model, (), (2,)), r"layers \[2\] were asked for, but this model has one layer"),
        ((two_layers, (), (3,)), "1 to 2 in this model, got 3"),
        ((two_layers, (1,), (2,)), "not both"),
    ]:
        with pytest.raises(ValueError, match=words):
            parts(*case)


def test_numbers_below_one_are_refused(model, images, tmp_path):
    with pytest.raises(ValueError, match="rows must be at least 1, got 0"):
        store(model, images, tmp_path, rows=0)


def test_a_perfect_reconstruction_has_no_point_in_the_curve():
    table = [{"bits": 0.0, "psnr": 9.0}, {"bits": 5.0, "psnr": None}]
    assert curve(table, ["t = 0", "t = 1"]).size[0] > 500

"""Binary pixels that know the pixels before them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.init import normal_

from underdraw.data import DataConfig, hold
from underdraw.evaluate import evaluate
from underdraw.likelihoods import (
    Bernoulli,
    NeighbourPixels,
    Neighbours,
    check_likelihood,
    likelihood_of,
)
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig
from underdraw.models.draw import DRAW, DRAWConfig
from underdraw.presets import preset
from underdraw.train.bound import BoundTask
from underdraw.train.task import Place


def loud(side: int = 3, maps: int = 4) -> Neighbours:
    """One whose pixels depend on those before them by far."""
    torch.manual_seed(0)
    likelihood = Neighbours(side, maps).double()
    normal_(likelihood.out.weight, std=3)
    normal_(likelihood.near.weight)
    return likelihood


def all_images(height: int, width: int) -> torch.Tensor:
    """Every binary image of that size."""
    pixels = [torch.tensor([0.0, 1.0]).double()] * (height * width)
    return torch.cartesian_prod(*pixels).reshape(-1, 1, height, width)


def test_it_starts_as_bernoulli():
    canvas, x = 3 * torch.randn(4, 1, 9, 8), torch.rand(4, 1, 9, 8).round()
    ours, plain = Neighbours()(canvas), Bernoulli()(canvas)
    torch.testing.assert_close(ours.log_prob(x), plain.log_prob(x))
    torch.testing.assert_close(ours.mean, plain.mean)


@pytest.mark.parametrize("side", [1, 3, 5])
def test_masses_of_all_images_sum_to_one(side):
    images, canvas = all_images(3, 3), torch.randn(1, 1, 3, 3).double()
    masses = loud(side)(canvas.expand(512, 1, 3, 3)).log_prob(images).exp()
    assert masses.sum().item() == pytest.approx(1, abs=1e-12)
    independent = Bernoulli()(canvas.expand(512, 1, 3, 3)).log_prob(images).exp()
    assert (masses - independent).abs().sum() > 0.1


def test_it_is_the_direct_formula():
    likelihood, side = loud(), 3
    canvas, x = torch.randn(1, 1, 4, 5).double(), torch.rand(1, 1, 4, 5).double().round()
    l_, p = canvas[0, 0].numpy(), canvas[0, 0].sigmoid().numpy()
    e = x[0, 0].numpy() - p
    layers = (likelihood.near, likelihood.mix, likelihood.out)
    (w, b), (w2, b2), (w3, b3) = [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in layers
    ]
    total = 0.0
    for i in range(4):
        for j in range(5):
            maps = b.copy()
            for di in range(side):
                for dj in range(side):
                    y, z = i + di - 1, j + dj - 1
                    if 0 <= y < 4 and 0 <= z < 5:
                        maps += w[:, 0, di, dj] * l_[y, z] / 4 + w[:, 1, di, dj] * p[y, z]
                        if (y, z) < (i, j):
                            maps += w[:, 2, di, dj] * e[y, z]
            maps = np.maximum(w2[:, :, 0, 0] @ np.maximum(maps, 0) + b2, 0)
            logit = l_[i, j] + (w3[0, :, 0, 0] @ maps + b3[0])
            mass = 1 / (1 + np.exp(-logit))
            total += math.log(mass if x[0, 0, i, j] else 1 - mass)
    assert likelihood(canvas).log_prob(x).item() == pytest.approx(total, rel=1e-9)


def test_a_pixel_knows_those_before_it_within_the_window_and_no_others():
    e = torch.zeros(1, 1, 7, 7).double().requires_grad_()
    logits = loud()(torch.zeros(1, 1, 7, 7).double()).logits(e)
    (known,) = torch.autograd.grad(logits[0, 0, 3, 3], e)
    assert known[0, 0].nonzero().tolist() == [[2, 2], [2, 3], [2, 4], [3, 2]]


def test_samples_have_the_frequencies_of_their_masses():
    likelihood, count = loud(), 200_000
    canvas = torch.randn(1, 1, 2, 2).double()
    u = torch.rand(count, 1, 2, 2, generator=torch.Generator().manual_seed(1)).double()
    drawn = likelihood(canvas.expand(count, 1, 2, 2)).sample(u)
    number = (drawn.flatten(1) @ torch.tensor([8.0, 4.0, 2.0, 1.0]).double()).long()
    found = number.bincount(minlength=16) / count
    wanted = likelihood(canvas.expand(16, 1, 2, 2)).log_prob(all_images(2, 2)).exp()
    assert wanted.max() < 0.9
    assert (found - wanted).abs().max() < 5e-3


def test_sampling_pixel_by_pixel_is_what_scoring_says():
    likelihood, canvas = loud(5, 6), 2 * torch.randn(3, 1, 6, 7).double()
    u, pixels = torch.rand_like(canvas), likelihood(canvas)
    x = pixels.sample(u)
    assert torch.equal(x, (u < pixels.logits(x - canvas.sigmoid()).sigmoid()).double())
    assert 0 < x.mean() < 1


def test_the_mean_has_neighbours_as_expected():
    likelihood, canvas = loud(), torch.randn(2, 1, 6, 6).double()
    pixels = likelihood(canvas)
    expected = pixels.logits(torch.zeros_like(canvas)).sigmoid()
    assert torch.equal(pixels.mean, expected)
    assert (pixels.mean - canvas.sigmoid()).abs().max() > 0.01
    assert torch.equal(likelihood.glance(canvas), canvas.sigmoid())
    assert torch.equal(Bernoulli().glance(canvas), canvas.sigmoid())


def test_only_one_channel_and_odd_windows():
    check_likelihood("neighbours", 1)
    with pytest.raises(ValueError, match="'neighbours' needs images of 1 channel, got 3"):
        DRAWConfig((3, 8, 8), likelihood="neighbours")
    for side in (0, 4, -1):
        with pytest.raises(ValueError, match=f"side must be odd and positive, got {side}"):
            Neighbours(side)
    with pytest.raises(ValueError, match="likelihood must be one of"):
        likelihood_of("neighbours7")


def test_samples_keep_to_the_type_of_the_canvas():
    likelihood, canvas = loud(), torch.randn(4096, 1, 5, 4).double()
    u = torch.rand(4096, 1, 5, 4)
    assert likelihood(canvas).sample(u).dtype == torch.float64
    with pytest.raises(ValueError, match=r"u is \(64, 1, 5, 3\), the canvas \(4096, 1, 5, 4\)"):
        likelihood(canvas).sample(u[:64, ..., :3])
    likelihood, canvas = likelihood.float(), canvas.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        x = likelihood(canvas).sample(u)
    assert torch.equal(x, likelihood(canvas).sample(u))


def test_steps_glance_at_the_canvas(monkeypatch):
    models = [
        DRAW(DRAWConfig((1, 9, 8), 2, 11, 3, likelihood="neighbours")),
        ConvDRAW(ConvDRAWConfig((1, 8, 6), 2, 3, (5,), (2,), (2,), likelihood="neighbours")),
    ]
    monkeypatch.setattr(NeighbourPixels, "mean", None)
    for model in models:
        x = torch.rand(2, *model.shape).round()
        assert model(x, model.noise(2)).bound.isfinite().all()


def test_what_is_not_binary_is_refused():
    small, place = preset("draw_mnist_small"), Place(0, 1, torch.device("cpu"))
    found = replace(small, model=replace(small.model, likelihood="neighbours", steps=1))
    model = build(found.model)
    BoundTask(found, model, place)
    with pytest.raises(ValueError, match="need binary images, and those of mnist are not"):
        BoundTask(replace(found, data=DataConfig("mnist")), model, place)
    with pytest.raises(ValueError, match=r"error is 0\.5, and Neighbours are not"):
        BoundTask(replace(found, train=replace(found.train, error=0.5)), model, place)
    pixels = np.random.default_rng(0).random((3, 1, 28, 28)).astype(np.float32)
    evaluate(model, hold(pixels < 0.5, name="bits"), batch=3)
    with pytest.raises(ValueError, match="grey is not binary, as the likelihood of this model"):
        evaluate(model, hold((255 * pixels).astype(np.uint8), name="grey"), batch=3)


def test_presets_differ_in_their_likelihood_alone():
    for name, other in (
        ("draw_mnist_neighbours", "draw_mnist_wide"),
        ("draw_mnist_noattention_neighbours", "draw_mnist_noattention_prior"),
    ):
        found, base = preset(name), preset(other)
        model = replace(base.model, likelihood="neighbours")
        assert found == replace(base, name=name, summary=found.summary, model=model)


def test_it_learns_what_bernoulli_pixels_cannot():
    torch.manual_seed(0)
    x = torch.rand(256, 1, 1, 8).round()
    x[..., 1::2] = x[..., ::2]  # every second pixel is the one before it
    likelihood, canvas = Neighbours(), torch.zeros(256, 1, 1, 8)
    canvas[..., 1::2] = 0.5  # so that it can tell them apart
    optimizer = torch.optim.Adam(likelihood.parameters(), 1e-2)
    for _ in range(100):
        optimizer.zero_grad()
        (-likelihood(canvas).log_prob(x).mean()).backward()
        optimizer.step()
    assert -likelihood(canvas).log_prob(x).mean() < 4.5 * math.log(2)  # of 8

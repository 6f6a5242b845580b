"""Likelihoods against formulas, and the units of bits per dimension."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from underdraw.likelihoods import LIKELIHOODS, Bernoulli, DequantisedGaussian


def test_the_table_names_both():
    assert dict(LIKELIHOODS) == {"bernoulli": Bernoulli, "gaussian": DequantisedGaussian}


def test_bernoulli_is_the_sum_of_cross_entropies():
    canvas, x = torch.randn(3, 2, 5, 4), torch.rand(3, 2, 5, 4).round()
    pixels = Bernoulli()(canvas)
    each = F.binary_cross_entropy(canvas.sigmoid(), x, reduction="none")
    torch.testing.assert_close(pixels.log_prob(x), -each.sum((1, 2, 3)))
    torch.testing.assert_close(pixels.mean, canvas.sigmoid())


def test_bernoulli_is_the_direct_formula():
    canvas, x = torch.randn(3, 1, 5, 4).double(), torch.rand(3, 1, 5, 4).double()
    mean = 1 / (1 + np.exp(-canvas.numpy()))
    direct = x.numpy() * np.log(mean) + (1 - x.numpy()) * np.log(1 - mean)
    np.testing.assert_allclose(Bernoulli()(canvas).log_prob(x), direct.sum((1, 2, 3)), rtol=1e-12)


def test_bernoulli_sums_to_one_over_all_images():
    canvas = torch.randn(1, 1, 2, 2).double()
    grid = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 4).reshape(16, 1, 2, 2)
    total = Bernoulli()(canvas.expand(16, 1, 2, 2)).log_prob(grid).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-12)


def test_bernoulli_is_finite_for_huge_logits():
    canvas = torch.tensor([1e4, -1e4, 1e4, -1e4]).reshape(4, 1, 1, 1).requires_grad_()
    x = torch.tensor([1.0, 0.0, 0.0, 1.0]).reshape(4, 1, 1, 1)
    log_prob = Bernoulli()(canvas).log_prob(x)
    assert log_prob.tolist() == [0, 0, -1e4, -1e4]
    log_prob.sum().backward()
    assert canvas.grad is not None
    assert canvas.grad.flatten().tolist() == [0, 0, -1, 1]


def test_bernoulli_scores_the_image_itself():
    x = torch.rand(2, 1, 3, 3)
    assert torch.equal(Bernoulli().target(x, torch.rand(2, 1, 3, 3)), x)


def test_gaussian_is_the_direct_formula():
    canvas, target = torch.randn(3, 6, 5, 4).double(), torch.rand(3, 3, 5, 4).double()
    m, a = canvas[:, :3].numpy(), canvas[:, 3:].numpy()  # mean and log-variance
    density = np.exp(-((target.numpy() - m) ** 2) / (2 * np.exp(a))) / np.sqrt(
        2 * np.pi * np.exp(a)
    )
    pixels = DequantisedGaussian()(canvas)
    expected = np.log(density / 256).sum((1, 2, 3))
    np.testing.assert_allclose(pixels.log_prob(target), expected, rtol=1e-12)
    assert torch.equal(pixels.mean, canvas[:, :3])


def every_level_at_every_height(inside: int) -> torch.Tensor:
    """Dequantised targets of all 256 levels, `inside` evenly spread noises each: (1, 1, 256, i)."""
    levels = (torch.arange(256).double() + 0.5) / 256
    u = (torch.arange(inside).double() + 0.5) / inside
    grid = levels[:, None].expand(256, inside)[None, None]
    return DequantisedGaussian().target(grid, u.expand(1, 1, 256, inside))


def test_bits_per_dimension_of_uniform_noise_under_its_best_constants():
    target = every_level_at_every_height(8)
    canvas = torch.empty(1, 2, *target.shape[2:]).double()
    canvas[:, 0], canvas[:, 1] = 1 / 2, math.log(1 / 12)  # mean and variance of U(0, 1)
    nats = -DequantisedGaussian()(canvas).log_prob(target).item()
    bits = nats / target.numel() / math.log(2)
    assert bits == pytest.approx(8 + 0.5 * math.log2(2 * math.pi * math.e / 12), abs=1e-5)
    assert bits == pytest.approx(8.2546, abs=1e-4)


def test_no_other_constants_are_better():
    target = every_level_at_every_height(2)

    def nats(mean, log_variance):
        canvas = torch.tensor([mean, log_variance]).double().reshape(1, 2, 1, 1)
        return -DequantisedGaussian()(canvas.expand(1, 2, 256, 2)).log_prob(target).item()

    best = nats(0.5, -math.log(12))
    for step in (-0.05, 0.05):
        assert nats(0.5 + step, -math.log(12)) > best
        assert nats(0.5, -math.log(12) + step) > best


@pytest.mark.parametrize("shape", [(1, 2, 3), (3, 2, 3), (3, 5, 7)])
def test_log_256_is_paid_for_every_dimension(shape):
    channels, height, width = shape
    canvas = torch.zeros(1, 2 * channels, height, width)
    pixels = DequantisedGaussian()(canvas)
    at_mean = -pixels.log_prob(torch.zeros(1, *shape)).item()
    each = 0.5 * math.log(2 * math.pi) + math.log(256)
    assert at_mean == pytest.approx(each * math.prod(shape), rel=1e-6)


def test_the_likelihood_of_dequantised_pixels_bounds_their_mass():
    level, m, sigma = 100, 0.4, 0.01
    normal = torch.distributions.Normal(*torch.tensor([m, sigma]).double())
    edges = torch.tensor([level, level + 1]).double() / 256
    mass = (normal.cdf(edges[1]) - normal.cdf(edges[0])).log().item()
    x = torch.full((1, 1, 1, 1000), (level + 0.5) / 256).double()
    u = ((torch.arange(1000).double() + 0.5) / 1000).reshape(1, 1, 1, 1000)
    likelihood = DequantisedGaussian()
    canvas = torch.tensor([m, 2 * math.log(sigma)]).double().reshape(1, 2, 1, 1)
    density = likelihood(canvas.expand(1, 2, 1, 1000)).log_prob(likelihood.target(x, u)) / 1000
    assert density.item() < mass
    assert density.item() == pytest.approx(mass, abs=0.05)


@given(st.integers(0, 255), st.integers(0, 2**24 - 1))
def test_a_dequantised_target_stays_in_the_cell_of_its_level(level, k):
    u = k / 2**24  # what torch.rand can give in float32
    x = torch.full((1, 1, 1, 1), (level + 0.5) / 256).double()
    target = DequantisedGaussian().target(x, torch.full_like(x, u)).item()
    assert abs(target - x.item()) <= 1 / 512
    assert math.floor(256 * target) == level


def test_noise_reaches_both_ends_of_the_cell():
    x = torch.full((1, 1, 1, 2), 100.5 / 256).double()
    target = DequantisedGaussian().target(x, torch.tensor([0.0, 1.0]).double().expand_as(x))
    assert (256 * target).flatten().tolist() == [100, 101]


def test_without_noise_the_target_is_the_image():
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(DequantisedGaussian().target(x), x)


def test_planes_are_what_the_canvas_needs():
    assert Bernoulli.planes == 1
    assert DequantisedGaussian.planes == 2
    assert not Bernoulli.continuous
    assert DequantisedGaussian.continuous

"""Likelihoods against formulas, and the units of bits per dimension."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from underdraw.likelihoods import (
    LIKELIHOODS,
    Bernoulli,
    CoupledLogistics,
    DequantisedGaussian,
    Discrete,
    LogisticPixels,
    Logistics,
    Neighbours,
    check_likelihood,
    likelihood_of,
    log1mexp,
)


def test_the_table_names_all():
    wanted = {
        "bernoulli": Bernoulli,
        "gaussian": DequantisedGaussian,
        "logistics": Logistics,
        "coupled": CoupledLogistics,
        "neighbours": Neighbours,
    }
    assert dict(LIKELIHOODS) == wanted


def test_mixtures_have_as_many_components_as_their_name_says():
    assert likelihood_of("logistics").components == 5
    assert likelihood_of("logistics12").components == 12
    assert likelihood_of("coupled").components == 1
    assert likelihood_of("coupled3").planes == 12
    assert isinstance(likelihood_of("gaussian"), DequantisedGaussian)
    for name in ("poisson", "logistics0", "gaussian2", "coupled-1", "coupled1.5", "", "3"):
        with pytest.raises(ValueError, match=f"likelihood must be one of .* got {name!r}"):
            check_likelihood(name, 3)


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


# --- mass on 256 levels ----------------------------------------------------------------------


LEVELS = ((torch.arange(256).double() + 0.5) / 256).reshape(256, 1, 1, 1)


def gaussian_canvas(m: float, sigma: float) -> torch.Tensor:
    canvas = torch.tensor([m, 2 * math.log(sigma)], dtype=torch.float64)
    return canvas.reshape(1, 2, 1, 1)


def masses(likelihood, canvas: torch.Tensor) -> torch.Tensor:
    """The log mass of every level of one pixel with this canvas, (256,)."""
    return likelihood(canvas.expand(256, *canvas.shape[1:])).log_mass(LEVELS.to(canvas.dtype))


@pytest.mark.parametrize("m", [-0.3, 0.0, 0.4142, 1.0, 2.0])
@pytest.mark.parametrize("sigma", [1e-4, 0.003, 0.1, 3.0])
def test_gaussian_masses_sum_to_one_and_are_differences_of_its_cdf(m, sigma):
    found = masses(DequantisedGaussian(), gaussian_canvas(m, sigma))
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-12)
    normal = torch.distributions.Normal(*torch.tensor([m, sigma], dtype=torch.float64))
    ends = normal.cdf(torch.arange(257).double() / 256)
    ends[0], ends[-1] = 0, 1
    direct = ends[1:] - ends[:-1]
    torch.testing.assert_close(found.exp(), direct, rtol=1e-9, atol=1e-14)


def test_gaussian_masses_in_the_tails_are_exact_where_cdfs_are_all_zeros_and_ones():
    found = masses(DequantisedGaussian(), gaussian_canvas(0.5, 1 / 256))
    # Left of level 0 there are 128 sigmas less one: Mills' ratio, log(phi(v) / v) - 1 / v^2.
    v = 127.0
    wanted = -0.5 * v**2 - 0.5 * math.log(2 * math.pi) - math.log(v) - 1 / v**2
    assert found[0].item() == pytest.approx(wanted, rel=1e-8)
    torch.testing.assert_close(found, found.flip(0), rtol=1e-12, atol=0)
    single = masses(DequantisedGaussian(), gaussian_canvas(0.5, 1 / 256).float())
    torch.testing.assert_close(single.double(), found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("log_variance", [-16.0, 0.0, 4.0, 10.0, 18.0, 25.0])
def test_gaussian_masses_in_float32_are_those_in_float64(log_variance):
    canvas = gaussian_canvas(0.4142, math.exp(0.5 * log_variance)).float()
    exact = masses(DequantisedGaussian(), canvas.double())
    canvas.requires_grad_()
    found = masses(DequantisedGaussian(), canvas)
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-5)
    found.sum().backward()
    assert canvas.grad.isfinite().all()


def test_gaussian_mass_of_a_narrow_cell_is_its_density():
    for m, sigma in ((0.3, 0.5), (0.7, 20.0)):
        found = masses(DequantisedGaussian(), gaussian_canvas(m, sigma))[1:-1]
        centres = LEVELS.flatten()[1:-1]
        normal = torch.distributions.Normal(*torch.tensor([m, sigma], dtype=torch.float64))
        density = normal.log_prob(centres) - math.log(256)
        torch.testing.assert_close(found, density, rtol=0, atol=1e-5)


def logistic(v: float) -> float:
    return 1 / (1 + math.exp(-v))


def test_logistic_mixture_is_the_direct_formula_and_sums_to_one():
    canvas = torch.randn(1, 3 * 4 * 2, 1, 1).double()
    canvas[:, 16:] -= 2  # scales
    likelihood = Logistics(4)
    found = likelihood(canvas.expand(256, -1, 1, 1)).log_mass(LEVELS.expand(256, 2, 1, 1))
    assert found.shape == (256,)
    a, m, s = canvas.reshape(3, 4, 2).unbind(0)  # component, channel
    direct = torch.zeros(256, 2).double()
    for c in range(2):
        pi = a[:, c].exp() / a[:, c].exp().sum()
        for b in range(256):
            for k in range(4):
                ends = [(edge / 256 - m[k, c].item()) / math.exp(s[k, c]) for edge in (b, b + 1)]
                upto = 1.0 if b == 255 else logistic(ends[1])
                below = 0.0 if b == 0 else logistic(ends[0])
                direct[b, c] += pi[k] * (upto - below)
    torch.testing.assert_close(direct.sum(0), torch.ones(2).double(), rtol=1e-12, atol=0)
    torch.testing.assert_close(found, direct.log().sum(1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("log_scale", [-90.0, -20.0, -5.0, 3.0, 12.0, 90.0])
@pytest.mark.parametrize("likelihood", [Logistics(2), CoupledLogistics(2)])
def test_logistic_masses_have_finite_gradients_in_float32(likelihood, log_scale):
    canvas = likelihood.blank(3)[:, None, None].expand(-1, 4, 4).clone()
    canvas[12:18] = log_scale
    canvas.requires_grad_()
    x = (torch.arange(48).reshape(1, 3, 4, 4) * 5 + 0.5) / 256
    nats = likelihood(canvas[None]).log_mass(x).sum()
    nats.backward()
    assert nats.isfinite()
    assert canvas.grad.isfinite().all()


@pytest.mark.parametrize("log_scale", [-40.0, -8.0, 0.0, 10.0])
def test_logistic_masses_are_finite_and_sum_to_one_at_every_scale(log_scale):
    canvas = torch.tensor([0.3, -0.2, 0.4142, 1.3, log_scale, log_scale]).reshape(1, 6, 1, 1)
    canvas = canvas.double().requires_grad_()
    found = masses(Logistics(2), canvas)
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-9)
    found.clamp(min=-1e9).sum().backward()
    assert canvas.grad.isfinite().all()


def test_the_mean_of_a_mixture_is_that_of_its_masses():
    canvas = torch.tensor([0.5, -0.5, 0.3, 0.6, -4.5, -4.0]).double().reshape(1, 6, 1, 1)
    found = masses(Logistics(2), canvas).exp()
    mean = Logistics(2)(canvas).mean.item()
    assert mean == pytest.approx((found * LEVELS.flatten()).sum().item(), abs=1e-6)


def coupled_canvas(components: int) -> torch.Tensor:
    """Random planes for one pixel, in double precision, scales of a few levels."""
    parts = torch.randn(4, components, 3).double()
    parts[1] = 0.5 + 0.1 * parts[1]
    parts[2] -= 3
    return parts.reshape(1, -1, 1, 1)


def mass_of(likelihood: CoupledLogistics, canvas: torch.Tensor, pixels: torch.Tensor):
    """Log mass of each pixel (N, 3), given one canvas."""
    return likelihood(canvas.expand(len(pixels), -1, 1, 1)).log_mass(pixels[:, :, None, None])


def test_coupled_colours_are_the_direct_formula():
    canvas, x = coupled_canvas(2), torch.tensor([[40.0, 200.0, 99.0]]).double().add(0.5) / 256
    a, m, s, g = canvas.reshape(4, 2, 3)  # component, colour
    direct = 0.0
    off = [x[0, c].item() - (a[:, c].softmax(0) * m[:, c]).sum().item() for c in range(3)]
    for c, level in enumerate((40, 200, 99)):
        pi, mass = a[:, c].softmax(0), 0.0
        for k in range(2):
            shift = [0, g[k, 0] * off[0], g[k, 1] * off[0] + g[k, 2] * off[1]][c]
            mean, scale = float(m[k, c] + shift), math.exp(s[k, c])
            ends = [logistic((edge / 256 - mean) / scale) for edge in (level, level + 1)]
            mass += pi[k].item() * (ends[1] - ends[0])
        direct += math.log(mass)
    assert mass_of(CoupledLogistics(2), canvas, x).item() == pytest.approx(direct, rel=1e-9)


def test_coupled_masses_sum_to_one_given_the_colours_before():
    canvas, likelihood = coupled_canvas(2), CoupledLogistics(2)
    levels = (torch.arange(256).double() + 0.5) / 256
    fixed = torch.tensor([0.3, 0.8]).double()
    # A mass of two colours is a mass of three, summed over the third; of one, over both.
    thirds = torch.stack([*fixed[:, None].expand(2, 256), levels], 1)
    two = mass_of(likelihood, canvas, thirds).logsumexp(0)
    seconds = torch.stack([fixed[0].expand(256), levels], 1)
    pairs = torch.cat([seconds.repeat_interleave(256, 0), levels.repeat(256)[:, None]], 1)
    one = mass_of(likelihood, canvas, pairs).logsumexp(0)
    first = LogisticPixels(*(part[None, :, :, None, None] for part in canvas.reshape(4, 2, 3)[:3]))
    alone = first._replace(**{k: v[:, :, :1] for k, v in first._asdict().items()})
    assert two < one
    assert one.item() == pytest.approx(alone.log_mass(fixed[:1].reshape(1, 1, 1, 1)).item())


def test_coupled_masses_are_those_of_the_level_wherever_in_its_cell():
    canvas = coupled_canvas(1)
    level = torch.tensor([[40.0, 200.0, 99.0]]).double()
    middle, off = ((level + place) / 256 for place in (0.5, 0.9))
    found = [mass_of(CoupledLogistics(1), canvas, x) for x in (middle, off)]
    torch.testing.assert_close(*found, rtol=0, atol=0)


def test_colours_without_coupling_are_plain_mixtures():
    canvas, x = torch.randn(2, 36, 4, 5), torch.rand(2, 3, 4, 5)
    canvas[:, 27:] = 0
    coupled, plain = CoupledLogistics(3)(canvas), Logistics(3)(canvas[:, :27])
    torch.testing.assert_close(coupled.log_mass(x), plain.log_mass(x))
    torch.testing.assert_close(coupled.mean, plain.mean)


def test_only_three_colours_can_be_coupled():
    check_likelihood("coupled", 3)
    for channels in (1, 4):
        with pytest.raises(ValueError, match=f"3 channels, got {channels}"):
            check_likelihood("coupled", channels)
        with pytest.raises(
            ValueError, match=f"'coupled2' needs images of 3 channels, got {channels}"
        ):
            check_likelihood("coupled2", channels)


def test_mass_is_paid_for_every_dimension():
    for likelihood in (DequantisedGaussian(), Logistics(), CoupledLogistics(2)):
        canvas, x = torch.randn(2, 3 * likelihood.planes, 4, 5), torch.rand(2, 3, 4, 5)
        whole, each = likelihood(canvas).log_mass(x), torch.zeros(2)
        for i, j in itertools.product(range(4), range(5)):
            here = ..., slice(i, i + 1), slice(j, j + 1)
            each += likelihood(canvas[here]).log_mass(x[here])
        torch.testing.assert_close(whole, each, rtol=1e-4, atol=1e-3)


def uniform_noise() -> torch.Tensor:
    """Every level equally often, as many images of three channels."""
    return ((torch.randint(256, (4, 3, 64, 64)).double()) + 0.5) / 256


def test_uniform_noise_costs_eight_bits_a_dimension():
    x = uniform_noise()
    for likelihood in (DequantisedGaussian(), Logistics(1)):
        canvas = torch.zeros(1, 3 * likelihood.planes, 1, 1).double()
        if isinstance(likelihood, Logistics):
            canvas[:, 3:6], canvas[:, 6:] = 0.5, 8.0
        else:
            canvas[:, :3], canvas[:, 3:] = 0.5, 8.0
        wide = likelihood(canvas.expand(4, -1, 64, 64)).log_mass(x)
        # A wide distribution puts its tails on two levels: no longer near 8 bits.
        assert -wide.mean().item() / x[0].numel() / math.log(2) > 10
    many = Logistics(64)
    canvas = many.blank(3).double()[None, :, None, None]
    even = many(canvas.expand(4, -1, 64, 64)).log_mass(x)
    assert -even.mean().item() / x[0].numel() / math.log(2) == pytest.approx(8.0, abs=0.01)


def test_the_mass_of_pixels_is_what_dequantised_pixels_bound():
    likelihood = DequantisedGaussian()
    x = uniform_noise()[:1].expand(64, -1, -1, -1)
    canvas = torch.cat([x * 0.9 + 0.05, torch.full_like(x, -5.0)], 1)
    u = torch.rand_like(x)
    bound = likelihood(canvas).log_prob(likelihood.target(x, u)).mean()
    mass = likelihood(canvas).log_mass(x).mean()
    assert bound < mass
    assert bound.item() == pytest.approx(mass.item(), rel=1e-2)


def test_who_has_masses():
    canvas = torch.zeros(1, 30, 2, 2)
    assert isinstance(Logistics()(canvas), Discrete)
    assert isinstance(DequantisedGaussian()(canvas), Discrete)
    assert not isinstance(Bernoulli()(canvas), Discrete)
    assert not Logistics().continuous
    x = torch.rand(1, 2, 2, 2)
    assert torch.equal(Logistics().target(x, torch.rand_like(x)), x)


def test_blank_canvases_hold_images_that_are_likely():
    x = torch.rand(8, 3, 6, 5)
    for likelihood in (DequantisedGaussian(), Logistics(), CoupledLogistics(3)):
        blank = likelihood.blank(3)[None, :, None, None].expand(8, -1, 6, 5)
        bits = -likelihood(blank).log_mass(x).mean().item() / 90 / math.log(2)
        assert 7.9 < bits < 8.6
        torch.testing.assert_close(likelihood(blank).mean, torch.full_like(x, 0.5))
    assert torch.equal(Bernoulli().blank(2), torch.zeros(2))


@given(st.floats(1e-30, 1e3))
def test_log1mexp(d):
    found = log1mexp(torch.tensor(d, dtype=torch.float64)).item()
    assert found == pytest.approx(math.log(-math.expm1(-d)) if d < 30 else -math.exp(-d), rel=1e-9)


@pytest.mark.parametrize("d", [1e-12, 1e-8, 0.5, math.log(2), 3.0, 500.0])
def test_log1mexp_has_finite_gradients_in_float32(d):
    value = torch.tensor(d, requires_grad=True)
    log1mexp(value).backward()
    wanted = 1 / math.expm1(d) if d < 80 else 0.0
    assert value.grad.item() == pytest.approx(wanted, rel=1e-4)

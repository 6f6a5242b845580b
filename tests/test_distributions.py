"""Gaussians against torch.distributions, Monte Carlo and known constants."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

from underdraw.distributions import Gaussian, standard
from underdraw.latent import Drawn, kl


def random(*shape: int, spread: float = 1.0) -> Gaussian:
    return Gaussian(torch.randn(*shape).double(), spread * torch.randn(*shape).double())


def normal(g: Gaussian) -> Normal:
    return Normal(g.mu, g.log_sigma.exp())


def test_sigma_is_the_exponential_of_log_sigma():
    g = random(3, 4)
    torch.testing.assert_close(g.sigma, g.log_sigma.exp())


def test_log_prob_is_torchs():
    g, z = random(5, 7), torch.randn(5, 7).double()
    torch.testing.assert_close(g.log_prob(z), normal(g).log_prob(z))


def test_log_prob_integrates_to_one():
    g = Gaussian(torch.tensor(0.3).double(), torch.tensor(-0.7).double())
    z = torch.linspace(-10, 10, 20001).double()
    mass = torch.trapezoid(g.log_prob(z).exp(), z)
    assert mass.item() == pytest.approx(1, abs=1e-9)


def test_kl_is_torchs():
    q, p = random(5, 7), random(5, 7)
    torch.testing.assert_close(q.kl(p), kl_divergence(normal(q), normal(p)))


def test_kl_is_the_mean_of_log_ratios():
    q, p = random(6, spread=0.3), random(6, spread=0.3)
    z = q.mu + q.sigma * torch.randn(100_000, 6).double()
    ratios = q.log_prob(z) - p.log_prob(z)
    error = ratios.std(0) / math.sqrt(len(z))
    assert ((ratios.mean(0) - q.kl(p)).abs() < 5 * error).all()


def test_kl_is_not_symmetric_in_its_arguments():
    q, p = random(6), random(6)
    assert not torch.allclose(q.kl(p), p.kl(q))


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4))
def test_kl_is_never_negative(numbers):
    mu_q, log_q, mu_p, log_p = torch.tensor(numbers, dtype=torch.float64).unbind()
    assert Gaussian(mu_q, log_q).kl(Gaussian(mu_p, log_p)).item() >= -1e-12


def check_constant_is_per_element() -> None:
    """KL = 1/2 sum(mu^2 + sigma^2 - log sigma^2 - 1) over every element of the latent."""
    latent = 7
    q = random(3, latent)
    p = standard(q.mu)
    mu, sigma = q.mu.numpy(), np.exp(q.log_sigma.numpy())
    expected = 0.5 * (mu**2 + sigma**2 - np.log(sigma**2) - 1).sum(1)
    np.testing.assert_allclose(kl(Drawn(q.mu, p, q)).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(kl(Drawn(p.mu, p, p)).numpy(), np.zeros(3), atol=1e-12)


def test_the_constant_belongs_to_every_latent_element():
    check_constant_is_per_element()


def one_constant_a_step(self: Gaussian, p: Gaussian) -> torch.Tensor:
    """Eq. 11 as printed: "- T / 2", half a nat a step whatever the length of its latent."""
    terms = self.mu**2 + self.sigma**2 - 2 * self.log_sigma
    return 0.5 * (terms - 1 / terms.shape[-1])


def test_the_printed_constant_would_fail(monkeypatch):
    monkeypatch.setattr(Gaussian, "kl", one_constant_a_step)
    with pytest.raises(AssertionError):
        check_constant_is_per_element()


def test_a_log_variance_in_place_of_log_sigma_would_differ():
    q = random(5, 7)
    p = standard(q.mu)
    mistaken = 0.5 * (q.mu**2 + q.log_sigma.exp() - q.log_sigma - 1)
    assert not torch.allclose(q.kl(p), mistaken)


def test_kl_and_log_prob_are_finite_far_out_in_float32():
    wide, narrow = (Gaussian(torch.zeros(1), torch.tensor([s])) for s in (15.0, -15.0))
    for value in (wide.kl(narrow), narrow.kl(wide), narrow.log_prob(torch.ones(1))):
        assert value.isfinite().all()


def test_gradients():
    tensors = [torch.randn(3, 2).double().requires_grad_() for _ in range(5)]

    def both(mu_q, log_q, mu_p, log_p, z):
        q, p = Gaussian(mu_q, log_q), Gaussian(mu_p, log_p)
        return q.kl(p), q.log_prob(z)

    assert torch.autograd.gradcheck(both, tensors)


def test_standard_is_n_0_1_of_the_type_it_is_shown():
    p = standard(torch.full((2, 3), 5.0).double())
    assert p.mu.dtype == torch.float64
    assert torch.equal(p.mu, torch.zeros(2, 3).double())
    assert torch.equal(p.sigma, torch.ones(2, 3).double())

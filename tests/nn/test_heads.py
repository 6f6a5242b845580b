"""Heads: linear maps to Gaussians."""

import numpy as np
import torch

from underdraw.nn.heads import GaussianHead, StandardHead


def test_the_halves_of_one_affine_map_are_mu_and_log_sigma():
    head, h = GaussianHead(6, 4).double(), torch.randn(3, 6).double()
    weight, bias = head.affine.weight.detach().numpy(), head.affine.bias.detach().numpy()
    emitted = h.numpy() @ weight.T + bias
    g = head(h)
    np.testing.assert_allclose(g.mu.detach(), emitted[:, :4], rtol=1e-12)
    np.testing.assert_allclose(g.log_sigma.detach(), emitted[:, 4:], rtol=1e-12)
    np.testing.assert_allclose(g.sigma.detach(), np.exp(emitted[:, 4:]), rtol=1e-12)


def test_mu_gain_scales_the_initial_mean_and_nothing_else():
    torch.manual_seed(3)
    plain = GaussianHead(6, 4)
    torch.manual_seed(3)
    gained = GaussianHead(6, 4, mu_gain=3.0)
    torch.testing.assert_close(gained.affine.weight[:4], 3 * plain.affine.weight[:4])
    assert torch.equal(gained.affine.weight[4:], plain.affine.weight[4:])
    assert torch.equal(gained.affine.bias, plain.affine.bias)


def test_results_keep_the_type_of_the_state_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        g = GaussianHead(6, 4)(torch.randn(3, 6))
    assert g.mu.dtype == g.log_sigma.dtype == torch.float32


def test_gradients():
    head, h = GaussianHead(5, 2).double(), torch.randn(2, 5).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda h: tuple(head(h)), [h])


def test_the_standard_head_looks_at_nothing():
    head, h = StandardHead(4), torch.randn(3, 6, dtype=torch.float64, requires_grad=True)
    p = head(h)
    assert torch.equal(p.mu, torch.zeros(3, 4).double())
    assert torch.equal(p.sigma, torch.ones(3, 4).double())
    assert not p.mu.requires_grad
    assert not list(head.parameters())

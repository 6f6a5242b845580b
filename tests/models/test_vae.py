"""The VAE's bound for one image, once more in NumPy, and what its options promise."""

import numpy as np
import pytest
import torch

from underdraw.latent import cost_by_sample, posterior, prior
from underdraw.models.vae import VAE, VAEConfig

SMALL = {"shape": (1, 4, 3), "latents": (4, 3), "hidden": (7, 5)}


def made(**options) -> VAE:
    """A small VAE in float64 with no parameter at a round number."""
    torch.manual_seed(0)
    model = VAE(VAEConfig(**(SMALL | options))).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


class Story:
    """The equations for one image, with the weights of a model; nothing of its code is used."""

    def __init__(self, model: VAE) -> None:
        self.between = model.config.between
        self.w = {name: value.numpy() for name, value in model.state_dict().items()}

    def affine(self, name, h):
        return self.w[f"{name}.weight"] @ h + self.w[f"{name}.bias"]

    def layers(self, name, h):
        for i in range(self.between):
            h = np.tanh(self.affine(f"{name}.affine.{i}", h))
        return h

    def gaussian(self, name, h):
        mu, log_sigma = np.split(self.affine(f"{name}.affine", h), 2)
        return mu, np.exp(log_sigma)

    def two(self, x, noise):
        """Logits, and (z, q, p) of layer 2 and of layer 1, for one image with two layers."""
        d1 = self.layers("up.0", x.ravel())
        d2 = self.layers("up.1", d1)
        q2, p2 = self.gaussian("to_q.1", d2), (np.zeros(3), np.ones(3))
        z2 = q2[0] + q2[1] * noise[0]
        h2 = self.layers("down.1", z2)
        q1, p1 = self.gaussian("to_q.0", np.concatenate([d1, h2])), self.gaussian("to_p.0", h2)
        z1 = q1[0] + q1[1] * noise[1]
        h1 = self.layers("down.0", z1)
        logits = self.w["c_0"].ravel() + self.w["to_canvas.weight"] @ h1
        return logits.reshape(x.shape), [(z2, q2, p2), (z1, q1, p1)]


def kl(q, p):
    (mq, sq), (mp, sp) = q, p
    return np.sum(np.log(sp / sq) + (sq**2 + (mq - mp) ** 2) / (2 * sp**2) - 0.5)


def log_normal(z, d):
    return np.sum(-0.5 * ((z - d[0]) / d[1]) ** 2 - np.log(d[1]) - 0.5 * np.log(2 * np.pi))


@pytest.mark.parametrize("between", [1, 2])
def test_the_bound_is_that_of_the_equations(between):
    model = made(between=between)
    x = torch.rand(3, *model.shape).round().double()
    noise = [e.double() for e in model.noise(3)]
    terms = model(x, noise)
    sampled = model(x, noise, cost=cost_by_sample)
    for i in range(3):
        logits, choices = Story(model).two(x[i].numpy(), [e[i].numpy() for e in noise])
        mean, b = 1 / (1 + np.exp(-logits)), x[i].numpy()
        distortion = -np.sum(b * np.log(mean) + (1 - b) * np.log(1 - mean))
        rates = [kl(q, p) for _, q, p in choices]
        ratios = [log_normal(z, q) - log_normal(z, p) for z, q, p in choices]
        np.testing.assert_allclose(terms.distortion[i].item(), distortion, rtol=1e-10)
        np.testing.assert_allclose(terms.rates[:, i].tolist(), rates, rtol=1e-10)
        np.testing.assert_allclose(sampled.rates[:, i].tolist(), ratios, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(terms.bound[i].item(), distortion + sum(rates), rtol=1e-10)


def test_layers_are_choices_of_one_step_from_the_top_down():
    model = made()
    trace = model.unroll(prior(), n=2)
    assert [(c.site.step, c.site.layer, c.z.shape[1]) for c in trace.choices] == [
        (0, 1, 3),
        (0, 0, 4),
    ]


def test_the_lower_posterior_sees_the_upper_choice():
    model, x = made(), torch.rand(1, 1, 4, 3).double()
    one, other = ([torch.full((1, 3), e).double(), torch.zeros(1, 4).double()] for e in (0.0, 1.0))
    a, b = (model.unroll(posterior(noise), x).choices for noise in (one, other))
    assert torch.equal(a[0].q.mu, b[0].q.mu)
    assert not torch.allclose(a[1].q.mu, b[1].q.mu)


def test_the_sizes_of_the_paper_are_the_defaults():
    weights = {name: tuple(value.shape) for name, value in VAE(VAEConfig()).named_parameters()}
    assert weights["up.0.affine.0.weight"] == (200, 784)
    assert weights["up.0.affine.1.weight"] == (200, 200)
    assert weights["up.1.affine.0.weight"] == (100, 200)
    assert weights["up.1.affine.1.weight"] == (100, 100)
    assert weights["down.1.affine.0.weight"] == (100, 50)
    assert weights["down.0.affine.0.weight"] == (200, 100)
    assert weights["to_p.0.affine.weight"] == (2 * 100, 100)
    assert weights["to_q.1.affine.weight"] == (2 * 50, 100)
    assert weights["to_canvas.weight"] == (784, 200)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"shape": (1, 0, 28)}, r"shape\[1\] .* 0"),
        ({"latents": (), "hidden": ()}, r"\(\)"),
        ({"latents": (5, 4, 3)}, r"\(5, 4, 3\)"),
        ({"latents": (5, 0)}, r"latents\[1\] .* 0"),
        ({"hidden": (-1, 3)}, r"hidden\[0\] .* -1"),
        ({"between": 0}, "between .* 0"),
        ({"between": 513}, "at most 1024 layers, got 513 below each of 2"),
        ({"likelihood": "poisson"}, "poisson"),
    ],
)
def test_what_cannot_be_built_is_named(options, word):
    with pytest.raises(ValueError, match=word):
        VAEConfig(**options)

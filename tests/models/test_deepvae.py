"""The deep VAE's bound for one image, once more in NumPy, and what its options promise."""

import numpy as np
import pytest
import torch

from underdraw.latent import posterior, prior, replay
from underdraw.models.deepvae import DeepVAE, DeepVAEConfig

SMALL = {"shape": (2, 5, 6), "depth": (2, 1), "maps": 3, "latent": 2, "likelihood": "gaussian"}


def made(**options) -> DeepVAE:
    """A small deep VAE in float64 with no parameter at a round number."""
    torch.manual_seed(0)
    model = DeepVAE(DeepVAEConfig(**(SMALL | options))).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


# --- the equations, once more, in NumPy -----------------------------------------------------


def silu(a):
    return a / (1 + np.exp(-a))


def grown(a, height, width):
    """Zeros added below and to the right of (C, H, W)."""
    return np.pad(a, ((0, 0), (0, height - a.shape[1]), (0, width - a.shape[2])))


def averaged(a):
    """Means of 2x2 blocks, with zeros beyond the border."""
    _, h, w = a.shape
    a = grown(a, h + h % 2, w + w % 2)
    return (a[:, ::2, ::2] + a[:, 1::2, ::2] + a[:, ::2, 1::2] + a[:, 1::2, 1::2]) / 4


class Story:
    """The equations for one image, stride 2, with the weights of a model; none of its code."""

    def __init__(self, model: DeepVAE) -> None:
        self.config = model.config
        self.w = {name: value.numpy() for name, value in model.state_dict().items()}

    def conv(self, name, a):
        weight, bias = self.w[f"{name}.weight"], self.w[f"{name}.bias"]
        k, (_, h, w) = weight.shape[-1] // 2, a.shape
        a = np.pad(a, ((0, 0), (k, k), (k, k)))
        out = np.zeros((len(weight), h, w))
        for y in range(h):
            for x in range(w):
                patch = a[:, y : y + 2 * k + 1, x : x + 2 * k + 1]
                out[:, y, x] = (weight * patch).sum((1, 2, 3)) + bias
        return out

    def residual(self, name, h):
        return h + self.conv(f"{name}.outer", silu(self.conv(f"{name}.inner", silu(h))))

    def encoder(self, x):
        """e_D..e_1 for depth (2, 1) on 5x6 pixels: 3x3 positions, and 2x2."""
        _, height, width = x.shape
        x = grown(x, height + height % 2, width + width % 2)
        blocks = [c[i::2, j::2] for c in x for i in range(2) for j in range(2)]
        e3 = self.residual("up.0", self.conv("stem", np.array(blocks)))
        e2 = self.residual("up.1", e3)
        e1 = self.residual("up.2", averaged(e2))
        return e3, e2, e1

    def latent(self, i, h, e, noise):
        """h + W_z z, and (q, p)."""
        if i == 0:
            p = np.zeros((2, *h.shape[1:])), np.ones((2, *h.shape[1:]))
        else:
            mu, log_sigma = np.split(self.conv(f"latents.{i}.to_p", silu(h)), 2)
            p = mu, np.exp(log_sigma)
        both = np.concatenate([h, e])
        shift, scale = np.split(self.conv(f"latents.{i}.to_q", silu(both)), 2)
        q = p[0] + shift, p[1] * np.exp(scale)
        return h + self.conv(f"latents.{i}.to_h", q[0] + q[1] * noise), (q, p)

    def tell(self, x, noise):
        """The canvas, and (q, p) of every choice."""
        *_, height, width = x.shape
        seen, h, choices = self.encoder(x), self.w["h_0"], []
        for i in range(3):
            if i < len(noise):
                h, choice = self.latent(i, h, seen[2 - i], noise[i])
                choices.append(choice)
            h = self.residual(f"down.{i}", h)
            if i == 0:
                h = h.repeat(2, 1).repeat(2, 2)[:, :3, :3]
        blocks = self.conv("to_canvas.affine", silu(h))
        canvas = np.zeros((len(blocks) // 4, 6, 6))
        for c in range(len(canvas)):
            for i in range(2):
                for j in range(2):
                    canvas[c, i::2, j::2] = blocks[4 * c + 2 * i + j]
        return self.w["c_0"] + canvas[:, :height, :width], choices


@pytest.mark.parametrize("options", [{}, {"stochastic": False}, {"kernel": 1}])
def test_the_bound_is_that_of_the_equations(options):
    model = made(**options)
    x = torch.rand(2, *model.shape).double()
    noise = [e.double() for e in model.noise(2)]
    terms = model(x, noise, x)
    for i in range(2):
        canvas, choices = Story(model).tell(x[i].numpy(), [e[i].numpy() for e in noise])
        m, a = np.split(canvas, 2)
        each = -0.5 * ((x[i].numpy() - m) ** 2 / np.exp(a) + a + np.log(2 * np.pi))
        distortion = -(each - np.log(256)).sum()
        rates = [
            np.sum(np.log(sp / sq) + (sq**2 + (mq - mp) ** 2) / (2 * sp**2) - 0.5)
            for (mq, sq), (mp, sp) in choices
        ]
        np.testing.assert_allclose(terms.distortion[i].item(), distortion, rtol=1e-10)
        np.testing.assert_allclose(terms.rates[:, i].tolist(), rates, rtol=1e-9)
        np.testing.assert_allclose(terms.bound[i].item(), distortion + sum(rates), rtol=1e-10)


# --- what the options promise ---------------------------------------------------------------


def test_every_layer_is_a_step_or_all_are_one():
    many, one = made(), made(stochastic=False)
    assert [site.step for site in many.sites] == [0, 1, 2]
    assert [many.latent_shape(site) for site in many.sites] == [(2, 2, 2), (2, 3, 3), (2, 3, 3)]
    assert [site.step for site in one.sites] == [0]
    assert one.latent_shape(one.sites[0]) == (2, 2, 2)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 7, 9)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_it_draws_any_shape(shape, stride):
    model = DeepVAE(DeepVAEConfig(shape, (1, 1, 1), maps=2, latent=1, stride=stride))
    sides = [model.latent_shape(site)[1] for site in reversed(model.sites)]
    assert sides == [-(-shape[1] // stride**s) for s in (1, 2, 3)]
    trace = model.unroll(posterior(), torch.rand(2, *shape))
    assert trace.frames[-1].canvas.shape == (2, *shape)


def test_the_canvas_stays_the_learned_start_until_the_last_step():
    model = made()
    frames = model.unroll(prior(), n=1, frames="all").frames
    for frame in frames[:-1]:
        assert torch.equal(frame.canvas[0], model.c_0)
    assert not torch.allclose(frames[-1].canvas[0], model.c_0)


def test_priors_come_from_above():
    model, zs = made(), [e.double() for e in made().noise(1)]
    before = model.unroll(replay(zs), n=1).choices
    zs[1] = zs[1] + 1
    after = model.unroll(replay(zs), n=1).choices
    changed = [not torch.equal(a.p.mu, b.p.mu) for a, b in zip(before, after, strict=True)]
    assert changed == [False, False, True]


def test_a_silent_posterior_costs_nothing():
    model = made()
    with torch.no_grad():
        for latent in model.latents:
            latent.to_q.weight.zero_()
            latent.to_q.bias.zero_()
    x = torch.rand(2, *model.shape).double()
    assert model(x, [e.double() for e in model.noise(2)], x).rates.abs().max() < 1e-12


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"shape": (0, 28, 28)}, r"shape\[0\] .* 0"),
        ({"depth": ()}, r"\(\)"),
        ({"depth": (3, 0)}, r"depth\[1\] .* 0"),
        ({"depth": (1000, 25)}, "at most 1024 layers, got 1025"),
        ({"maps": 0}, "maps .* 0"),
        ({"latent": 0}, "latent .* 0"),
        ({"stride": 0}, "stride .* 0"),
        ({"kernel": 4}, "kernel .* 4"),
        ({"likelihood": "poisson"}, "poisson"),
    ],
)
def test_what_cannot_be_built_is_named(options, word):
    with pytest.raises(ValueError, match=word):
        DeepVAEConfig(**options)

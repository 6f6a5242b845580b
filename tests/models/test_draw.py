"""DRAW against Eqs 1-8 in one NumPy loop, and what its options promise."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from nn import reference_attention as reference
from underdraw.latent import posterior, prior, replay
from underdraw.models.draw import DRAW, DRAWConfig

SMALL = DRAWConfig(shape=(2, 7, 5), steps=3, hidden=8, latent=4, read_size=2, write_size=3)
VARIANTS = {
    "attention": {},
    "one_filter": {"read_size": 1, "write_size": 1},
    "no_attention": {"read_size": None, "write_size": None},
    "write_only": {"read_size": None},
    "learned_prior": {"learned_prior": True},
    "plain": {"layer_norm": False, "tiled_windows": False},
    "gaussian": {"likelihood": "gaussian"},
}


def made(**options: Any) -> DRAW:
    """A small DRAW in float64 with no parameter at a round number."""
    torch.manual_seed(0)
    model = DRAW(DRAWConfig(**(vars(SMALL) | options))).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def seen(model: DRAW, n: int = 2) -> torch.Tensor:
    return torch.rand(n, *model.shape, dtype=torch.float64)


def noise_for(model: DRAW, n: int = 2) -> list[torch.Tensor]:
    return [e.double() for e in model.noise(n)]


# --- the paper's equations, once more, in NumPy ----------------------------------------------


class Story:
    """Eqs 1-8 for one image, with the weights of a model; nothing of its code is used."""

    def __init__(self, model: DRAW) -> None:
        self.config = model.config
        self.w = {name: value.detach().numpy() for name, value in model.state_dict().items()}

    def lstm(self, name, x, h, c):
        w = {key: self.w.get(f"{name}.{key}") for key in ("weight", "bias", "gain")}
        gates = (w["weight"] @ np.concatenate([x, h])).reshape(4, -1)
        if self.config.layer_norm:
            gates = normalised(gates) * w["gain"]
        i, f, g, o = gates + w["bias"]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        shown = c
        if self.config.layer_norm:
            gain, bias = (self.w[f"{name}.cell_norm.{key}"] for key in ("weight", "bias"))
            shown = normalised(c) * gain + bias
        return sigmoid(o) * np.tanh(shown), c

    def affine(self, name, h):
        return self.w[f"{name}.weight"] @ h + self.w[f"{name}.bias"]

    def window(self, name, size, h):
        _, height, width = self.config.shape
        return reference.look(self.affine(f"{name}.window.head", h), height, width, size)

    def mean(self, c):
        return c[: len(c) // 2] if self.config.likelihood == "gaussian" else sigmoid(c)

    def read(self, x, x_hat, h):
        both = np.concatenate([x, x_hat])
        if self.config.read_size is None:
            return both.ravel()
        f_y, f_x, gamma = self.window("read", self.config.read_size, h)
        return np.ravel([reference.read(plane, f_y, f_x, gamma) for plane in both])

    def write(self, h, planes):
        _, height, width = self.config.shape
        size = self.config.write_size
        if size is None:
            return self.affine("write.to_canvas", h).reshape(planes, height, width)
        f_y, f_x, gamma = self.window("write", size, h)
        patch = self.affine("write.to_patch", h).reshape(planes, size, size)
        return np.array([reference.write(plane, f_y, f_x, gamma) for plane in patch])

    def gaussian(self, name, h):
        mu, log_sigma = np.split(self.affine(f"{name}.affine", h), 2)
        return mu, np.exp(log_sigma)

    def tell(self, x, noise):
        """One image (C, H, W) -> canvas after each step, and (mu, sigma) of q and of p."""
        c, enc, dec = self.w["c_0"], tuple(self.w["enc_0"]), tuple(self.w["dec_0"])
        canvases, qs, ps = [], [], []
        for e in noise:
            x_hat = x - self.mean(c)  # (3)
            r = self.read(x, x_hat, dec[0])  # (4)
            enc = self.lstm("rnn_enc", np.concatenate([r, dec[0]]), *enc)  # (5)
            mu, sigma = self.gaussian("to_q", enc[0])  # (1, 2)
            learned = self.config.learned_prior
            ps.append(self.gaussian("to_p", dec[0]) if learned else (0 * mu, 0 * mu + 1))
            z = mu + sigma * e  # (6)
            dec = self.lstm("rnn_dec", z, *dec)  # (7)
            c = c + self.write(dec[0], len(c))  # (8)
            canvases.append(c)
            qs.append((mu, sigma))
        return canvases, qs, ps


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def normalised(a):
    centred = a - a.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_the_papers_equations(variant):
    model = made(**VARIANTS[variant])
    x, noise = seen(model), noise_for(model)
    with torch.no_grad():
        trace = model.unroll(posterior(noise), x, frames="all")
    for k in range(len(x)):
        told = Story(model).tell(x[k].numpy(), [e[k].numpy() for e in noise])
        for t, (c, q, p) in enumerate(zip(*told, strict=True)):
            choice = trace.choices[t]
            near(trace.frames[t].canvas[k], c)
            near(choice.q.mu[k], q[0])
            near(choice.q.sigma[k], q[1])
            near(choice.p.mu[k], p[0])
            near(choice.p.sigma[k], p[1])


def near(ours: torch.Tensor, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-8, atol=1e-9)


# --- the learned start -----------------------------------------------------------------------


def test_canvas_and_states_start_at_zero():
    model = DRAW(SMALL)
    for start in (model.c_0, model.enc_0, model.dec_0):
        assert isinstance(start, torch.nn.Parameter)
        assert not start.any()


@pytest.mark.parametrize("name", ["c_0", "enc_0", "dec_0"])
def test_a_gradient_reaches_the_learned_start(name):
    model = DRAW(SMALL)
    model(seen(model).float().round(), model.noise(2)).bound.sum().backward()
    gradient = getattr(model, name).grad
    assert gradient.isfinite().all()
    assert (gradient != 0).all()


def test_the_learned_canvas_is_where_the_sum_of_strokes_begins():
    model = made()
    zs = noise_for(model)
    with torch.no_grad():
        before = model.unroll(replay(zs), n=2).frames[-1].canvas
        model.c_0 += 3
        after = model.unroll(replay(zs), n=2).frames[-1].canvas
    torch.testing.assert_close(after, before + 3)


def test_every_image_begins_alike():
    model = made()
    canvas, enc, dec = model.begin(3)
    for tensor, start in ((canvas, model.c_0), (enc[0], model.enc_0[0]), (enc[1], model.enc_0[1])):
        assert torch.equal(tensor, start.expand(3, *start.shape))
    assert torch.equal(torch.stack(dec), model.dec_0[:, None].expand(2, 3, -1))


# --- options ---------------------------------------------------------------------------------


def test_a_learned_prior_never_sees_the_image():
    model = made(learned_prior=True)
    zs = noise_for(model)
    with torch.no_grad():
        one, other = (model.unroll(replay(zs), seen(model)).choices for _ in range(2))
    assert any(not torch.equal(a.p.mu, one[0].p.mu) for a in one[1:])  # it is not a constant
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.p.mu, b.p.mu)
        assert torch.equal(a.p.log_sigma, b.p.log_sigma)
        assert not torch.equal(a.q.mu, b.q.mu)


def test_a_learned_prior_passes_no_gradient_to_the_encoder():
    model = made(learned_prior=True)
    choices = model.unroll(replay(noise_for(model)), seen(model)).choices
    sum(c.p.mu.sum() + c.p.log_sigma.sum() for c in choices).backward()
    assert model.to_p.affine.weight.grad.any()
    for part in (model.rnn_enc, model.to_q, model.read):
        assert all(parameter.grad is None for parameter in part.parameters())


def test_the_papers_prior_is_standard_normal():
    model = made()
    for choice in model.unroll(prior(), n=2).choices:
        assert not choice.p.mu.any()
        assert not choice.p.log_sigma.any()


def test_without_attention_nothing_but_reader_and_writer_changes():
    with_, without = (
        {name: tuple(value.shape) for name, value in made(**options).named_parameters()}
        for options in ({}, {"read_size": None, "write_size": None})
    )
    changed = {name for name in with_ | without if with_.get(name) != without.get(name)}
    assert {name.split(".")[0] for name in changed} == {"read", "write", "rnn_enc"}
    assert "rnn_enc.weight" in changed  # what is read is longer


def test_frames_show_the_windows():
    model = made()
    watched = model.unroll(posterior(), seen(model), frames="all").frames
    dreamt = model.unroll(prior(), n=2, frames="all").frames
    for frame in watched:
        assert frame.read.size == 2
        assert frame.write.size == 3
        assert frame.read.g_x.shape == (2,)
    assert all(frame.read is None and frame.write is not None for frame in dreamt)
    plain = made(read_size=None, write_size=None).unroll(posterior(), seen(model)).frames[-1]
    assert plain.read is None
    assert plain.write is None


def test_read_and_write_windows_are_two():
    model = made()
    frame = model.unroll(posterior(), seen(model)).frames[-1]
    assert not torch.equal(frame.read.g_x, frame.write.g_x)
    assert not torch.equal(frame.read.log_gamma, frame.write.log_gamma)


@pytest.mark.parametrize(("name", "gain"), [("glimpse_gain", 10.0), ("mu_gain", 3.0)])
def test_gains_scale_the_initial_weights_they_name(name, gain):
    models = []
    for value in (1.0, gain):
        torch.manual_seed(0)
        models.append(DRAW(DRAWConfig(**(vars(SMALL) | {name: value}))))
    one, other = (model.state_dict() for model in models)
    part, key = {
        "glimpse_gain": ((slice(None), slice(0, models[0].read.features)), "rnn_enc.weight"),
        "mu_gain": (slice(0, SMALL.latent), "to_q.affine.weight"),
    }[name]
    one[key][part] *= gain
    for each in one:
        torch.testing.assert_close(other[each], one[each])


@pytest.mark.parametrize(
    ("shape", "read", "write"),
    [((1, 28, 28), 2, 5), ((3, 54, 54), 12, 12), ((3, 32, 32), 5, 5), ((1, 60, 60), 5, 5)],
)
def test_the_first_reading_filters_overlap_inside_the_image(shape, read, write):
    config = DRAWConfig(shape=shape, steps=1, hidden=256, read_size=read, write_size=write)
    model = DRAW(config)
    with torch.no_grad():
        x = torch.rand(1, *shape)
        look = model.unroll(posterior(), x).frames[0].read
    assert look.sigma2.sqrt() >= look.delta / 2 * (1 - 1e-5)
    reach = (read - 1) / 2 * look.delta
    for g in (look.g_x, look.g_y):
        assert (g - reach).item() >= 1
        assert (g + reach).item() <= shape[1]


# --- configuration ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["steps", "hidden", "latent", "read_size", "write_size"])
@pytest.mark.parametrize("value", [0, -2])
def test_counts_below_one_are_refused_by_value(name, value):
    with pytest.raises(ValueError, match=rf"size.*{value}|{name}.*{value}"):
        DRAW(DRAWConfig(**{name: value}))


def test_a_side_below_one_is_refused():
    with pytest.raises(ValueError, match=r"shape\[1\].*0"):
        DRAWConfig(shape=(1, 0, 28))


def test_an_unknown_likelihood_is_refused():
    with pytest.raises(ValueError, match="poisson"):
        DRAWConfig(likelihood="poisson")


def lstm_count(inputs: int, hidden: int) -> int:
    """Gates, their gains and biases, and the normalisation of the cell."""
    return 4 * hidden * (inputs + hidden) + 2 * 4 * hidden + 2 * hidden


def test_the_default_is_the_papers_mnist_model_and_counts_as_such():
    config = DRAWConfig()
    assert (config.shape, config.steps) == ((1, 28, 28), 64)
    assert (config.hidden, config.latent) == (256, 100)
    assert (config.read_size, config.write_size) == (2, 5)
    h, read, write = 256, 2 * 2 * 2, 5 * 5
    expected = lstm_count(read + h, h) + lstm_count(100, h)
    expected += (h + 1) * 2 * 100  # q
    expected += 2 * (h + 1) * 5 + (h + 1) * write  # two windows and the writing patch
    expected += math.prod(config.shape) + 4 * h  # the learned start
    counted = sum(parameter.numel() for parameter in DRAW(config).parameters())
    assert counted == expected == 964_347

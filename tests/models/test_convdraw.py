"""Convolutional DRAW against Eqs 1-7 and 12-22 in NumPy loops, and what its options promise."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nn.reference_conv import convolved, sigmoid
from underdraw.latent import Site, keep, mode, posterior, prior, replay
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig

ONE = ConvDRAWConfig((2, 6, 4), steps=2, kernel=3, maps=(3,), latent=(2,), stride=(2,))
TWO = replace(ONE, maps=(3, 4), latent=(2, 3), stride=(2, 1))
THREE = vars(TWO) | {"maps": (3, 4, 5), "latent": (2, 3, 1), "shape": (2, 8, 8)}
VARIANTS = {
    "one": {},
    "one_plain": {"norm": "none", "weight_norm": True, "likelihood": "bernoulli"},
    "one_constant": {"constant_scale": True, "norm": "image"},
    "one_maps": {"initial_maps": True, "stride": (1,)},
    "two": vars(TWO),
    "two_strided": vars(TWO) | {"shape": (2, 8, 4), "stride": (2, 2), "constant_scale": True},
    "two_dense": vars(TWO) | {"stride": (2, None), "initial_maps": True, "weight_norm": True},
    "three": THREE | {"stride": (2, 1, 2)},
    "three_dense": THREE | {"stride": (2, None, 1), "constant_scale": True},
    "two_logistics": vars(TWO) | {"likelihood": "logistics", "norm": "none"},
}


def made(**options: Any) -> ConvDRAW:
    """A small ConvDRAW in float64 with no parameter at a round number."""
    torch.manual_seed(0)
    model = ConvDRAW(ConvDRAWConfig(**(vars(ONE) | options))).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return model


def seen(model: ConvDRAW, n: int = 2, size: tuple[int, int] | None = None) -> torch.Tensor:
    return torch.rand(n, model.shape[0], *(size or model.shape[1:]), dtype=torch.float64)


def noise_for(model: ConvDRAW, n: int = 2) -> list[torch.Tensor]:
    return [e.double() for e in model.noise(n)]


# --- the paper's equations, once more, in NumPy ----------------------------------------------


class Story:
    """One image, any number of layers, with the weights of a model; none of its code is used.

    The layers above the second do what the second does to the first.
    """

    def __init__(self, model: ConvDRAW) -> None:
        self.config = model.config
        self.w = {name: value.detach().numpy() for name, value in model.state_dict().items()}

    def rnn(self, name, inputs, h, c):
        """A convolutional LSTM that reads `inputs` and its own h."""
        w = {key.rpartition(".")[2]: v for key, v in self.w.items() if key.startswith(f"{name}.")}
        weight = w["weight"]
        if self.config.weight_norm:
            lengths = np.sqrt((weight**2).sum((1, 2, 3)))
            weight = weight / lengths[:, None, None, None] * w["length"][:, None, None, None]
        read = np.concatenate([*inputs, h])
        gates = convolved(read, weight, np.zeros(len(weight))).reshape(4, *h.shape)
        if self.config.norm != "none":
            gates = np.stack([self.normed(g) for g in gates]) * w["gain"][:, :, None, None]
        i, f, g, o = gates + w["bias"][:, :, None, None]
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        shown = c
        if self.config.norm != "none":
            shown = self.normed(c) * w["cell_gain"][:, None, None] + w["cell_bias"][:, None, None]
        return sigmoid(o) * np.tanh(shown), c

    def normed(self, a):
        over = 0 if self.config.norm == "channel" else (0, 1, 2)
        a = a - a.mean(over, keepdims=True)
        return a / np.sqrt((a**2).mean(over, keepdims=True) + 1e-5)

    def conv(self, name, h):
        return convolved(h, self.w[f"{name}.weight"], self.w[f"{name}.bias"])

    def q(self, layer, h, t):
        """Mean and standard deviation; heads emit log variances."""
        emitted = self.conv(f"layers.{layer}.to_q.affine", h)
        if self.config.constant_scale:
            a = self.w[f"layers.{layer}.to_q.log_variance"][t][:, None, None]
            return emitted, np.sqrt(np.exp(a + 0 * emitted))
        mu, a = np.split(emitted, 2)
        return mu, np.sqrt(np.exp(a))

    def p(self, layer, *hs):
        mu, a = np.split(self.conv(f"layers.{layer}.to_p.affine", np.concatenate(hs)), 2)
        return mu, np.sqrt(np.exp(a))

    def mean(self, r):
        if self.config.likelihood == "bernoulli":
            return sigmoid(r)
        if self.config.likelihood == "gaussian":
            return r[: len(r) // 2]
        a, m, _ = r.reshape(3, 5, -1, *r.shape[1:])
        return (np.exp(a) * m).sum(0) / np.exp(a).sum(0)

    def start(self, layer, part, size):
        return [np.broadcast_to(s, (len(s), *size)) for s in self.w[f"layers.{layer}.{part}_0"]]

    def tell(self, x, noise):
        """One image (C, H, W) -> canvas after each step, and (mu, sigma) of q and p per site."""
        size, layers, blocks, sizes = x.shape[1:], range(len(self.config.maps)), [], []
        for s in self.config.stride:
            blocks.append(size if s is None else (s, s))
            size = size[0] // blocks[-1][0], size[1] // blocks[-1][1]
            sizes.append(size)
        r = self.w["r_0"] + np.zeros((1, *x.shape[1:]))
        enc, dec = ([self.start(i, part, sizes[i]) for i in layers] for part in ("enc", "dec"))
        canvases, qs, ps, noise = [], [], [], iter(noise)
        for t in range(self.config.steps):
            look, q = np.concatenate([x, x - self.mean(r)]), {}  # (1, 12)
            for i in layers:
                look = blocks_to_maps(look, blocks[i])
                enc[i] = self.rnn(f"layers.{i}.rnn_enc", [dec[i][0], look], *enc[i])  # (13, 15)
                q[i] = self.q(i, enc[i][0], t)  # (14, 16)
                look = q[i][0]
            told = []
            for i in reversed(layers):
                ps.append(self.p(i, dec[i][0], *told))  # (17, 19)
                qs.append(q[i])
                z = q[i][0] + q[i][1] * next(noise)
                drawn = [] if i else [blocks_to_maps(r, blocks[0])]
                dec[i] = self.rnn(f"layers.{i}.rnn_dec", [z, *told, *drawn], *dec[i])  # (18, 20)
                told = [dec[i][0]]
                if i and blocks[i] != (1, 1):
                    told = [maps_to_blocks(self.conv(f"layers.{i}.say.affine", *told), blocks[i])]
            r = r + maps_to_blocks(self.conv("write.affine", dec[0][0]), blocks[0])  # (6, 21)
            canvases.append(r)
        return canvases, qs, ps


def blocks_to_maps(x, blocks):
    down, across = blocks
    planes = [p[i::down, j::across] for p in x for i in range(down) for j in range(across)]
    return np.stack(planes)


def maps_to_blocks(x, blocks):
    down, across = blocks
    maps, height, width = len(x) // (down * across), x.shape[1] * down, x.shape[2] * across
    y, planes = np.zeros((maps, height, width)), iter(x)
    for m in range(maps):
        for i in range(down):
            for j in range(across):
                y[m, i::down, j::across] = next(planes)
    return y


def near(found: torch.Tensor, wanted: np.ndarray) -> None:
    np.testing.assert_allclose(found.detach().numpy(), wanted, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_the_papers_equations(variant):
    model = made(**VARIANTS[variant])
    x, noise = seen(model), noise_for(model)
    trace = model.unroll(posterior(noise), x, frames="all")
    for k in range(len(x)):
        canvases, qs, ps = Story(model).tell(x[k].numpy(), [e[k].numpy() for e in noise])
        for frame, r in zip(trace.frames, canvases, strict=True):
            near(frame.canvas[k], r)
        for choice, q, p in zip(trace.choices, qs, ps, strict=True):
            near(choice.q.mu[k], q[0])
            near(choice.q.sigma[k], q[1])
            near(choice.p.mu[k], p[0])
            near(choice.p.sigma[k], p[1])


# --- layers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stride", "shapes"),
    [
        ((2, 1, 2), [(2, 4, 4), (3, 4, 4), (1, 2, 2)]),
        ((1, 2, None), [(2, 8, 8), (3, 4, 4), (1, 1, 1)]),
        ((2, None, 1), [(2, 4, 4), (3, 1, 1), (1, 1, 1)]),
    ],
)
def test_choices_go_from_the_top_down(stride, shapes):
    model = made(**THREE | {"stride": stride})
    assert model.sites[:3] == (Site(0, 0, 2), Site(1, 0, 1), Site(2, 0, 0))
    assert [model.latent_shape(site) for site in model.sites[2::-1]] == shapes
    noise = noise_for(model)
    told = model.unroll(replay(noise), n=2).choices
    for changed in range(3):  # of the first step: what is chosen later depends on it, at once
        other = [e + (i == changed) for i, e in enumerate(noise)]
        again = model.unroll(replay(other), n=2).choices
        same = [torch.equal(a.p.mu, b.p.mu) for a, b in zip(told, again, strict=True)]
        assert same[: changed + 1] == [True] * (changed + 1)
        assert not any(same[changed + 1 : 3])


def test_the_posterior_of_a_layer_is_that_of_what_it_reads_not_of_what_is_chosen():
    model = made(**THREE | {"stride": (2, 1, 2)})
    x, noise = seen(model), noise_for(model)
    one, other = (
        model.unroll(replay([sign * e for e in noise]), x).choices[:3] for sign in (1, -1)
    )
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.q.mu, b.q.mu)


def test_the_layers_below_can_be_left_to_the_model():
    model = made(**THREE | {"stride": (2, 1, 2)})
    x = seen(model)
    full = model.unroll(mode, x).choices
    top = model.unroll(keep(lambda site: site.layer >= 1, mode, prior(0.0)), x).choices
    assert torch.equal(top[0].z, full[0].z)
    assert not torch.equal(top[2].z, full[2].z)


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(6, 4), (8, 12), (7, 9)])
def test_images_of_any_size(size):
    model = made(**vars(TWO) | {"stride": (2, 2)})
    assert model.any_size
    assert model.stride == 4
    x = seen(model, size=size)
    noise = [e.double() for e in model.noise(2, size=size)]
    trace = model.unroll(posterior(noise), x, frames="all")
    for frame in trace.frames:
        assert frame.canvas.shape == (2, 4, *size)
    for choice, e in zip(trace.choices, noise, strict=True):
        assert choice.z.shape == e.shape == (2, *model.latent_shape(choice.site, size))
    again = model.unroll(replay([choice.z for choice in trace.choices]), n=2, size=size)
    assert torch.equal(again.frames[-1].canvas, trace.frames[-1].canvas)
    terms = model(x, noise, x)
    distortion = -model.likelihood(trace.frames[-1].canvas).log_prob(x)
    torch.testing.assert_close(terms.distortion, distortion)


def test_padding_repeats_the_edge_and_pays_for_it():
    model = made()
    x = seen(model, size=(5, 3))
    whole = torch.cat([x, x[..., -1:]], 3)
    whole = torch.cat([whole, whole[..., -1:, :]], 2)
    noise = noise_for(model)
    small, large = model.outcome(x, noise), model.outcome(whole, noise)
    assert torch.equal(small[0], large[0][..., :5, :3])
    assert torch.equal(small[1], large[1])


def test_a_crop_far_from_borders_is_drawn_as_in_the_whole():
    model = made(steps=1)
    x = seen(model, 1, (48, 48))
    whole = model.unroll(mode, x).frames[-1].canvas
    part = model.unroll(mode, x[..., 8:40, 8:40]).frames[-1].canvas
    torch.testing.assert_close(part[..., 12:20, 12:20], whole[..., 20:28, 20:28])
    assert not torch.allclose(part[..., :2, :2], whole[..., 8:10, 8:10])


@pytest.mark.parametrize("variant", ["one_maps", "two_dense"])
def test_models_of_one_size_pad_it_too(variant):
    options = VARIANTS[variant]
    model = made(**options | {"stride": (4, *options["stride"][1:])})
    x = seen(model)
    trace = model.unroll(posterior(noise_for(model)), x)
    assert model.drawn_size() == (8, 4) != model.shape[1:]
    assert trace.frames[-1].canvas.shape == (2, 4, 6, 4)
    again = model.unroll(replay([choice.z for choice in trace.choices]), n=2)
    assert torch.equal(again.frames[-1].canvas, trace.frames[-1].canvas)
    assert model.begin(2).r.shape == (2, 4, 8, 4)


@pytest.mark.parametrize("variant", ["one_maps", "two_dense"])
def test_models_of_one_size_refuse_others(variant):
    model = made(**VARIANTS[variant])
    assert not model.any_size
    with pytest.raises(ValueError, match="the model draws"):
        model.unroll(posterior(), seen(model, size=(8, 4)))
    with pytest.raises(ValueError, match="the model draws"):
        model.noise(1, size=(8, 4))


def test_sizes_and_sources_that_do_not_fit_are_named():
    model = made()
    with pytest.raises(ValueError, match="latents"):
        model.unroll(posterior(noise_for(model)), seen(model, size=(8, 8)))
    with pytest.raises(ValueError, match="0"):
        model.unroll(prior(), size=(0, 8))


# --- options ---------------------------------------------------------------------------------


def test_a_constant_scale_is_known_without_an_image():
    model = made(**THREE | {"stride": (2, 1, 2), "constant_scale": True})
    trace = model.unroll(posterior(), seen(model))
    for choice in trace.choices:
        log_sigma = model.posterior_log_sigma(choice.site)[None, :, None, None]
        torch.testing.assert_close(choice.q.log_sigma, log_sigma.expand_as(choice.q.mu))
    scales = [model.posterior_log_sigma(site).detach() for site in model.sites if not site.layer]
    assert not torch.equal(scales[0], scales[1])
    with pytest.raises(ValueError, match="depends on the image"):
        made().posterior_log_sigma(Site(0, 0, 0))


def test_broadcast_starts_have_one_value_a_map_and_maps_one_a_pixel():
    broadcast, maps = made(), made(initial_maps=True)
    assert broadcast.r_0.shape == (4, 1, 1)
    assert maps.r_0.shape == (4, 6, 4)
    assert maps.tower[0].enc_0.shape == (2, 3, 3, 2)
    state = maps.begin(2)
    assert torch.equal(state.r[1], maps.r_0)
    assert torch.equal(state.dec[0][1][1], maps.tower[0].dec_0[1])


def test_the_canvas_starts_where_images_are_likely():
    model = build(ONE)
    nats = -model.likelihood(model.begin(1).r).log_prob(torch.rand(1, 2, 6, 4))
    assert nats.item() / 48 / math.log(2) == pytest.approx(8.4, abs=0.3)


def test_write_gain_scales_the_first_strokes():
    strokes = []
    for gain in (0.1, 1.0):
        torch.manual_seed(0)
        model = build(replace(ONE, write_gain=gain))
        r = model.unroll(mode, n=1).frames[-1].canvas
        strokes.append(r - model.begin(1).r)
    assert strokes[0].abs().max() < 0.3 * strokes[1].abs().max()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"shape": (3, 0, 8)}, "shape"),
        ({"steps": 0}, "steps"),
        ({"steps": 5000}, "5000"),
        ({"kernel": 4}, "kernel must be odd, got 4"),
        ({"maps": ()}, "entry per layer"),
        ({"maps": (3, 4)}, "entry per layer"),
        ({"latent": (0,)}, "latent"),
        ({"stride": (0,)}, "stride"),
        ({"stride": (None, 2), "maps": (3, 4), "latent": (1, 1)}, "one pixel is left to read"),
        ({"maps": (1,)}, r"maps is \(1,\): one map alone"),
        ({"likelihood": "poisson"}, "poisson"),
        ({"mu_gain": 0.0}, "mu_gain"),
    ],
)
def test_what_cannot_be_built_is_named(options, names):
    with pytest.raises(ValueError, match=names):
        replace(ONE, **options)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_step_is_laid_out_as_all_others(variant, channels):
    options = vars(ONE) | VARIANTS[variant]
    model = build(ConvDRAWConfig(**options | {"shape": (channels, *options["shape"][1:])}))
    x = torch.rand(2, *model.shape)

    def layout(state):
        tensors = [state.r, *(s for both in (*state.enc, *state.dec) for s in both)]
        return [tensor.stride() for tensor in tensors]

    first = model.begin(2)
    second, _ = model.step(first, lambda p, q: q.mu, x)
    assert layout(first) == layout(second)

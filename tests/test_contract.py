"""What every model promises, whatever story it tells."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from underdraw.latent import LatentModel, Terms, cost_by_sample, mode, posterior, prior, replay
from underdraw.likelihoods import Neighbours
from underdraw.models import MODELS, build


@pytest.fixture
def noise(model):
    return model.noise(3, torch.Generator().manual_seed(2))


@pytest.fixture
def target(model, images):
    """What the likelihood scores: dequantised where it must be."""
    u = torch.rand(images.shape, generator=torch.Generator().manual_seed(3))
    return model.likelihood.target(images, u)


def test_every_model_has_small_variants(tiny):
    latent = {name for name, (_, kind) in MODELS.items() if issubclass(kind, LatentModel)}
    assert set(tiny) == latent
    for name, variants in tiny.items():
        for options in variants.values():
            config = MODELS[name][0](**options)
            assert type(build(config)) is MODELS[name][1]


def test_nothing_is_built_from_something_else():
    with pytest.raises(ValueError, match="dict"):
        build({})


# --- shapes ----------------------------------------------------------------------------------


def test_sites_are_counted_in_order(model):
    assert [site.index for site in model.sites] == list(range(len(model.sites)))
    assert [site.step for site in model.sites] == sorted(site.step for site in model.sites)
    steps = {site.step for site in model.sites}
    assert steps == set(range(len(steps)))
    assert len({(site.step, site.layer) for site in model.sites}) == len(model.sites)


@pytest.mark.parametrize("watched", [True, False])
def test_shapes(model, images, watched):
    x = images if watched else None
    trace = model.unroll(posterior() if watched else prior(), x, n=3, frames="all")
    assert len(trace.frames) == 1 + max(site.step for site in model.sites)
    assert [choice.site for choice in trace.choices] == list(model.sites)
    for choice in trace.choices:
        shape = (3, *model.latent_shape(choice.site))
        assert choice.z.shape == choice.p.mu.shape == choice.p.log_sigma.shape == shape
        assert (choice.q is not None) == watched
        if choice.q is not None:
            assert choice.q.mu.shape == choice.q.log_sigma.shape == shape
    channels, height, width = model.shape
    for frame in trace.frames:
        assert frame.canvas.shape == (3, channels * model.likelihood.planes, height, width)
        assert model.likelihood(frame.canvas).mean.shape == (3, *model.shape)


def test_terms_are_nats_per_image(model, images, noise, target):
    terms = model(images, noise, target)
    assert isinstance(terms, Terms)
    assert terms.distortion.shape == terms.bound.shape == (3,)
    assert terms.rates.shape == (len(model.sites), 3)
    assert terms.bound.isfinite().all()
    assert (terms.rates >= 0).all()


def test_images_of_a_batch_do_not_meet(model, images, noise, target):
    together = model(images, noise, target).bound
    for i in range(3):
        one = slice(i, i + 1)
        alone = model(images[one], [e[one] for e in noise], target[one]).bound
        torch.testing.assert_close(alone, together[one], rtol=1e-4, atol=1e-3)


# --- gradients -------------------------------------------------------------------------------


def test_a_finite_non_zero_gradient_on_every_parameter(model, images, noise, target):
    model(images, noise, target).bound.mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        rows = parameter.grad.flatten(1) if parameter.dim() > 1 else parameter.grad[:, None]
        moved = (rows != 0).any(1)
        rectified = name.startswith("likelihood.")  # where units may rest, but not all
        assert moved.any() if rectified else moved.all(), f"{name} has a row without a gradient"
    if isinstance(model.likelihood, Neighbours):
        of_e = model.likelihood.near.weight.grad[:, 2].flatten(1)
        before = of_e.shape[1] // 2
        assert of_e[:, :before].any()
        assert not of_e[:, before:].any()


def test_every_choice_passes_a_gradient_to_the_last_canvas(model):
    noise = [e.requires_grad_() for e in model.noise(2)]  # z itself may act on later priors only
    (model.unroll(prior(1.0, noise), n=2).frames[-1].canvas ** 2).sum().backward()
    for e in noise:
        assert e.grad.isfinite().all()
        assert (e.grad != 0).any(1).all()


# --- one story -------------------------------------------------------------------------------


def test_replay_gives_the_same_priors_and_canvas_without_the_image(model, images):
    told = model.unroll(posterior(), images)
    again = model.unroll(replay([choice.z for choice in told.choices]), n=3)
    assert torch.equal(again.frames[-1].canvas, told.frames[-1].canvas)
    for a, b in zip(again.choices, told.choices, strict=True):
        assert a.q is None
        assert torch.equal(a.p.mu, b.p.mu)
        assert torch.equal(a.p.log_sigma, b.p.log_sigma)


def test_the_posterior_sees_the_image(model, images, noise):
    one, other = (model.unroll(replay(noise), x).choices for x in (images, 1 - images))
    for a, b in zip(one, other, strict=True):
        assert not torch.equal(a.q.mu, b.q.mu)


def test_generation_at_temperature_zero_is_deterministic(model):
    one, other = (model.unroll(prior(0.0), n=2).frames[-1].canvas for _ in range(2))
    assert torch.equal(one, other)
    torch.testing.assert_close(one[0], one[1])
    assert torch.equal(one, model.unroll(mode, n=2).frames[-1].canvas)
    assert not torch.equal(one, model.unroll(prior(1.0), n=2).frames[-1].canvas)


# --- the bound, once more, in NumPy ----------------------------------------------------------


def doubles(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()


def bernoulli(canvas: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Eq. 9 of DRAW."""
    mean = 1 / (1 + np.exp(-canvas))
    return target * np.log(mean) + (1 - target) * np.log(1 - mean)


def gaussian(canvas: np.ndarray, target: np.ndarray) -> np.ndarray:
    """log(p / q) with q of density 256 on [0, 1]."""
    m, a = np.split(canvas, 2, axis=1)
    return -0.5 * ((target - m) ** 2 / np.exp(a) + a + np.log(2 * np.pi)) - np.log(256)


def logistics(canvas: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The mixture's mass between the ends of the pixel's level."""
    batch, planes, height, width = canvas.shape
    parts = canvas.reshape(batch, 3, 5, planes // 15, height, width).swapaxes(0, 1)
    return mixture(*parts, target)


def coupled(canvas: np.ndarray, target: np.ndarray) -> np.ndarray:
    """One logistic for each colour, whose mean leans on the colours before."""
    batch, planes, height, width = canvas.shape
    a, m, s, g = canvas.reshape(batch, 4, planes // 12, 3, height, width).swapaxes(0, 1)
    red, green, _ = (target - m[:, 0]).swapaxes(0, 1)
    m[:, 0, 1] += g[:, 0, 0] * red
    m[:, 0, 2] += g[:, 0, 1] * red + g[:, 0, 2] * green
    return mixture(a, m, s, target)


def mixture(a: np.ndarray, m: np.ndarray, s: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Masses of levels, given weights, means and scales (B, M, C, H, W)."""
    pi = np.exp(a) / np.exp(a).sum(1, keepdims=True)
    level = np.minimum(np.floor(256 * target), 255)[:, None]

    def below(edge: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-np.clip((edge / 256 - m) / np.exp(s), -500, 500)))

    low = np.where(level == 0, 0, below(level))
    high = np.where(level == 255, 1, below(level + 1))
    return np.log((pi * (high - low)).sum(1))


def log_density(z: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    return -0.5 * ((z - mu) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))


def total(each: np.ndarray) -> np.ndarray:
    return each.reshape(len(each), -1).sum(1)


def test_the_bound_is_what_the_trace_says(model, images, noise, target):
    trace = model.unroll(posterior(noise), images)
    log_p = {
        "Bernoulli": bernoulli,
        "DequantisedGaussian": gaussian,
        "Logistics": logistics,
        "CoupledLogistics": coupled,
        "Neighbours": bernoulli,
    }
    canvas = doubles(trace.frames[-1].canvas)
    if isinstance(model.likelihood, Neighbours):  # Bernoulli, with other logits
        pixels = model.likelihood(trace.frames[-1].canvas)
        canvas = doubles(pixels.logits(target - pixels.canvas.sigmoid()))
    distortion = -total(log_p[type(model.likelihood).__name__](canvas, doubles(target)))
    expected, sampled = [], []
    for choice in trace.choices:
        mu_q, mu_p, z = doubles(choice.q.mu), doubles(choice.p.mu), doubles(choice.z)
        q, p = np.exp(doubles(choice.q.log_sigma)), np.exp(doubles(choice.p.log_sigma))
        kl = 0.5 * ((mu_q - mu_p) ** 2 / p**2 + q**2 / p**2 - np.log(q**2 / p**2) - 1)
        expected.append(total(kl))
        sampled.append(total(log_density(z, mu_q, q) - log_density(z, mu_p, p)))
    terms = model(images, noise, target)
    close = {"rtol": 1e-5, "atol": 1e-4}
    np.testing.assert_allclose(doubles(terms.distortion), distortion, **close)
    np.testing.assert_allclose(doubles(terms.rates), expected, **close)
    np.testing.assert_allclose(doubles(terms.bound), distortion + sum(expected), **close)
    by_sample = model(images, noise, target, cost=cost_by_sample)
    np.testing.assert_allclose(doubles(by_sample.distortion), distortion, **close)
    np.testing.assert_allclose(doubles(by_sample.rates), sampled, **close)


# --- precision -------------------------------------------------------------------------------


def test_float64_agrees_with_float32(model, images, noise, target):
    with torch.no_grad():
        single = model(images, noise, target)
        exact = model.double()(images.double(), [e.double() for e in noise], target.double())
    for ours, theirs in zip(single, exact, strict=True):
        assert ours.dtype == torch.float32
        assert theirs.dtype == torch.float64
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-3)


def test_bf16_products_keep_float32_results(model, images, noise, target):
    with torch.no_grad():
        exact = model(images, noise, target).bound
        with torch.autocast("cpu", dtype=torch.bfloat16):
            terms = model(images, noise, target)
    assert terms.distortion.dtype == terms.rates.dtype == torch.float32
    torch.testing.assert_close(terms.bound, exact, rtol=0.05, atol=0.5)
    assert not torch.equal(terms.bound, exact)


# --- compiled --------------------------------------------------------------------------------

# In a process of its own: the hook that checks shapes in tests is not part of what is compiled.
COMPARE = """
import json, sys
import torch
from underdraw.fast import Compiled, compile_model
from underdraw.latent import cost_by_cell, prior
from underdraw.models import MODELS, build
from underdraw.recompute import recompute_steps

cases, backend, pace = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for name, options in cases:
    torch.manual_seed(0)
    options["shape"] = tuple(options["shape"])
    model = build(MODELS[name][0](**options))
    for weight in model.likelihood.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight)
    x, noise = torch.rand(2, *model.shape).round(), model.noise(2)
    target = model.likelihood.target(x, torch.rand_like(x))

    def everything():
        cells = model(x, noise, target, cost=cost_by_cell)
        terms = model(x, noise, target)
        gradients = torch.autograd.grad(terms.bound.sum(), list(model.parameters()))
        with torch.no_grad():
            told = model.unroll(prior(0.7, noise), n=2)
        return *terms, *cells, *gradients, told.frames[-1].canvas, *(c.z for c in told.choices)

    eager = everything()
    assert compile_model(model, pace, backend)
    compiled = everything()
    assert not model.run.broken
    heavy = model.likelihood
    assert heavy.pure is None or (isinstance(heavy.run, Compiled) and not heavy.run.broken)
    assert len(eager) == len(compiled)
    for a, b in zip(eager, compiled):
        torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-4)
    recompute_steps(model, 2 * pace)
    for a, b in zip(compiled, everything()):
        torch.testing.assert_close(b, a, rtol=0, atol=0)
    print(name, "agrees")
"""


def compare(cases, backend: str, pace: int = 1) -> list[str]:
    """Run every case eagerly and compiled in a fresh process; what it says about each."""
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, json.dumps(cases), backend, str(pace)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_compiled_agrees_with_eager(tiny):
    cases = [(name, next(iter(variants.values()))) for name, variants in tiny.items()]
    layers = ("padded", "two_strided", "two_dense", "three", "three_dense")
    cases += [("convdraw", tiny["convdraw"][variant]) for variant in layers]
    cases.append(("draw", tiny["draw"]["neighbours"]))
    assert compare(cases, "aot_eager") == [f"{name} agrees" for name, _ in cases]


@pytest.mark.slow
def test_every_variant_agrees_when_compiled(tiny):
    cases = [(name, options) for name in tiny for options in tiny[name].values()]
    assert compare(cases, "aot_eager", pace=2) == [f"{name} agrees" for name, _ in cases]


def test_machine_code_agrees_with_eager(tiny):
    assert compare([("draw", tiny["draw"]["attention"])], "inductor", pace=2) == ["draw agrees"]


@pytest.mark.slow
@pytest.mark.parametrize("pace", [1, 2])
def test_machine_code_agrees_with_eager_for_every_model_and_likelihood(tiny, pace):
    cases = [
        (name, next(one for one in variants.values() if (one.get("likelihood") == "gaussian") == g))
        for name, variants in tiny.items()
        for g in (False, True)
    ]
    cases.append(("draw", tiny["draw"]["neighbours"]))
    cases.append(("deepvae", tiny["deepvae"]["deterministic"]))  # all gradients through pooling
    assert compare(cases, "inductor", pace) == [f"{name} agrees" for name, _ in cases]


@pytest.mark.slow
def test_machine_code_agrees_with_eager_for_every_kind_of_layer(tiny):
    cases = [("convdraw", options) for options in tiny["convdraw"].values()]
    assert compare(cases, "inductor") == ["convdraw agrees"] * len(cases)

"""The bound, measured: repeatable, and equal to a re-computation."""

import math

import numpy as np
import pytest
import torch

from toy import Toy
from underdraw.data import Subset, hold, random_subset
from underdraw.evaluate import evaluate, passes
from underdraw.latent import cost_by_cell, kl, posterior, prior
from underdraw.likelihoods import Distortion
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAWConfig
from underdraw.models.draw import DRAWConfig
from underdraw.noise import image_noise, training_noise


@pytest.fixture
def model():
    torch.manual_seed(3)
    return build(DRAWConfig(shape=(1, 6, 5), steps=3, hidden=9, latent=4, write_size=3)).eval()


@pytest.fixture
def images():
    return hold(np.random.default_rng(0).random((23, 1, 6, 5)) < 0.4, name="noise")


def test_a_numpy_recomputation_from_the_trace_gives_the_same_bound(model, images):
    found = evaluate(model, images, seed=5, batch=7)
    bounds, distortions, rates = [], [], []
    for i in range(len(images)):
        x = images.take(np.array([i]))
        noise, _ = image_noise(model, 5, [i], 0)
        trace = model.unroll(posterior(noise), x)
        logits = trace.frames[-1].canvas.detach().double().numpy()
        pixels = x.double().numpy()
        distortion = (np.logaddexp(0, logits) - pixels * logits).sum()
        rate = [0.0] * 3
        for choice in trace.choices:
            q, p = choice.q, choice.p
            m, s = q.mu.detach().double().numpy(), q.log_sigma.detach().double().exp().numpy()
            n, t = p.mu.detach().double().numpy(), p.log_sigma.detach().double().exp().numpy()
            kl = np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5
            rate[choice.site.step] += kl.sum()
        bounds.append(distortion + sum(rate))
        distortions.append(distortion)
        rates.append(rate)
    assert found.images == 23
    assert found.nats == pytest.approx(np.mean(bounds), rel=1e-5)
    assert found.distortion == pytest.approx(np.mean(distortions), rel=1e-5)
    assert found.rate_per_step == pytest.approx(np.mean(rates, 0), rel=1e-4, abs=1e-6)
    assert found.rate == pytest.approx(sum(found.rate_per_step))
    assert found.stderr == pytest.approx(np.std(bounds, ddof=1) / math.sqrt(23), rel=1e-4)
    assert found.bits_per_dim == pytest.approx(found.nats / 30 / math.log(2))


def test_cells_are_paid_for_with_uniform_noise(model, images):
    found = evaluate(model, images, seed=5, batch=7, cells=True)
    x = images.take(np.arange(len(images)))
    noise, _ = image_noise(model, 5, range(len(images)), 0)
    with torch.no_grad():
        terms = model(x, noise, cost=cost_by_cell)
    assert found.rate == pytest.approx(terms.rates.sum(0).mean().item(), rel=1e-5)
    assert found.nats == pytest.approx(terms.bound.mean().item(), rel=1e-5)
    assert evaluate(model, images, seed=5, batch=7).rate != found.rate


def test_a_number_repeats_to_its_last_digit_and_whatever_the_batch(model, images):
    once, again = (evaluate(model, images, batch=8, importance_samples=3) for _ in range(2))
    assert once == again
    for batch in (1, 5, 23, 64):
        other = evaluate(model, images, batch=batch, importance_samples=3)
        assert other.nats == pytest.approx(once.nats, rel=1e-6)
        assert other.importance_nats == pytest.approx(once.importance_nats, rel=1e-6)
    assert evaluate(model, images, seed=1).nats != once.nats


def test_noise_belongs_to_the_image_not_to_its_place_in_a_subset(model, images):
    some = Subset(images, np.array([19, 4, 11]))
    alone = [evaluate(model, Subset(images, np.array([i])), seed=2).nats for i in (19, 4, 11)]
    assert evaluate(model, some, seed=2).nats == pytest.approx(np.mean(alone), rel=1e-6)


def test_noise_is_standard_normal_and_differs_between_images_samples_and_seeds(model):
    def row(seed, image, sample):
        return torch.cat([z.flatten() for z in image_noise(model, seed, [image], sample)[0]])

    rows = [row(s, i, k) for s in range(3) for i in range(40) for k in range(3)]
    assert len({tuple(r.tolist()) for r in rows}) == len(rows)
    everything = torch.cat(rows).double()
    assert abs(everything.mean()) < 0.1
    assert abs(everything.std() - 1) < 0.1
    assert torch.equal(row(1, 2, 3), row(1, 2, 3))


def test_shares_of_training_noise_make_up_the_joint_noise(model):
    joint, none = training_noise(model, (4, 9), (0, 1), 6)
    halves = [training_noise(model, (4, 9), (rank, 2), 6)[0] for rank in range(2)]
    assert none is None
    assert all(
        torch.equal(torch.cat([a, b]), whole) for a, b, whole in zip(*halves, joint, strict=True)
    )
    assert not torch.equal(training_noise(model, (4, 10), (0, 1), 6)[0][0], joint[0])
    assert len(training_noise(model, (4, 9), (0, 1), 6, steps=2)[0]) == 2


def test_more_samples_tighten_the_importance_weighted_bound(model, images):
    one, few, many = (
        evaluate(model, images, importance_samples=k).importance_nats for k in (1, 10, 200)
    )
    assert many < few < one
    assert one == pytest.approx(evaluate(model, images).nats, abs=2.0)


def test_fewer_steps_can_be_measured(model, images):
    found = evaluate(model, images, steps=2)
    assert len(found.rate_per_step) == 2
    whole = evaluate(model, images)
    assert found.rate_per_step == pytest.approx(whole.rate_per_step[:2])


class Stripes:
    """The toy's images as a data set."""

    name, binary = "toy", False

    def __init__(self, x):
        self.x, self.shape = x, tuple(x.shape[1:])

    def __len__(self):
        return len(self.x)

    def take(self, index, draw=0):
        return self.x[torch.as_tensor(index)]


@pytest.mark.parametrize("samples", [1, 50])
def test_the_bounds_of_a_linear_gaussian_model_meet_its_closed_form(samples):
    torch.manual_seed(0)
    toy = Toy()
    x = toy.unroll(prior(), n=400).frames[-1].canvas.detach()
    x = x + toy.s * torch.randn_like(x)
    found = evaluate(toy, Stripes(x), batch=150, importance_samples=samples)
    marginal = -toy.log_marginal(x).mean().item()
    assert found.importance_nats == pytest.approx(marginal, abs=1e-6)
    assert found.nats == pytest.approx(marginal, abs=5 * found.stderr)
    off = evaluate(Toy(blunder=0.4), Stripes(x), batch=150, importance_samples=samples)
    assert off.importance_nats > marginal + (0.01 if samples == 1 else 0)
    assert off.importance_nats < marginal + (9.0 if samples == 1 else 0.2)


def test_gaussian_pixels_are_scored_with_dequantisation_noise():
    torch.manual_seed(0)
    config = DRAWConfig(shape=(3, 4, 4), steps=2, hidden=8, latent=3, likelihood="gaussian")
    model = build(config)
    images = hold(np.random.default_rng(0).integers(0, 256, (9, 3, 4, 4)).astype(np.uint8))
    once = evaluate(model, images, batch=4)
    assert once.nats == pytest.approx(evaluate(model, images, batch=9).nats, rel=1e-6)
    assert once.bits_per_dim == pytest.approx(once.nats / 48 / math.log(2))
    z, u = image_noise(model, 0, range(9), 0)
    assert u.shape == (9, 3, 4, 4)
    assert 0 <= u.min() < u.max() < 1
    x = images.take(np.arange(9))
    trace = model.unroll(posterior(z), x)
    mean, log_variance = trace.frames[-1].canvas.detach().double().chunk(2, 1)
    off = x.double() + (u.double() - 0.5) / 256 - mean
    cost = 0.5 * (off**2 / log_variance.exp() + log_variance + math.log(2 * math.pi))
    distortion = (cost + math.log(256)).sum((1, 2, 3)).mean().item()
    assert once.distortion == pytest.approx(distortion, rel=1e-5)


def test_what_does_not_fit_is_refused(model, images):
    other = hold(np.zeros((3, 1, 4, 4), bool), name="other")
    with pytest.raises(ValueError, match=r"other holds images \(1, 4, 4\)"):
        evaluate(model, other)
    with pytest.raises(ValueError, match="K=-1"):
        evaluate(model, images, importance_samples=-1)
    for more in ({"cells": True}, {"distortion": Distortion(0.5)}):
        with pytest.raises(ValueError, match="importance_samples is 3, and rates of cells"):
            evaluate(model, images, importance_samples=3, **more)
    with pytest.raises(ValueError, match="by 0"):
        evaluate(model, images, batch=0)
    with pytest.raises(ValueError, match="got -1"):
        evaluate(model, images, seed=-1)


def test_progress_counts_every_pass(model, images):
    seen = []
    evaluate(model, images, batch=10, importance_samples=2, report=seen.append)
    assert seen == list(range(1, passes(23, 10, 2) + 1))


def test_a_random_subset_is_seeded_and_no_prefix(images):
    some = random_subset(images, 10, 0)
    assert np.array_equal(some.indices, random_subset(images, 10, 0).indices)
    assert sorted(some.indices) != list(range(10))


# --- bits ------------------------------------------------------------------------------------


def colours(size: tuple[int, int]):
    levels = np.random.default_rng(0).integers(0, 256, (9, 3, *size)).astype(np.uint8)
    return hold(levels, name="colours")


def convolutional(likelihood: str):
    torch.manual_seed(0)
    config = ConvDRAWConfig((3, 8, 6), 2, 3, (5,), (2,), (2,), likelihood=likelihood)
    return build(config).eval()


@pytest.mark.parametrize("size", [(8, 6), (7, 11)])
def test_bits_of_levels_are_of_the_exact_mass_with_the_same_latents(size):
    model, images = convolutional("gaussian"), colours(size)
    found = evaluate(model, images, seed=4, batch=4)
    total = 0.0
    for i in range(9):
        x = images.take(np.array([i]))
        noise, _ = image_noise(model, 4, [i], 0, size)
        trace = model.unroll(posterior(noise), x)
        m, a = trace.frames[-1].canvas.detach().double().chunk(2, 1)
        normal = torch.distributions.Normal(m, (a / 2).exp())
        b = (256 * x).floor().double()
        low = torch.where(b == 0, torch.zeros_like(b), normal.cdf(b / 256))
        high = torch.where(b == 255, torch.ones_like(b), normal.cdf((b + 1) / 256))
        total += (
            sum(kl(choice).item() for choice in trace.choices) - (high - low).log().sum().item()
        )
    dims = 9 * 3 * size[0] * size[1]
    assert found.bits_per_dim_discrete == pytest.approx(total / dims / math.log(2), rel=1e-4)
    assert found.bits_per_dim_discrete == pytest.approx(found.bits_per_dim, rel=0.01)
    assert found.rate_bits_per_dim == pytest.approx(found.rate * 9 / dims / math.log(2))
    assert found.bits_per_dim == pytest.approx(found.nats * 9 / dims / math.log(2))


def test_a_likelihood_of_levels_has_one_number_of_bits_and_binary_images_none(model, images):
    found = evaluate(convolutional("logistics"), colours((8, 6)))
    assert found.bits_per_dim_discrete == pytest.approx(found.bits_per_dim, rel=1e-6)
    assert 7.5 < found.bits_per_dim < 10
    assert evaluate(model, images).bits_per_dim_discrete is None


def test_uniform_noise_costs_eight_bits_a_dimension():
    """By a model that says nothing, and starts on a canvas of 64 components side by side."""
    silent = build(ConvDRAWConfig((3, 32, 32), 1, 3, (2,), (1,), (2,), "logistics64"))
    with torch.no_grad():
        for head in (silent.write.affine, silent.layers[0].to_q.affine):
            head.weight.zero_()
            head.bias.zero_()
    noise = np.random.default_rng(0).integers(0, 256, (16, 3, 32, 32), dtype=np.uint8)
    found = evaluate(silent, hold(noise, name="noise"), batch=8)
    assert found.rate == 0
    assert found.bits_per_dim == pytest.approx(8.0, abs=0.01)
    assert found.bits_per_dim_discrete == found.bits_per_dim


def test_images_of_other_channels_do_not_fit_a_model_of_any_size():
    model = convolutional("gaussian")
    with pytest.raises(ValueError, match="the model draws"):
        evaluate(model, hold(np.zeros((3, 1, 8, 6), np.uint8), name="grey"))


def test_binary_images_are_exactly_0_and_1(model):
    x = np.zeros((4, 1, 6, 5), np.float32)
    x[3, 0, 2, 2] = 1
    sound = Made(x)
    assert evaluate(model, sound).images == 4
    x[3, 0, 2, 2] = 0.998
    with pytest.raises(ValueError, match=r"made .* 0 and 1"):
        evaluate(model, sound)


class Made:
    """Images that say they are binary."""

    name, binary, shape = "made", True, (1, 6, 5)

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def take(self, index, draw=0):
        return torch.from_numpy(self.x[index])

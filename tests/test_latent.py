"""Sources, traces and terms; and bounds against a model whose marginal is known."""

import math
from dataclasses import replace
from functools import partial
from statistics import NormalDist

import numpy as np
import pytest
import torch

from toy import WIDTH, Toy
from underdraw.distributions import Gaussian
from underdraw.latent import (
    Choice,
    Drawn,
    Frame,
    Given,
    Site,
    Terms,
    Trace,
    cost_by_cell,
    cost_by_sample,
    from_cell,
    keep,
    kl,
    log_cell,
    log_ratio,
    mode,
    posterior,
    prior,
    replay,
)
from underdraw.latent.fitting import cropped, padded
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAWConfig

STEPS = 3


@pytest.fixture
def noise(draw):
    return draw.noise(3, torch.Generator().manual_seed(5))


def same(left: Trace, right: Trace) -> None:
    """Every tensor of two traces is equal to the last bit."""
    assert len(left.frames) == len(right.frames)
    for a, b in zip(left.frames, right.frames, strict=True):
        assert torch.equal(a.canvas, b.canvas)
    for a, b in zip(left.choices, right.choices, strict=True):
        assert a.site == b.site
        assert torch.equal(a.z, b.z)
        assert torch.equal(a.p.mu, b.p.mu)
        assert (a.q is None) == (b.q is None)


# --- the trace -------------------------------------------------------------------------------


def test_a_trace_has_a_choice_for_every_site_in_order(draw, images):
    trace = draw.unroll(posterior(), images)
    assert isinstance(trace, Trace)
    assert [choice.site for choice in trace.choices] == list(draw.sites)
    assert list(draw.sites) == [Site(t, t, 0) for t in range(STEPS)]
    for choice in trace.choices:
        assert isinstance(choice, Choice)
        assert choice.z.shape == (3, *draw.latent_shape(choice.site))
        for distribution in (choice.p, choice.q):
            assert distribution.mu.shape == distribution.log_sigma.shape == choice.z.shape


def test_frames_are_the_last_or_all(draw, noise, images):
    last = draw.unroll(posterior(noise), images)
    every = draw.unroll(posterior(noise), images, frames="all")
    assert len(last.frames) == 1
    assert len(every.frames) == STEPS
    assert isinstance(last.frames[0], Frame)
    assert torch.equal(last.frames[-1].canvas, every.frames[-1].canvas)
    assert not torch.equal(every.frames[0].canvas, every.frames[-1].canvas)


def test_unseen_images_have_no_posterior(draw):
    trace = draw.unroll(prior(), n=2)
    assert all(choice.q is None for choice in trace.choices)
    assert trace.frames[-1].canvas.shape[0] == 2
    assert draw.unroll(prior()).frames[-1].canvas.shape[0] == 1
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        draw.unroll(prior(), n=0)


@pytest.mark.parametrize("pace", [1, 2, 3, 10])
def test_the_pace_changes_nothing(draw, noise, images, pace):
    expected = draw.unroll(posterior(noise), images, frames="all")
    asking = keep(lambda site: True, posterior(noise), mode)
    draw.pace = pace
    same(draw.unroll(posterior(noise), images, frames="all"), expected)
    same(draw.unroll(asking, images, frames="all"), expected)


def test_paint_yields_what_it_is_asked_to_keep(draw, noise, images):
    kept = list(draw.paint(posterior(noise), images, fold=lambda f, drawn: (f.canvas, len(drawn))))
    every = draw.unroll(posterior(noise), images, frames="all").frames
    for (canvas, choices), frame in zip(kept, every, strict=True):
        assert torch.equal(canvas, frame.canvas)
        assert choices == 1


def test_two_layers_of_one_step_are_two_choices_of_one_frame():
    toy = Toy(layers=True)
    x, noise = torch.randn(4, 1, 1, WIDTH).double(), [torch.randn(4, 1).double() for _ in range(2)]
    trace = toy.unroll(posterior(noise), x, frames="all")
    assert [choice.site for choice in trace.choices] == [Site(0, 0, 0), Site(1, 0, 1)]
    assert len(trace.frames) == 1
    stepwise = Toy().unroll(posterior(noise), x, frames="all")
    assert len(stepwise.frames) == 2
    assert torch.equal(stepwise.frames[-1].canvas, trace.frames[-1].canvas)
    for a, b in zip(trace.choices, stepwise.choices, strict=True):
        assert torch.equal(a.z, b.z)
    called = toy.unroll(lambda site, p, q: q.mu + q.sigma * noise[site.index], x)
    assert torch.equal(called.frames[-1].canvas, trace.frames[-1].canvas)


# --- sources ---------------------------------------------------------------------------------


def test_the_posterior_is_mu_plus_sigma_noise(draw, noise, images):
    for choice in draw.unroll(posterior(noise), images).choices:
        expected = choice.q.mu + choice.q.sigma * noise[choice.site.index]
        torch.testing.assert_close(choice.z, expected)


def test_fresh_posterior_noise_is_new_at_every_step_and_call(draw, images):
    def noises(trace):
        return [(c.z - c.q.mu) / c.q.sigma for c in trace.choices]

    one, other = (noises(draw.unroll(posterior(), images)) for _ in range(2))
    assert not torch.allclose(one[0], one[1], atol=1e-3)
    assert not torch.allclose(one[0][0], one[0][1], atol=1e-3)
    assert not torch.allclose(one[0], other[0], atol=1e-3)
    torch.manual_seed(9)
    first = draw.unroll(posterior(), images)
    torch.manual_seed(9)
    same(draw.unroll(posterior(), images), first)


@pytest.mark.parametrize(
    ("source", "watched", "spread"),
    [(posterior(), True, 1.0), (prior(), False, 1.0), (prior(0.5), False, 0.5)],
)
def test_fresh_noise_is_standard_normal(source, watched, spread):
    toy, n = Toy(), 20_000
    x = torch.zeros(n, 1, 1, WIDTH).double() if watched else None
    for choice in toy.unroll(source, x, n=n).choices:
        base = choice.q if watched else choice.p
        e = (choice.z - base.mu) / base.sigma
        assert abs(e.mean().item()) < 0.04
        assert e.std().item() == pytest.approx(spread, rel=0.03)


@pytest.mark.parametrize("temperature", [0.0, 0.4, 1.0, 2.0])
def test_the_prior_is_mu_plus_tempered_sigma_noise(draw, noise, temperature):
    for choice in draw.unroll(prior(temperature, noise), n=3).choices:
        e = noise[choice.site.index]
        torch.testing.assert_close(choice.z, choice.p.mu + temperature * choice.p.sigma * e)


def test_the_prior_ignores_the_image(draw, noise, images):
    watched = draw.unroll(prior(1.0, noise), images)
    dreamt = draw.unroll(prior(1.0, noise), n=3)
    assert torch.equal(watched.frames[-1].canvas, dreamt.frames[-1].canvas)
    assert all(choice.q is not None for choice in watched.choices)


def test_temperature_zero_is_the_mean_of_every_prior(draw):
    one, other = (draw.unroll(prior(0.0), n=2) for _ in range(2))
    same(one, other)
    same(one, draw.unroll(mode, n=2))
    for choice in one.choices:
        assert torch.equal(choice.z, choice.p.mu)


def test_the_mode_is_the_mean_of_q_or_of_p(draw, images):
    for choice in draw.unroll(mode, images).choices:
        assert torch.equal(choice.z, choice.q.mu)
    for choice in draw.unroll(mode, n=2).choices:
        assert torch.equal(choice.z, choice.p.mu)


def test_replay_gives_the_latents_back(draw, images):
    told = draw.unroll(posterior(), images)
    again = draw.unroll(replay([choice.z for choice in told.choices]), n=3)
    assert torch.equal(again.frames[-1].canvas, told.frames[-1].canvas)
    for a, b in zip(again.choices, told.choices, strict=True):
        assert torch.equal(a.z, b.z)


@pytest.mark.parametrize("kept", range(STEPS + 1))
def test_keep_stores_some_sites_and_dreams_the_rest(draw, noise, images, kept):
    told = draw.unroll(posterior(noise), images)
    source = keep(lambda site: site.step < kept, replay([c.z for c in told.choices]), mode)
    for choice, stored in zip(draw.unroll(source, n=3).choices, told.choices, strict=True):
        expected = stored.z if choice.site.step < kept else choice.p.mu
        assert torch.equal(choice.z, expected)


def test_keep_asks_only_the_source_it_needs(draw, images):
    def never(site, p, q):
        raise AssertionError(site)

    told = draw.unroll(keep(lambda site: True, mode, never), images)
    assert torch.equal(told.frames[-1].canvas, draw.unroll(mode, images).frames[-1].canvas)


def test_a_source_of_ones_own_is_shown_the_site_and_both_distributions(draw, images):
    asked = []

    def source(site, p, q):
        asked.append((site, q is None))
        return p.mu

    draw.unroll(source, images)
    draw.unroll(source, n=1)
    assert asked == [(s, False) for s in draw.sites] + [(s, True) for s in draw.sites]


@pytest.mark.parametrize("pace", [1, 2])
@pytest.mark.parametrize("told", [1, 2])
def test_tensors_for_the_first_steps_tell_the_first_steps(draw, noise, images, told, pace):
    draw.pace = pace
    whole = draw.unroll(posterior(noise), images, frames="all")
    part = draw.unroll(posterior(noise[:told]), images, frames="all")
    same(part, Trace(whole.frames[:told], whole.choices[:told]))
    terms, short = draw(images, noise), draw(images, noise[:told])
    assert torch.equal(short.rates, terms.rates[:told])
    score = draw.likelihood(whole.frames[told - 1].canvas).log_prob(images)
    torch.testing.assert_close(short.distortion, -score)
    assert len(draw.noise(3, steps=told)) == told


def test_noise_is_repeatable_and_of_the_latents_shapes(draw):
    one, other = (draw.noise(4, torch.Generator().manual_seed(3)) for _ in range(2))
    assert [tuple(e.shape) for e in one] == [(4, *draw.latent_shape(s)) for s in draw.sites]
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not torch.equal(one[0], one[1])


# --- errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [False, True])
def test_the_posterior_needs_an_image(draw, noise, given):
    with pytest.raises(ValueError, match="no image"):
        draw.unroll(posterior(noise) if given else posterior(), n=3)


@pytest.mark.parametrize("temperature", [-0.5, -3.0, float("nan"), float("inf")])
def test_a_temperature_that_scales_nothing_is_refused(temperature):
    with pytest.raises(ValueError, match=str(temperature)):
        prior(temperature)


@pytest.mark.parametrize("held", [0, 4, 7])
def test_no_latents_or_too_many_are_refused(draw, noise, held):
    with pytest.raises(ValueError, match=rf"{held}.*{STEPS}"):
        draw.unroll(replay((3 * noise)[:held]), n=3)


def test_half_a_step_is_refused():
    half = [torch.zeros(2, 1).double()]
    with pytest.raises(ValueError, match=r"1.*2"):
        Toy(layers=True).unroll(replay(half), n=2)
    assert len(Toy(layers=False).unroll(replay(half), n=2).choices) == 1


def test_an_unknown_word_for_frames_is_refused(draw):
    with pytest.raises(ValueError, match="'first'"):
        draw.unroll(prior(), frames="first")


def test_images_of_another_shape_are_refused(draw):
    with pytest.raises(ValueError, match=r"\(1, 6, 8\).*\(1, 8, 6\)"):
        draw.unroll(mode, torch.zeros(2, 1, 6, 8))


@pytest.mark.parametrize("cost", [kl, log_ratio, log_cell])
def test_a_rate_needs_a_posterior(draw, cost):
    choice = draw.unroll(prior()).choices[0]
    with pytest.raises(ValueError, match="no image"):
        cost(Drawn(*choice[1:]))


# --- terms -----------------------------------------------------------------------------------


def test_terms_add_up_to_the_bound():
    terms = Terms(torch.tensor([1.0, 2.0]), torch.tensor([[10.0, 20.0], [100.0, 200.0]]))
    assert terms.bound.tolist() == [111, 222]


def test_forward_is_the_cost_of_the_trace(draw, noise, images):
    choices = draw.unroll(posterior(noise), images).choices
    drawn = [Drawn(*choice[1:]) for choice in choices]
    for cost, each in ((None, kl), (cost_by_sample, log_ratio)):
        terms = draw(images, noise) if cost is None else draw(images, noise, cost=cost)
        assert terms.distortion.shape == (3,)
        assert terms.rates.shape == (STEPS, 3)
        torch.testing.assert_close(terms.rates, torch.stack([each(d) for d in drawn]))


def test_forward_scores_the_target_and_looks_at_the_image(draw, noise, images):
    target = 1 - images
    plain, other = draw(images, noise), draw(images, noise, target)
    canvas = draw.unroll(posterior(noise), images).frames[-1].canvas
    assert torch.equal(plain.rates, other.rates)
    torch.testing.assert_close(other.distortion, -draw.likelihood(canvas).log_prob(target))
    assert not torch.allclose(plain.distortion, other.distortion)


# --- against a known marginal ----------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["steps", "layers"])
def layers(request):
    return request.param


def drawn_from(toy: Toy, n: int) -> torch.Tensor:
    mean = toy.unroll(prior(), n=n).frames[-1].canvas.detach()
    return mean + toy.s * torch.randn(n, 1, 1, WIDTH).double()


def test_the_toys_prior_has_its_covariance(layers):
    choices = Toy(layers).unroll(prior(), n=100_000).choices
    z = torch.cat([choice.z for choice in choices], 1)
    torch.testing.assert_close(torch.cov(z.mT), Toy().covariance(), atol=0.02, rtol=0)


def test_at_the_exact_posterior_every_sample_gives_the_log_marginal(layers):
    toy = Toy(layers)
    x = drawn_from(toy, 6)
    for _ in range(3):
        noise = [torch.randn(6, 1).double() for _ in toy.sites]
        with torch.no_grad():
            bound = toy(x, noise, cost=cost_by_sample).bound
        torch.testing.assert_close(bound, -toy.log_marginal(x), rtol=1e-11, atol=1e-11)


def quadrature() -> tuple[list[torch.Tensor], torch.Tensor]:
    """Two standard normal noises on a grid of 9 points, exact for quadratics, and its weights."""
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(3))
    noise = torch.cartesian_prod(nodes, nodes)
    return [noise[:, :1], noise[:, 1:]], torch.outer(weights, weights).flatten() / (2 * math.pi)


@pytest.mark.parametrize("blunder", [0.0, 0.5])
def test_the_expected_kl_bound_is_tight_only_at_the_exact_posterior(layers, blunder):
    toy = Toy(layers, blunder)
    x = drawn_from(toy, 1)
    noise, weights = quadrature()
    with torch.no_grad():
        each = toy(x.expand(9, 1, 1, WIDTH), noise).bound
    gap = (each @ weights + toy.log_marginal(x)).item()
    if blunder == 0:
        assert gap == pytest.approx(0, abs=1e-10)
    else:
        # KL(q || exact): each latent is moved by b sigmas and widened by 1 + b; the error of the
        # first is passed on by the second, which is exact given the first
        b = blunder
        assert gap == pytest.approx(2 * 0.5 * (b**2 + (1 + b) ** 2 - 2 * math.log(1 + b) - 1))


def importance(toy: Toy, x: torch.Tensor, samples: int, repeats: int = 1) -> float:
    """Mean over `repeats` of the bound with so many samples, nats."""
    n = samples * repeats
    noise = [torch.randn(n, 1).double() for _ in toy.sites]
    with torch.no_grad():
        weights = -toy(x.expand(n, 1, 1, WIDTH), noise, cost=cost_by_sample).bound
    each = weights.reshape(repeats, samples).logsumexp(1) - math.log(samples)
    return each.mean().item()


def test_the_importance_weighted_bound_converges_to_the_marginal(layers):
    toy = Toy(layers, blunder=0.5)
    x = drawn_from(toy, 1)
    exact = toy.log_marginal(x).item()
    means = [importance(toy, x, k, repeats=2000) for k in (1, 5, 50)]
    assert means[0] < means[1] < means[2] < exact + 0.02
    assert exact - means[0] > 0.3
    assert importance(toy, x, 100_000) == pytest.approx(exact, abs=0.02)


# --- sizes -----------------------------------------------------------------------------------


def test_a_model_of_one_size_refuses_others(draw):
    channels, height, width = draw.shape
    with pytest.raises(ValueError, match="the model draws"):
        draw.unroll(posterior(), torch.rand(2, channels, height, width + 1))
    with pytest.raises(ValueError, match="the model draws"):
        draw.unroll(prior(), size=(height + 1, width))
    with pytest.raises(ValueError, match="latents"):
        draw.unroll(replay([e[:, 1:] for e in draw.noise(2)]), n=2)


def test_images_are_padded_by_their_last_row_and_column():
    x = torch.rand(2, 3, 5, 4)
    larger = padded(x, (6, 6))
    assert torch.equal(larger[:, :, :5, :4], x)
    assert torch.equal(larger[:, :, 5, :4], x[:, :, 4])
    assert torch.equal(larger[:, :, :5, 5], x[:, :, :, 3])


def test_a_canvas_is_cut_to_its_upper_left():
    frame = Frame(torch.rand(2, 1, 6, 6), None, None)
    assert torch.equal(cropped(frame, (5, 4)).canvas, frame.canvas[:, :, :5, :4])


def test_every_latent_that_is_given_must_fit(draw):
    x, noise = torch.rand(2, *draw.shape), draw.noise(2)
    for wrong in (noise[-1][:1], noise[-1][:, :1], torch.cat([noise[-1]] * 2)):
        with pytest.raises(ValueError, match="the source"):
            draw(x, [*noise[:-1], wrong])


def test_the_density_of_levels_is_no_bound():
    model = build(ConvDRAWConfig((1, 4, 4), 1, 3, (2,), (1,), (2,)))
    x, noise = torch.rand(2, 1, 4, 4), model.noise(2)
    with pytest.raises(ValueError, match="DequantisedGaussian scores dequantised images"):
        model(x, noise)
    levels = build(replace(model.config, likelihood="logistics"))
    found = levels(x, noise).bound
    assert torch.equal(found, levels(x, noise, levels.likelihood.target(x)).bound)


# --- cells -----------------------------------------------------------------------------------


def one_cell(z, mu, log_sigma, log_q, mu_q=0.0):
    """A choice of one latent, double."""
    to = partial(torch.tensor, dtype=torch.float64)
    p, q = Gaussian(to([[mu]]), to([[log_sigma]])), Gaussian(to([[mu_q]]), to([[log_q]]))
    return Drawn(to([[z]]), p, q)


def spread(log_sigma, log_q):
    """The standard deviation that a prior is taken to have beside cells of these widths."""
    return math.hypot(math.exp(log_sigma), math.sqrt(12) * math.exp(log_q) / 50)


@pytest.mark.parametrize(("z", "log_q"), [(0.3, -1.0), (-1.7, 0.2), (2.5, 1.5), (0.0, -4.0)])
def test_a_cell_has_its_mass_under_the_prior(z, log_q):
    p, half = NormalDist(-0.2, spread(0.4, log_q)), math.sqrt(3) * math.exp(log_q)
    mass = p.cdf(z + half) - p.cdf(z - half)
    assert log_cell(one_cell(z, -0.2, 0.4, log_q)).item() == pytest.approx(
        -math.log(mass), rel=1e-9
    )


def test_masses_of_a_grid_of_cells_sum_to_one():
    width = math.sqrt(12) * math.exp(-0.3)
    total = sum(
        math.exp(-log_cell(one_cell(0.37 + k * width, 0.1, 0.5, -0.3)).item())
        for k in range(-40, 41)
    )
    assert total == pytest.approx(1, abs=1e-9)


def test_what_a_sharp_prior_expects_is_free_and_what_it_does_not_is_dear_but_possible():
    width = math.sqrt(12) * math.exp(0.0)
    assert log_cell(one_cell(0.0, 0.0, -20.0, 0.0)).item() == pytest.approx(0, abs=1e-4)
    other = one_cell(width, 0.0, -20.0, 0.0)
    near = 25.0  # its edges are 25 and 75 of the widened deviations away: all is beyond the first
    tail = (near**-1 - near**-3 + 3 * near**-5 - 15 * near**-7) / math.sqrt(2 * math.pi)
    assert log_cell(other).item() == pytest.approx(0.5 * near**2 - math.log(tail), rel=1e-6)


@pytest.mark.parametrize("z", [0.0, 5.0, 30.0])
@pytest.mark.parametrize(("log_sigma", "log_q"), [(0.0, 0.0), (0.0, -2.0), (-20.0, 0.0), (2, -3)])
def test_gradients_of_cells_are_right(z, log_sigma, log_q):
    def cost(mu, log_sigma, mu_q, log_q):
        return log_cell(Drawn(mu_q + z, Gaussian(mu, log_sigma), Gaussian(mu_q, log_q)))

    given = [torch.tensor([[v]], dtype=torch.float64) for v in (0.1, log_sigma, -0.2, log_q)]
    torch.autograd.gradcheck(cost, [v.requires_grad_() for v in given])


def test_forward_by_cells_is_the_cost_of_a_trace_of_cells(draw, noise, images):
    told = draw.unroll(Given(from_cell, noise), images)
    terms = draw(images, noise, cost=cost_by_cell)
    rates = torch.stack([log_cell(Drawn(*choice[1:])) for choice in told.choices])
    torch.testing.assert_close(terms.rates, rates)
    assert (told.frames[-1].canvas != draw.unroll(posterior(noise), images).frames[-1].canvas).any()


def test_a_sample_of_the_cell_is_uniform_with_the_spread_of_q():
    q = Gaussian(torch.full((100_000,), 0.7), torch.full((100_000,), -0.5))
    e = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    z = (from_cell(q, q, e) - 0.7) / math.exp(-0.5)
    assert z.abs().max() <= math.sqrt(3) + 1e-5
    assert z.std().item() == pytest.approx(1, abs=0.01)
    shares = torch.histc(z, 10, -math.sqrt(3), math.sqrt(3)) / len(z)
    assert (shares - 0.1).abs().max() < 0.01
    assert from_cell(q, q, torch.zeros(100_000)).eq(0.7).all()

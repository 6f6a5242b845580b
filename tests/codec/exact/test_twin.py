from dataclasses import replace

import pytest
import torch

from codec.exact.small import CODEC, MODELS, integer, picture, stirred
from underdraw.codec import exact
from underdraw.codec.exact import ExactGaussian
from underdraw.codec.exact.cost import Ledger
from underdraw.latent import mode, replay
from underdraw.models import MODELS as TABLE
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAW, ConvDRAWConfig

UNIT = 2.0**-16


def tell(twin, levels):
    """A whole trace with latents that are sampled on the grid, repeatably."""
    noise = twin.noise(
        len(levels), torch.Generator().manual_seed(3), size=(levels.shape[2], levels.shape[3])
    )
    return twin.unroll(Ledger(twin, noise), twin.see(levels), frames="all")


def numbers(trace):
    """Everything whole that a trace holds."""
    for choice in trace.choices:
        yield from (choice.z, *choice.p, *(choice.q or ()))
    yield from (frame.canvas for frame in trace.frames)


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(numbers(a), numbers(b), strict=True))


def test_everything_is_whole_and_bounded(model, levels):
    twin = exact.twin_of(model)
    trace = tell(twin, levels)
    for value in numbers(trace):
        assert value.dtype == torch.float64
        assert torch.equal(value, value.round())
        assert value.abs().max() <= exact.BOUND
    assert all(isinstance(choice.p, ExactGaussian) for choice in trace.choices)
    for choice in trace.choices:
        delta = twin.delta(choice.site)[:, None, None]
        assert (choice.z.long() % delta == 0).all()


def test_int64_comes_to_the_same(model, levels):
    assert equal(tell(exact.twin_of(model), levels), tell(integer(model), levels))


def test_the_twin_follows_the_float_model(model, levels):
    twin = exact.twin_of(model)
    told = tell(twin, levels)
    x = (levels + 0.5) / 256
    with torch.no_grad():
        floats = model.unroll(replay([(c.z * UNIT).float() for c in told.choices]), x, frames="all")
    for a, b in zip(told.choices, floats.choices, strict=True):
        for d, e in ((a.p, b.p), (a.q, b.q)):
            assert (d.real.mu - e.mu).abs().max() < 2e-3
            assert (d.real.log_sigma - e.log_sigma).abs().max() < 0.5 * 0.6932 / 32 + 2e-3
    for a, b in zip(told.frames, floats.frames, strict=True):
        found, wanted = twin.pixels(a.canvas), model.likelihood(b.canvas)
        assert (found.mean * UNIT - wanted.mean).abs().max() < 2e-3
    assert (found.levels - 255 * wanted.mean.clamp(0, 1)).abs().max() < 2
    assert wanted.mean.std() > 0.01  # there is something to follow


def test_a_decoder_needs_no_image(model, levels):
    twin = exact.twin_of(model)
    told = tell(twin, levels)
    again = twin.unroll(replay([c.z for c in told.choices]), n=len(levels), frames="all")
    for a, b in zip(told.choices, again.choices, strict=True):
        assert torch.equal(a.p.mean, b.p.mean)
        assert torch.equal(a.p.scale, b.p.scale)
    assert torch.equal(told.frames[-1].canvas, again.frames[-1].canvas)


def test_images_do_not_depend_on_their_batch(model, levels):
    twin = exact.twin_of(model)
    whole = twin.unroll(mode, twin.see(levels))
    for i, one in enumerate(levels):
        alone = twin.unroll(mode, twin.see(one[None]))
        for a, b in zip(numbers(whole), numbers(alone), strict=True):
            assert torch.equal(a[i : i + 1], b)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (17, 12)])
def test_any_size(two, size):
    twin, levels = exact.twin_of(two), picture(2, 3, *size)
    told = tell(twin, levels)
    assert equal(told, tell(integer(two), levels))
    again = twin.unroll(replay([c.z for c in told.choices]), n=2, size=size)
    shown = twin.pixels(again.frames[-1].canvas).levels
    assert shown.shape == levels.shape
    assert torch.equal(shown, twin.pixels(told.frames[-1].canvas).levels)


def test_wild_latents_are_clamped(two):
    twin = exact.twin_of(two)
    wild = twin.unroll(lambda site, p, q: torch.full_like(p.mu, 2.0**45))
    edge = twin.unroll(lambda site, p, q: torch.full_like(p.mu, exact.BOUND))
    assert torch.equal(wild.frames[-1].canvas, edge.frames[-1].canvas)


def test_the_grid_is_half_a_posterior_wide(model):
    twin = exact.twin_of(model)
    for site in twin.sites:
        sigma = model.posterior_log_sigma(site).exp()
        assert torch.allclose(twin.delta(site) * UNIT, sigma / 2, atol=UNIT)
        assert (twin.posterior_log_sigma(site).exp() / sigma - 1).abs().max() < 0.0115
        assert twin.active(site).all()


def test_nearest_is_what_integers_say(two):
    twin = exact.twin_of(two)
    site = twin.sites[0]
    value = torch.randint(-exact.BOUND, exact.BOUND, (500, 3, 1, 1))
    value[:250] = twin.delta(site)[:, None, None] * torch.randint(-99, 99, (250, 3, 1, 1)) // 2
    delta = twin.delta(site).tolist()
    wanted = [[(2 * v + d) // (2 * d) * d for v, d in zip(row, delta, strict=True)]
              for row in value.flatten(1).tolist()]  # fmt: skip
    assert twin.nearest(site, value.double()).flatten(1).tolist() == wanted


def test_what_is_seen(two):
    twin, levels = exact.twin_of(two), picture(1, 3, 2, 2)
    assert torch.equal(twin.see(levels) * UNIT, (levels + 0.5) / 256)
    for wrong in (levels.float(), levels[0], levels[:, :1]):
        with pytest.raises(ValueError, match="images are uint8"):
            twin.see(wrong)


def test_the_hash_is_of_everything(two):
    twin = exact.twin_of(two)
    before = twin.hash
    assert len(before) == 8
    assert before == exact.twin_of(two).hash
    integers = twin.integers()
    for value in integers.values():
        value.view(-1)[0] += 1
        twin.take(integers)
        assert twin.hash != before
        value.view(-1)[0] -= 1
    twin.take(integers)
    assert twin.hash == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("norm", "channel"),
        ("constant_scale", False),
        ("likelihood", "logistics"),
        ("initial_maps", True),
        ("stride", (None,)),
        ("stride", (65,)),
    ],
)
def test_models_without_a_twin(name, value):
    config = replace(MODELS["one"], shape=(3, 65, 65), **{name: value})
    with pytest.raises(ValueError, match=name):
        exact.twin_of(ConvDRAW(config))


def test_other_models_have_no_twin(tiny):
    model = build(TABLE["draw"][0](**tiny["draw"]["attention"]))
    with pytest.raises(ValueError, match="a DRAW has no exact twin"):
        exact.twin_of(model)


def test_weights_that_are_too_large():
    model = stirred(ConvDRAWConfig((3, 8, 8), 1, 3, (4,), (2,), (2,), **CODEC))
    model.write.affine.weight.data[7] *= 1e5
    with pytest.raises(ValueError, match=r"write.affine: map 7 could reach 2\^60"):
        exact.twin_of(model)
    model.write.affine.weight.data[7] = torch.nan
    with pytest.raises(ValueError, match="no exact place"):
        exact.twin_of(model)

"""Steps told again in the backward pass: the same gradients from less memory."""

import weakref
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from underdraw.latent import posterior, stretch
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAWConfig
from underdraw.models.draw import DRAWConfig
from underdraw.recompute import recompute_steps

CONFIG = DRAWConfig(shape=(1, 6, 5), steps=5, hidden=8, latent=3)


class Live(TorchDispatchMode):
    """Bytes in tensors made within, now and at most."""

    def __init__(self):
        super().__init__()
        self.now = self.most = 0
        self.known = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self.count(tensor.untyped_storage())
        return made

    def count(self, storage):
        if storage._cdata not in self.known:
            self.known.add(storage._cdata)
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self.free, storage._cdata, storage.nbytes())

    def free(self, name, size):
        self.known.discard(name)
        self.now -= size


def batch(model) -> tuple[torch.Tensor, list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, *model.shape, generator=generator), model.noise(2, generator)


def gradients(model) -> list[torch.Tensor]:
    x, noise = batch(model)
    terms = model(x, noise, x)
    return [*terms, *torch.autograd.grad(terms.bound.sum(), list(model.parameters()))]


SMALL = {
    "draw": DRAWConfig(shape=(1, 6, 5), hidden=32, latent=3),
    "convdraw": ConvDRAWConfig((1, 6, 6), kernel=3, maps=(8,), latent=(1,)),
}


def most(config: Any, steps: int, recompute: bool) -> int:
    model = build(replace(config, steps=steps))
    if recompute:
        recompute_steps(model)
    x, noise = batch(model)
    with Live() as live:
        model(x, noise, x).bound.sum().backward()
    return live.most


def same(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_every_model_has_the_same_gradients_to_the_last_bit(model):
    expected = gradients(model)
    for every in (None, 1, 2, 100):
        recompute_steps(model, every)
        assert same(gradients(model), expected)


@pytest.mark.parametrize("name", SMALL)
def test_memory_grows_like_the_square_root_of_the_steps(name):
    kept, told_again = (
        [most(SMALL[name], t, recompute) for t in (4, 16, 64)] for recompute in (False, True)
    )

    def growth(bytes_) -> float:
        """By what the second increase is larger than the first: 2 if like sqrt(T), 4 if like T."""
        few, more, most_ = bytes_
        return (most_ - more) / (more - few)

    assert growth(kept) == pytest.approx(4, rel=0.05)
    assert growth(told_again) == pytest.approx(2, rel=0.1)


def test_stretches_are_made_of_whole_regions():
    model, sizes = build(CONFIG), []

    def run(model, rule, fold, state, given, *rest):
        sizes.append(len(given))
        return stretch(model, rule, fold, state, given, *rest)

    model.run, model.pace = run, 2
    recompute_steps(model, 3)
    assert model.pace == 4
    gradients(model)
    assert sizes == [2, 2, 1, 1, 2, 2]  # and once more, the last stretch first
    del sizes[:]
    with torch.no_grad():
        model(*batch(model))
    assert sizes == [2, 2, 1]


def test_a_source_that_draws_its_own_noise_is_asked_once():
    model = build(CONFIG)
    recompute_steps(model)
    asked = []

    def source(site, p, q):
        asked.append(site.index)
        return posterior()(site, p, q)

    trace = model.unroll(source, batch(model)[0])
    trace.frames[-1].canvas.sum().backward()
    assert asked == [0, 1, 2, 3, 4]


def test_bad_stretches_are_refused():
    with pytest.raises(ValueError, match="got 0"):
        recompute_steps(build(CONFIG), 0)


@pytest.mark.parametrize(
    ("steps", "pace", "every", "expected"),
    [(9, 1, None, 3), (10, 1, None, 4), (10, 3, None, 6), (10, 3, 7, 9), (10, 1, 100, 100)],
)
def test_a_stretch_has_the_square_root_of_the_steps_in_whole_regions(steps, pace, every, expected):
    model = build(DRAWConfig(shape=(1, 4, 4), steps=steps, hidden=4, latent=2))
    model.pace = pace
    recompute_steps(model, every)
    assert model.pace == expected

"""What every classifier promises."""

import json
import subprocess
import sys

import pytest
import torch

from underdraw import fast
from underdraw.checkpoint import CheckpointError, load, load_classifier, load_latent, save
from underdraw.classifier import logits_only


@pytest.fixture
def x(classifier):
    return torch.rand(5, *classifier.shape, generator=torch.Generator().manual_seed(1))


def test_shapes(classifier, x):
    looks = list(classifier.looks(x))
    assert len(looks) == classifier.steps
    for look in looks:
        assert look.logits.shape == (5, 4)
        if look.window is not None:
            size, channels = look.window.size, classifier.shape[0] * classifier.config.scales
            assert look.patch.shape == (5, channels, size, size)
    assert torch.equal(classifier(x), torch.stack([look.logits for look in looks]))


def test_every_parameter_has_a_gradient(classifier, x):
    x.requires_grad_(True)
    logits = classifier(x)
    logits[-1].logsumexp(1).add(-logits[-1, :, 1]).sum().backward()
    assert x.grad.abs().sum() > 0
    for name, parameter in classifier.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # the first window reads h_0 = 0, and a single filter has no stride
        if classifier.steps > 1 or name != "window.head.weight":
            assert parameter.grad.abs().max() > 0, name


def test_fewer_glimpses_are_the_first_ones(classifier, x):
    every = classifier(x)
    for steps in range(1, classifier.steps + 1):
        assert torch.equal(classifier(x, steps), every[:steps])


def test_images_do_not_see_each_other(classifier, x):
    torch.testing.assert_close(classifier(x[2:3]), classifier(x)[:, 2:3])


def test_what_does_not_fit_is_named(classifier, x):
    with pytest.raises(ValueError, match="glimpses, not 9"):
        classifier(x, 9)
    with pytest.raises(ValueError, match=r"images are \(\d, 9, 9\)"):
        classifier(torch.zeros(1, classifier.shape[0], 9, 9))


def test_any_pace_tells_the_same(classifier, x):
    alone = classifier(x)
    for pace in (2, 3, 5):
        classifier.pace = pace
        assert torch.equal(classifier(x), alone)


# In a process of its own: the hook that checks shapes in tests is not part of what is compiled.
COMPARE = """
import json, sys
import torch
from underdraw import fast
from underdraw.classifier import stretch
from underdraw.models import MODELS, build

cases, backend, pace = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for name, options in cases:
    torch.manual_seed(0)
    options |= {key: tuple(options[key]) for key in ("shape", "maps") if key in options}
    model = build(MODELS[name][0](**options))
    x = torch.rand(3, *model.shape)

    def everything():
        logits = model(x)
        gradients = torch.autograd.grad(logits.logsumexp(2).sum(), list(model.parameters()))
        with torch.no_grad():
            looks = list(model.looks(x))
        return logits, *gradients, *(look.logits for look in looks)

    eager = everything()
    assert fast.compile_model(model, pace, backend)
    assert model.run.pure is stretch
    for a, b in zip(eager, everything(), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-5)
    assert not model.run.broken
    print(name, "agrees")
"""


def compare(backend, pace, cases):
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, json.dumps(cases), backend, str(pace)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_compiled_agrees_with_eager(classifiers):
    assert compare("aot_eager", 2, classifiers) == [f"{name} agrees" for name, _ in classifiers]


@pytest.mark.slow
def test_machine_code_agrees_with_eager(classifiers):
    assert compare("inductor", 2, classifiers) == [f"{name} agrees" for name, _ in classifiers]


def test_a_fold_of_ones_own_runs_eagerly(classifier, x):
    fast.compile_model(classifier, backend="eager")
    classifier.run.compiled = None  # calling it would fail
    shapes = list(classifier.looks(x, keep=lambda look: look.logits.shape))
    assert shapes == [(5, 4)] * classifier.steps


def test_saved_and_loaded_it_is_the_same(classifier, x, tmp_path):
    save(classifier, tmp_path)
    assert torch.equal(load(tmp_path)(x), classifier(x))
    assert load_classifier(tmp_path).config == classifier.config
    with pytest.raises(CheckpointError, match="draws no images: it is a classifier"):
        load_latent(tmp_path)


def test_a_latent_variable_model_is_no_classifier(draw, tmp_path):
    save(draw, tmp_path)
    assert load_latent(tmp_path).sites == draw.sites
    with pytest.raises(CheckpointError, match=r"DRAW\) is no classifier"):
        load_classifier(tmp_path)


def test_bf16_changes_products_only(classifier, x):
    exact = classifier(x)
    with fast.precision("bf16"):
        rough = classifier(x)
    assert rough.dtype == torch.float32
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.1)


def test_float64_agrees(classifier, x):
    exact = classifier(x)
    torch.testing.assert_close(classifier.double()(x.double()).float(), exact, rtol=1e-3, atol=1e-4)


def test_logits_are_what_training_keeps(classifier, x):
    kept = list(classifier.looks(x, keep=logits_only))
    assert torch.equal(torch.stack(kept), classifier(x))

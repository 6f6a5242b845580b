"""The fast path: same numbers, and eager where it cannot be had."""

import subprocess
import sys

import pytest
import torch
from torch._dynamo.exc import TorchDynamoException

from underdraw import fast
from underdraw.latent import mode, posterior, stretch
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAWConfig
from underdraw.models.draw import DRAWConfig

CONFIG = DRAWConfig(shape=(1, 6, 5), steps=4, hidden=8, latent=3)


def test_without_a_compiler_the_model_stays_eager(monkeypatch):
    monkeypatch.setattr(fast, "has_compiler", lambda device="cpu": False)
    model = build(CONFIG)
    with pytest.warns(UserWarning, match="no compiler"):
        assert fast.compile_model(model) is False
    assert model.run is stretch


def test_a_compiler_that_fails_is_said_once(monkeypatch):
    monkeypatch.setattr(fast, "has_compiler", lambda device="cpu": True)

    def broken(*arguments):
        raise TorchDynamoException("no such instruction")

    model = build(CONFIG)
    assert fast.compile_model(model)
    model.run.compiled = broken
    x, noise = torch.rand(2, 1, 6, 5), model.noise(2)
    with pytest.warns(UserWarning, match="running eagerly from here on: no such instruction"):
        found = model(x, noise)
    again = model(x, noise)  # warnings are errors: a second one would fail here
    assert torch.equal(found.bound, again.bound)


def test_a_source_that_is_no_rule_runs_eagerly():
    model = build(CONFIG)
    fast.compile_model(model, backend="eager", pace=3)
    trace = model.unroll(mode, torch.rand(2, 1, 6, 5), frames="all")
    assert len(trace.frames) == 4


def test_a_fold_of_ones_own_runs_eagerly():
    model = build(CONFIG)
    fast.compile_model(model, backend="eager")
    model.run.compiled = None  # calling it would fail
    noise = posterior(model.noise(2))
    x = torch.rand(2, 1, 6, 5)
    assert list(model.paint(noise, x, fold=lambda frame, drawn: len(drawn))) == [1, 1, 1, 1]


def test_sizes_that_are_no_multiple_are_compiled_too(monkeypatch):
    model = build(ConvDRAWConfig((1, 5, 7), 2, 3, (2,), (1,), (2,), "bernoulli"))
    x, noise = torch.rand(2, 1, 5, 7), model.noise(2)
    eager = model(x, noise)
    fast.compile_model(model, backend="eager")
    monkeypatch.setattr(model.run, "compiled", stretch)
    monkeypatch.setattr(model.run, "pure", None)  # calling it would fail
    assert torch.equal(model(x, noise).bound, eager.bound)
    assert model.outcome(x, noise)[0].shape == (2, 1, 5, 7)


def test_any_pace_tells_the_same_story():
    torch.manual_seed(0)
    model = build(CONFIG)
    x, noise = torch.rand(2, 1, 6, 5), model.noise(2)
    alone = model.unroll(posterior(noise), x)
    for pace in (2, 3, 4, 9):
        model.pace = pace
        told = model.unroll(posterior(noise), x)
        assert all(torch.equal(a.z, b.z) for a, b in zip(alone.choices, told.choices, strict=True))


def test_bad_words_are_named():
    with pytest.raises(ValueError, match="float64"):
        fast.precision("float64")
    with pytest.raises(ValueError, match="got 0"):
        fast.compile_model(build(CONFIG), pace=0)


@pytest.mark.parametrize("quick", fast.PRECISIONS)
def test_the_faster_precision_is_the_one_that_took_less_time(monkeypatch, quick):
    kinds, product, now = [], torch.Tensor.__matmul__, [0.0]

    def timed(a, b):
        found = product(a, b)
        kinds.append({torch.float32: "float32", torch.bfloat16: "bf16"}[found.dtype])
        slow = len(kinds) not in (5, 6)  # other work, but once
        now[0] += 9.0 if slow else 1.0 + (kinds[-1] != quick)
        return found

    monkeypatch.setattr(torch.Tensor, "__matmul__", timed)
    monkeypatch.setattr(fast.time, "perf_counter", lambda: now[0])
    assert fast.faster() == quick
    assert kinds == [*fast.PRECISIONS] * fast.TURNS


def test_the_faster_precision_can_be_measured():
    assert fast.faster() in fast.PRECISIONS


def test_bf16_changes_products_only():
    torch.manual_seed(0)
    model = build(CONFIG)
    x, noise = torch.rand(3, 1, 6, 5), model.noise(3)
    exact = model(x, noise).bound
    with fast.precision("bf16"):
        rough = model(x, noise).bound
    assert rough.dtype == torch.float32
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, rtol=0.02, atol=0.1)


# In a process of its own: the hook that checks shapes in tests is not part of what is compiled.
BACKWARD = """
import torch
from torch._dynamo.backends.common import aot_autograd
from underdraw import fast
from underdraw.models import build
from underdraw.models.draw import DRAWConfig

kinds = []


def look(graph, inputs):
    for node in graph.graph.nodes:
        if node.target in (torch.ops.aten.bmm.default, torch.ops.aten.mm.default):
            kinds.append((node.target.name(), str(node.meta["val"].dtype)))
    return graph


model = build(DRAWConfig(shape=(1, 28, 28), steps=2, hidden=32, latent=8))
backend = aot_autograd(fw_compiler=lambda graph, inputs: graph, bw_compiler=look)
fast.compile_model(model, backend=backend)
with fast.precision("bf16"):
    loss = model(torch.rand(4, 1, 28, 28).round(), model.noise(4)).bound.sum()
loss.backward()
print(sorted(set(kinds)))
"""


@pytest.mark.skipif(
    not hasattr(torch._functorch.config, "backward_pass_autocast"),
    reason="an older torch cannot be told not to",
)
def test_a_compiled_backward_pass_rounds_weights_and_not_filters():
    done = subprocess.run([sys.executable, "-c", BACKWARD], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kinds = [("aten::bmm", "torch.float32"), ("aten::mm", "torch.bfloat16")]
    assert done.stdout.strip() == str(kinds)

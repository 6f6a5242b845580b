"""The fast path: the same story, compiled.

A stretch of steps, `latent.stretch` or that of a `classifier`, is a pure function of tensors, so a
compiler may have it. `compile_model` puts a compiled `stretch` where the model keeps the eager one,
does likewise with what is heavy in a likelihood, and changes nothing else: the equations stand
once, in `step`, and are traced from there. A region is `pace` consecutive steps; compile time and
speed both grow with it. The first and every later region share one graph, because the learned start
is laid out like any other state.

Precision is autocast's affair: within `precision("bf16")` the products of `ops` run in bf16 and
everything else stays float32, also on the way back. Not every processor multiplies faster in bf16,
not even every one that can, so `faster` times both.

On a CPU three more things are worth having: tanh by way of exp, backward products in the types of
their factors whatever autocast says (a compiled backward pass would inherit it, and round the
filterbanks; a torch too old to be told otherwise does), and memory that is not given back to the
system after every update.
"""

import ctypes
import os
import platform
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
import torch._functorch.config
from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

from underdraw.classifier import Classifier, everything, logits_only
from underdraw.latent import (
    LatentModel,
    as_given,
    cost_by_cell,
    cost_by_kl,
    cost_by_sample,
    from_cell,
    from_posterior,
    from_prior,
    stretch,
    whole,
)

Precision = Literal["float32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")
PRODUCT = (256, 520, 1024)  # rows, inputs and outputs of a product like those of DRAW's encoder
TURNS = 9  # of which a disturbed one or two do not matter
GRAPHS = 256  # shapes, rules, folds and stretches of layers that one process may compile
TENSOR_RULES = (from_posterior, from_cell, from_prior, as_given)
FOLDS = (whole, cost_by_kl, cost_by_sample, cost_by_cell, everything, logits_only)


class Compiled:
    """A pure function of a module and more, such as a stretch of steps, compiled.

    It runs eagerly where compiling fails, which is said once, and where it is given a function it
    does not know: a source that is more than a rule over tensors, or a fold of one's own.
    """

    def __init__(
        self,
        backend: str | Callable[..., Any] = "inductor",
        cuda_graphs: bool = False,
        pure: Callable[..., Any] = stretch,
    ) -> None:
        self.pure = pure
        torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, GRAPHS)
        options: dict[str, Any] = {"cpp.use_decompose_tanh": True}
        options |= {"triton.cudagraphs": True} if cuda_graphs else {}
        self.compiled: Callable[..., Any] = torch.compile(
            pure, dynamic=False, fullgraph=True, backend=backend,
            options=options if backend == "inductor" else None,
        )  # fmt: skip
        self.broken = False

    def __call__(self, model: Any, *rest: Any) -> Any:  # noqa: ANN401
        """What the function makes of these."""
        if self.broken or not all(known(part) for part in rest):
            return self.pure(model, *rest)
        try:
            with _unlike_forward():
                return self.compiled(model, *rest)
        except (TorchDynamoException, FailOnRecompileLimitHit) as error:
            self.broken = True
            reason = str(error).strip().splitlines()[0]
            warnings.warn(f"compiling failed, running eagerly from here on: {reason}", stacklevel=2)
            return self.pure(model, *rest)


def known(part: Any) -> bool:  # noqa: ANN401
    """Whether an argument of a stretch is no function, or one that a compiler may have."""
    return not callable(part) or part in TENSOR_RULES or part in FOLDS


def _unlike_forward() -> AbstractContextManager[Any]:
    """Within, compiled backward passes do not inherit the autocast of their forward pass."""
    config = torch._functorch.config
    if not hasattr(config, "backward_pass_autocast"):  # an older torch
        return nullcontext()
    return config.patch(backward_pass_autocast="off")


def keep_memory() -> None:
    """Ask the C library to keep freed memory: an update frees and takes hundreds of megabytes.

    It holds for the whole process. Without glibc nothing happens.
    """
    if platform.libc_ver()[0] == "glibc":
        trim_threshold, mmap_threshold = -1, -3  # names of malloc.h
        library = ctypes.CDLL(None)
        library.mallopt(trim_threshold, 2**31 - 1)
        library.mallopt(mmap_threshold, 2**30)


def has_compiler(device: str = "cpu") -> bool:
    """Whether torch.compile can be expected to work on `device` here."""
    if device != "cpu":
        return torch.cuda.is_available()
    names = ["cl"] if sys.platform == "win32" else ["g++", "clang++", "c++"]
    return any(shutil.which(name) for name in [*names, os.environ.get("CXX", "")] if name)


def compile_model(
    model: LatentModel[Any] | Classifier[Any],
    pace: int = 1,
    backend: str | Callable[..., Any] = "inductor",
    device: str = "cpu",
    cuda_graphs: bool = False,
) -> bool:
    """Give `model` the fast path, in place.

    Args:
        model: the model; its parameters and their names do not change.
        pace: steps to a compiled region.
        backend: of torch.compile.
        device: where the model will run.
        cuda_graphs: on a GPU, capture every region and replay it.

    Returns:
        Whether it was done; without a compiler the model stays eager, with a warning.

    Raises:
        ValueError: `pace` is below 1.
    """
    if pace < 1:
        raise ValueError(f"pace must be at least 1, got {pace}")
    if backend == "inductor" and not has_compiler(device):
        warnings.warn("no compiler was found, running eagerly", stacklevel=2)
        return False
    if device == "cpu":
        keep_memory()
    graphs = cuda_graphs and device != "cpu"
    model.run, model.pace = Compiled(backend, graphs, model.pure), pace
    if isinstance(model, LatentModel) and model.likelihood.pure is not None:
        model.likelihood.run = Compiled(backend, graphs, model.likelihood.pure)
    return True


def faster(device: str = "cpu") -> Precision:
    """The precision in which a product is faster, "float32" or "bf16": measured, in a moment.

    They take turns, and the least time of each counts, so that other work hardly matters.
    """
    rows, inputs, outputs = PRODUCT
    x = torch.ones(rows, inputs, device=device)
    weight = torch.ones(inputs, outputs, device=device)
    times: dict[Precision, list[float]] = {name: [] for name in PRECISIONS}
    for _ in range(TURNS):
        for name, found in times.items():
            with precision(name, device):
                found.append(_seconds(x, weight))
    return min(times, key=lambda name: min(times[name]))


def _seconds(x: torch.Tensor, weight: torch.Tensor) -> float:
    """What one product takes."""
    start = time.perf_counter()
    (x @ weight)[-1, -1].item()  # waits for the device
    return time.perf_counter() - start


def precision(name: str, device: str = "cpu") -> AbstractContextManager[Any]:
    """A context in which products run in `name`, "float32" or "bf16".

    Raises:
        ValueError: another name.
    """
    if name not in PRECISIONS:
        raise ValueError(f"precision must be one of {PRECISIONS}, got {name!r}")
    if name == "float32":
        return nullcontext()
    return torch.autocast(device, torch.bfloat16)

"""Training updates to time: the frozen reference, and the package's own DRAW, eager and fast.

Every update is forward, backward, clipping and Adam on random binary images with fresh noise. The
package's model has no layer norm and draws with N(0, I): the reference's own arithmetic.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from reference_draw import ReferenceDRAW
from underdraw.fast import compile_model, precision
from underdraw.models import build
from underdraw.models.draw import DRAWConfig

Update = Callable[[int], None]  # takes the number of glimpses
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PACE = 2


def wait() -> None:
    """Wait until the device has done what it was asked."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def rate(kind: torch.dtype, batch: int, seconds: float = 1.0) -> float:
    """GFLOP/s of a product of the encoder's shape."""
    a = torch.randn(batch, 520, device=DEVICE).to(kind)
    w = torch.randn(1024, 520, device=DEVICE).to(kind)
    torch.nn.functional.linear(a, w)
    wait()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for _ in range(20):
            torch.nn.functional.linear(a, w)
        wait()
        count += 20
    return 2e-9 * batch * 520 * 1024 * count / (time.perf_counter() - start)


def updating(parameters: list[torch.nn.Parameter], loss: Callable[[int], torch.Tensor]) -> Update:
    """One training update, as everybody does it."""
    adam = torch.optim.Adam(parameters, 1e-4, fused=True)

    def update(steps: int) -> None:
        loss(steps).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        adam.step()
        adam.zero_grad()

    return update


def images(batch: int, side: int) -> torch.Tensor:
    """Random binary images, (batch, 1, side, side)."""
    return (torch.rand(batch, 1, side, side, device=DEVICE) > 0.5).float()


def reference(attention: bool, batch: int) -> Update:
    """Updates of the reference."""
    model, x = ReferenceDRAW(64, attention).to(DEVICE), images(batch, 28)[:, 0]

    def loss(steps: int) -> torch.Tensor:
        model.steps = steps
        return model(x, torch.randn(steps, batch, 100, device=DEVICE)).mean()

    return updating(list(model.parameters()), loss)


def ours(attention: bool, batch: int, fast: str | None, side: int = 28) -> Update:
    """Updates of the package's DRAW.

    With `fast` they are compiled, with products in that precision, and on a GPU replayed as graphs.
    """
    config = DRAWConfig(shape=(1, side, side), layer_norm=False)
    if not attention:
        config = replace(config, read_size=None, write_size=None)
    model, x = build(config).to(DEVICE), images(batch, side)
    if fast:
        graphs = DEVICE.type == "cuda"
        compile_model(model, pace=PACE, device=DEVICE.type, cuda_graphs=graphs)

    def loss(steps: int) -> torch.Tensor:
        if fast:
            torch.compiler.cudagraph_mark_step_begin()
        with precision(fast or "float32", DEVICE.type):
            noise = torch.randn(steps, batch, 100, device=DEVICE).unbind(0)
            return model(x, noise).bound.mean()

    return updating(list(model.parameters()), loss)


def alternate(updates: dict[str, Update], steps: int, seconds: float) -> dict[str, float]:
    """Updates a second of each, taken in turns so that all see the same machine."""
    for update in updates.values():
        update(steps)
        update(steps)
    wait()
    spent, counts = dict.fromkeys(updates, 0.0), dict.fromkeys(updates, 0)
    while min(spent.values()) < seconds:
        for name, update in updates.items():
            start = time.perf_counter()
            update(steps)
            wait()
            spent[name] += time.perf_counter() - start
            counts[name] += 1
    return {name: counts[name] / spent[name] for name in updates}


def kept(update: Update, steps: int) -> float:
    """MB that the forward pass of an update keeps for its backward pass."""
    storages: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        update(steps)
    return sum(storages.values()) / 1e6

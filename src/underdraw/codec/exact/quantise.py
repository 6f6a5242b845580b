"""From a trained model's parameters to the integers of its twin.

Besides rounding, three linear maps are folded into the weights, so that no step has to take them:

    log variance a -> v = a / (2 log 2) = log2 sigma      rows that emit one, columns that read one
    sigmoid(a) = (1 + tanh(a / 2)) / 2                    rows of the gates i, f and o are halved
    weight normalisation                                  the weights that are convolved with
"""

import copy
import math

import torch
from torch import Tensor

from underdraw.codec.exact.grid import (
    BOUND,
    CLASSES,
    FRACTION,
    GRIDS,
    OCTAVE,
    WEIGHT_FRACTION,
    on_grid,
    prove,
)
from underdraw.models.convdraw import ConvDRAW, Layer
from underdraw.nn.conv import ConstantScaleHead, Conv2d, ConvLSTMCell

TO_LOG2 = 0.5 / math.log(2)
Integers = dict[str, Tensor]


def quantise(model: ConvDRAW) -> Integers:
    """The integers, int64, by the names of `Twin.state_dict`; nothing pruned.

    Raises:
        ValueError: a weight is not finite, or products with it could not be exact.
    """
    model = copy.deepcopy(model).double().cpu()
    scales = halves(len(model.r_0))
    found = {"r_0": bounded(model.r_0 * scales[:, None, None])}
    for i, layer in enumerate(model.tower):
        seen = scales.repeat_interleave(math.prod(layer.scale)) if i == 0 else scales[:0]
        found |= {f"layers.{i}.{name}": value for name, value in of_layer(layer, seen).items()}
    rows = halves(len(model.write.affine.bias))
    return found | of_conv("write.affine", model.write.affine, rows)


def coarsened(integers: Integers, shift: int) -> Integers:
    """The same with weights rounded to multiples of 2^`shift` units, which take fewer bits.

    Raises:
        ValueError: `shift` is not 0 to `WEIGHT_FRACTION`, or products could not be exact any more.
    """
    if not 0 <= shift <= WEIGHT_FRACTION:
        raise ValueError(f"shift must be 0 to {WEIGHT_FRACTION}, got {shift}")
    found = dict(integers)
    for name in integers:
        part, _, what = name.rpartition(".")
        if what == "weight":
            found[name] = integers[name] + (1 << shift >> 1) >> shift << shift
            prove(part, found[name], integers[f"{part}.bias"])
    return found


def halves(count: int) -> Tensor:
    """Factors on maps of which the second half are log variances, (count,)."""
    return torch.where(torch.arange(count) < count // 2, 1.0, TO_LOG2).double()


def of_layer(layer: Layer, canvas: Tensor) -> Integers:
    """The integers of one layer, which reads as many maps of the canvas as `canvas` has factors."""
    found = {name: bounded(getattr(layer, name)) for name in ("enc_0", "dec_0")}
    found |= of_cell("rnn_enc", layer.rnn_enc, canvas[:0])
    found |= of_cell("rnn_dec", layer.rnn_dec, canvas)
    found |= of_conv("to_p.affine", layer.to_p.affine, halves(len(layer.to_p.affine.bias)))
    found |= of_conv("to_q.affine", layer.to_q.affine)
    if not isinstance(layer.say, torch.nn.Identity):
        found |= of_conv("say.affine", layer.say.affine)
    assert isinstance(layer.to_q, ConstantScaleHead)
    return found | {f"to_q.{name}": value for name, value in of_posterior(layer.to_q).items()}


def of_conv(name: str, part: Conv2d, rows: Tensor | None = None) -> Integers:
    """The integers of a convolution whose rows are first multiplied by `rows`."""
    rows = torch.ones_like(part.bias) if rows is None else rows
    return of_product(name, part.weight * rows[:, None, None, None], part.bias * rows)


def of_cell(name: str, part: ConvLSTMCell, canvas: Tensor) -> Integers:
    """The integers of a cell that reads the canvas last, in units of 1 / `canvas`."""
    maps = part.bias.shape[1]
    i, f, g, o = part.filters().split(maps)
    weight = torch.cat([i / 2, f / 2, o / 2, g])
    first = weight.shape[1] - maps - len(canvas)
    weight[:, first : first + len(canvas)] /= canvas[:, None, None]
    i, f, g, o = part.bias
    return of_product(name, weight, torch.cat([i / 2, f / 2, o / 2, g]))


def of_product(name: str, weight: Tensor, bias: Tensor) -> Integers:
    """Weights (O, I, k, k) as (k, k, O, I) in units of 2^-18, bias in units of products."""
    w = on_grid(weight, WEIGHT_FRACTION).permute(2, 3, 0, 1).contiguous()
    b = on_grid(bias, WEIGHT_FRACTION + FRACTION)
    prove(name, w, b)
    return {f"{name}.weight": w, f"{name}.bias": b}


def of_posterior(head: ConstantScaleHead) -> Integers:
    """Scale classes, and grids of half a standard deviation; all maps active, in their order."""
    v = TO_LOG2 * head.log_variance.detach()
    scale = (OCTAVE * (v + FRACTION)).round().clamp(0, CLASSES - 1).long()
    delta = (v + FRACTION - 1).exp2().round().clamp(1, BOUND).long()
    order = torch.arange(v.shape[1], device=v.device).expand_as(v).contiguous()
    shift = torch.zeros(len(v), GRIDS, v.shape[1], dtype=torch.int64, device=v.device)
    known = {"scale": scale, "delta": delta, "shift": shift}
    return known | {"active": torch.ones_like(order), "order": order}


def bounded(value: Tensor) -> Tensor:
    """Learned starts on the grid of activations, within the bound of what enters a product."""
    return on_grid(value, FRACTION).clamp(-BOUND, BOUND)

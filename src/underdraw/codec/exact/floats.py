"""The way back: a float model with the numbers of an exact one, to measure or to train further.

What `quantise` folds into the weights is taken out again. The rounding stays: exported anew, such a
model has the same weights, and biases as far as float32 holds them. Which maps are coded, in which
order, and the scales of rounded means are the twin's alone, and would be measured again.
"""

import math

import torch
from torch import Tensor

from underdraw.codec.exact.grid import FRACTION, WEIGHT_FRACTION
from underdraw.codec.exact.parts import ConstantScaleHead, ConvLSTMCell
from underdraw.codec.exact.product import Product
from underdraw.codec.exact.quantise import TO_LOG2, halves
from underdraw.codec.exact.twin import Twin
from underdraw.models.convdraw import ConvDRAW

Floats = dict[str, Tensor]
SPEAKING = (".to_p.affine", "write.affine")  # of means, and as many logarithms of scales


def float_of(twin: Twin) -> ConvDRAW:
    """A float32 model that computes what `twin` does, up to rounding."""
    scales = halves(len(twin.r_0))
    found = {name: real(start, FRACTION) for name, start in twin.named_parameters()}
    found["r_0"] /= scales[:, None, None]
    for name, part in twin.named_modules():
        if isinstance(part, ConvLSTMCell):
            reads = name == "layers.0.rnn_dec"
            canvas = scales.repeat_interleave(cells(twin)) if reads else None
            found |= of_cell(name, part, canvas, twin.config.weight_norm)
        elif isinstance(part, Product):
            rows = halves(len(part.bias)) if name.endswith(SPEAKING) else None
            found |= of_conv(name, part, rows)
        elif isinstance(part, ConstantScaleHead):
            v = part.delta.double().log2() + 1 - FRACTION  # finer than the class
            found[f"{name}.log_variance"] = v / TO_LOG2
    model = ConvDRAW(twin.config)
    model.load_state_dict({name: found[name].float() for name in model.state_dict()})
    return model.eval()


def real(value: Tensor, bits: int) -> Tensor:
    """Whole numbers of units of 2^-bits as real ones."""
    return value.detach().double() * 2.0**-bits


def cells(twin: Twin) -> int:
    """Pixels of the canvas to one of the first layer."""
    return math.prod(twin.tower[0].scale)


def of_product(part: Product) -> tuple[Tensor, Tensor]:
    """Weight (O, I, k, k) and bias (O,) of a product."""
    weight = real(part.weight, WEIGHT_FRACTION).permute(2, 3, 0, 1).contiguous()
    return weight, real(part.bias, WEIGHT_FRACTION + FRACTION)


def of_conv(name: str, part: Product, rows: Tensor | None) -> Floats:
    """The parameters of a convolution whose rows were multiplied by `rows`."""
    weight, bias = of_product(part)
    if rows is not None:
        weight, bias = weight / rows[:, None, None, None], bias / rows
    return {f"{name}.weight": weight, f"{name}.bias": bias}


def of_cell(name: str, part: ConvLSTMCell, canvas: Tensor | None, normed: bool) -> Floats:
    """The parameters of a cell; if it reads the canvas, that was in units of 1 / `canvas`.

    With weight normalisation, `normed`, filters of nothing but zeros have a direction, too.
    """
    weight, bias = of_product(part)
    maps = len(bias) // 4
    if canvas is not None:
        first = weight.shape[1] - maps - len(canvas)
        weight[:, first : first + len(canvas)] *= canvas[:, None, None]
    i, f, o, g = weight.split(maps)
    weight = torch.cat([2 * i, 2 * f, g, 2 * o])
    i, f, o, g = bias.split(maps)
    lengths = weight.flatten(1).norm(dim=1)
    if normed:
        weight[lengths == 0, 0] = 1.0  # any that can be divided by its norm
    bias = torch.stack([2 * i, 2 * f, g, 2 * o])
    return {f"{name}.weight": weight, f"{name}.bias": bias, f"{name}.length": lengths}

"""Recurrent cells.

LSTM (Hochreiter & Schmidhuber, 1997), with the four gates in one product:

    i, f, g, o = W [x, h] + b
    c' = sigmoid(f) c + sigmoid(i) tanh(g)
    h' = sigmoid(o) tanh(c')

With layer normalisation (Ba et al., 2016) each gate's pre-activation and the cell state are
normalised over the hidden units, LN(a) = gain (a - mean(a)) / std(a) + bias:

    i, f, g, o = LN(W [x, h])      h' = sigmoid(o) tanh(LN(c'))
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.ops import join, linear

State = tuple[Tensor, Tensor]


class LSTMCell(nn.Module):
    """An LSTM cell with the signature of `nn.LSTMCell` and optional layer normalisation.

    The weight is (4 H, I + H) with gates in the order i, f, g, o; the forget gate starts with a
    bias of 1.

    Args:
        inputs: length of the input, I.
        hidden: length of the hidden state, H.
        layer_norm: normalise gates and cell state.
    """

    def __init__(self, inputs: int, hidden: int, layer_norm: bool = False) -> None:
        super().__init__()
        self.hidden = hidden
        self.weight = nn.Parameter(torch.empty(4 * hidden, inputs + hidden))
        self.bias = nn.Parameter(torch.zeros(4, hidden))
        self.gain = nn.Parameter(torch.ones(4, hidden)) if layer_norm else None
        self.cell_norm = nn.LayerNorm(hidden) if layer_norm else None
        nn.init.uniform_(self.weight, -(hidden**-0.5), hidden**-0.5)
        nn.init.ones_(self.bias[1])

    def ahead(self, x: Float[Tensor, "b j"]) -> Float[Tensor, "b g"]:
        """What the first J inputs add to W [x, h], where they are the same at every step."""
        return linear(x, self.weight[:, : x.shape[1]])

    def forward(
        self, x: Float[Tensor, "b i"], state: State, ahead: Float[Tensor, "b g"] | None = None
    ) -> State:
        """One step: input (B, I), state (h, c) of (B, H) each -> new (h, c).

        With `ahead` (B, 4 H), of the first J inputs, `x` is the others.
        """
        h, c = state
        xh = join(x, h)
        if ahead is None:
            gates = linear(xh, self.weight)
        else:
            gates = ahead + linear(xh, self.weight[:, -xh.shape[1] :])
        gates = gates.unflatten(1, (4, self.hidden))
        if self.gain is not None:
            gates = F.layer_norm(gates, (self.hidden,)) * self.gain
        i, f, g, o = (gates + self.bias).unbind(1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        seen = c if self.cell_norm is None else self.cell_norm(c)
        return o.sigmoid() * seen.tanh(), c

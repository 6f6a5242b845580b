"""LSTM cells against torch's and against a plain NumPy loop."""

import numpy as np
import pytest
import torch

from underdraw.nn.cells import LSTMCell

INPUTS, HIDDEN, BATCH = 3, 5, 4


def sequence(steps: int = 3) -> list[torch.Tensor]:
    return [torch.randn(BATCH, INPUTS).double() for _ in range(steps)]


def start() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(BATCH, HIDDEN).double(), torch.randn(BATCH, HIDDEN).double()


def shaken(cell: LSTMCell) -> LSTMCell:
    """The cell in float64 with no parameter at a round number."""
    cell = cell.double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return cell


def test_without_normalisation_it_is_torchs_cell():
    cell = shaken(LSTMCell(INPUTS, HIDDEN))
    torchs = torch.nn.LSTMCell(INPUTS, HIDDEN).double()
    with torch.no_grad():
        torchs.weight_ih.copy_(cell.weight[:, :INPUTS])
        torchs.weight_hh.copy_(cell.weight[:, INPUTS:])
        torchs.bias_ih.copy_(cell.bias.flatten())
        torchs.bias_hh.zero_()
    state = theirs = start()
    for x in sequence():
        state, theirs = cell(x, state), torchs(x, theirs)
        torch.testing.assert_close(state, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layer_norm", [False, True])
def test_inputs_that_stay_may_be_told_ahead(layer_norm):
    cell, state = shaken(LSTMCell(INPUTS, HIDDEN, layer_norm)), start()
    (x,) = sequence(1)
    given = cell(x[:, 2:], state, cell.ahead(x[:, :2]))
    torch.testing.assert_close(given, cell(x, state), rtol=1e-12, atol=1e-12)


def normalised(a: np.ndarray) -> np.ndarray:
    rows = []
    for row in a:
        mean = sum(row) / len(row)
        variance = sum((value - mean) ** 2 for value in row) / len(row)
        rows.append([(value - mean) / np.sqrt(variance + 1e-5) for value in row])
    return np.array(rows)


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def test_with_normalisation_it_is_a_numpy_loop():
    cell = shaken(LSTMCell(INPUTS, HIDDEN, layer_norm=True))
    w = {name: value.detach().numpy() for name, value in cell.named_parameters()}
    state = start()
    h, c = (tensor.numpy() for tensor in state)
    for x in sequence():
        joined = np.concatenate([x.numpy(), h], axis=1)
        gates = []
        for k in range(4):  # i, f, g, o
            product = joined @ w["weight"][k * HIDDEN : (k + 1) * HIDDEN].T
            gates.append(normalised(product) * w["gain"][k] + w["bias"][k])
        i, f, g, o = gates
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        seen = normalised(c) * w["cell_norm.weight"] + w["cell_norm.bias"]
        h = sigmoid(o) * np.tanh(seen)
        state = cell(x, state)
        np.testing.assert_allclose(state[0].detach(), h, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(state[1].detach(), c, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer_norm", [False, True])
def test_gradients(layer_norm):
    cell = shaken(LSTMCell(INPUTS, HIDDEN, layer_norm))
    names, values = zip(*cell.named_parameters(), strict=True)
    values = [value.detach().requires_grad_() for value in values]
    x = torch.randn(2, INPUTS).double().requires_grad_()
    h, c = (torch.randn(2, HIDDEN).double().requires_grad_() for _ in range(2))

    def step(x, h, c, *values):
        return torch.func.functional_call(cell, dict(zip(names, values, strict=True)), (x, (h, c)))

    assert torch.autograd.gradcheck(step, [x, h, c, *values], fast_mode=True)


def test_the_start():
    cell = LSTMCell(INPUTS, HIDDEN, layer_norm=True)
    assert cell.bias.tolist() == [[0] * HIDDEN, [1] * HIDDEN, [0] * HIDDEN, [0] * HIDDEN]
    assert torch.equal(cell.gain, torch.ones(4, HIDDEN))
    assert cell.weight.shape == (4 * HIDDEN, INPUTS + HIDDEN)
    assert 0 < cell.weight.abs().max() <= HIDDEN**-0.5
    assert cell.weight.std() > 0.4 * HIDDEN**-0.5  # uniform: 1 / sqrt(3) of the bound


def test_states_keep_their_type_under_autocast():
    cell = LSTMCell(INPUTS, HIDDEN, layer_norm=True)
    state = (torch.zeros(2, HIDDEN), torch.zeros(2, HIDDEN))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        h, c = cell(torch.randn(2, INPUTS), state)
    assert h.dtype == c.dtype == torch.float32

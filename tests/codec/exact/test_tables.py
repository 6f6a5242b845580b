import hashlib
import math

import numpy as np
import torch

from underdraw.codec.exact.tables import BITS, ENTRIES, exponential, tanh_table

TABLE = "51dadd3e268fc5587e9ab0183df4675e4bc4abd28166fceb43073b7ce92b005a"


def test_every_entry_is_tanh_correctly_rounded():
    u = (np.arange(ENTRIES) + 0.5) / 2**12 - 8
    wanted = [round(2**16 * math.tanh(v)) for v in u]
    assert tanh_table(torch.int64).tolist() == wanted


def test_the_logistic_function_is_a_shifted_tanh():
    x = torch.linspace(-6, 6, 1001, dtype=torch.float64)
    index = ((x / 2 + 8) * 2**12).floor().int()
    found = (1 + tanh_table(torch.float64)[index] / 2**16) / 2
    assert (found - x.sigmoid()).abs().max() < 2**-13


def test_the_table_is_odd_rises_and_ends_at_one():
    table = tanh_table(torch.int64)
    assert torch.equal(table, -table.flip(0))
    assert (table.diff() >= 0).all()
    assert table[-1] == 2**16


def test_types_agree():
    assert torch.equal(tanh_table(torch.float64).long(), tanh_table(torch.int64))


def test_the_table_belongs_to_the_format():
    values = tanh_table(torch.int64).numpy().astype("<i8").tobytes()
    assert hashlib.sha256(values).hexdigest() == TABLE


def test_exponential():
    for shift in (1, 11, 12):
        assert exponential(shift) / 2**BITS == math.exp(2**-shift)

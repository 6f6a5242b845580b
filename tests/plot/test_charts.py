import math

import numpy as np
import pytest
import torch

from underdraw.plot import curves, kl_figure
from underdraw.plot.charts import limits, line


def row(step, nats, kind="train"):
    return {"kind": kind, "step": step, "nats": nats}


def colours(picture):
    """Shares of the picture's pixels that are clearly blue, and clearly red or orange."""
    a = np.asarray(picture).astype(int)
    return ((a[..., 2] - a[..., 0]) > 100).mean(), ((a[..., 0] - a[..., 2]) > 100).mean()


def test_line_takes_one_kind_and_finite_values():
    log = [row(1, 5.0), row(1, 6.0, "valid"), row(2, math.nan), row(3, None), row(4, 4.0)]
    log += [{"kind": "train", "step": 5}, {"kind": "note"}]
    assert line(log, "train", "step", "nats") == [(1.0, 5.0), (4.0, 4.0)]
    assert line(log, "valid", "step", "nats") == [(1.0, 6.0)]


def test_a_resumed_run_replaces_what_it_repeats():
    log = [row(1, 9.0), row(2, 8.0), row(3, 70.0), row(2, 7.0), row(3, 6.0)]
    assert line(log, "train", "step", "nats") == [(1.0, 9.0), (2.0, 7.0), (3.0, 6.0)]


def test_the_start_does_not_flatten_the_rest():
    points = [(float(t), 90.0 + 450.0 * math.exp(-t)) for t in range(100)]
    low, high = limits([points])
    assert 89.0 < low < 90.0
    assert 90.0 < high < 91.0
    assert limits([points], top=200.0)[1] > 200.0


def test_a_plateau_stays_in_the_picture():
    points = [(float(t), 207.0 if t < 50 else 100.0) for t in range(100)]
    low, high = limits([points, [(0.0, 100.0), (99.0, 90.0)]])
    assert low < 90.0
    assert high > 207.0


@pytest.mark.parametrize("values", [[0.0, 0.0], [5.0], [-3.0, -3.0]])
def test_limits_of_a_flat_line_have_room(values):
    low, high = limits([[(float(i), v) for i, v in enumerate(values)]])
    assert low < values[0] < high


@pytest.mark.parametrize("log_y", [False, True])
def test_runs_have_colours_of_their_own(log_y):
    log = [row(t, 100.0 + t) for t in range(1, 9)]
    blue, red = colours(curves({"one": log}, log_y=log_y))
    assert blue > 0
    assert red == 0
    blue, red = colours(curves({"one": log, "two": [row(1, 105.0, "valid")] * 2}, log_y=log_y))
    assert blue > 0
    assert red > 0


def test_other_keys_and_costly_names():
    log = [{"kind": "valid", "minutes": m, "rate": 3.0 * m} for m in (1, 2, 3)]
    picture = curves({"cost $1 to $2_x^": log}, along="minutes", of="rate")
    assert picture.mode == "RGB"


def test_no_values_are_refused():
    with pytest.raises(ValueError, match="'minutes'"):
        curves({"one": [row(1, 2.0)]}, along="minutes")
    with pytest.raises(ValueError, match="'nats'"):
        curves({})


def test_bars_grow_with_kl():
    low = colours(kl_figure(torch.tensor([1.0, 0.1, 0.1, 0.1])))[0]
    high = colours(kl_figure(torch.tensor([1.0, 1.0, 1.0, 1.0])))[0]
    assert high > 2.5 * low > 0


def test_layers_of_different_length_and_none():
    blue, red = colours(kl_figure({"layer 1": torch.rand(8), "layer 2": torch.rand(5)}))
    assert blue > 0
    assert red > 0
    with pytest.raises(ValueError, match="no steps"):
        kl_figure(torch.zeros(0))
    with pytest.raises(ValueError, match="no steps"):
        kl_figure({})


def test_a_logarithmic_axis_gives_the_start_more_room():
    log = [row(t, 100.0 + t) for t in (1, 10, 100, 1000)]

    def blue(log_x):
        a = np.asarray(curves({"one": log}, log_x=log_x)).astype(int)
        _, x = np.nonzero(a[:, :700, 2] - a[:, :700, 0] > 40)
        return x

    assert np.median(blue(True)) > np.median(blue(False)) + 50

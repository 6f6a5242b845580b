"""The experiments of both papers: each leaves pictures and the numbers behind them in a folder.

    information    KL of every layer and step                     Convolutional DRAW, Fig. 9
    store          store some latents, dream the rest             Figs 1 and 2, section 4.5
    beta           samples and bounds for several weights of the distortion    Figs 6, 7, 10, 11
    steps          cost against presentations and time for several T           Fig. 8
    glimpses       the bound after the first steps only
    glimpse_errors, clutter    a classifier's error after each glimpse, and among more clutter

A study reads a model through sources, traces and the bound, whatever the model is; only `beta` and
`steps`, which train, know presets.
"""

from underdraw.study.beta import compare, train_betas
from underdraw.study.errors import PIECES, clutter, glimpse_errors
from underdraw.study.glimpses import glimpses, steps_taken
from underdraw.study.information import information
from underdraw.study.parts import check_counts, default_steps
from underdraw.study.runs import Interrupted
from underdraw.study.steps import steps
from underdraw.study.store import images_seen, store

__all__ = [
    "PIECES",
    "Interrupted",
    "check_counts",
    "clutter",
    "compare",
    "default_steps",
    "glimpse_errors",
    "glimpses",
    "images_seen",
    "information",
    "steps",
    "steps_taken",
    "store",
    "train_betas",
]

"""Sequential latent variable models: one story, told once, and the ways to choose its latents.

Three nouns carry everything: a *source* chooses each latent, a *trace* is what the story leaves
behind, a *likelihood* turns the last canvas into p(x | z).
"""

from underdraw.latent.folds import (
    Fold,
    cell,
    cost_by_cell,
    cost_by_kl,
    cost_by_sample,
    kl,
    log_cell,
    log_ratio,
    whole,
)
from underdraw.latent.model import Draw, LatentModel, Size, Stretch, stretch
from underdraw.latent.sources import (
    Given,
    Rule,
    Source,
    as_given,
    from_cell,
    from_posterior,
    from_prior,
    keep,
    mode,
    posterior,
    prior,
    replay,
)
from underdraw.latent.trace import Choice, Drawn, Frame, Site, Terms, Trace

__all__ = [
    "Choice",
    "Draw",
    "Drawn",
    "Fold",
    "Frame",
    "Given",
    "LatentModel",
    "Rule",
    "Site",
    "Size",
    "Source",
    "Stretch",
    "Terms",
    "Trace",
    "as_given",
    "cell",
    "cost_by_cell",
    "cost_by_kl",
    "cost_by_sample",
    "from_cell",
    "from_posterior",
    "from_prior",
    "keep",
    "kl",
    "log_cell",
    "log_ratio",
    "mode",
    "posterior",
    "prior",
    "replay",
    "stretch",
    "whole",
]

"""What changes with the update, s of S: learning rate, decay of the average, glimpses, beta.

learning rate   lr min(1, (s + 1) / warmup) (f + (1 - f) (1 + cos(pi s / S)) / 2)
average         w_ema <- d w_ema + (1 - d) w,   d = min(decay, (1 + s) / (10 + s))
"""

import math

from underdraw.presets import TrainConfig


def learning_rate(config: TrainConfig, step: int) -> float:
    """Adam's learning rate at update `step`, counted from 0."""
    rise = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    fall = 0.5 + 0.5 * math.cos(math.pi * min(1.0, step / config.steps))
    return config.learning_rate * rise * (config.final + (1 - config.final) * fall)


def ema_decay(config: TrainConfig, step: int) -> float:
    """Decay of the averaged weights at update `step`."""
    return min(config.ema, (1 + step) / (10 + step))


def glimpses(config: TrainConfig, step: int) -> int | None:
    """Glimpses to take at update `step`; None for all."""
    for share, count in config.glimpses:
        if step < share * config.steps:
            return count
    return None


def phase(config: TrainConfig, step: int) -> tuple[int | None, bool]:
    """Glimpses at update `step`, and whether beta still falls: costs are alike within a phase."""
    share = config.beta_from[1] if config.beta_from else 0.0
    return glimpses(config, step), step < share * config.steps

"""Recompute a model's bound from its traces, by the public interface alone and in plain NumPy.

    python runs/recompute_bound.py [MODEL] [--images N]

Nothing of `underdraw.evaluate` is used: the posterior is sampled afresh, KL and Bernoulli cost are
written out, so the figure agrees with `underdraw evaluate` up to the noise of sampling.
"""

import numpy as np
import torch
import tyro

import underdraw
from underdraw.data import open_images
from underdraw.latent import posterior


def bound(name: str, images: int, seed: int = 0) -> tuple[float, float]:
    """Mean bound and its standard error on random test digits, nats per image."""
    model = underdraw.load(name)
    test = open_images("binarized_mnist", "test")
    order = np.random.default_rng(seed).permutation(len(test))[:images]
    found = [nats for part in np.array_split(order, max(1, images // 250))
             for nats in of(model, test.take(part))]  # fmt: skip
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(len(found)))


def of(model, x) -> np.ndarray:  # noqa: ANN001
    """The bound of each image in `x`."""
    with torch.no_grad():
        trace = model.unroll(posterior(), x)
    logits = trace.frames[-1].canvas.double().numpy()
    pixels = x.double().numpy()
    total = (np.logaddexp(0, logits) - pixels * logits).sum((1, 2, 3))
    assert [choice.site for choice in trace.choices] == list(model.sites)
    for choice in trace.choices:
        mu, log_sigma = (t.double().numpy() for t in (choice.q.mu, choice.q.log_sigma))
        m, log_s = (t.double().numpy() for t in (choice.p.mu, choice.p.log_sigma))
        ratio = np.exp(2 * (log_sigma - log_s)) + (mu - m) ** 2 * np.exp(-2 * log_s)
        total += (log_s - log_sigma + 0.5 * (ratio - 1)).sum(1)
    return total


def main(model: tyro.conf.Positional[str] = "draw_mnist", images: int = 2000) -> None:
    """Print the bound."""
    torch.manual_seed(0)
    mean, error = bound(model, images)
    print(f"{mean:.2f} +- {error:.2f} nats on {images} random test digits")


if __name__ == "__main__":
    tyro.cli(main)

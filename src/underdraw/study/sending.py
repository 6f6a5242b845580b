"""A sender sees an image, a receiver gets some of its latents and dreams the rest.

    sent        z ~ q(z | x),   z_i for i in S
    received    z'_i = z_i for i in S,   z'_i by the prior p(z_i | z'_<i) otherwise
    price       sum over S of KL(q(z_i | x, z_<i) || p(z_i | z'_<i)),     nats

with p as the receiver has it, since that is what decodes. S is the first t steps, or the layers
from l up (Convolutional DRAW, 2016, section 4.5). What is sent is a *sample* of the posterior: the
rate is the price of a sample (KL is what bits-back coding pays for it, while a mean would have to
be rounded, at another price), and later priors were trained on samples.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from torch import Tensor

from underdraw.latent import LatentModel, Site, Source, Trace, keep, posterior, replay
from underdraw.noise import image_noise
from underdraw.study.parts import chosen_steps, layers_of


class Part(NamedTuple):
    """Which latents are stored."""

    name: str
    key: dict[str, int]
    holds: Callable[[Site], bool]


class Received(NamedTuple):
    """What the receiver makes of a part: pictures (B, C, H, W), and its price in nats, (B,)."""

    pictures: Tensor
    nats: Tensor


def first_steps(t: int) -> Part:
    """The first t steps."""
    return Part(f"t = {t}", {"steps": t}, lambda site: site.step < t)


def layers_from(layer: int, of: int) -> Part:
    """The layers from `layer` up, counted from 1, of so many."""
    name = {1: "all layers", of: f"layer {of}", of + 1: "nothing"}.get(
        layer, f"layers {layer}-{of}"
    )
    return Part(name, {"layers": layer}, lambda site: site.layer >= layer - 1)


def parts(model: LatentModel[Any], steps: Sequence[int], layers: Sequence[int]) -> list[Part]:
    """The parts to study, from little to much.

    With layers, nothing and everything are set beside those asked for; without either, the first
    0 and `default_steps`.

    Raises:
        ValueError: both are given, or one that the model does not have.
    """
    if steps and layers:
        raise ValueError("store either the first steps or the upper layers, not both")
    if not layers:
        default = [] if steps else [first_steps(0)]
        return default + [first_steps(t) for t in chosen_steps(model, steps, 0)]
    of = layers_of(model)
    if of == 1:
        raise ValueError(f"layers {list(layers)} were asked for, but this model has one layer")
    for layer in layers:
        if not 1 <= layer <= of:
            raise ValueError(f"layers are 1 to {of} in this model, got {layer}")
    return [layers_from(layer, of) for layer in sorted({1, of + 1, *layers}, reverse=True)]


def send(model: LatentModel[Any], x: Tensor, places: Sequence[int], seed: int) -> Trace:
    """Look at images and sample every latent; the images' places in the split give the noise."""
    z, _ = image_noise(model, seed, places, 0, size=(x.shape[2], x.shape[3]))
    return model.unroll(posterior([e.to(x.device) for e in z]), x)


def receive(model: LatentModel[Any], part: Part, sent: Trace, dreamt: Source) -> Received:
    """Tell the story without the image: the stored latents as sent, the others as `dreamt`."""
    zs = [choice.z for choice in sent.choices]
    height, width = sent.frames[-1].canvas.shape[2:]
    source = keep(part.holds, replay(zs), dreamt)
    trace = model.unroll(source, n=len(zs[0]), size=(height, width))
    nats = zs[0].new_zeros(len(zs[0]))
    for told, found in zip(sent.choices, trace.choices, strict=True):
        if part.holds(told.site):
            assert told.q is not None
            nats = nats + told.q.kl(found.p).flatten(1).sum(1)
    return Received(model.likelihood(trace.frames[-1].canvas).mean.clamp(0, 1), nats)

"""Sequential latent variable models: one story, told once, and the ways to choose its latents.

A model draws latents z_1, z_2, ... in a fixed order, each given those before it:

    p(x, z) = p(x | z) prod_i p(z_i | z_<i)         q(z | x) = prod_i q(z_i | x, z_<i)
    log p(x) >= E_q [log p(x | z) - sum_i KL(q(z_i | x, z_<i) || p(z_i | z_<i))]

It tells this story in one place, `LatentModel.step`, and is given a *source*, the way each latent
is chosen. Training, reconstruction, generation, replay and compression differ in the source alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from underdraw.distributions import Gaussian
from underdraw.latent.fitting import Size, cropped, padded
from underdraw.latent.folds import Fold, cost_by_cell, cost_by_kl, whole
from underdraw.latent.sources import Given, Rule, Source, from_cell, from_posterior
from underdraw.latent.trace import Choice, Drawn, Frame, Site, Terms, Trace
from underdraw.likelihoods import UNLIKELIHOOD, Distortion, Likelihood

Draw = Callable[[Gaussian, "Gaussian | None"], Tensor]
StateT = TypeVar("StateT")
Stretch = Callable[..., tuple[Any, list[Any]]]
Observed = Any
"""What a model's `observe` made of images."""


def tell(
    model: "LatentModel[StateT]",
    rule: Rule,
    state: StateT,
    given: Sequence[Any],
    x: Observed | None,
) -> tuple[StateT, Frame, list[Drawn]]:
    """One step, with its choices written down; `given` has an entry per layer, in order."""
    drawn: list[Drawn] = []

    def draw(p: Gaussian, q: Gaussian | None) -> Tensor:
        z = rule(p, q, given[len(drawn)])
        drawn.append(Drawn(z, p, q))
        return z

    state, frame = model.step(state, draw, x)
    return state, frame, drawn


def stretch(
    model: "LatentModel[StateT]",
    rule: Rule,
    fold: Fold,
    state: StateT,
    given: Sequence[Sequence[Any]],
    x: Observed | None,
    size: Size | None = None,
) -> tuple[StateT, list[Any]]:
    """Consecutive steps: a pure function of tensors, and so the unit that is compiled.

    `x` is what the model observed of images. With `size`, canvases are shown cut to it.
    """
    shown = []
    for layers in given:
        state, frame, drawn = tell(model, rule, state, layers, x)
        shown.append(fold(frame if size is None else cropped(frame, size), drawn))
    return state, shown


class LatentModel(nn.Module, ABC, Generic[StateT]):
    """A model that tells its story one step at a time.

    A subclass sets the attributes and writes `begin`, `step` and `latent_shape`, and `observe` if
    the steps are to be given more than the images; everything else is given.

    Attributes:
        likelihood: module from canvas to p(x | z).
        shape: (C, H, W) of the images.
        any_size: whether images may have another height and width than `shape` says.
        stride: what is drawn has sides that are multiples of this many pixels; images of other
            sides are padded by their last row and column, and canvases cut to size.
        gradual: whether the canvas of every step is a picture, or that of the last alone.
        sites: every stochastic choice, in the order in which it is made.
        pure: runs a stretch of steps.
        run: the same, or what `underdraw.fast` made of it.
        pace: steps to a stretch.
    """

    likelihood: Likelihood
    shape: tuple[int, int, int]
    any_size: bool = False
    stride: int = 1
    gradual: bool = True
    sites: tuple[Site, ...]
    pure = staticmethod(stretch)
    run: Stretch
    pace: int

    def __init__(self) -> None:
        super().__init__()
        self.run, self.pace = stretch, 1

    @abstractmethod
    def begin(self, n: int, size: Size | None = None) -> StateT:
        """The learned start for `n` images of `size`, which is a multiple of the stride."""

    @abstractmethod
    def step(self, state: StateT, draw: Draw, x: Observed | None) -> tuple[StateT, Frame]:
        """One step; `draw(p, q)` chooses each latent. The encoder runs only if `x` is given.

        `x` is what `observe` made of the images.
        """

    def observe(self, x: Tensor) -> Observed:
        """What `step` is given of images `x`: they themselves, unless a model adds to them.

        It is made once for all steps: the place for what would come out the same at each.
        """
        return x

    @abstractmethod
    def latent_shape(self, site: Site, size: Size | None = None) -> tuple[int, ...]:
        """Shape of one image's latent at `site`, for images of `size`."""

    def drawn_size(self, size: Size | None = None) -> Size:
        """Height and width that are drawn for images of `size`: it, made a multiple of the stride.

        Raises:
            ValueError: the model draws one size only, and this is another.
        """
        size = self.shape[1:] if size is None else size
        if not self.any_size and size != self.shape[1:]:
            raise ValueError(f"images are {size}, the model draws {self.shape}")
        if min(size) < 1:
            raise ValueError(f"images cannot be {size}")
        height, width = (-(-side // self.stride) * self.stride for side in size)
        return height, width

    def noise(
        self,
        n: int,
        generator: torch.Generator | None = None,
        steps: int | None = None,
        size: Size | None = None,
    ) -> list[Tensor]:
        """Standard normal noise for `n` images on the CPU: per site (n, *latent_shape).

        With `steps`, for the first so many steps only: a model given less noise takes fewer steps.
        `size` is the height and width of the images, where that is not in `shape`.
        """
        sites = [site for site in self.sites if steps is None or site.step < steps]
        shapes = [self.latent_shape(site, size) for site in sites]
        return [torch.randn(n, *shape, generator=generator) for shape in shapes]

    def shorten(self, steps: int) -> None:
        """Have only the first `steps` steps from now on.

        Raises:
            ValueError: the model does not have so many, or has no picture before its last.
        """
        total = 1 + self.sites[-1].step
        if not (1 if self.gradual else total) <= steps <= total:
            raise ValueError(f"a {type(self).__name__} of {total} steps cannot take {steps}")
        self.sites = tuple(site for site in self.sites if site.step < steps)

    def paint(
        self,
        source: Source,
        x: Tensor | None = None,
        n: int = 1,
        fold: Fold = whole,
        size: Size | None = None,
    ) -> Iterator[Any]:
        """The one loop over steps: yields `fold(frame, drawn)` for each."""
        n, size = self._fit(source, x, n, size)
        drawn = self.drawn_size(size)
        x, cut = (x, None) if drawn == size else (x if x is None else padded(x, drawn), size)
        seen = None if x is None else self.observe(x)
        state = self.begin(n, drawn)
        rule, given = self._given(source)
        for first in range(0, len(given), self.pace):
            part = given[first : first + self.pace]
            state, shown = self.run(self, rule, fold, state, part, seen, cut)
            yield from shown

    def _fit(self, source: Source, x: Tensor | None, n: int, size: Size | None) -> tuple[int, Size]:
        """How many images of which size are told of, if everything fits."""
        size = self.shape[1:] if size is None else size
        if x is not None:
            n, channels, height, width = x.shape
            size = height, width
            if channels != self.shape[0] or not (self.any_size or size == self.shape[1:]):
                raise ValueError(f"images are {tuple(x.shape[1:])}, the model draws {self.shape}")
        if isinstance(source, Given):
            for site, value in zip(self.sites, source.values, strict=False):
                count, *shape = value.shape
                if count != n:
                    raise ValueError(f"the source is for {count} images, not for {n}")
                if (wanted := self.latent_shape(site, size)) != tuple(shape):
                    raise ValueError(f"the source has latents {tuple(shape)}, not {wanted}")
        return n, size

    def _given(self, source: Source) -> tuple[Rule, list[list[Any]]]:
        told = self.sites[: len(source.values)] if isinstance(source, Given) else self.sites
        steps = [list(layers) for _, layers in groupby(told, key=lambda site: site.step)]
        if not isinstance(source, Given):
            return lambda p, q, site: source(site, p, q), steps
        if not told or len(source.values) != len(told) or self._splits_a_step(len(told)):
            raise ValueError(
                f"{len(source.values)} tensors do not fill whole steps of {len(self.sites)} sites"
            )
        return source.rule, [[source.values[s.index] for s in step] for step in steps]

    def _splits_a_step(self, told: int) -> bool:
        return told < len(self.sites) and self.sites[told].step == self.sites[told - 1].step

    def unroll(
        self,
        source: Source,
        x: Tensor | None = None,
        n: int = 1,
        frames: str = "last",
        size: Size | None = None,
    ) -> Trace:
        """Tell the story with `source`, of the images `x` (B, C, H, W) or of `n` unseen ones.

        Args:
            source: how each latent is chosen.
            x: images, or None to generate.
            n: how many images when `x` is None, at least 1; with `x` as many as there are.
            frames: "last", or "all" to have the frame of every step.
            size: height and width when `x` is None, where that is not in `shape`.

        Returns:
            The frames asked for and all choices.

        Raises:
            ValueError: `frames` is neither word, `n` is below 1, `x` or `size` is nothing the model
                draws, or the source does not fit.
        """
        if frames not in ("last", "all"):
            raise ValueError(f'frames must be "last" or "all", got {frames!r}')
        if x is None and n < 1:
            raise ValueError(f"n must be at least 1, got {n}")
        shown: list[Frame] = []
        drawn: list[Drawn] = []
        for frame, made in self.paint(source, x, n, size=size):
            if frames == "last":
                shown.clear()
            shown.append(frame)
            drawn += made
        choices = [Choice(site, *d) for site, d in zip(self.sites, drawn, strict=False)]
        return Trace(shown, choices)

    def forward(
        self,
        x: Tensor,
        noise: Sequence[Tensor],
        target: Tensor | None = None,
        cost: Fold = cost_by_kl,
        distortion: Distortion = UNLIKELIHOOD,
    ) -> Terms:
        """The parts of the bound for images `x`, with one posterior sample made from `noise`.

        Args:
            x: images (B, C, H, W), what the encoder sees.
            noise: a standard normal tensor per site.
            target: what the likelihood scores, `likelihood.target(x, u)`; may be left out where
                nothing must be dequantised.
            cost: `cost_by_kl`, `cost_by_sample` for importance weights, or `cost_by_cell`, with
                which posteriors are uniform.
            distortion: by the likelihood, or for a lossy codec by errors.

        Raises:
            ValueError: something does not fit, or the target of a density is left out: the density
                of levels is no bound on anything.
        """
        if target is None:
            if self.likelihood.continuous:
                raise ValueError(
                    f"a {type(self.likelihood).__name__} scores dequantised images: target is None"
                )
            target = self.likelihood.target(x)
        canvas, rates = self.outcome(x, noise, cost)
        return Terms(distortion(self.likelihood(canvas), target), rates)

    def outcome(
        self, x: Tensor, noise: Sequence[Tensor], cost: Fold = cost_by_kl
    ) -> tuple[Tensor, Tensor]:
        """The last canvas (B, K, H, W) and the rates (sites, B), in nats; see `forward`."""
        rates: list[Tensor] = []
        canvas = x
        rule = from_cell if cost is cost_by_cell else from_posterior
        for last, paid in self.paint(Given(rule, noise), x, fold=cost):
            canvas = last
            rates += paid
        return canvas, torch.stack(rates)

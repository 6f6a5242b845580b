"""Binary pixels that know the pixels before them.

Given the canvas l, pixels are not independent here: each knows how far those before it, row by row
from the left, lie from what the canvas expects of them,

    e = x - sigma(l)        log p(x) = sum_i log Bernoulli(x_i; l_i + f_i(l, e))

by the chain rule: f_i sees the e of pixels before i, at most R rows and columns away. f is a
convolution of (l / 4, sigma(l), e) with S x S weights, S = 2 R + 1, those for e masked from pixel i
on (van den Oord et al., Pixel Recurrent Neural Networks, 2016, mask A), and two of 1x1, with
rectifiers between them; it starts as 0, where pixels are Bernoulli and independent. Latents then
tell what is far apart and the pixels what is near (Gulrajani et al., PixelVAE, 2017).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from underdraw.likelihoods.interface import Likelihood
from underdraw.ops import conv2d

SIDE, MAPS = 7, 32
"""S, and the maps of f."""
SCALE = 4.0
"""By which logits are divided before f sees them, so that they are about as large as the rest."""


class NeighbourPixels(NamedTuple):
    """Bernoulli pixels (B, 1, H, W), each given those before it.

    Attributes:
        canvas: l, logits before f corrects them.
        likelihood: whose f that is, as its weights are when something is asked.
    """

    canvas: Tensor
    likelihood: "Neighbours"

    @property
    def mean(self) -> Float[Tensor, "b c h w"]:
        """Probability of 1 for each pixel if all before it were as expected: e = 0."""
        return self.logits(torch.zeros_like(self.canvas)).sigmoid()

    def log_prob(self, target: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Nats per image; `target` of 0 and 1."""
        logits = self.logits(target - self.canvas.sigmoid())
        cost = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return -cost.flatten(1).sum(1)

    def logits(self, e: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Logits of all pixels, given how far each is from what was expected."""
        run = self.likelihood.run or correction
        return self.canvas + run(self.likelihood, self.canvas, e)

    @torch.no_grad()
    def sample(self, u: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Images of 0 and 1, (B, 1, H, W), pixel after pixel: 1 where u is below its probability.

        `u` is uniform in [0, 1), one number a pixel. All is done in the canvas's own type, whatever
        autocast says.

        Raises:
            ValueError: `u` has another shape.
        """
        if u.shape != self.canvas.shape:
            raise ValueError(f"u is {tuple(u.shape)}, the canvas {tuple(self.canvas.shape)}")
        with torch.autocast(self.canvas.device.type, enabled=False):
            return self._drawn(u.to(self.canvas))

    def _drawn(self, u: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        likelihood, (height, width) = self.likelihood, self.canvas.shape[2:]
        expected, side = self.canvas.sigmoid(), likelihood.side
        seen = likelihood.seen(self.canvas, torch.zeros_like(self.canvas))  # of the canvas alone
        weight = likelihood.weight[:, 2:].flatten(1).T  # of e
        e = F.pad(torch.zeros_like(self.canvas), [side // 2] * 4)
        x = torch.zeros_like(self.canvas)
        for i in range(height):
            for j in range(width):
                near = e[:, :, i : i + side, j : j + side].flatten(1) @ weight
                maps = (seen[:, :, i, j] + near)[:, :, None, None]
                logit = self.canvas[:, 0, i, j] + likelihood.judge(maps).flatten()
                x[:, 0, i, j] = (u[:, 0, i, j] < logit.sigmoid()).to(x.dtype)
                e[:, 0, i + side // 2, j + side // 2] = x[:, 0, i, j] - expected[:, 0, i, j]
        return x


def correction(
    likelihood: "Neighbours", canvas: Float[Tensor, "b c h w"], e: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b c h w"]:
    """All pixels' f, given all e: a pure function of tensors, and so what is compiled."""
    return likelihood.judge(likelihood.seen(canvas, e))


class Neighbours(Likelihood):
    """Canvas of logits to Bernoulli pixels that know those before them, of one channel.

    Args:
        side: pixels a side of what f sees around a pixel, S, an odd number.
        maps: of f.

    Raises:
        ValueError: an even side, or one below 1.
    """

    planes = 1
    continuous = False
    binary = True
    pure = staticmethod(correction)

    def __init__(self, side: int = SIDE, maps: int = MAPS) -> None:
        super().__init__()
        if side < 1 or side % 2 == 0:
            raise ValueError(f"side must be odd and positive, got {side}")
        self.side = side
        self.near = nn.Conv2d(3, maps, side)
        self.mix = nn.Conv2d(maps, maps, 1)
        self.out = nn.Conv2d(maps, 1, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, canvas: Float[Tensor, "b c h w"]) -> NeighbourPixels:
        """The distribution; (B, 1, H, W) -> pixels of the same shape."""
        return NeighbourPixels(canvas, self)

    def glance(self, canvas: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """sigma(l), before f corrects it."""
        return canvas.sigmoid()

    @property
    def weight(self) -> Tensor:
        """Of the first convolution, masked, (maps, 3, S, S)."""
        of_canvas, of_e = self.near.weight.flatten(2).split((2, 1), 1)
        places = self.side**2
        before = torch.arange(places, device=of_e.device) < places // 2
        return torch.cat([of_canvas, of_e * before], 1).unflatten(2, (self.side, self.side))

    def seen(
        self, canvas: Float[Tensor, "b c h w"], e: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b m h w"]:
        """What the first convolution makes of canvas and e."""
        x = torch.cat([canvas / SCALE, canvas.sigmoid(), e], 1)
        return conv2d(x, self.weight, self.near.bias, padding=self.side // 2)

    def judge(self, maps: Float[Tensor, "b m h w"]) -> Float[Tensor, "b c h w"]:
        """What f makes of that."""
        maps = conv2d(maps.relu(), self.mix.weight, self.mix.bias).relu()
        return conv2d(maps, self.out.weight, self.out.bias)

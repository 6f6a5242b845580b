"""What the distortion of an image is, in nats.

By the likelihood it is -log p(x | z). For a lossy codec a share `error` of it can go by how far the
mean m of the pixels is from the image instead, with N levels to an image:

    N/2 log(2 pi e E) + N log 256,        E = MSE^(1 - s) DSSIM^s

With s = 0 that is minus the log density under Gaussian pixels of one standard deviation for each
image, the best one: what PSNR measures. DSSIM = 1 - SSIM, the structural similarity of Wang, Bovik,
Sheikh and Simoncelli (2004) with a Gaussian window of 11 pixels, the mean over channels:

    SSIM = (2 m_a m_b + c_1) (2 s_ab + c_2) / ((m_a^2 + m_b^2 + c_1) (s_a^2 + s_b^2 + c_2))

In logarithms only ratios count, so that s weighs a hundredth of one against a hundredth of the
other, at every rate. A mean of squares spends where pictures are busy, and blurs the rest.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from underdraw.likelihoods.interface import Pixels
from underdraw.likelihoods.levels import LEVELS

WINDOW, SIGMA = 11, 1.5
"""Side and standard deviation of the window of SSIM, pixels."""
C_1, C_2 = 0.01**2, 0.03**2
LEAST = 1e-6
"""Of 1 - SSIM, which in float32 can come to nothing."""


@dataclass(frozen=True)
class Distortion:
    """A distortion; by default it is minus the log-likelihood.

    Raises:
        ValueError: a share is not in [0, 1].
    """

    error: float = 0.0
    """Share that goes by `apart`."""
    structure: float = 0.0
    """s, how much of that goes by structural dissimilarity."""

    def __post_init__(self) -> None:
        for name in ("error", "structure"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share in [0, 1], got {getattr(self, name)}")

    def __call__(self, pixels: Pixels, target: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """The distortion of images, nats.

        Raises:
            ValueError: `structure` is above 0, and the images are smaller than its window.
        """
        if not self.error:
            return -pixels.log_prob(target)
        away = apart(pixels.mean, target, self.structure)
        if self.error == 1:
            return away
        return -(1 - self.error) * pixels.log_prob(target) + self.error * away


UNLIKELIHOOD = Distortion()
"""Minus the log-likelihood."""


def apart(
    mean: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"], structure: float = 0.0
) -> Float[Tensor, " b"]:
    """How far images are from their means: N/2 log(2 pi e MSE^(1 - s) DSSIM^s) + N log 256."""
    levels = target[0].numel()
    log = (1 - structure) * (mean - target).square().flatten(1).mean(1).log()
    if structure:
        log = log + structure * (1 - ssim(mean, target)).clamp(min=LEAST).log()
    return levels * (0.5 * (math.log(2 * math.pi * math.e) + log) + math.log(LEVELS))


def ssim(a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
    """Structural similarity of images in [0, 1], at most 1, with gradients; never by bfloat16.

    Raises:
        ValueError: the images are smaller than the window of 11 pixels.
    """
    if min(a.shape[2:]) < WINDOW:
        raise ValueError(
            f"{a.shape[3]} x {a.shape[2]} is too small for the {WINDOW} pixels of SSIM's window"
        )
    with torch.autocast(a.device.type, enabled=False):  # variances are small differences
        a, b = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (a, b))
        # Second moments about a common grey, or those of flat pictures drown in the rounding.
        grey = b.mean((2, 3), keepdim=True)
        a, b = a - grey, b - grey
        m_a, m_b, aa, bb, ab = _windowed(torch.stack([a, b, a * a, b * b, a * b]))
        shared, own = ab - m_a * m_b, aa - m_a**2 + bb - m_b**2
        m_a, m_b = m_a + grey, m_b + grey
        centre = (2 * m_a * m_b + C_1) / (m_a**2 + m_b**2 + C_1)
        return (centre * (2 * shared + C_2) / (own + C_2)).flatten(1).mean(1)


def _windowed(x: Float[Tensor, "k b c h w"]) -> Float[Tensor, "k b c y x"]:
    """Gaussian means in all windows that are within the images."""
    along_y, along_x = (_band(side).to(x) for side in x.shape[-2:])
    return along_y @ x @ along_x.T


def _band(side: int) -> Float[Tensor, "y h"]:
    """The windows along one side: a matrix, as convolutions may be rounded on a GPU."""
    at = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weights = (-0.5 * (at / SIGMA) ** 2).exp()
    places = torch.arange(side - WINDOW + 1)[:, None] + torch.arange(WINDOW)
    band = torch.zeros(len(places), side, dtype=torch.float64)
    return band.scatter_(1, places, (weights / weights.sum()).expand(len(places), -1))

"""How far a picture is from what it was.

    PSNR = 10 log10(255^2 / mean (a - b)^2)                                             dB
    SSIM as Wang, Bovik, Sheikh and Simoncelli give it (2004): a Gaussian window of 11 pixels

PSNR is our own two lines; SSIM is scikit-image's, an optional extra.
"""

import importlib.util
import math

import numpy as np
from jaxtyping import UInt8

from underdraw.codec.errors import CodecError
from underdraw.likelihoods import SIGMA, WINDOW

Levels = UInt8[np.ndarray, "c h w"]


def psnr(a: Levels, b: Levels) -> float:
    """Peak signal-to-noise ratio of two pictures, dB; infinite if they are equal."""
    error = np.square(a.astype(np.float64) - b).mean()
    return 10 * math.log10(255**2 / error) if error else math.inf


def ssim(a: Levels, b: Levels) -> float:
    """Structural similarity of two pictures, at most 1; the mean over channels.

    Raises:
        CodecError: scikit-image is missing, or the pictures are smaller than the window.
    """
    if importlib.util.find_spec("skimage") is None:
        raise CodecError("SSIM needs scikit-image: pip install 'underdraw[compare]'")
    if min(a.shape[1:]) < WINDOW:
        raise CodecError(f"{a.shape[2]} x {a.shape[1]} is too small for SSIM's {WINDOW} pixels")
    from skimage.metrics import structural_similarity

    return float(
        structural_similarity(
            a, b, channel_axis=0, data_range=255,
            gaussian_weights=True, sigma=SIGMA, use_sample_covariance=False,
        )  # pyrefly: ignore
    )  # fmt: skip

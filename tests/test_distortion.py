"""Distortions that are not the likelihood's: by squared errors and by structure."""

import math

import pytest
import torch

from underdraw.distributions import Gaussian
from underdraw.likelihoods import UNLIKELIHOOD, Distortion, GaussianPixels, apart, ssim


def of(mean, log_scale=-1.0):
    return GaussianPixels(Gaussian(mean, torch.full_like(mean, log_scale)))


def test_squared_errors_are_the_best_gaussian_of_one_spread_for_an_image():
    x, mean = torch.rand(3, 3, 4, 5, dtype=torch.float64), torch.rand(3, 3, 4, 5).double()
    best = -apart(mean, x)
    mse = (mean - x).square().mean((1, 2, 3))
    for factor in (0.8, 1.0, 1.25):
        sigma = (factor * mse.sqrt()).log()[:, None, None, None].expand_as(mean)
        found = GaussianPixels(Gaussian(mean, sigma)).log_prob(x)
        assert torch.all(found < best) if factor != 1 else torch.allclose(found, best)
    psnr = -10 * mse.log10()
    slope = (best[1:] - best[:-1]) / (psnr[1:] - psnr[:-1])
    torch.testing.assert_close(slope, torch.full((2,), 60 * math.log(10) / 20).double())


def test_a_distortion_is_a_mixture():
    pixels, x = of(torch.rand(2, 1, 13, 12)), torch.rand(2, 1, 13, 12)
    likely, away = UNLIKELIHOOD(pixels, x), Distortion(1.0)(pixels, x)
    torch.testing.assert_close(likely, -pixels.log_prob(x))
    torch.testing.assert_close(away, apart(pixels.mean, x))
    torch.testing.assert_close(Distortion(0.3)(pixels, x), 0.7 * likely + 0.3 * away)
    like = Distortion(1.0, 1.0)(pixels, x)
    levels = 0.5 * 13 * 12
    torch.testing.assert_close(
        like - away, levels * ((1 - ssim(pixels.mean, x)).log() - _mse(pixels, x).log())
    )
    torch.testing.assert_close(Distortion(1.0, 0.3)(pixels, x), 0.7 * away + 0.3 * like)


def _mse(pixels, x):
    return (pixels.mean - x).square().mean((1, 2, 3))


@pytest.mark.parametrize("contrast", [1.0, 0.05])
def test_structure_is_what_is_reported_of_files(contrast):
    from skimage.metrics import structural_similarity

    x = 0.5 + contrast * (torch.rand(2, 3, 17, 24, dtype=torch.float64) - 0.5)
    a, b = x[0], 0.6 * x[0] + 0.4 * x[1]
    theirs = structural_similarity(
        a.numpy(), b.numpy(), channel_axis=0, data_range=1.0,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert ssim(a[None], b[None]).item() == pytest.approx(theirs, abs=1e-12)
    assert 0.5 < theirs < 0.98
    torch.testing.assert_close(ssim(a[None], a[None]), torch.ones(1).double())


def test_structure_is_never_computed_in_bfloat16():
    x = torch.rand(2, 3, 16, 16)
    y = (x + 0.01 * torch.randn_like(x)).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        found = apart(y, x, 0.5)
    torch.testing.assert_close(found, apart(y.double(), x.double(), 0.5).float(), rtol=1e-4, atol=0)
    found.sum().backward()
    assert y.grad.isfinite().all()
    assert y.grad.abs().max() > 0


@pytest.mark.parametrize("grey", [0.0, 0.5, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("step", [0.0, 1e-4, 3e-3])
def test_flat_pictures_have_a_distance_in_float32(grey, step):
    x = torch.full((2, 3, 48, 48), grey)
    y = (x + step).requires_grad_()
    exact = 1 - ssim(y.double(), x.double())
    torch.testing.assert_close((1 - ssim(y, x)).double(), exact, rtol=0, atol=5e-7)
    away = apart(y, x + 1e-3 * torch.rand_like(x), 0.35)
    away.sum().backward()
    assert away.isfinite().all()
    assert y.grad.isfinite().all()


def test_what_is_no_share_is_refused():
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="error is a share"):
            Distortion(share)
        with pytest.raises(ValueError, match="structure is a share"):
            Distortion(1.0, share)
    with pytest.raises(ValueError, match="20 x 10 is too small"):
        Distortion(1.0, 0.5)(of(torch.rand(1, 3, 10, 20)), torch.rand(1, 3, 10, 20))

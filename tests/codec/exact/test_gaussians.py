import torch

from underdraw.codec.exact.gaussians import ExactGaussian, ExactPixels
from underdraw.distributions import Gaussian
from underdraw.likelihoods import Discrete, GaussianPixels, Pixels


def exact(mean, scale):
    return ExactGaussian(torch.tensor([mean]).double(), torch.tensor([scale]).double())


def test_it_is_a_gaussian_of_real_numbers():
    d = exact(3 * 2**15, 512 + 32)
    assert d.mean.item() == 98304
    assert d.scale.item() == 544
    assert d.real.mu.item() == 1.5
    assert torch.allclose(d.real.sigma, torch.tensor([2.0]).double())
    assert torch.allclose(d.sigma, torch.tensor([2.0**17]).double())


def test_prices_are_those_of_real_numbers():
    p, q = exact(0, 512), exact(2**15, 500)
    assert torch.equal(q.kl(p), q.real.kl(p.real))
    assert torch.equal(q.kl(p.real), q.kl(p))
    assert torch.equal(q.log_prob(p.mean), q.real.log_prob(torch.zeros(1).double()))
    assert isinstance(q, Gaussian)


def test_pixels_are_on_256_levels():
    mean = torch.tensor([-1.0, 0.0, 255.0, 256.0, 65535.0, 65536.0]).double().reshape(1, 1, 2, 3)
    pixels = ExactPixels(mean, torch.full_like(mean, 300))
    assert pixels.levels.flatten().tolist() == [0, 0, 0, 1, 255, 255]
    assert isinstance(pixels, Pixels)
    assert isinstance(pixels, Discrete)


def test_the_mass_is_that_of_the_float_likelihood():
    mean, scale = torch.rand(2, 3, 4, 5).double() * 2**16, torch.full((2, 3, 4, 5), 400.0).double()
    levels = torch.randint(0, 256, mean.shape)
    sigma = 2.0 ** (400 / 32 - 16)
    floats = GaussianPixels(Gaussian(mean / 2**16, torch.full_like(mean, sigma).log()))
    found = ExactPixels(mean, scale).log_mass(levels * 256.0 + 128)
    assert torch.allclose(found, floats.log_mass((levels + 0.5) / 256))
    assert torch.equal(found, ExactPixels(mean, scale).log_prob(levels * 256.0 + 128))

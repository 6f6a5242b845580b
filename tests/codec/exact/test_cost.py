import pytest
import torch

from codec.exact.small import picture
from underdraw.codec import exact
from underdraw.codec.exact.cost import Ledger, code_length, log_cell
from underdraw.distributions import Gaussian


@pytest.fixture
def idle(two):
    """A model of which map 1 of the upper layer tells nothing."""
    with torch.no_grad():
        for layer in two.tower[1:]:
            for head in (layer.to_q, layer.to_p):
                head.affine.weight[1] = 0
                head.affine.bias[1] = 0
            layer.to_p.affine.weight[len(layer.to_q.affine.bias) + 1] = 0
            layer.to_p.affine.bias[len(layer.to_q.affine.bias) + 1] = 0
            layer.to_q.log_variance[:, 1] = 0
    return two


def test_exact_arithmetic_costs_little(model, levels):
    twin = exact.twin_of(model)
    found = exact.cost(model, twin, levels)
    assert found.images == 8
    assert found.active == 1
    assert abs(found.excess) < 0.003
    assert found.bits_exact - found.bits_float == pytest.approx(0, abs=5 * found.stderr + 0.003)
    assert found == exact.cost(model, twin, levels)


def test_bits_are_told_image_by_image(two, levels):
    twin = exact.twin_of(two)
    found, whole = exact.bits_per_dim(twin, twin, levels), exact.cost(two, twin, levels)
    assert found.shape == (8,)
    assert found.mean().item() == pytest.approx(whole.bits_exact)
    with pytest.raises(ValueError, match="no images"):
        exact.cost(two, twin, levels[:0])
    with pytest.raises(ValueError, match="images are uint8"):
        exact.cost(two, twin, levels.float())


def test_a_worse_twin_is_seen(two, levels):
    twin, fine = exact.twin_of(two), exact.cost(two, exact.twin_of(two), levels)
    twin.write.affine.weight.mul_(0.5)
    twin.write.affine.weight.floor_()
    assert abs(exact.cost(two, twin, levels).excess) > abs(fine.excess) + 1e-3


def test_what_a_sample_costs_is_its_mass(two):
    twin = exact.twin_of(two)
    noise = [torch.zeros(1, *twin.latent_shape(site)) for site in twin.sites]
    ledger, site = Ledger(twin, noise), twin.sites[0]
    half = twin.delta(site)[:, None, None] / 2**17
    mu = torch.zeros(1, *twin.latent_shape(site)).double()
    p, q = Gaussian(mu, mu + 1), Gaussian(mu + 0.3, mu - 1)
    z = ledger(site, p, q)
    normal = torch.distributions.Normal
    for d, sign in ((q, 1), (p, -1)):
        wide = normal(d.mu, d.sigma)
        ledger.paid -= sign * (wide.cdf(z + half) - wide.cdf(z - half)).log().sum((1, 2, 3))
    assert ledger.paid.abs().item() < 1e-9


def test_cells_sum_to_one():
    d = Gaussian(torch.tensor([0.3]).double(), torch.tensor([-0.5]).double())
    z = torch.arange(-60, 61).double() * 0.2
    assert log_cell(d, z, torch.tensor(0.1)).exp().sum().item() == pytest.approx(1)


def test_information_orders_maps_and_idle_ones_are_pruned(idle, levels):
    twin = exact.twin_of(idle)
    before = code_length(twin, twin.see(levels), Ledger(twin, twin.noise(8)))
    told = exact.prune(twin, levels)
    for site, bits in zip(twin.sites, told, strict=True):
        assert (bits >= 0).all()
        assert torch.equal(bits[twin.order(site)], bits.sort(descending=True).values)
        wanted = [True, site.layer == 0, True][: len(bits)]
        assert twin.active(site).tolist() == wanted
    assert exact.cost(idle, twin, levels).active == (2 * 16 + 2 * 4) / (2 * 16 + 3 * 4)
    torch.manual_seed(0)
    after = code_length(twin, twin.see(levels), Ledger(twin, twin.noise(8)))
    assert torch.isfinite(after - before).all()


def test_pruned_maps_rest_at_the_prior_and_are_free(idle, levels):
    twin = exact.twin_of(idle)
    exact.prune(twin, levels)
    ledger = Ledger(twin, twin.noise(8))
    for choice in twin.unroll(ledger, twin.see(levels)).choices:
        still = ~twin.active(choice.site)
        assert torch.equal(choice.z[:, still], twin.rest(choice.site, choice.p)[:, still])
    paid = ledger.paid.clone()
    for site in twin.sites:
        twin.posterior(site).active.zero_()
    silent = Ledger(twin, twin.noise(8))
    twin.unroll(silent, twin.see(levels))
    assert (silent.paid == 0).all()
    assert (paid != 0).all()


def test_pruning_changes_the_hash(idle):
    twin = exact.twin_of(idle)
    before = twin.hash
    exact.prune(twin, picture(2, 3, 8, 8))
    assert twin.hash != before

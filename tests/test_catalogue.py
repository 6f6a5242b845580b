"""The list of what ships: every model once, with the number it is known by."""

from underdraw import catalogue, checkpoint
from underdraw.codec import exact


def test_everything_that_ships_is_listed_once():
    found = catalogue.shipped()
    assert [one.name for one in found] == [*checkpoint.shipped(), *exact.shipped()]
    for one in found:
        assert one.licence == "Apache-2.0"
        assert one.bytes > 100_000
    assert sum(one.bytes for one in found) < 60e6


def test_models_are_known_by_what_they_were_measured_for():
    known = {one.name: one for one in catalogue.shipped()}
    digits = checkpoint.describe("draw_mnist")["measured"]
    assert known["draw_mnist"].known_by == f"{digits['nats']:.2f} ± {digits['stderr']:.2f} nats"
    assert known["draw_mnist"].split == digits["split"]
    wrong = checkpoint.describe("glimpser_mnist_cluttered")["measured"]["error"]
    assert known["glimpser_mnist_cluttered"].known_by == f"{wrong:.2%} wrong"
    bits = exact.describe("convdraw_photo@2")["measured"]["bits_exact"]
    assert known["convdraw_photo@2"].known_by == f"{bits:.3f} bits/dim, exact"
    assert known["convdraw_photo_low@2"].known_by == "for lossy files"
    assert known["convdraw_photo@1"].known_by == "for files that were made with it"
    assert known["convdraw_photo_low@2"][2:3] == ("",)
    assert known["convdraw_photo_low@2"].measured == {}


def test_natural_images_are_known_in_bits():
    measured = {"nats": 9000.0, "stderr": 1.0, "bits_per_dim": 4.2, "bits_per_dim_discrete": 4.1}
    assert catalogue.known_by(measured) == "4.200 bits/dim"

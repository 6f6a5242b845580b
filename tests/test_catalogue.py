"""The list of what ships: every model once, with the number it is known by."""

import pytest

from codec.crops import crops
from underdraw import catalogue, checkpoint
from underdraw.codec import exact
from underdraw.data import DataConfig, hold, open_images, random_subset
from underdraw.evaluate import evaluate


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
    assert known["convdraw_photo_low@5"].known_by == "for lossy files"
    assert known["convdraw_photo@1"].known_by == "for files that were made with it"
    assert known["convdraw_photo_low@5"][2:3] == ("",)
    assert known["convdraw_photo_low@5"].measured == {}


def test_natural_images_are_known_in_bits():
    measured = {"nats": 9000.0, "stderr": 1.0, "bits_per_dim": 4.2, "bits_per_dim_discrete": 4.1}
    assert catalogue.known_by(measured) == "4.200 bits/dim"


DIGITS, SHIPPED = DataConfig("binarized_mnist"), checkpoint.shipped()


def test_digits_cost_what_the_card_says():
    found = evaluate(checkpoint.load("draw_mnist"), random_subset(open_images(DIGITS, "test"), 250))
    said = checkpoint.describe("draw_mnist")["measured"]["nats"]
    assert abs(found.nats - said) < 3 * found.stderr


@pytest.mark.parametrize("name", [name for name in SHIPPED if "cifar10" in name])
def test_models_of_natural_images_know_photographs(name):
    found = evaluate(checkpoint.load(name), hold(crops(20), name="parrots"), batch=20)
    assert found.bits_per_dim < 4.6  # noise costs 8, and an untrained model more


def test_a_model_of_characters_knows_digits():
    model = checkpoint.load("convdraw_omniglot_small")
    found = evaluate(model, random_subset(open_images(DIGITS, "test"), 20), batch=20)
    assert found.nats < 150  # 543 with even chances for every pixel

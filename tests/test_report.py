"""The report: numbers of the shipped weights, and every picture that its page shows."""

import json
import re

import pytest
from PIL import Image

from underdraw import checkpoint, report


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "DIGITS", 20)
        report.run(out, say=lambda text: None)
    return out


def test_every_picture_of_the_page_is_there_and_opens(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="([^"]+)"', page)
    assert len(shown) >= 11
    for name in shown:
        with Image.open(folder / name) as picture:
            picture.load()


def test_numbers_are_those_that_the_weights_were_shipped_with(folder):
    numbers = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    assert set(numbers["models"]) == set(checkpoint.shipped())
    shipped = checkpoint.describe("draw_mnist")["measured"]
    assert numbers["models"]["draw_mnist"] == shipped
    assert numbers["again"]["images"] == 20
    assert f"{shipped['nats']:.2f} ± {shipped['stderr']:.2f}" in (
        (folder / "index.html").read_text(encoding="utf-8")
    )

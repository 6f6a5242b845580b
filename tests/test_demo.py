"""The demo leaves a page whose every picture is there."""

import json
import re

import pytest
from PIL import Image

from codec.crops import tiny
from underdraw.codec.decoding import decompress
from underdraw.demo import coding
from underdraw.demo import run as demo


def test_the_demo_leaves_a_page(tmp_path, monkeypatch):
    from underdraw.demo import steps

    monkeypatch.setattr(steps, "DIGITS", 20)
    monkeypatch.setattr(steps, "MINUTES", 0.02)
    said = []
    found = demo(tmp_path, say=said.append)
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    pictures = re.findall(r'src="([^"]+)"', html)
    assert len(pictures) >= 12
    for name in pictures:
        Image.open(tmp_path / name).verify()
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert found["nats"] == numbers["nats"] == pytest.approx(numbers["evaluation"]["nats"])
    assert f"{numbers['nats']:.2f}" in html
    assert 0 < numbers["cluttered_error"] < 0.2
    assert f"{numbers['cluttered_error']:.1%}" in html
    assert said


def test_the_demo_removes_nothing_of_yours(tmp_path):
    from underdraw.demo import steps

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="in the way"):
        steps.training(0, tmp_path)
    assert (tmp_path / "run" / "thesis.tex").exists()


def test_a_photograph_is_cut(tmp_path):
    section = coding.coding(tmp_path, tiny())
    content = (tmp_path / "parrots.udr").read_bytes()
    assert f"{len(content):,}" in section.text
    assert decompress(content[:50], model=tiny()).size == (240, 180)
    with Image.open(tmp_path / section.figures[0].file) as sheet:
        assert sheet.width > 7 * 240
    assert coding.there("tiny") is False

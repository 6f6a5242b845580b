"""The report: numbers of the shipped weights, and every picture that its page shows."""

import json
import re

import pytest
from PIL import Image

import keep
from underdraw import checkpoint, report
from underdraw.codec import exact
from underdraw.report import kept


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "DIGITS", 20)
        patch.setattr(report.redrawn, "RATES", (0.1,))
        report.run(out, say=lambda text: None)
    return out


def test_every_picture_of_the_page_is_there_and_opens(folder):
    page = (folder / "index.html").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="([^"]+)"', page)
    assert len(shown) >= 20
    for name in shown:
        with Image.open(folder / name) as picture:
            picture.load()


def test_numbers_are_those_that_the_weights_were_shipped_with(folder):
    numbers = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    assert set(numbers["models"]) == {*checkpoint.shipped(), *exact.shipped()}
    shipped = checkpoint.describe("draw_mnist")["measured"]
    assert numbers["models"]["draw_mnist"] == shipped
    assert numbers["again"]["images"] == 20
    assert f"{shipped['nats']:.2f} ± {shipped['stderr']:.2f}" in (
        (folder / "index.html").read_text(encoding="utf-8")
    )


def test_all_results_are_beside_the_page(folder):
    assert 'href="results.html"' in (folder / "index.html").read_text(encoding="utf-8")
    page = (folder / "results.html").read_text(encoding="utf-8")
    nats = checkpoint.describe("draw_mnist")["measured"]["nats"]
    row = page[page.index("<td><code>draw_mnist</code></td>") :]
    assert f"<td><strong>{nats:.2f}</strong>" in row[: row.index("</tr>")]
    links = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert all(link == "index.html" or link.startswith("http") for link in links)
    assert "](" not in page


def test_figures_are_kept_with_their_run_or_said_to_be_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "KEPT", tmp_path / "kept")
    assert kept.sections(tmp_path / "out") == []
    everything = kept.missing().text
    assert all(one.how in everything for one in kept.WANTED)
    Image.new("RGB", (8, 8)).save(tmp_path / "steps.png")
    monkeypatch.setattr(keep, "KEPT", tmp_path / "kept")
    keep.main("steps", tmp_path / "steps.png", "Cost.", "underdraw study steps, 10 minutes")
    (section,) = kept.sections(tmp_path / "out")
    (figure,) = section.figures
    assert "Fig. 8" in section.title
    assert "Run: underdraw study steps, 10 minutes; kept at commit " in figure.caption
    assert (tmp_path / "out" / figure.file).is_file()
    assert "Convolutional DRAW, Fig. 8" not in kept.missing().text
    assert "DRAW, Fig. 12" in kept.missing().text


def test_only_pictures_that_the_report_waits_for_are_kept(tmp_path):
    with pytest.raises(ValueError, match="not 'unknown'"):
        keep.main("unknown", tmp_path / "none.png", "", "")


def test_what_is_kept_is_whole_and_awaited():
    awaited = {one.kept for one in kept.WANTED}
    pictures = {path.stem for path in kept.KEPT.glob("*.png")}
    assert pictures == set(kept.names()) <= awaited

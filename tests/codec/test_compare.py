"""The comparison: equal bytes for all, honest counts, empty places for what there is not."""

from dataclasses import replace

import numpy as np
import pytest

from codec.crops import crops, tiny
from underdraw.codec import compare
from underdraw.codec.compare import (
    Row,
    at_rate,
    middle,
    picture_of_rows,
    row,
    there,
    told,
    without_loss,
)
from underdraw.codec.errors import CodecError
from underdraw.codec.image import Picture
from underdraw.codec.measures import psnr
from underdraw.codec.rivals import RIVALS


@pytest.fixture
def pictures() -> list[Picture]:
    return [Picture(a) for a in crops(2, 16, 24)]


def test_all_keep_to_the_rate(pictures) -> None:
    rows = at_rate(tiny(), pictures, 0.7)
    methods = {(one.codec, one.method) for one in rows}
    names = ("underdraw", "underdraw, full variance", "WebP")
    assert {(name, way) for name in names for way in ("files", "sheet")} <= methods
    for one in rows:
        assert one.met in (0, 2) or one.codec == "JPEG"
        assert one.bits_per_dim is None or one.bits_per_dim <= 0.7
        assert (one.psnr is None) == (one.met == 0)
    ours = rows[0]
    likeness = [psnr(p.levels, a) for p, a in zip(pictures, ours.shown, strict=True)]
    assert ours.psnr == pytest.approx(np.mean(likeness))
    assert not np.array_equal(rows[1].shown[0], ours.shown[0])


def test_a_sheet_is_one_file_however_it_is_decoded(pictures) -> None:
    rows = {(one.codec, one.method): one for one in at_rate(tiny(), pictures, 0.2)}
    zero, full = (rows[name, "sheet"] for name in ("underdraw", "underdraw, full variance"))
    assert full.bytes == zero.bytes
    assert full.met == zero.met == 2
    assert full.psnr < zero.psnr
    assert not np.array_equal(full.shown[0], zero.shown[0])


def test_a_rate_below_the_header_is_not_met() -> None:
    rows = at_rate(tiny(), [Picture(a) for a in (*crops(1, 4, 4), *crops(1, 24, 24))], 0.05)
    assert [one.met for one in rows if one.codec == "underdraw"] == [1]
    small = at_rate(tiny(), [Picture(a) for a in crops(2, 4, 4)], 0.05)
    assert [(one.method, one.met) for one in small if one.codec == "underdraw"] == [("files", 0)]


def test_there_is_no_sheet_that_cannot_be_decoded(pictures) -> None:
    rows = at_rate(tiny(), pictures, 0.7, max_pixels=16 * 48 - 1)
    assert {one.method for one in rows} == {"files"}
    for most, ours in ((2 * 20 * 28 - 1, set()), (2 * 20 * 28, set(compare.VARIANCES))):
        rows = at_rate(tiny(), pictures, 0.7, max_pixels=most)  # tiles count their edges
        sheets = {one.codec for one in rows if one.method == "sheet"}
        assert sheets & set(compare.VARIANCES) == ours
        assert "JPEG" in sheets


def test_pictures_of_two_sizes_have_no_sheet(pictures) -> None:
    rows = at_rate(tiny(), [*pictures, Picture(crops(1, 20, 13)[0])], 1.5)
    assert {one.method for one in rows} == {"files"}
    sheet = picture_of_rows([*pictures, Picture(crops(1, 20, 13)[0])], rows, ["a", "b", "c"])
    assert sheet.size[0] > 3 * 78
    with pytest.raises(CodecError, match="no pictures"):
        at_rate(tiny(), [], 1.0)


def test_larger_pictures_may_be_allowed(pictures, monkeypatch) -> None:
    for call in (
        lambda most: at_rate(tiny(), pictures, 0.7, max_pixels=most),
        lambda most: without_loss(tiny(), pictures, max_pixels=most),
    ):
        with pytest.raises(CodecError, match="more than 383 pixels"):
            call(383)
        assert all(one.met for one in call(384) if one.codec == "underdraw")


def test_a_rival_that_cannot_code_a_picture_has_none(pictures) -> None:
    wide = Picture(np.zeros((3, 2, 16400), np.uint8))
    rows = {one.codec: one for one in without_loss(tiny(), [wide, pictures[0]])}
    assert rows["WebP"].met == 1  # at most 16383 pixels a side
    assert rows["PNG"].met == rows["underdraw"].met == 2
    assert rows["WebP"].bits_per_dim > 1


def test_lossless_rows_count_whole_files(pictures) -> None:
    rows = {one.codec: one for one in without_loss(tiny(), pictures)}
    assert {"underdraw", "PNG", "WebP"} <= rows.keys()
    assert "JPEG" not in rows
    for one in rows.values():
        assert one.met == 2
        assert one.psnr is None
        assert one.bits_per_dim == pytest.approx(8 * one.bytes / (3 * 16 * 24))


def test_what_is_missing_is_left_out_and_said(monkeypatch) -> None:
    absent = replace(RIVALS["WebP"], name="Nothing", feature="no_such_module")
    monkeypatch.setattr(compare, "RIVALS", {"Nothing": absent, "PNG": RIVALS["PNG"]})
    said: list[str] = []
    assert [rival.name for rival in there(said.append)] == ["PNG"]
    assert said == ["Nothing is left out: it needs pip install 'underdraw[jxl]'"]


def test_too_many_for_a_sheet_are_said_to_be(pictures, monkeypatch) -> None:
    monkeypatch.setattr(compare, "RIVALS", {"PNG": RIVALS["PNG"]})
    said: list[str] = []
    rows = at_rate(tiny(), pictures, 1.0, said.append)
    assert ({row.method for row in rows}, said) == ({"files", "sheet"}, [])
    monkeypatch.setattr(compare, "SHEET", 1)
    assert {row.method for row in at_rate(tiny(), pictures, 1.0, said.append)} == {"files"}
    assert said == ["there are no sheets: one holds 1 pictures, and these are 2"]


def test_a_row_is_the_mean_of_what_there_is(pictures) -> None:
    one = row("x", "files", 1.0, pictures, [None, (36.0, pictures[1].levels ^ 1)])
    assert (one.met, one.bytes, one.bits_per_dim) == (1, 36, 0.25)
    assert one.psnr == pytest.approx(48.13, abs=0.01)
    assert told(one) == "36 bytes, 48.1 dB, 1 of 2"
    none = row("x", "files", 1.0, pictures, [None, None])
    assert (none.met, none.bytes, none.psnr, none.ssim) == (0, None, None, None)
    assert told(none) == "needs more bytes"
    assert isinstance(none, Row)


def test_the_middle_is_shown() -> None:
    levels = np.arange(3 * 6 * 8, dtype=np.uint8).reshape(3, 6, 8)
    assert ((middle(levels, (2, 4)) * 256).numpy().astype(int) == levels[:, 2:4, 2:6]).all()
    assert middle(levels[:1], (6, 8)).shape == (3, 6, 8)
    assert middle(None, (2, 4)).isnan().all()

"""Classical codecs at equal bytes, and the two measures."""

import math
from dataclasses import replace

import numpy as np
import pytest

from underdraw.codec import measures, rivals
from underdraw.codec.errors import CodecError
from underdraw.codec.image import Picture, read
from underdraw.codec.measures import psnr, ssim
from underdraw.codec.rivals import RIVALS, best_within, lossless_bytes, sheet_of

HERE = [rival for rival in RIVALS.values() if not rival.missing]
LOSSLESS = [rival for rival in HERE if rival.lossless is not None]
LOSSY = [rival for rival in HERE if rival.lossy is not None]


def smooth(channels: int = 3, size: int = 48) -> Picture:
    """Waves and a little noise."""
    y, x = np.mgrid[:size, :size] / size
    waves = [np.sin(7 * x * (k + 1) + 3 * y) + np.cos(9 * x * y + k) for k in range(channels)]
    noise = np.random.default_rng(0).normal(0, 3, (channels, size, size))
    return Picture((128 + 50 * np.array(waves) + noise).clip(0, 255).astype(np.uint8))


def test_pillow_brings_the_usual_ones() -> None:
    assert {"PNG", "JPEG", "JPEG 2000", "WebP", "AVIF"} <= {rival.name for rival in HERE}


@pytest.mark.parametrize("rival", LOSSLESS, ids=lambda rival: rival.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_files(rival: rivals.Rival, channels: int) -> None:
    picture = smooth(channels)
    assert 400 < lossless_bytes(rival, picture) < picture.levels.size


@pytest.mark.parametrize("rival", LOSSY, ids=lambda rival: rival.name)
def test_the_best_file_within_a_budget(rival: rivals.Rival) -> None:
    picture = smooth()
    small, large = best_within(rival, picture, 900), best_within(rival, picture, 1800)
    assert small is not None
    assert large is not None
    assert 700 < len(small.content) <= 900 < len(large.content) <= 1800
    assert 20 < psnr(small.levels, picture.levels) < psnr(large.levels, picture.levels)
    assert np.array_equal(read(large.content).levels, large.levels)
    assert best_within(rival, picture, 20) is None


def test_a_generous_budget_gives_the_best_quality() -> None:
    coded = best_within(RIVALS["JPEG"], smooth(), 10**6)
    assert coded is not None
    assert psnr(coded.levels, smooth().levels) > 45


def test_what_a_codec_cannot_do() -> None:
    with pytest.raises(CodecError, match="JPEG has no lossless"):
        lossless_bytes(RIVALS["JPEG"], smooth())
    with pytest.raises(CodecError, match="PNG has no lossy"):
        best_within(RIVALS["PNG"], smooth(), 100)
    absent = replace(RIVALS["JPEG XL"], feature="no_such_module")
    with pytest.raises(CodecError, match=r"JPEG XL needs pip install"):
        lossless_bytes(absent, smooth())
    lying = replace(RIVALS["WebP"], lossless={"lossless": False})
    with pytest.raises(CodecError, match="did not give back"):
        lossless_bytes(lying, smooth())
    with pytest.raises(CodecError, match="AVIF cannot code 70000 x 1"):
        rivals.encode(RIVALS["AVIF"], Picture(np.zeros((3, 1, 70000), np.uint8)), {"quality": 3})


def test_there_is_no_best_file_of_what_cannot_be_coded() -> None:
    wide = Picture(np.zeros((3, 2, 16400), np.uint8))
    assert best_within(RIVALS["WebP"], wide, 10**6) is None
    assert best_within(RIVALS["JPEG"], wide, 10**6) is not None
    with pytest.raises(CodecError, match="needs pip install"):
        best_within(replace(RIVALS["JPEG XL"], feature="no_such_module"), smooth(), 10**6)


def test_sheets_are_cut_as_they_were_laid() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (23, 3, 4, 5), np.uint8)
    sheet = sheet_of([Picture(a) for a in levels])
    assert sheet.picture.levels.shape == (3, 12, 50)
    assert np.array_equal(sheet.picture.levels[:, 4:8, 5:10], levels[11])
    assert np.array_equal(sheet.cut(sheet.picture.levels), levels)
    assert sheet_of([Picture(levels[0])]).picture.levels.shape == (3, 4, 5)
    with pytest.raises(CodecError, match="one shape"):
        sheet_of([Picture(levels[0]), Picture(levels[0, :1])])
    with pytest.raises(CodecError, match="one shape"):
        sheet_of([])


def test_psnr() -> None:
    a = np.full((3, 4, 5), 100, np.uint8)
    assert psnr(a, a) == math.inf
    assert psnr(a, a - 101) == pytest.approx(20 * math.log10(255 / 155))  # 100 - 101 is 255
    assert psnr(a, a + 5) == pytest.approx(10 * math.log10(255**2 / 25))


def test_ssim() -> None:
    pytest.importorskip("skimage")
    picture = smooth()
    assert ssim(picture.levels, picture.levels) == pytest.approx(1)
    noisy = picture.levels ^ np.uint8(8)
    assert 0.3 < ssim(picture.levels, noisy) < 0.99
    assert ssim(smooth(1).levels, smooth(1).levels ^ np.uint8(8)) < 0.99
    with pytest.raises(CodecError, match="20 x 8"):
        ssim(picture.levels[:, :8, :20], picture.levels[:, :8, :20])


def test_ssim_says_what_it_needs(monkeypatch) -> None:
    monkeypatch.setattr(measures.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CodecError, match="underdraw\\[compare\\]"):
        ssim(smooth().levels, smooth().levels)

"""Pictures made of tiles: each as it would be alone, in one stream."""

import numpy as np
import pytest

from codec.crops import crops, tiny
from underdraw.codec import compress, decompress, decompress_all, lossy, together
from underdraw.codec.budgets import sample
from underdraw.codec.container import LOSSLESS, LOSSY, TILE, Header, build, parse, varint
from underdraw.codec.decoding import picture_of
from underdraw.codec.encoding import compress_all
from underdraw.codec.errors import CodecError
from underdraw.codec.image import Picture
from underdraw.codec.tiles import cut, laid, tiling
from underdraw.codec.together import drawn, few
from underdraw.codec.wishes import Wish


def test_tiles_are_cut_and_laid():
    levels = crops(2, 20, 30)
    assert tiling((20, 30), (8, 16)) == (3, 2)
    tiles = cut(levels, (8, 16))
    assert tiles.shape == (12, 3, 8, 16)
    assert (tiles[7, :, :, :14] == levels[1, :, :8, 16:]).all()
    assert (tiles[7, :, :, 14:] == levels[1, :, :8, 29:]).all()
    assert (tiles[5, :, 4:, :14] == levels[0, :, 19:, 16:]).all()
    assert (laid(tiles, (20, 30)) == levels).all()


@pytest.mark.parametrize("power", [-200, -40])
def test_a_tile_is_what_it_is_alone(power):
    levels = crops(2, 16, 24)
    tiles = cut(levels, (8, 8))
    together = lossy.encode(tiny(), levels, [power] * 2, tile=(8, 8))
    alone = lossy.encode(tiny(), tiles, [power] * 12)
    for i, stream in enumerate(together):
        assert len(stream) < sum(map(len, alone[6 * i : 6 * i + 6]))
    found = lossy.decode(tiny(), together, (16, 24), 3, tile=(8, 8))
    assert (cut(found, (8, 8)) == lossy.decode(tiny(), alone, (8, 8), 3)).all()
    one = lossy.encode(tiny(), levels, [power] * 2, tile=(16, 24))
    assert one == lossy.encode(tiny(), levels, [power] * 2)


def test_prefixes_decode_and_tiles_dream_apart():
    levels = crops(1, 16, 16)
    (stream,) = lossy.encode(tiny(), levels, [-200], tile=(8, 8))
    errors = []
    for length in range(0, len(stream) + 1, 7):
        found = lossy.decode(tiny(), [stream[:length]], (16, 16), 3, tile=(8, 8))
        errors.append(np.square(found.astype(float) - levels).mean())
    assert errors[-1] < 0.3 * errors[0]
    dreamt = lossy.decode(tiny(), [b"\0"], (16, 16), 3, 0, 1.0, tile=(8, 8))
    tiles = cut(dreamt, (8, 8))
    assert len(np.unique(tiles.reshape(4, -1), axis=0)) == 4
    other = lossy.decode(tiny(), [b"\0"], (8, 8), 3, 0, 1.0, seed=2)
    assert (tiles[2] == other[0]).all()
    last = lossy.decode(tiny(), [b"\0"], (16, 16), 3, 0, 1.0, seed=2**64 - 1, tile=(8, 8))
    assert (cut(last, (8, 8))[1] == tiles[0]).all()
    both = lossy.decode(tiny(), [b"\0"] * 2, (16, 16), 3, 0, 1.0, tile=(8, 8))
    assert (both == dreamt).all()


@pytest.mark.parametrize("wish", [Wish(), Wish(bits_per_dim=0.5)])
def test_files_of_tiles_come_back(wish):
    levels = crops(1, 40, 28)[0]
    (content,) = compress_all([Picture(levels)], tiny(), wish._replace(tile=(10, 9)))
    header, payload = parse(content)
    assert header.tile == (10, 9)
    found = picture_of(header, payload, tiny()).levels
    assert found.shape == levels.shape
    assert np.square(found.astype(float) - levels).mean() < 2500
    if wish.bits_per_dim:
        assert 0.9 < 8 * len(content) / levels.size / 0.5 <= 1
    (plain,) = compress_all([Picture(levels)], tiny(), wish._replace(tile=(40, 99)))
    assert parse(plain)[0].tile is None


def test_a_budget_is_tried_on_some_tiles(monkeypatch):
    monkeypatch.setattr("underdraw.codec.budgets.SAMPLE", 16)
    levels = crops(1, 40, 40)[0]
    some = sample(levels[None], (8, 8))
    assert some.shape == (1, 3, 32, 8)
    assert all((cut(some, (8, 8))[i] == cut(levels[None], (8, 8))[7 * i]).all() for i in range(4))
    (content,) = compress_all([Picture(levels)], tiny(), Wish(bits_per_dim=0.3, tile=(8, 8)))
    assert 0.8 < 8 * len(content) / levels.size / 0.3 <= 1
    whole = picture_of(*parse(content), tiny()).levels
    assert np.square(whole.astype(float) - levels).mean() < 2500


def test_tiles_are_counted_with_their_edges(monkeypatch):
    assert tiny().stride == 2
    assert drawn(tiny(), (15, 24)) == 16 * 24
    assert drawn(tiny(), (15, 24), (5, 8)) == 9 * (6 + 4) * (8 + 4)
    group = range(10)
    monkeypatch.setattr(together, "TOGETHER", 3 * 1080)
    assert [len(some) for some in few(tiny(), (15, 24), group, (5, 8))] == [3, 3, 3, 1]
    assert [len(some) for some in few(tiny(), (15, 24), group)] == [8, 2]
    assert [len(some) for some in few(tiny(), (15, 24), group, (5, 8), 2 * 1080)] == [2] * 5
    assert [len(some) for some in few(tiny(), (15, 24), group, (5, 8), 1)] == [1] * 10


def test_pictures_of_tiles_are_coded_few_at_a_time(monkeypatch):
    levels = list(crops(5, 16, 24).transpose(0, 2, 3, 1))
    each = drawn(tiny(), (16, 24), (8, 8))
    plain, counts, encode, decode = Wish(tile=(8, 8)), [], lossy.encode, lossy.decode
    monkeypatch.setattr(
        lossy, "encode", lambda t, a, *r, **k: counts.append(len(a)) or encode(t, a, *r, **k)
    )
    monkeypatch.setattr(
        lossy, "decode", lambda t, s, **k: counts.append(len(s)) or decode(t, s, **k)
    )
    files = compress_all(levels, tiny(), plain, max_pixels=2 * each)
    decompress_all(files, model=tiny(), max_pixels=2 * each)
    assert counts == [2, 2, 1, 2, 2, 1]


def test_the_public_functions_take_tiles():
    levels = crops(1, 16, 16)[0].transpose(1, 2, 0)
    content = compress(levels, tiny(), tile=(8, 8))
    assert np.array(decompress(content, model=tiny())).shape == (16, 16, 3)


def test_tiles_that_make_no_sense_are_refused():
    with pytest.raises(CodecError, match="lossless and tile exclude each other"):
        compress(crops(1)[0].transpose(1, 2, 0), tiny(), lossless=True, tile=(8, 8))
    with pytest.raises(CodecError, match="no tile has height 0 and width 8"):
        compress(crops(1)[0].transpose(1, 2, 0), tiny(), tile=(0, 8))
    for extra, said in (
        (varint(0) + varint(8), r"height of a tile must be in 1\.\.16, is 0"),
        (varint(17) + varint(8), r"height of a tile must be in 1\.\.16, is 17"),
        (varint(8) + varint(8) + b"\0", "said of tiles is damaged"),
        (varint(8), "^the width of a tile needs byte 2 of 1$"),
    ):
        with pytest.raises(CodecError, match=said):
            Header(LOSSY, tiny().hash, 16, 16, 3, 4, {TILE: extra})
    with pytest.raises(CodecError, match="said of tiles is damaged"):
        Header(LOSSLESS, tiny().hash, 16, 16, 3, 4, {TILE: varint(8) * 2})
    content = build(Header(LOSSY, tiny().hash, 4096, 4096, 3, 4, {TILE: varint(1) * 2}), b"")
    with pytest.raises(CodecError, match="is drawn as 16777216 times 6 x 6: more than"):
        decompress(content, model=tiny())
    for tile in ((8,), (8, 8, 8), (8.0, 8.0), 64, "ab"):
        with pytest.raises(CodecError, match="tile must be two whole numbers"):
            Wish(tile=tile).check()
    with pytest.raises(CodecError, match=r"steps must be a whole number, got 2\.0"):
        Wish(steps=2.0).check()

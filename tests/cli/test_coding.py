"""The codec on the command line: files that come back, words when they do not."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from calling import call, call_json
from codec.crops import GOLDEN, crops, tiny
from codec.hostile import wild
from underdraw.cli import about, archives, coding, tell
from underdraw.codec import archive, compress, library
from underdraw.codec.container import LOSSY, Header, build, parse, parse_archive
from underdraw.codec.errors import CodecError
from underdraw.codec.measures import psnr

MODEL = ("--model", str(GOLDEN / "tiny@1"))


def levels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four pictures of two sizes, one of them a JPEG below another folder."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for i, a in enumerate(crops(3, 16, 20)):
        Image.fromarray(a.transpose(1, 2, 0)).save(folder / f"{i}.png")
    Image.fromarray(crops(1, 24, 8)[0].transpose(1, 2, 0)).save(folder / "more" / "x.jpg")
    return folder


def test_one_picture_there_and_back(capsys, photos, tmp_path) -> None:
    source, file, out = photos / "1.png", tmp_path / "a.udr", tmp_path / "a.png"
    found = call_json(capsys, "compress", str(source), "-o", str(file), *MODEL, "--lossless")
    assert found["bytes"] == file.stat().st_size
    assert found["bits_per_dim"] == pytest.approx(8 * found["bytes"] / 960)
    call_json(capsys, "decompress", str(file), "-o", str(out), *MODEL)
    assert np.array_equal(levels(out), levels(source))
    found = call_json(
        capsys, "compress", str(source), "-o", str(file), *MODEL, "--bits-per-dim", "1"
    )
    assert found["bytes"] <= 120
    call_json(capsys, "decompress", str(file), "-o", str(out), *MODEL)
    assert psnr(levels(out), levels(source)) == pytest.approx(found["psnr"])
    told = call_json(capsys, "info", str(file))
    assert told["header_bytes"] == 8
    assert (told["kind"], told["width"], told["height"]) == ("lossy", 20, 16)
    assert (told["format"], told["header"], told["extras"]) == (1, "short", {})
    file.write_bytes(file.read_bytes()[:40])
    into = ("decompress", str(file), "-o", str(tmp_path), *MODEL, "--temperature", "1")
    call_json(capsys, *into, "--overwrite")
    assert levels(out).shape == (16, 20, 3)


def test_many_pictures_there_and_back(capsys, photos, tmp_path) -> None:
    files, back, one = tmp_path / "files", tmp_path / "back", tmp_path / "one.png"
    found = call_json(capsys, "compress", str(photos), "-o", str(files), *MODEL)
    written = sorted(files.rglob("*.udr"))
    assert [p.relative_to(files).as_posix() for p in written] == [
        "0.udr", "1.udr", "2.udr", "more/x.udr",
    ]  # fmt: skip
    assert found["bytes"] == sum(p.stat().st_size for p in written)
    assert found["bits_per_dim"] == pytest.approx(8 * found["bytes"] / (3 * 960 + 576))
    for i in range(3):
        alone = tmp_path / "alone.udr"
        call_json(capsys, "compress", str(photos / f"{i}.png"), "-o", str(alone), *MODEL)
        assert alone.read_bytes() == (files / f"{i}.udr").read_bytes()
    told = call_json(capsys, "decompress", str(files), "-o", str(back), *MODEL)
    assert told["images"] == 4
    errors = []
    for path in written:
        picture = back / path.relative_to(files).with_suffix(".png")
        call_json(capsys, "decompress", str(path), "-o", str(one), *MODEL)
        assert np.array_equal(levels(picture), levels(one))
        source = photos / path.relative_to(files).with_suffix(".png")
        source = source if source.is_file() else source.with_suffix(".jpg")
        errors.append(psnr(levels(picture), levels(source)))
    assert found["psnr"] == pytest.approx(np.mean(errors))


def test_many_files_are_all_decompressed_or_none(capsys, photos, tmp_path) -> None:
    files, back = tmp_path / "files", tmp_path / "back"
    call_json(capsys, "compress", str(photos), "-o", str(files), *MODEL)
    two = [str(files / "0.udr"), str(files / "1.udr")]
    shutil.copy(photos / "0.png", photos / "0.bmp")
    (tmp_path / "none").mkdir()
    archive_file = str(tmp_path / "many.udr")
    call_json(capsys, "compress", str(photos / "more"), "-o", archive_file, *MODEL, "--lossless")
    (files / "2.udr").write_bytes(b"nothing")
    cases = [
        (("decompress", str(files), "-o", str(back), *MODEL), "2.udr: "),
        (("decompress", *two, archive_file, "-o", str(back), *MODEL), "is an archive"),
        (("decompress", *two, "-o", str(back), *MODEL, "--only", "x"), "of one archive"),
        (("decompress", *two, "-o", two[0], *MODEL), "0.udr is a file"),
        (("decompress", two[0], two[0], "-o", str(back), *MODEL), "have one name"),
        (("decompress", str(tmp_path / "none"), "-o", str(back), *MODEL), "no files"),
        (("compress", str(photos), "-o", str(back), *MODEL), "would both be"),
    ]
    for words, reason in cases:
        code, _, err = call(capsys, *words)
        assert (code, reason in err) == (2, True), (words, err)
    assert not back.exists()


def test_the_command_line_chooses_as_the_library_does(capsys, photos, tmp_path, monkeypatch):
    rung = library.Rung(str(GOLDEN / "tiny@1"), 0.0, 0.0, 2, (-60, -100))
    monkeypatch.setattr(library, "LADDER", (rung,))
    call_json(capsys, "compress", str(photos / "1.png"), "-o", str(tmp_path / "a.udr"))
    content = (tmp_path / "a.udr").read_bytes()
    assert content == compress(photos / "1.png")
    assert parse(content)[0].steps == 2


def test_what_cannot_be_decoded_of_many_is_left_out(capsys, photos, tmp_path) -> None:
    files, back = tmp_path / "files", tmp_path / "back"
    call_json(capsys, "compress", str(photos), "-o", str(files), *MODEL)
    bad = files / "1.udr"
    bad.write_bytes(wild(levels(photos / "1.png")))
    words = ("decompress", str(files), "-o", str(back), *MODEL, "--json")
    code, printed, err = call(capsys, *words)
    assert code == 1
    assert f"{bad}: k=2147483653 is no number that could have been coded; it is left out" in err
    told = json.loads(printed)
    assert (told["images"], told["failed"]) == (3, [str(bad)])
    assert sorted(path.stem for path in back.rglob("*.png")) == ["0", "2", "x"]
    for path in files.rglob("*.udr"):
        path.write_bytes(bad.read_bytes())
    shutil.rmtree(back)
    code, printed, err = call(capsys, *words)
    assert (code, printed, back.exists()) == (2, "", False)
    assert "0.udr: k=2147483653 is no number" in err


def test_of_many_lossless_files_the_damaged_ones_are_left_out(capsys, photos, tmp_path) -> None:
    files, back = tmp_path / "files", tmp_path / "back"
    files.mkdir()
    for i in range(3):
        picture = str(photos / f"{i}.png")
        call_json(capsys, "compress", picture, "-o", str(files / f"{i}.udr"), "--lossless", *MODEL)
    content = (files / "0.udr").read_bytes()
    (files / "0.udr").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (files / "2.udr").write_bytes(with_long_header(files / "2.udr")[:-9])
    code, printed, err = call(capsys, "decompress", str(files), "-o", str(back), *MODEL, "--json")
    assert code == 1
    told = json.loads(printed)
    assert (told["images"], told["failed"]) == (1, [str(files / f"{i}.udr") for i in (0, 2)])
    assert "0.udr: the payload is damaged: its checksum is wrong; it is left out" in err
    assert "2.udr: the payload has " in err
    assert [path.name for path in back.iterdir()] == ["1.png"]
    told = [call_json(capsys, "info", str(files / f"{i}.udr")) for i in range(3)]
    assert [one["width"] for one in told] == [20, 20, 20]
    assert "checksum" in told[0]["damaged"]
    assert told[1]["damaged"] is None
    assert "bytes, not" in told[2]["damaged"]


def with_long_header(file: Path) -> bytes:
    header, payload = parse(file.read_bytes())
    return build(replace(header, model=tiny().hash), payload, short=False)


def test_other_files_are_not_written_over(capsys, photos, tmp_path) -> None:
    other, mine = tmp_path / "other", tmp_path / "mine.udr"
    shutil.copy(photos / "0.png", other)
    folder = tmp_path / "files"
    folder.mkdir()
    shutil.copy(other, folder / "2.udr")
    for source, out in ((photos / "1.png", other), (photos, other), (photos, folder)):
        more = ["--lossless"] * (source.is_dir() and out is other)
        code, _, err = call(capsys, "compress", str(source), "-o", str(out), *MODEL, *more)
        assert (code, "is there, and is no .udr file" in err) == (2, True), err
    assert other.read_bytes() == (photos / "0.png").read_bytes()
    assert [path.name for path in folder.iterdir()] == ["2.udr"]
    mine.touch()
    for _ in range(2):  # empty, and ours
        call_json(capsys, "compress", str(photos / "1.png"), "-o", str(mine), *MODEL)


def test_lossless_files_that_are_larger_than_their_source_say_so(capsys, tmp_path) -> None:
    source = tmp_path / "x.jpg"
    Image.fromarray(crops(1, 40, 56)[0].transpose(1, 2, 0)).save(source, quality=30)
    code, _, err = call(
        capsys, "compress", str(source), "-o", str(tmp_path / "a.udr"), *MODEL, "--lossless"
    )
    assert code == 0
    assert "smaller itself" in err
    assert "with loss before" in err


def test_lossy_files_that_are_larger_than_their_source_say_so(capsys, tmp_path) -> None:
    source = tmp_path / "x.png"
    dots = 255 * (np.arange(40 * 56).reshape(40, 56) % 2).astype(np.uint8)
    Image.fromarray(dots).convert("1").save(source)
    words = ("compress", str(source), "-o", str(tmp_path / "a.udr"), *MODEL, "--quality")
    code, _, err = call(capsys, *words, "100")
    assert (code, "x.png is smaller itself" in err, "before" in err) == (0, True, False)
    Image.fromarray(crops(1, 40, 56)[0].transpose(1, 2, 0)).save(source)
    code, _, err = call(capsys, *words, "0")
    assert (code, "smaller" in err) == (0, False)


def test_archives_there_and_back(capsys, photos, tmp_path) -> None:
    file, out = tmp_path / "all.udr", tmp_path / "out"
    found = call_json(capsys, "compress", str(photos), "-o", str(file), *MODEL, "--lossless")
    assert found["images"] == 4
    told = call_json(capsys, "info", str(file))
    assert sorted(told["names"]) == ["0.png", "1.png", "2.png", "more/x.jpg"]
    assert told["blocks"] == 2
    assert told["payload_bytes"] == sum(block["bytes"] for block in told["each_block"])
    assert 0 < told["names_bytes"] < told["bytes"] - told["payload_bytes"] < 200
    back = call_json(capsys, "decompress", str(file), "-o", str(out), *MODEL)
    assert back["images"] == 4
    for i in range(3):
        assert np.array_equal(levels(out / f"{i}.png"), levels(photos / f"{i}.png"))
    assert np.array_equal(levels(out / "more" / "x.jpg.png"), levels(photos / "more" / "x.jpg"))
    shutil.rmtree(out)
    call_json(capsys, "decompress", str(file), "-o", str(out), *MODEL, "--only", "2.png")
    assert [p.name for p in out.iterdir()] == ["2.png"]
    shutil.rmtree(out)
    call_json(capsys, "decompress", str(file), "-o", str(out), *MODEL, "--block", "1")
    assert [p.name for p in out.rglob("*.png")] == ["x.jpg.png"]


def test_one_picture_of_an_archive_to_a_file(capsys, photos, tmp_path, monkeypatch) -> None:
    file, out = tmp_path / "all.udr", tmp_path / "one.bmp"
    call_json(capsys, "compress", str(photos), "-o", str(file), *MODEL, "--lossless")
    take = ("decompress", str(file), *MODEL, "--only", "2.png", "-o")
    told = call_json(capsys, *take, str(out))
    assert (told["files"], told["images"]) == ([str(out)], 1)
    assert np.array_equal(levels(out), levels(photos / "2.png"))
    call_json(capsys, *take, str(out))  # which is there already
    call_json(capsys, *take, str(tmp_path / "folder"))
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["2.png"]
    code, _, err = call(capsys, *take, str(tmp_path / "one.jpg"))
    assert (code, "JPEG does not keep this lossless picture" in err) == (2, True)
    assert not (tmp_path / "one.jpg").exists()
    monkeypatch.setattr(archive, "decode_block", lambda *given: pytest.fail("decoded"))
    (tmp_path / "file").write_text("in the way")
    whole = ("decompress", str(file), *MODEL, "-o")
    for words, said in (
        ((*take, str(tmp_path / "file")), "file is a file"),
        ((*whole, str(out)), "pictures of an archive need a folder, and"),
        ((*take, str(out), "--block", "1"), "2.png is in block 0, not in block 1"),
        ((*whole, "new", "--only", "x.jpg"), "all.udr: there is no picture 'x.jpg'"),
        ((*whole, "new", "--block", "2"), "all.udr: there is no block 2, of 2"),
    ):
        code, printed, err = call(capsys, *words)
        assert (code, said in err, printed) == (2, True, ""), err


def test_a_folder_that_is_there_takes_one_file(capsys, photos, tmp_path, monkeypatch) -> None:
    source, folder = str(photos / "1.png"), tmp_path / "files"
    folder.mkdir()
    for more in ((), ("--lossless",)):
        told = call_json(capsys, "compress", source, "-o", str(folder), *MODEL, *more)
        assert told["file"] == str(folder / "1.udr")
        assert [path.name for path in folder.iterdir()] == ["1.udr"]
    monkeypatch.chdir(folder)
    (folder / "1.udr").unlink()
    call_json(capsys, "compress", source, "-o", ".", *MODEL)
    assert [path.name for path in folder.iterdir()] == ["1.udr"]
    monkeypatch.setattr(archives, "read", lambda *given: pytest.fail("read"))
    code, _, err = call(capsys, "compress", str(photos), "-o", str(folder), *MODEL, "--lossless")
    assert (code, err.strip()) == (2, f"underdraw: {folder} is a folder: an archive is a file")


def test_hidden_files_are_passed_over(capsys, photos, tmp_path) -> None:
    (photos / ".trash").mkdir()
    for name in (".0.png", "._1.png", ".trash/2.png", "more/.x.png"):
        (photos / name).write_bytes(b"no picture")
    file = tmp_path / "all.udr"
    found = call_json(capsys, "compress", str(photos), "-o", str(file), *MODEL, "--lossless")
    assert found["images"] == 4


def test_errors_name_their_picture_or_file(capsys, photos, tmp_path) -> None:
    profile = photos / "9.png"
    Image.open(photos / "0.png").save(profile, icc_profile=b"nothing")
    file, out = tmp_path / "all.udr", str(tmp_path / "out")
    bad = "9.png: has a colour profile that cannot be applied"
    tall = tmp_path / "tall.png"
    Image.fromarray(crops(1, 7, 27)[0].transpose(1, 2, 0)).save(tall)
    drawn = "tall.png: is drawn as 28 x 8: more than 189 pixels"
    few = ("--max-pixels", "189")
    for words, said in (
        (("compress", str(photos), "-o", out), bad),
        (("compress", str(profile), "-o", str(file)), bad),
        (("compare", str(photos), "--rates", "1", "--out", out), bad),
        (("compress", str(tall), "-o", str(file), *few), drawn),
        (("compress", str(tall), "-o", str(file), "--lossless", *few), drawn),
        (("compress", str(tall), "--tile", "9", "9", "-o", str(file), *few), "tall.png: is drawn"),
        (("compare", str(tall), "--rates", "1", "--out", out, *few), drawn),
    ):
        code, _, err = call(capsys, *words, *MODEL)
        assert (code, said in err) == (2, True), (words, err)
    file.write_bytes(b"nothing")
    for words in (("decompress", str(file), "-o", out), ("info", str(file))):
        code, _, err = call(capsys, *words)
        assert (code, f"{file}: not an underdraw file" in err) == (2, True), (words, err)
    file.write_bytes(build(Header(LOSSY, bytes(8), 4, 4, 3, 4), b"", short=False))
    files = tmp_path / "files"
    for words in ((str(file),), (str(file), str(files / "0.udr"))):
        call_json(capsys, "compress", str(photos / "0.png"), "-o", str(files / "0.udr"), *MODEL)
        code, _, err = call(capsys, "decompress", *words, "-o", out)
        assert (code, "all.udr: no shipped model has the hash 0000" in err) == (2, True), err


def test_profiles_that_archives_drop_are_said(capsys, photos, tmp_path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name in ("1.png", "2.png"):
        Image.open(photos / name).save(photos / name, icc_profile=profile)
    make = ("compress", str(photos), "-o", str(tmp_path / "a.udr"), *MODEL, "--lossless")
    code, _, err = call(capsys, *make)
    assert code == 0
    assert "colour profiles are dropped, as archives hold levels only, of 1.png, 2.png\n" in err


def test_what_a_format_cannot_hold_is_said_before_decoding(capsys, tmp_path, monkeypatch) -> None:
    source, file = tmp_path / "a.png", str(tmp_path / "a.udr")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 300, 4), np.uint8)).save(source)
    call_json(capsys, "compress", str(source), "-o", file, *MODEL)
    monkeypatch.setattr(coding, "picture_of", lambda *given: pytest.fail("decoded"))
    for name, said in (
        ("b.jpg", "b.jpg cannot be written"),
        ("b.ico", "not keep the size, 300 x 30"),
    ):
        code, _, err = call(capsys, "decompress", file, "-o", str(tmp_path / name), *MODEL)
        assert (code, said in err) == (2, True), err
    code, _, err = call(capsys, "decompress", file, "-o", str(tmp_path / "b.txt"), *MODEL)
    assert (code, "no picture format is called '.txt'" in err) == (2, True), err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a.udr"]


def test_info_for_people(capsys, photos, tmp_path, monkeypatch) -> None:
    file = tmp_path / "a.udr"
    words = ("compress", str(photos / "1.png"), "-o", str(file), *MODEL, "--tile", "8", "10")
    call_json(capsys, *words)
    code, out, _ = call(capsys, "info", str(file))
    assert (code, "10 x 8" in out) == (0, True)
    assert "tag 4, 2 bytes" in out
    (photos / "[red]3.png").write_bytes((photos / "0.png").read_bytes())
    call_json(capsys, "compress", str(photos), "-o", str(file), *MODEL, "--lossless")
    _, out, _ = call(capsys, "info", str(file))
    assert "0.png, 1.png, 2.png, [red]3.png, more/x.jpg" in out
    rows = [line.split() for line in out.splitlines()]
    sizes = [block["bytes"] for block in call_json(capsys, "info", str(file))["each_block"]]
    assert [
        "│",
        "0",
        "│",
        "4",
        "│",
        "20",
        "│",
        "16",
        "│",
        "3",
        "│",
        "1",
        "│",
        str(sizes[0]),
        "│",
    ] in rows
    monkeypatch.setattr(archives, "SHOWN", 1)
    monkeypatch.setattr(about, "SHOWN", 1)
    _, out, _ = call(capsys, "info", str(file))
    assert "0.png and 4 more" in out
    assert "and 1 more" in out
    assert str(sizes[1]) not in out


def test_json_has_no_infinite_numbers(capsys, tmp_path) -> None:
    assert (
        tell.result({"a": math.inf, "b": [math.nan, {"c": -math.inf}], "d": (1.5, "x")}, True) == 0
    )
    assert json.loads(capsys.readouterr().out) == {
        "a": None,
        "b": [None, {"c": None}],
        "d": [1.5, "x"],
    }


def test_archives_overwrite_nothing_of_their_own(capsys, tmp_path) -> None:
    folder, file, out = tmp_path / "photos", tmp_path / "all.udr", tmp_path / "out"
    folder.mkdir()
    for a, name in zip(crops(2, 8, 8), ("x.jpg", "x.jpg.png"), strict=True):
        Image.fromarray(a.transpose(1, 2, 0)).save(folder / name)
    call_json(capsys, "compress", str(folder), "-o", str(file), *MODEL, "--lossless")
    call_json(capsys, "decompress", str(file), "-o", str(out), *MODEL)
    assert np.array_equal(levels(out / "x.jpg.png"), levels(folder / "x.jpg.png"))
    assert np.array_equal(levels(out / "x.jpg.png.png"), levels(folder / "x.jpg"))


def test_pictures_of_archives_without_names_have_numbers() -> None:
    index = parse_archive(archive.encode(tiny(), [*crops(2, 4, 4), *crops(1, 5, 4)]))
    assert archives.spans_of(index) == [range(2), range(2, 3)]
    assert archives.number_of(None, "000002.png") == 2
    assert archives.number_of(["a", "b"], "b") == 1
    for name in ("2.png", "000002", "+00002.png", "a", ""):
        assert archives.number_of(None, name) is None
    assert archives.some(None, range(1, 3)) == "000001.png, 000002.png"
    assert archives.some(["a"] * 99, range(30)).endswith("a, a and 10 more")


def test_a_damaged_block_costs_its_pictures(capsys, photos, tmp_path) -> None:
    file, out = tmp_path / "all.udr", tmp_path / "out"
    call_json(capsys, "compress", str(photos), "-o", str(file), *MODEL, "--lossless")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    code, _, err = call(capsys, "decompress", str(file), "-o", str(out), *MODEL)
    assert code == 1
    assert "more/x.jpg" in err
    assert sorted(p.name for p in out.iterdir()) == ["0.png", "1.png", "2.png"]


def test_what_cannot_be_written_costs_itself(capsys, tmp_path) -> None:
    file, out = tmp_path / "all.udr", tmp_path / "out"
    names = ["x" * 246 + ".png", "a/b.png", "c.png"]
    file.write_bytes(archive.encode(tiny(), list(crops(3, 4, 4)), names))
    assert call_json(capsys, "decompress", str(file), "-o", str(out), *MODEL)["images"] == 3
    shutil.rmtree(out)
    out.mkdir()
    (out / "a").write_text("in the way")
    code, printed, err = call(capsys, "decompress", str(file), "-o", str(out), *MODEL, "--json")
    assert code == 1
    assert "a/b.png is left out" in err
    told = json.loads(printed)
    assert (told["images"], told["failed"], told["damaged_blocks"]) == (2, ["a/b.png"], [])
    assert sorted(p.name for p in out.iterdir()) == ["a", "c.png", names[0]]


def test_names_are_looked_at_before_pictures_are(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(archives, "read", lambda *given: pytest.fail("read"))
    monkeypatch.setattr(archive, "encode_block", lambda *given: pytest.fail("encoded"))
    with pytest.raises(CodecError, match="'a' is a folder of"):
        archive.encode(tiny(), list(crops(2, 4, 4)), ["a", "a/b"])
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (4, 4)).save(folder / "a\\b.png")
    code, _, err = call(
        capsys, "compress", str(folder), "-o", str(tmp_path / "a.udr"), *MODEL, "--lossless"
    )
    assert code == 2
    assert "is no safe name" in err


def test_lossless_pictures_stay_so_or_are_refused(capsys, tmp_path) -> None:
    clear = np.dstack([crops(1, 8, 9)[0].transpose(1, 2, 0), np.arange(72).reshape(8, 9)])
    source, file = tmp_path / "a.png", str(tmp_path / "a.udr")
    Image.fromarray(clear.astype(np.uint8)).save(source)
    call_json(capsys, "compress", str(source), "-o", file, *MODEL, "--lossless")
    for name, said in (("b.ppm", "drops the opacity"), ("b.avif", "does not keep")):
        code, _, err = call(capsys, "decompress", file, "-o", str(tmp_path / name), *MODEL)
        assert code == 2
        assert said in err
        assert not (tmp_path / name).exists()
    call_json(capsys, "decompress", file, "-o", str(tmp_path / "b.webp"), *MODEL)
    assert np.array_equal(levels(tmp_path / "b.webp"), clear)


def test_how_large_pictures_may_be(capsys, photos, tmp_path) -> None:
    out, file = str(tmp_path / "a"), str(tmp_path / "a.udr")
    for words in ((str(photos / "0.png"),), (str(photos / "0.png"), "--lossless")):
        make = ("compress", *words, "-o", file, *MODEL, "--max-pixels")
        code, _, err = call(capsys, *make, "319")
        assert code == 2
        assert "more than 319 pixels" in err
        call_json(capsys, *make, "320")
        code, _, err = call(capsys, "decompress", file, "-o", out, *MODEL, "--max-pixels", "319")
        assert code == 2
        assert "more than 319 pixels" in err
    call_json(capsys, "compress", str(photos), "-o", file, *MODEL, "--lossless")
    take = ("decompress", file, "-o", out, *MODEL, "--max-pixels")
    assert "more than 959 pixels" in call(capsys, *take, "959")[2]
    assert call_json(capsys, *take, "960")["images"] == 4
    make = ("compress", str(photos), "-o", file, *MODEL, "--lossless", "--max-pixels")
    assert "more than 319 pixels" in call(capsys, *make, "319")[2]
    assert call_json(capsys, *make, "320")["images"] == 4  # blocks of one picture


def test_bad_input_is_one_line_and_exit_code_2(capsys, photos, tmp_path) -> None:
    one, out = str(photos / "0.png"), str(tmp_path / "a.udr")
    good = tmp_path / "good.udr"
    call_json(capsys, "compress", one, "-o", str(good), *MODEL)
    whole = tmp_path / "whole.udr"
    call_json(capsys, "compress", one, "-o", str(whole), *MODEL, "--lossless")
    many = tmp_path / "many.udr"
    call_json(capsys, "compress", str(photos), "-o", str(many), *MODEL, "--lossless")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.udr").write_bytes(b"no such file")
    clear = Image.fromarray(np.zeros((4, 4, 4), np.uint8))
    clear.save(tmp_path / "clear.png")
    cases = [
        (("compress", str(photos), "-o", out, *MODEL), "needs --lossless"),
        (("compress", one, one, "-o", out, *MODEL, "--lossless"), "have one name"),
        (("compress", str(tmp_path / "empty"), "-o", out, *MODEL), "no pictures"),
        (("compress", "missing.png", "-o", out, *MODEL), "missing.png"),
        (("compress", one, "-o", one, *MODEL), "0.png is a picture that is to be compressed"),
        (("compress", one, "-o", out, *MODEL, "--quality", "300"), "300"),
        (("compress", one, "-o", out, *MODEL, "--lossless", "--steps", "2"), "exclude"),
        (("compress", one, "-o", out, "--model", "nobody"), "nobody"),
        (
            ("compress", one, str(tmp_path / "clear.png"), "-o", out, *MODEL, "--lossless"),
            "clear.png is not opaque",
        ),
        (("decompress", str(good), "-o", str(tmp_path / "a.png")), "hash"),
        (("decompress", str(good), "-o", str(tmp_path / "a.nothing"), *MODEL), ".nothing"),
        (("decompress", str(good), "-o", str(tmp_path / "a.png"), *MODEL, "--steps", "9"), "9"),
        (("decompress", str(good), "-o", out, *MODEL, "--only", "x"), "not an archive"),
        (("decompress", str(whole), "-o", out, *MODEL, "--steps", "2"), "hold whole pictures"),
        (("decompress", str(many), "-o", out, *MODEL, "--temperature", "1"), "hold whole pictures"),
        (("decompress", str(tmp_path / "bad.udr"), "-o", out, *MODEL), "not an underdraw file"),
        (("info", str(tmp_path / "bad.udr")), "not an underdraw file"),
    ]
    for words, reason in cases:
        code, printed, err = call(capsys, *words)
        assert code == 2, words
        assert reason in err, words
        assert len(err.strip().splitlines()) == 1, err
        assert not printed
    assert not Path(out).exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "bad.udr", "clear.png", "empty", "good.udr", "many.udr", "photos", "whole.udr",
    ]  # fmt: skip


def test_info_of_a_picture_too_large_to_decode(capsys, tmp_path) -> None:
    file = tmp_path / "a.udr"
    file.write_bytes(build(Header(LOSSY, tiny().hash, 5000, 6000, 3, 4), b""))
    assert call_json(capsys, "info", str(file))["width"] == 6000


def test_info_of_an_exact_model(capsys) -> None:
    told = call_json(capsys, "info", MODEL[1])
    assert told["config"]["steps"] == 4
    assert len(told["hash"]) == 16
    assert "bound" not in told
    code, printed, _ = call(capsys, "info", "convdraw_photo_mid")
    assert code == 0
    assert "not what it is for" in printed


def test_compare_makes_a_table_and_pictures(capsys, photos, tmp_path) -> None:
    words = [str(photos / f"{i}.png") for i in range(3)]
    found = call_json(
        capsys, "compare", *words, *MODEL, "--rates", "0.4", "1", "--out", str(tmp_path / "out")
    )
    assert found["images"] == 3
    rows = {(row["codec"], row["method"], row["rate"]): row for row in found["rows"]}
    ours = rows["underdraw", "files", 1.0]
    assert ours["bits_per_dim"] <= 1
    assert ours["psnr"] > rows["underdraw", "files", 0.4]["psnr"]
    assert rows["WebP", "sheet", 1.0]["met"] == 3
    assert rows["JPEG", "files", 0.4]["met"] == 0
    assert rows["JPEG", "files", 0.4]["psnr"] is None
    assert rows["PNG", "lossless", None]["bits_per_dim"] > 1
    assert len(found["pictures"]) == 2
    for path in found["pictures"].values():
        assert levels(path).shape[0] > 300


def test_a_profile_of_another_space_stops_no_comparison(capsys, photos, tmp_path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = tmp_path / "grey.png"
    Image.open(photos / "0.png").convert("L").save(grey, icc_profile=profile)
    words = ("compare", str(grey), *MODEL, "--rates", "1", "--out", str(tmp_path / "out"))
    assert call_json(capsys, *words)["images"] == 1

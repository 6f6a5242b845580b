"""What is there is not written over, and what cannot be done is refused before it begins."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from calling import call, call_json
from codec.crops import GOLDEN, crops
from train.tiny_run import digits, go, tiny
from underdraw.checkpoint import save
from underdraw.cli import main, told
from underdraw.cli.hints import of_model
from underdraw.data import DataError, open_images
from underdraw.models import build
from underdraw.models.draw import DRAWConfig
from underdraw.presets import draw_mnist_small
from underdraw.train import RunError, train

MODEL = ("--model", str(GOLDEN / "tiny@1"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small untrained model that knows its data."""
    model = build(DRAWConfig(steps=2, hidden=4, latent=2))
    folder = tmp_path_factory.mktemp("run")
    return str(save(model, folder, data=dict(vars(draw_mnist_small().data))))


@pytest.fixture
def photos(tmp_path):
    """A folder of two pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, a in enumerate(crops(2, 16, 20)):
        Image.fromarray(a.transpose(1, 2, 0)).save(folder / f"{i}.png")
    return folder


@pytest.mark.parametrize("name", ["README.md", "config.json", "model.safetensors", "log.jsonl"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_run_is_not_begun_over_files_of_others(tmp_path, name, resume):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match=f"{name} is there and of no run"):
        go(tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("minutes", [-1.0, float("nan")])
def test_no_run_takes_less_than_no_time(tmp_path, minutes):
    out = tmp_path / "run"
    with pytest.raises(ValueError, match=f"max_minutes must be 0 or more, got {minutes}"):
        train(tiny(), out, images=digits(40), valid=digits(16, 1), max_minutes=minutes)
    assert not out.exists()


@pytest.mark.parametrize("lossless", [False, True])
def test_pictures_in_a_folder_are_replaced_only_if_asked_for(capsys, photos, tmp_path, lossless):
    """By a file, by the files of a folder, and by an archive: the originals may lie there."""
    more = ["--lossless"] * lossless
    one, many = tmp_path / "1.udr", tmp_path / ("all.udr" if lossless else "files")
    call_json(capsys, "compress", str(photos / "1.png"), "-o", str(one), *MODEL, *more)
    call_json(capsys, "compress", str(photos), "-o", str(many), *MODEL, *more)
    for source in (one, many):
        before = {path.name: path.read_bytes() for path in photos.iterdir()}
        words = ("decompress", str(source), "-o", str(photos), *MODEL)
        code, out, err = call(capsys, *words)
        assert (code, out) == (2, "")
        assert ".png is there: --overwrite replaces it" in err
        assert {path.name: path.read_bytes() for path in photos.iterdir()} == before
        call_json(capsys, *words, "--overwrite")
    after = {path.name: np.asarray(Image.open(path)) for path in photos.iterdir()}
    assert after.keys() == before.keys()
    (photos / "0.png").unlink()
    (photos / "1.png").write_bytes(b"")  # empty: nothing is lost
    call_json(capsys, "decompress", str(many), "-o", str(photos), *MODEL)
    again = {path.name: np.asarray(Image.open(path)) for path in photos.iterdir()}
    assert all(np.array_equal(after[name], again[name]) for name in after)


def test_one_picture_of_an_archive_is_held_against_its_own_name_only(capsys, photos, tmp_path):
    file, out = tmp_path / "all.udr", tmp_path / "out"
    call_json(capsys, "compress", str(photos), "-o", str(file), *MODEL, "--lossless")
    words = ("decompress", str(file), "-o", str(out), *MODEL, "--only")
    call_json(capsys, *words, "0.png")
    assert call_json(capsys, *words, "1.png")["images"] == 1
    code, _, err = call(capsys, *words, "1.png")
    assert (code, "1.png is there" in err) == (2, True)


def test_a_file_is_not_called_a_picture(capsys, photos, tmp_path):
    for source, name in ((photos / "1.png", "a.png"), (photos, "b.JPG")):
        code, _, err = call(capsys, "compress", str(source), "-o", str(tmp_path / name), *MODEL)
        assert (code, "picture, but a file for decompress" in err) == (2, True), err
        assert not (tmp_path / name).exists()


def test_info_tells_of_damaged_blocks(capsys, photos, tmp_path):
    file = tmp_path / "all.udr"
    call_json(capsys, "compress", str(photos), "-o", str(file), *MODEL, "--lossless")
    assert call_json(capsys, "info", str(file))["damaged"] is None
    content = file.read_bytes()
    for bad in (content[:-1], content[:-1] + bytes([content[-1] ^ 1])):
        file.write_bytes(bad)
        assert "block 0" in call_json(capsys, "info", str(file))["damaged"]


@pytest.mark.parametrize(
    "words",
    [
        ["sample", "RUN"],
        ["reconstruct", "RUN", "--dataset"],
        ["glimpse", "glimpser_mnist_cluttered"],
        ["demo"],
        ["report"],
        ["compare", "no-such.png"],
        ["train", "draw_mnist_small"],
        ["study", "information", "RUN"],
        ["study", "store", "RUN"],
        ["study", "glimpses", "RUN"],
        ["study", "clutter", "RUN"],
        ["study", "beta", "RUN"],
        ["study", "beta", "draw_mnist_small"],
        ["study", "steps", "draw_mnist_small"],
    ],
)
@pytest.mark.parametrize("below", ["", "below"])
def test_a_file_is_no_folder(capsys, run, tmp_path, words, below):
    """And nothing is computed before that is said."""
    file = tmp_path / "file"
    file.write_text("mine")
    words = [run if word == "RUN" else word for word in words]
    code, out, err = call(capsys, *words, "--out", str(file / below))
    assert (code, out) == (2, "")
    assert err == f"underdraw: {file / below} cannot be a folder: {file} is a file\n"
    assert file.read_text() == "mine"


def test_a_study_is_refused_before_it_trains(capsys, tmp_path):
    for more, said in (
        (["-n", "0"], "samples"),
        (["--limit", "0"], "limit"),
        (["--seed", "-1"], "seed"),
    ):
        out = tmp_path / "out"
        code, _, err = call(capsys, "study", "beta", "draw_mnist_small", *more, "--out", str(out))
        assert (code, said in err, out.exists()) == (2, True, False), err


@pytest.mark.parametrize("seed", ["-1", "99999999999999999999"])
@pytest.mark.parametrize(
    "words", [["sample"], ["reconstruct", "--dataset"], ["glimpse"]], ids=lambda words: words[0]
)
def test_seeds_are_named(capsys, run, tmp_path, words, seed):
    code, _, err = call(
        capsys, words[0], run, *words[1:], "--seed", seed, "--out", str(tmp_path / "out")
    )
    assert (code, f"got {seed}" in err) == (2, True), err


def test_a_mirror_that_is_not_there_is_not_passed_over(tmp_path):
    """Nor where the set ships, which is taken from the package all the same."""
    with pytest.raises(DataError, match=r"nosuch is not a folder"):
        open_images("binarized_mnist", "test", tmp_path / "nosuch")
    assert len(open_images("binarized_mnist", "test", tmp_path)) == 10_000


def test_names_of_other_things_are_explained(capsys, tmp_path):
    for name, said in (
        ("draw_mnist_small", "`underdraw train draw_mnist_small` makes them"),
        ("convdraw_photo@2", "it is an exact model"),
        ("nosuch.udr", "there is no file nosuch.udr"),
        ("convdraw_photo@1", "it is an exact model"),
    ):
        code, _, err = call(capsys, "sample", name, "--out", str(tmp_path / "out"))
        assert (code, said in err) == (2, True), err
    assert of_model("nonsense") == of_model("out/beta_0.4") == ""


def test_errors_of_the_system_begin_with_the_file(capsys, tmp_path):
    missing = tmp_path / "nosuch.udr"
    code, _, err = call(capsys, "decompress", str(missing), "-o", str(tmp_path / "a.png"))
    assert (code, err) == (2, f"underdraw: {missing}: No such file or directory\n")
    if sys.platform != "win32":
        error = OSError(21, "Is a directory", "a/.b.01234567.png", None, "a/b.png")
        assert told(error) == "a/b.png: Is a directory"  # the target of a renaming


@pytest.mark.skipif(sys.platform == "win32", reason="there a closed pipe is another error")
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_reader_that_has_seen_enough_is_no_error(more):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "underdraw", "models", *more],
        stdout=write, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_without_the_letters_is_no_error():
    done = subprocess.run(
        [sys.executable, "-m", "underdraw", "--help"], capture_output=True, text=True,
        timeout=120, check=False, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert (done.returncode, "evaluate" in done.stdout) == (0, True), done.stderr


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert not end.value.code
    assert capsys.readouterr().out.strip()

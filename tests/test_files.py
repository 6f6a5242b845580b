"""Files are whole or absent, and configs come back as they went."""

import dataclasses
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from underdraw.configs import from_json, to_json
from underdraw.files import aside, write_json
from underdraw.presets import PRESETS, Preset, preset


def test_a_failed_write_leaves_the_target_and_no_rubbish(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    write_json(target, {"a": 1})

    def half_way():
        with aside(target) as path:
            path.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half_way()
    assert json.loads(target.read_text()) == {"a": 1}
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="there files have no such modes")
def test_a_file_is_as_open_as_the_umask_lets_it_be(tmp_path):
    target = tmp_path / "file.txt"
    with aside(target) as path:
        private = path.with_name("private")
        private.touch(mode=0o600)
        private.replace(path)
    (tmp_path / "other.txt").touch()
    assert target.stat().st_mode == (tmp_path / "other.txt").stat().st_mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_what_is_no_regular_file_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for target in (pipe, tmp_path / "link"):
        heard = []
        reader = threading.Thread(target=lambda heard=heard: heard.append(pipe.read_bytes()))
        reader.start()
        with aside(target) as path:
            path.write_bytes(b"content")
        reader.join()
        assert heard == [b"content"]
        assert pipe.is_fifo()
        with pytest.raises(RuntimeError), aside(target):
            raise RuntimeError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_a_file_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "file", tmp_path / "link"
    file.write_bytes(b"old")
    link.symlink_to(file)
    with aside(link) as path:
        path.write_bytes(b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert [path.name for path in tmp_path.rglob("*")] in (
        ["there", "link", "file"], ["link", "there", "file"],
    )  # fmt: skip


@pytest.mark.skipif(not Path(os.devnull).exists(), reason="needs a device")
def test_a_device_is_written_to(tmp_path):
    link = tmp_path / "null"
    link.symlink_to(os.devnull)
    with aside(link) as path:
        path.write_bytes(b"content")
    assert link.is_symlink()
    assert link.is_char_device()


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_json(name):
    found = preset(name)
    assert found.name == name
    assert from_json(Preset, json.loads(json.dumps(to_json(found)))) == found


def test_a_preset_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="no preset 'draw_nothing'"):
        preset("draw_nothing")


def test_presets_are_the_papers_rows():
    rows = {
        "draw_mnist": (64, 256, 100, 2, 5),
        "draw_mnist_noattention": (64, 256, 100, None, None),
        "draw_svhn": (32, 800, 100, 12, 12),
        "draw_cifar10": (64, 400, 200, 5, 5),
    }
    for name, row in rows.items():
        m = preset(name).model
        assert (m.steps, m.hidden, m.latent, m.read_size, m.write_size) == row
    ours = preset("draw_mnist_wide").model
    assert ours == dataclasses.replace(
        preset("draw_mnist").model, steps=32, read_size=8, write_size=8, learned_prior=True
    )
    with_, without = preset("draw_mnist"), preset("draw_mnist_noattention")
    differ = {
        f.name
        for f in dataclasses.fields(with_.model)
        if getattr(with_.model, f.name) != getattr(without.model, f.name)
    }
    assert differ == {"read_size", "write_size"}
    own = {key: getattr(without.train, key) for key in ("steps", "learning_rate", "precision")}
    assert dataclasses.replace(with_.train, **own) == without.train


def test_a_name_may_be_as_long_as_names_are(tmp_path) -> None:
    for name in (
        "x" * 251 + ".png",
        "x." + "y" * 253,
        "." + "z" * 254,
        "\N{SNOWMAN}" * 83 + ".png",
    ):
        with aside(tmp_path / name) as path:
            path.write_text(name)
            assert path.name.endswith((tmp_path / name).suffix[:24])
        assert (tmp_path / name).read_text() == name

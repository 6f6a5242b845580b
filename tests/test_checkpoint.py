"""Models on disk: what is saved is what is loaded, and nothing else is."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import underdraw
from underdraw import checkpoint
from underdraw.checkpoint import CheckpointError, describe, load, locate, save
from underdraw.models import build
from underdraw.models.draw import DRAWConfig

CONFIG = DRAWConfig(shape=(1, 6, 5), steps=2, hidden=7, latent=3, learned_prior=True)


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    return save(build(CONFIG), tmp_path / "model", card="# A card", preset="none")


def test_what_is_saved_is_what_is_loaded(folder):
    model = load(folder)
    torch.manual_seed(0)
    expected = build(CONFIG).state_dict()
    assert model.config == CONFIG
    assert model.state_dict().keys() == expected.keys()
    assert all(torch.equal(model.state_dict()[key], expected[key]) for key in expected)
    assert not model.training
    assert all(p.requires_grad for p in model.parameters())
    assert describe(folder)["preset"] == "none"
    assert (folder / "README.md").read_text() == "# A card"
    assert underdraw.load(str(folder)).config == CONFIG
    assert {"load", "save", "compress", "decompress"} <= set(dir(underdraw))


def test_a_folder_named_as_a_shipped_model_is_the_folder(folder, monkeypatch):
    """Its config is never read from one place and its weights from another."""
    monkeypatch.chdir(folder.parent)
    folder.rename("draw_mnist")
    for name in (Path("draw_mnist"), "./draw_mnist", Path("draw_mnist").resolve()):
        assert load(name).config == CONFIG
        assert describe(name)["preset"] == "none"
    assert load("draw_mnist").config != CONFIG
    assert describe("draw_mnist") == describe(checkpoint.shipped()["draw_mnist"])
    with pytest.raises(CheckpointError, match="no model 'hub:someone/digits'"):
        locate(Path("hub:someone/digits"))


def test_nothing_is_left_beside_the_files(folder):
    save(load(folder), folder)
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.safetensors", "config.json", "README.md"}


def test_a_failed_save_leaves_the_old_file(folder, monkeypatch):
    before = (folder / "model.safetensors").read_bytes()

    def broken(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "save_file", broken)
    with pytest.raises(OSError, match="disk full"):
        save(build(CONFIG), folder)
    assert (folder / "model.safetensors").read_bytes() == before
    assert len(list(folder.iterdir())) == 3


def test_an_unknown_model_is_named():
    with pytest.raises(CheckpointError, match="no model 'nonsense'"):
        load("nonsense")


def test_truncated_and_garbled_weights_are_refused(folder):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    cuts = [whole[:n] for n in (0, 7, 8, 60, len(whole) - 1)]
    lies = [b"\xff" * 8 + whole[8:], whole[:8] + b"[" + whole[9:], whole + b"trailing"]
    for data in [*cuts, *lies]:
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match=r"model\.safetensors"):
            load(folder)


def harmed(folder, harm):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    harm(tensors)
    save_file(tensors, path)
    return folder


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda t: t.pop("c_0"), "lacks the tensor 'c_0'"),
        (lambda t: t.update(zzz=torch.zeros(1)), "unknown tensor 'zzz'"),
        (lambda t: t.update(c_0=torch.zeros(1, 6, 6)), "expected F32 or F16"),
        (lambda t: t.update(c_0=torch.zeros(1, 6, 5, dtype=torch.bfloat16)), "is BF16"),
        (lambda t: t["c_0"].fill_(np.nan), "not finite"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(folder, harm, reason):
    with pytest.raises(CheckpointError, match=reason):
        load(harmed(folder, harm))


def test_half_of_the_space(folder, tmp_path):
    model = load(folder)
    half = load(save(model, tmp_path / "half", half=True))
    sizes = [(path / "model.safetensors").stat().st_size for path in (folder, tmp_path / "half")]
    assert sizes[0] - sizes[1] > 1.9 * sum(value.numel() for value in model.parameters())
    for name, value in half.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, model.state_dict()[name].half().float())


def test_what_is_too_large_for_float16_is_not_written(folder, tmp_path):
    model = load(folder)
    with torch.no_grad():
        model.c_0[0, 0, 0] = 1e5
    with pytest.raises(CheckpointError, match=r"c_0 reaches 1e\+05, too much for float16"):
        save(model, tmp_path / "half", half=True)
    assert not (tmp_path / "half").exists()


def rewritten(folder, change):
    path = folder / "config.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    return folder


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v: v.update(format=99), "format 1"),
        (lambda v: v.update(model="pickle"), "unknown model 'pickle'"),
        (lambda v: v["config"].update(hidden=-3), "hidden must be at least 1, got -3"),
        (lambda v: v["config"].update(hidden="many"), "hidden cannot be 'many'"),
        (lambda v: v["config"].update(hidden=True), "hidden cannot be True"),
        (lambda v: v["config"].update(extra=1), "no field 'extra'"),
        (lambda v: v["config"].update(shape=[1, 28]), "shape cannot be"),
        (lambda v: v.update(config=[]), "config is no object"),
        (lambda v: v.update(data=3), "data is no object"),
        (lambda v: v.update(model=[]), "unknown model"),
        (lambda v: v["config"].update(steps=10**10), "steps must be at most"),
        (lambda v: v["config"].update(hidden=10**5), "expected F32"),
        (lambda v: v["config"].update(hidden=10**30), "config.json"),
    ],
)
def test_configs_that_lie_are_refused_before_anything_is_allocated(folder, change, reason):
    with pytest.raises(CheckpointError, match=reason):
        load(rewritten(folder, change))


def test_configs_that_are_no_json_are_refused(folder):
    for text in ("", "{", "[1]", "[" * 100_000, "\udcff"):
        (folder / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(CheckpointError, match=r"config\.json"):
            describe(folder)
    (folder / "config.json").write_text(" " * (checkpoint.MAX_CONFIG + 1))
    with pytest.raises(CheckpointError, match="larger"):
        describe(folder)


def test_push_and_pull_go_through_the_hub(folder, monkeypatch, tmp_path):
    import huggingface_hub

    calls = {}

    class Hub:
        def create_repo(self, name, **how):
            calls["made"] = name

        def upload_folder(self, **what):
            calls["sent"] = what
            return "address"

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **how: str(folder))
    assert checkpoint.push(folder, "someone/digits") == "address"
    assert calls["made"] == "someone/digits"
    assert set(calls["sent"]["allow_patterns"]) == {"model.safetensors", "config.json", "README.md"}
    assert load("hub:someone/digits").config == CONFIG

    def refused(name, **how):
        raise ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refused)
    with pytest.raises(CheckpointError, match="someone/digits cannot be had: no network"):
        locate("hub:someone/digits")


def test_shipped_models_load_and_carry_cards():
    assert "draw_mnist" in checkpoint.shipped()
    for name, path in checkpoint.shipped().items():
        assert load(name).shape
        card = (path / "README.md").read_text()
        assert "icence" in card
        assert describe(name)["measured"]["images"] > 0

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch

from codec.exact.small import MODELS, picture, stirred
from underdraw.codec import exact
from underdraw.codec.exact import ModelError, store
from underdraw.codec.exact.planes import INTEGERS, write_integers
from underdraw.files import write_json


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of the exported model, to be damaged."""
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def change(folder, **values):
    path = folder / "config.json"
    write_json(path, json.loads(path.read_text()) | values)


def reseal(folder, twin_values):
    """Write tensors with a hash that fits them."""
    write_integers(folder / INTEGERS, twin_values)
    values = json.loads((folder / "config.json").read_text())
    twin = store._empty(folder, values)
    twin.take(twin_values)
    change(folder, hash=twin.hash.hex())


def test_an_exported_model_is_loaded(folder):
    twin = exact.load(folder)
    again = exact.twin_of(stirred(MODELS["two"]))
    exact.prune(again, picture(4, 3, 8, 8))
    assert twin.hash == again.hash
    for name, value in again.integers().items():
        assert torch.equal(value, twin.integers()[name]), name
    assert exact.load(folder, "int64").hash == twin.hash
    assert (folder / "README.md").read_text() == "tiny"


def test_coarse_weights_are_the_same_integers_in_fewer_bytes(folder, tmp_path):
    model = stirred(MODELS["two"])
    twin = exact.export(model, tmp_path / "two@1", shift=6)
    assert twin.hash == exact.twin_of(model, 6).hash != exact.twin_of(model).hash
    fine = exact.twin_of(model).integers()
    for name, value in twin.integers().items():
        allowed = 32 if name.endswith("weight") else 0
        assert (value - fine[name]).abs().max() <= allowed, name
    sizes = [(folder / INTEGERS).stat().st_size for folder in (tmp_path / "two@1", folder)]
    assert sizes[0] < 0.8 * sizes[1]


@pytest.mark.parametrize("shift", [-1, 19])
def test_a_shift_that_is_none_is_refused_and_nothing_is_left(tmp_path, shift):
    with pytest.raises(ValueError, match=f"got {shift}"):
        exact.export(stirred(MODELS["two"]), tmp_path / "two@1", shift=shift)
    assert not (tmp_path / "two@1").exists()


def test_the_config_has_what_was_measured(folder):
    values = exact.describe(folder)
    assert values["hash"] == exact.load(folder).hash.hex()
    assert values["measured"]["images"] == 4
    assert abs(values["measured"]["excess"]) < 0.003
    assert len(values["information"]) == 4


def test_the_bound_of_a_rounded_model_is_not_measured(tmp_path, monkeypatch):
    module = sys.modules["underdraw.codec.exact.export"]  # the package has a function of that name
    monkeypatch.setattr(module, "cost", lambda *given: pytest.fail("measured"))
    images = picture(4, 3, 8, 8)
    exact.export(stirred(MODELS["two"]), tmp_path / "two@1", images, cells=True)
    values = exact.describe(tmp_path / "two@1")
    assert values["cells"] is True
    assert values["measured"].keys() == {"images", "active"}


def test_what_ships_says_no_nonsense_of_bounds():
    for name in exact.shipped():
        values = exact.describe(name)
        if values.get("cells"):
            assert values["measured"].keys() == {"images", "active"}
        else:
            assert values["measured"]["bits_float"] < 8
            assert abs(values["measured"]["excess"]) < 0.005


def test_a_folder_is_written_once(folder):
    with pytest.raises(ValueError, match="exists"):
        exact.export(stirred(MODELS["two"]), folder)


def test_without_images_nothing_is_measured(tmp_path):
    twin = exact.export(stirred(MODELS["wide"]), tmp_path / "wide@1", origin="a test")
    values = exact.describe(tmp_path / "wide@1")
    assert "measured" not in values
    assert values["origin"] == "a test"
    assert all(twin.active(site).all() for site in twin.sites)


def test_names_and_versions(folder, tmp_path, monkeypatch):
    for version in ("9", "10"):
        shutil.copytree(folder, tmp_path / "codec" / "models" / f"tiny@{version}")
    monkeypatch.setattr(store.resources, "files", lambda package: tmp_path)
    assert list(exact.shipped()) == ["tiny@10", "tiny@9"]
    assert exact.locate("tiny").name == "tiny@10"
    assert exact.locate("tiny@9").name == "tiny@9"
    for name in ("tiny", "tiny@9"):
        with pytest.raises(ModelError, match="no exact model"):
            exact.locate(Path(name))
    with pytest.raises(ModelError, match="no exact model 'tiny@8'"):
        exact.load("tiny@8")


def test_every_shipped_model_passes_its_test():
    for name in exact.shipped():
        exact.load(name)
    short = {exact.describe(folder)["hash"][:4] for folder in exact.shipped().values()}
    assert len(short) == len(exact.shipped())  # or short headers would not tell them apart


def test_arithmetic_is_named(folder):
    with pytest.raises(ValueError, match="'float32'"):
        exact.load(folder, "float32")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"format": 2}, "format is 2"),
        ({"format": True}, "format is True"),
        ({"model": "draw"}, "model is 'draw'"),
        ({"fraction": 15}, "fraction is 15"),
        ({"weight_fraction": None}, "weight_fraction is None"),
        ({"hash": "00" * 8}, "the hash is"),
        ({"hash": 5}, "hash is 5"),
        ({"self_test": []}, "self_test is"),
        ({"weight_shift": 6}, "could reach|the hash is"),
        ({"weight_shift": True}, "weight_shift is True"),
        ({"weight_shift": 19}, "weight_shift is 19"),
        ({"powers": [1]}, "powers is"),
        ({"powers": [True, 0]}, "powers is"),
        ({"powers": [67, -1000]}, "powers is"),
        ({"config": {"norm": "image"}}, "norm"),
        ({"config": {"steps": -1}}, "steps"),
        ({"config": []}, "config.json"),
        ({"config": {name: [4] * 17 for name in ("maps", "latent", "stride")}}, "more than 16 lay"),
        ({"config": {"steps": 4096}}, "steps=4096: they have 8192 latents, more than 4096"),
        ({"config": {"maps": [10**9]}}, "config.json|more than a model may have"),
    ],
)
def test_a_changed_config_is_refused(copy, values, reason):
    if isinstance(values.get("config"), dict):
        values = {"config": json.loads((copy / "config.json").read_text())["config"]} | {
            "config": {
                **json.loads((copy / "config.json").read_text())["config"],
                **values["config"],
            }
        }
    change(copy, **values)
    with pytest.raises(ModelError, match=reason):
        exact.load(copy)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1', "\x00", "[" * 100000, " " * 2**21])
def test_what_is_no_config_is_refused(copy, text):
    (copy / "config.json").write_text(text)
    with pytest.raises(ModelError, match=r"config\.json"):
        exact.load(copy)


def test_damaged_integers_are_refused(copy):
    path = copy / INTEGERS
    whole = path.read_bytes()
    for cut in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(ModelError, match=r"integers\.z"):
            exact.load(copy)
    for place in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with pytest.raises(ModelError):
            exact.load(copy)
    for more in (b"\0", whole):
        path.write_bytes(whole + more)
        with pytest.raises(ModelError, match=r"the list of numbers (is cut, or )?holds"):
            exact.load(copy)
    path.unlink()
    with pytest.raises(ModelError, match=r"integers\.z cannot be read"):
        exact.load(copy)


def test_more_or_fewer_integers_than_the_config_asks_for_are_refused(copy):
    tensors = exact.load(copy).integers()
    for name, value in (("more", torch.zeros(3)), ("more", torch.zeros(10**7)), ("r_0", None)):
        changed = {k: v for k, v in (tensors | {name: value}).items() if v is not None}
        write_integers(copy / INTEGERS, changed)
        with pytest.raises(ModelError, match=r"the list of numbers (is cut, or )?holds"):
            exact.load(copy)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("write.affine.weight", 2**30, "could reach"),
        ("layers.0.to_q.delta", 0, "grid of"),
        ("layers.0.to_q.scale", 1024, "grid of"),
        ("layers.1.to_q.active", 2, "grid of"),
        ("layers.1.to_q.order", 1, "grid of"),
        ("r_0", 2**25, "r_0"),
    ],
)
def test_sealed_nonsense_is_refused(copy, name, value, reason):
    tensors = exact.load(copy).integers()
    tensors[name].fill_(value)
    reseal(copy, tensors)
    with pytest.raises(ModelError, match=reason):
        exact.load(copy)


def test_a_machine_that_fails_in_float64_takes_int64(folder, monkeypatch):
    right = exact.describe(folder)["self_test"]

    def broken(twin):
        return right if twin.write.affine.weight.dtype == torch.int64 else "wrong"

    monkeypatch.setattr(store, "self_test", broken)
    with pytest.warns(UserWarning, match="fails its self-test in float64"):
        twin = exact.load(folder)
    assert twin.write.affine.weight.dtype == torch.int64


def test_a_model_that_fails_everywhere_is_refused(copy):
    change(copy, self_test="0" * 64)
    with (
        pytest.warns(UserWarning, match="fails its self-test in float64"),
        pytest.raises(ModelError, match="fails its self-test"),
    ):
        exact.load(copy)

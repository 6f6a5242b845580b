"""What the scripts that make the reported numbers decide by themselves."""

import copy
import importlib.util
import json
import math
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import ablations
import awaken
import clock
import codec_tables
import convdraw
import curves
import draw_mnist
import glimpser
import halve
import keep
import omniglot
import omniglot_tables
import parts
import products
import record
import revive
import rounded
import slopes
import speed
import speed_codec
import speed_conv
import studies
import study_tables
import tables
import tight
import wild
from codec.crops import crops, tiny
from codec.exact.small import MODELS, picture, stirred
from underdraw import checkpoint
from underdraw.codec import exact
from underdraw.codec.rivals import RIVALS
from underdraw.configs import to_json
from underdraw.data import hold
from underdraw.evaluate import evaluate
from underdraw.files import write_json
from underdraw.models import build
from underdraw.models.convdraw import ConvDRAWConfig
from underdraw.presets import draw_mnist_small, preset
from underdraw.report.tables import RESULTS
from underdraw.study import runs as runs_module
from underdraw.train import Diverged, read_log, schedule
from underdraw.train.state import begun

SHOWN = ("omniglot", "cifar10")
MOMENT = 0.003  # minutes


@pytest.fixture
def small():
    """A DRAW on the digits in the package that trains in a moment."""
    found = draw_mnist_small()
    train = replace(found.train, batch=4, validate_images=6, glimpses=((0.5, 1),))
    return replace(found, model=replace(found.model, steps=2, hidden=6, latent=3), train=train)


def search(of):
    """The factors that are tried where a factor comes to of(factor)."""
    tried = {}
    while (factor := omniglot.next_factor(tried)) is not None:
        tried[factor] = of(factor)
    return tried


def test_the_learning_rate_is_sought_until_it_lies_between_others():
    assert list(search(lambda f: abs(math.log(f)))) == [1.0, 0.5, 2.0]
    assert list(search(lambda f: abs(math.log(f / 0.25)))) == [1.0, 0.5, 2.0, 0.25, 0.125]
    assert list(search(lambda f: abs(math.log(f / 4)))) == [1.0, 0.5, 2.0, 4.0, 8.0]
    assert list(search(lambda f: -f)) == [1.0, 0.5, 2.0, 4.0, 8.0]
    assert list(search(lambda f: math.inf if f > 0.7 else -f)) == [1.0, 0.5, 2.0, 0.25]


def test_the_best_pilot_is_chosen_and_one_that_broke_down_never():
    pilots = {1.0: {"valid_nats": 100.0}, 0.5: {"valid_nats": 99.0}, 2.0: {"valid_nats": None}}
    assert omniglot.best_factor(pilots) == 0.5
    with pytest.raises(ValueError, match="every pilot broke down"):
        omniglot.best_factor({1.0: {"valid_nats": None}})


def test_fewer_glimpses_at_first_cost_less(small):
    config = replace(small.train, glimpses=((0.3, 10), (0.6, 20)))
    assert clock.cost(config, 30) == pytest.approx(0.3 / 3 + 0.3 * 2 / 3 + 0.4)
    assert clock.cost(replace(config, glimpses=()), 30) == 1
    assert clock.updates(small, 100.0, 3.0) == 400
    assert clock.updates(preset("vae_omniglot"), 100.0, 3.0) == 300


def test_the_schedule_ends_with_the_updates(small):
    train = clock.scheduled(small, 1000, 4).train
    assert schedule.learning_rate(train, train.steps - 1) < 1e-5 * small.train.learning_rate
    assert train.validate_every == 250
    assert train.steps / train.log_every >= clock.LOOKS
    assert clock.scheduled(small, 7, 4).train.validate_every == 2


def write_log(run, rows):
    run.mkdir()
    lines = [json.dumps({"kind": kind, "step": step, **row}) for kind, step, row in rows]
    (run / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_speed_leaves_the_compiling_out(tmp_path):
    rows = [("train", 10, {"minutes": 5.0}), ("valid", 10, {"minutes": 5.0})]
    rows += [("train", 10 * i, {"minutes": 5.0 + 0.1 * i}) for i in range(2, 9)]
    write_log(tmp_path / "run", rows)
    assert clock.speed(tmp_path / "run") == pytest.approx(70 / 0.8)


def test_a_trial_goes_on_until_it_can_tell_the_speed(small, tmp_path, monkeypatch):
    asked = []

    def note(preset, run, root, minutes):
        rate = 40.0 if asked else 1.0  # the first window compiles
        asked.append((minutes, schedule.glimpses(preset.train, 0)))
        with (run / "log.jsonl").open("a", encoding="utf-8") as file:
            row = {"kind": "train", "step": 5 * len(asked), "images_per_s": rate}
            file.write(json.dumps(row) + "\n")

    monkeypatch.setattr(clock, "go_on", note)
    (tmp_path / "trial").mkdir()
    assert clock.trial(small, tmp_path / "trial", None, 1.0) == 60 * 40 / 4
    assert asked == [(2.0**i, None) for i in range(clock.WINDOWS)]


def refuse(*args, **options):
    raise AssertionError("done again")


@pytest.fixture
def kept(small, tmp_path, monkeypatch):
    """A row of small digits in the place of those of Omniglot; results go aside."""
    monkeypatch.setattr(omniglot, "base", lambda name: small)
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(record, "commit", lambda: "none")
    return tmp_path / "out"


def few(monkeypatch):
    """Measure on few images."""
    whole = record.bound

    def bound(model, data, root, split="test", limit=None, samples=0, cells=False):
        return whole(model, data, root, split, limit or 8, samples)

    monkeypatch.setattr(record, "bound", bound)


def go(out, minutes=MOMENT):
    omniglot.main(
        only=("vae_omniglot",), minutes=minutes, pilot_minutes=MOMENT, trial_minutes=MOMENT,
        samples=3, images=5, out=out,
    )  # fmt: skip


def test_a_row_is_tried_trained_and_measured_once(kept, monkeypatch):
    few(monkeypatch)
    go(kept)
    (row,) = record.read("omniglot")["rows"]
    home = kept / "vae_omniglot"
    best = min(row["pilots"], key=lambda pilot: pilot["valid_nats"])
    train = json.loads((home / "full" / "preset.json").read_text())["train"]
    assert row["learning_rate"] == best["learning_rate"] == train["learning_rate"]
    fastest = max(pilot["updates_per_minute"] for pilot in row["pilots"])
    assert train["steps"] == row["updates"] == math.ceil(omniglot.MARGIN * fastest * MOMENT)
    assert (row["test"]["images"], row["importance"]["images"]) == (8, 5)
    assert row["importance"]["importance_samples"] == 3
    assert f"**{row['test']['nats']:.2f}**" in tables.page()
    assert "not to be compared with these: VAE 106.31" in tables.page()
    monkeypatch.setattr(runs_module, "train", refuse)
    monkeypatch.setattr(record, "evaluate", refuse)
    go(kept)
    assert record.read("omniglot")["rows"] == [row]
    with pytest.raises(ValueError, match="was begun with"):
        go(kept, 2 * MOMENT)
    elsewhere = omniglot.collect(kept / "elsewhere")
    assert json.loads(elsewhere.read_text(encoding="utf-8"))["rows"] == [row]
    with pytest.raises(ValueError, match=r"no row \['draw'\]"):
        omniglot.main(only=("draw",), out=kept)


def test_a_row_may_start_from_another_bound(small, tmp_path, monkeypatch):
    monkeypatch.setattr(omniglot, "base", lambda name: small)
    monkeypatch.setattr(omniglot, "START", MOMENT)
    monkeypatch.setattr(clock, "trial", lambda *args: 1000.0)
    assert omniglot.started(small, tmp_path, None) == small
    monkeypatch.setattr(omniglot, "FROM", {small.name: "vae_omniglot"})
    found = omniglot.started(small, tmp_path, None)
    assert found.train.initial == str(tmp_path / "start")
    lower = replace(small.train, learning_rate=small.train.learning_rate * omniglot.LATER)
    assert replace(found.train, initial=None) == lower
    begun = json.loads((tmp_path / "start" / "config.json").read_text(encoding="utf-8"))
    assert begun["trained"]["step"] <= clock.updates(small, 1000.0, MOMENT)


def test_a_pilot_that_breaks_down_is_told(small, tmp_path, monkeypatch):
    def burst(*args):
        raise Diverged("the cost broke down")

    monkeypatch.setattr(omniglot, "finish", burst)
    rows = [("train", i, {"minutes": float(i)}) for i in (1, 2)]
    write_log(tmp_path / "run", rows)
    assert omniglot.pilot(small, tmp_path / "run", None)["valid_nats"] is None


def test_a_run_that_was_begun_keeps_its_settings(small, tmp_path):
    given = convdraw.settings("draw_mnist_small", tmp_path, None, None, batch=7, pace=None)
    low = [convdraw.settings("convdraw_photo_low", tmp_path, None, None, s) for s in (False, True)]
    assert [one.train.beta_from for one in low] == [(4.0, 0.6), None]
    assert given == replace(draw_mnist_small(), train=replace(draw_mnist_small().train, batch=7))
    write_json(tmp_path / "preset.json", to_json(small))
    assert convdraw.settings("draw_mnist_small", tmp_path, None, 9.0, batch=7) == small


def test_a_shipped_model_says_what_it_came_to(small, tmp_path, kept, monkeypatch):
    few(monkeypatch)
    monkeypatch.setattr(record, "ZOO", tmp_path / "zoo")
    changed = replace(small, train=replace(small.train, steps=4, compile=False))
    monkeypatch.setattr(convdraw, "preset", lambda name: changed)
    run = tmp_path / "run"
    convdraw.main("draw_mnist_small", run=run, max_minutes=1e-6)
    assert not (run / record.TEST).is_file()
    convdraw.main("draw_mnist_small", run=run, ship=True, importance_samples=2, images=3, half=True)
    test = record.read("draw_mnist_small")["test"]
    card = (tmp_path / "zoo" / "draw_mnist_small" / "README.md").read_text(encoding="utf-8")
    assert f"**{test['nats']:.2f} +- {test['stderr']:.2f} nats**" in card
    about = json.loads((tmp_path / "zoo" / "draw_mnist_small" / "config.json").read_text())
    assert about["measured"]["nats"] == test["nats"]
    model = checkpoint.load_latent(tmp_path / "zoo" / "draw_mnist_small")
    assert all(torch.equal(value, value.half().float()) for value in model.state_dict().values())
    assert record.bound(model, small.data, None).nats == test["nats"]


def test_a_run_that_went_on_from_another_tells_of_both(small, tmp_path, kept, monkeypatch):
    few(monkeypatch)
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "ZOO", tmp_path / "zoo")
    short = replace(small, train=replace(small.train, steps=4, validate_every=2, compile=False))
    monkeypatch.setattr(convdraw, "preset", lambda name: short)
    name, first = "draw_mnist_small", tmp_path / "out" / "first"
    convdraw.main(name, run=first)
    assert not list((tmp_path / "results").glob("*"))  # a trial is not looked at on test
    assert not (first / record.TEST).exists()
    convdraw.main(name, initial=str(first), batch=2, seed=1, ship=True)
    row = record.read(name)
    assert (row["updates"], row["images_seen"]) == (8, 4 * 4 + 4 * 2)
    assert [part["batch"] for part in row["parts"]] == [4, 2]
    assert row["minutes"] == sum(part["minutes"] for part in row["parts"])
    assert row["pflop"] == sum(part["pflop"] for part in row["parts"]) > 0
    assert [(one["step"], one["part"]) for one in row["log"]] == [(2, 1), (4, 1), (6, 2), (8, 2)]
    times = [one["minutes"] for one in row["log"]]
    assert times == sorted(times)
    assert row["initial"] == "out/first"
    folder = tmp_path / "zoo" / name
    assert checkpoint.describe(folder)["train"]["initial"] == "out/first"
    assert "In 2 parts, of 0 and 0 minutes" in (folder / "README.md").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="was measured in float32"):
        convdraw.main(name, half=True)
    shutil.rmtree(first)
    convdraw.main(name, run=first, max_minutes=1e-6)  # another in its place
    with pytest.raises(ValueError, match=r"small began with 4 updates, and .*first has 1"):
        parts.chain(tmp_path / "out" / name)


def test_a_run_goes_on_from_shipped_weights_when_its_folder_is_gone(
    small, tmp_path, kept, monkeypatch
):
    few(monkeypatch)
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "ZOO", tmp_path / "zoo")
    monkeypatch.setattr(checkpoint, "shipped", lambda: {name: tmp_path / "zoo" / name})
    short = replace(small, train=replace(small.train, steps=4, validate_every=2, compile=False))
    monkeypatch.setattr(convdraw, "preset", lambda name: short)
    name, first = "draw_mnist_small", tmp_path / "out" / "first"
    convdraw.main(name, run=first)
    convdraw.main(name, initial=str(first), ship=True)
    shutil.rmtree(tmp_path / "out")
    revive.main(name)
    with pytest.raises(SystemExit, match="small_before exists"):
        revive.main(name)
    there = tmp_path / "out" / f"{name}_before"
    for key, value in checkpoint.load(name).state_dict().items():
        assert torch.equal(checkpoint.load(there).state_dict()[key], value)
    convdraw.main(name, initial=str(there), batch=2, ship=True)
    row = record.read(name)
    assert [part["batch"] for part in row["parts"]] == [4, 4, 2]
    assert (row["updates"], row["images_seen"]) == (12, 8 * 4 + 4 * 2)
    assert row["minutes"] == sum(part["minutes"] for part in row["parts"])
    assert [(one["step"], one["part"]) for one in row["log"]] == [
        (2, 1), (4, 1), (6, 2), (8, 2), (10, 3), (12, 3),
    ]  # fmt: skip
    assert parts.chain(tmp_path / "out" / name) == [there, tmp_path / "out" / name]
    write_json(there / parts.TOLD, {**row, "updates": 9})
    with pytest.raises(ValueError, match=r"small began with 8 updates, and .*before has 9"):
        parts.chain(tmp_path / "out" / name)


def test_what_ships_as_an_exact_model_is_trained_further_as_a_float_one(tmp_path):
    revive.main("convdraw_photo_low", run=tmp_path / "before")
    model, row = checkpoint.load(tmp_path / "before"), record.read("convdraw_photo_low")
    assert sum(p.numel() for p in model.parameters()) == row["parameters"]
    assert parts.efforts(tmp_path / "before")["minutes"] == pytest.approx(row["minutes"])


def test_what_rounded_weights_cost_is_measured_against_the_float_model(
    small, tmp_path, kept, monkeypatch
):
    model = stirred(replace(MODELS["one"], shape=(3, 8, 8)))
    checkpoint.save(model, tmp_path / "run", data=asdict(small.data), train={})
    some = hold(picture(20, 3, 8, 8).numpy())
    monkeypatch.setattr(rounded, "open_images", lambda *given: some)
    monkeypatch.setattr(rounded, "random_subset", lambda images, count: images)
    twin = exact.export(model, tmp_path / "it@1", picture(4, 3, 8, 8), shift=6)
    record.write("it@1", hash=twin.hash.hex())
    rounded.main(str(tmp_path / "it@1"), run=tmp_path / "run")
    row = record.read("it@1")
    found = row["rounding"]
    assert (row["hash"], found["images"]) == (twin.hash.hex(), 20)
    rates, errors = [], []
    for one in (model.eval(), exact.float_of(twin)):
        both = [rounded.told(one, some) for _ in range(2)]
        assert both[0] == both[1]  # the same noise
        rates.append(both[0]["bits_per_dim"])
        errors.append(both[0]["psnr"])
    assert found["more_bits_per_dim"] == rates[1] - rates[0] != 0
    assert found["more_psnr"] == errors[1] - errors[0]
    assert abs(found["more_psnr"]) < 1 < errors[0]


def test_maps_that_tell_nothing_begin_anew_and_the_others_stay():
    model = stirred(replace(MODELS["one"], shape=(3, 8, 8)))
    to_q, to_p, quiet = model.tower[0].to_q, model.tower[0].to_p, torch.tensor([2])
    with torch.no_grad():
        for part in (to_q.affine, to_p.affine):
            part.weight[2::3], part.bias[2::3] = 0.0, 0.0  # both say 0 of the last of three maps,
        to_p.affine.bias[5] = -12.0  # the prior surely
        to_q.affine.weight[:2] *= 9.0
    images = torch.randint(0, 256, (4, 3, 8, 8)).byte()
    before, filters = copy.deepcopy(model), model.tower[0].rnn_dec.filters().detach().clone()
    assert awaken.awakened(model, images) == [1]
    assert (awaken.most_told(model, images)[0] > awaken.QUIET).all()
    now, old = model.state_dict(), before.state_dict()
    for name in ("to_q.affine", "to_p.affine"):
        for part in ("weight", "bias"):
            a, b = (state[f"layers.0.{name}.{part}"].unflatten(0, (-1, 3)) for state in (now, old))
            assert torch.equal(a[:, :2], b[:, :2])
            assert part == "bias" or name == "to_p.affine" or (a[:, 2] != b[:, 2]).all()
    kept = model.tower[0].rnn_dec.filters()
    others = torch.arange(kept.shape[1]) != quiet
    torch.testing.assert_close(kept[:, others], filters[:, others])
    assert (kept[:, quiet] != filters[:, quiet]).all()
    assert torch.equal(to_q.log_variance[:, 2], torch.zeros(3))
    assert torch.equal(now["layers.0.rnn_enc.weight"], old["layers.0.rnn_enc.weight"])


def test_a_run_goes_on_with_maps_begun_anew(tmp_path, monkeypatch):
    model = stirred(MODELS["two"])
    checkpoint.save(model, tmp_path / "run", data={"name": "x"}, train={})
    write_json(tmp_path / "run" / parts.TOLD, {**dict.fromkeys(parts.ADDED, 3), "log": []})
    monkeypatch.setattr(awaken, "levels", lambda *given: picture(4, 3, 8, 8))
    awaken.main(tmp_path / "run", tmp_path / "next")
    assert parts.efforts(tmp_path / "next")["updates"] == 3
    assert checkpoint.load(tmp_path / "next").config == model.config
    with pytest.raises(SystemExit, match="next exists"):
        awaken.main(tmp_path / "run", tmp_path / "next")


def test_a_wild_stream_is_one_that_decodes_and_is_longer(kept, monkeypatch):
    twin = tiny()
    monkeypatch.setattr(wild.exact, "load", lambda name: twin)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    wild.main("tiny")
    rows = record.read("wild")["rows"]
    assert [row["power"] for row in rows] == list(wild.POWERS)
    assert all(row["wild"]["bytes"] > 2 * row["honest"]["bytes"] for row in rows)


def test_sheets_are_kept_beside_what_there_is_of_the_same_model(kept, monkeypatch):
    x = np.random.default_rng(0).integers(0, 256, (4, 3, 64, 64), dtype=np.uint8)
    monkeypatch.setattr(slopes, "photographs", lambda data, count: {"some": x})
    monkeypatch.setattr(slopes, "twin_of", lambda name, data: tiny())
    there = {"hash": tiny().hash.hex(), "budgets": [1]}
    for had in (there, {**there, "hash": "another"}):
        record.write("slopes", models={"tiny": had, "other": {"images": 8}})
        slopes.main(("tiny",), Path(), sheet_rates=(0.5,), write=True)
        models = record.read("slopes")["models"]
        assert models["other"] == {"images": 8}
        assert ("budgets" in models["tiny"]) == (had is there)
        (row,) = models["tiny"]["sheets"]
        assert (row["set"], row["rate"]) == ("some", 0.5)
        assert row["psnr"] > 5


def test_a_row_says_what_was_minimised():
    train = to_json(preset("convdraw_photo_low").train)
    assert record.changed(train).keys() == {"beta", "beta_from", "cells", "error", "structure"}
    assert record.changed(to_json(draw_mnist_small().train)) == {}
    row = {"test": {"rate_bits_per_dim": 0.25}, "importance": None, "changed": {"error": 1.0}}
    told = convdraw.bound(preset("convdraw_photo_low"), row)
    assert told == "none, as only errors were minimised; rate 0.250 bits/dim"


def test_a_beta_is_steady_or_falls(tmp_path):
    with pytest.raises(ValueError, match=r"steady, and to fall from \(1.0, 0.4\)"):
        convdraw.settings("convdraw_photo_low", tmp_path, None, None, True, beta_from=(1.0, 0.4))
    crops = convdraw.settings("convdraw_photo_low", tmp_path, None, None, seed=3)
    assert (crops.train.seed, crops.data.seed) == (3, 3)


def test_what_shipped_in_float32_is_halved_and_measured_again(small, tmp_path, kept, monkeypatch):
    few(monkeypatch)
    monkeypatch.setattr(record, "ZOO", tmp_path / "zoo")
    short = replace(small, train=replace(small.train, steps=4, validate_every=4))
    monkeypatch.setattr(convdraw, "preset", lambda name: short)
    name, run = "draw_mnist_small", tmp_path / "run"
    convdraw.main(name, run=run, ship=True, importance_samples=2, images=3)
    before, folder = record.read(name), tmp_path / "zoo" / name
    size = (folder / "model.safetensors").stat().st_size
    halve.main((name,))
    after, about = record.read(name), checkpoint.describe(folder)
    assert (folder / "model.safetensors").stat().st_size < 0.7 * size
    assert (
        record.bound(checkpoint.load_latent(folder), small.data, None).nats
        == about["measured"]["nats"]
    )
    assert about["measured"]["nats"] == after["test"]["nats"] != before["test"]["nats"]
    assert (after["half"], after["importance"]) == (True, before["importance"])
    assert after["commit"] == before["commit"]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"float16, and measured again: {after['test']['nats']:.2f} +-" in card


def test_parts_follow_each_other(small, tmp_path, kept, monkeypatch):
    few(monkeypatch)
    monkeypatch.setattr(record, "ROOT", tmp_path)
    monkeypatch.setattr(record, "ZOO", tmp_path / "zoo")
    first, second = (draw_mnist.begun(part, tmp_path, None, batch=7) for part in (1, 2))
    assert (first.train.initial, second.train.initial) == (None, "draw_mnist")
    assert (first.train.seed, second.train.seed) == (0, 1)
    assert first.train.batch == second.train.batch == 7
    assert (len(first.train.glimpses), len(second.train.glimpses)) == (2, 0)
    short = replace(small, train=replace(small.train, steps=4, compile=False))
    monkeypatch.setattr(draw_mnist, "begun", lambda *args, **changes: short)
    record.write("draw_mnist", parts=[])
    for part in (1, 2):
        draw_mnist.main(importance_samples=2, limit=3)
        row = record.read("draw_mnist")
        assert len(row["parts"]) == part
        assert row["images_seen"] == part * 4 * short.train.batch
        assert [line["part"] for line in row["log"] if line["step"] == 4 * part] == [part]
        assert row["updates"] == 4 * part
        assert row["pflop"] == pytest.approx(part * row["parts"][0]["pflop"])
        before = sum(one["minutes"] for one in row["parts"][:-1])
        at = read_log(tmp_path / "out" / f"draw_mnist_{part}")[-1]["minutes"]
        assert row["log"][-1]["minutes"] == before + at
    assert row["test"] == record.measured(tmp_path / "out" / "draw_mnist_2")["test"]
    draw_mnist.main(part=1, importance_samples=2, limit=3)
    assert len(record.read("draw_mnist")["parts"]) == 1
    assert {line["part"] for line in record.read("draw_mnist")["log"]} == {1}
    with pytest.raises(ValueError, match="part must be 1 to 2, got 3"):
        draw_mnist.main(part=3)
    record.write("draw_mnist", parts=[{}, {}, {}])
    with pytest.raises(ValueError, match="part 3 is in the weights that ship"):
        draw_mnist.main(part=3)


def test_natural_images_are_reported_in_bits(kept):
    test = {
        "images": 10, "nats": 6388.0, "stderr": 2.0, "distortion": 1.0, "rate": 1.0,
        "bits_per_dim": 3.0001, "bits_per_dim_discrete": 3.1234, "rate_bits_per_dim": 2.5,
    }  # fmt: skip
    row = {"data": "cifar10/test", "test": test, "importance": None, "likelihood": "coupled"}
    more = {"images_seen": 1, "minutes": 2.0, "updates": 3, "parameters": 4}
    record.write("convdraw_cifar10_small", **row, **more)
    assert "| `convdraw_cifar10_small` | coupled | **3.000** | 3.123 | 2.500 |" in tables.page()
    kept_row = record.read("convdraw_cifar10_small")
    card = convdraw.card("it", preset("convdraw_cifar10"), kept_row)
    assert "float16" not in card
    assert "rounded to float16." in convdraw.card(
        "it", preset("convdraw_cifar10"), kept_row | {"half": True}
    )
    assert "**3.000 bits per dimension**, of which rate 2.500; 3.123 with" in card
    card = convdraw.card("it", preset("convdraw_cifar10_small"), kept_row)
    assert "**3.000 bits per dimension**, of which rate 2.500; 6388.0 +- 2.0" in card
    assert "began" not in card
    card = convdraw.card("it", preset("convdraw_cifar10_small"), kept_row | {"initial": "out/one"})
    assert "They began with the weights of `out/one`." in card


def test_what_the_comparison_shows_is_said():
    def row(name, images=10, valid=100.0, tight=90.0, log=()):
        named = {"name": name, "images_seen": images, "valid_nats": valid, "started": None}
        named |= {"learning_rate": 2, "pilots": [{"learning_rate": rate} for rate in (1, 2, 4)]}
        return named | {"importance": {"importance_nats": tight}, "log": list(log)}

    log = [{"nats": 101.0, "minutes": 1.0}, {"nats": 99.0, "minutes": 2.5}]
    rows = [row("draw_omniglot"), row("convdraw_omniglot_small", log=log)]
    assert "(100.00 nats) after 2.5 minutes" in omniglot_tables.passed({"rows": rows})
    assert omniglot_tables.passed({"rows": rows[:1]}) == ""
    rows[1]["log"] = log[:1]
    assert omniglot_tables.passed({"rows": rows}) == ""
    rows = [row("vae_omniglot", 50), row("iwae_omniglot", 10, tight=91.0) | {"started": 3.0}]
    assert "saw 5 times as many images" in omniglot_tables.behind({"rows": rows})
    assert "`iwae_omniglot` started from the weights" in omniglot_tables.begun({"rows": rows})
    assert "for 3 minutes" in omniglot_tables.begun({"rows": rows})
    assert "at its edge" not in omniglot_tables.begun({"rows": rows})
    rows[0]["learning_rate"] = 4
    assert "`vae_omniglot` ended at its edge, after 3." in omniglot_tables.begun({"rows": rows})
    rows[1]["importance"]["importance_nats"] = 89.0
    assert omniglot_tables.behind({"rows": rows}) == ""
    threads = [{"machine": {"threads": None}}, {"machine": {"threads": 1}}]
    told = [one | more for one, more in zip(rows, threads, strict=True)]
    assert "threads of `vae_omniglot` were not noted" in omniglot_tables.unthreaded({"rows": told})
    assert omniglot_tables.unthreaded({"rows": told[1:]}) == ""
    assert omniglot_tables.weighted("iwae_omniglot") == " (K = 50)"
    assert omniglot_tables.weighted("vae_omniglot") == ""


def test_rows_without_all_numbers_have_empty_cells(kept):
    test = {"images": 9, "nats": 90.0, "stderr": 1.0, "distortion": 60.0, "rate": 30.0}
    more = {"images_seen": 1, "minutes": 2.0, "importance": None}
    record.write("draw_mnist_small", data="binarized_mnist/test", test=test, **more)
    record.write("draw_two_digits", data="two_digits/test", test=test, **more)
    more |= {"likelihood": "neighbours", "parameters": 2_754_280}
    record.write("draw_mnist_noattention", data="binarized_mnist/test", test=test, **more)
    page = tables.page()
    assert "| `draw_mnist_small` | bernoulli |  | **90.00** ± 1.00 | 60.00 | 30.00 |  |  |" in page
    digits = page[page.index("## Two digits") :]
    assert "| `draw_two_digits` | bernoulli |  | **90.00** ± 1.00 |" in digits
    cells = "neighbours | 2.75 M | **90.00** ± 1.00 | 60.00 | 30.00 |  | 87.40 |"
    assert f"| `draw_mnist_noattention` | {cells}" in page


def test_tight_bounds_stand_beside_their_row(kept, monkeypatch):
    monkeypatch.setattr(tight, "BATCH", 3)
    monkeypatch.setattr(tight, "OUT", kept)
    test = {"images": 9, "nats": 90.0, "stderr": 1.0, "distortion": 60.0, "rate": 30.0}
    more = {"images_seen": 1, "minutes": 2.0, "importance": None}
    record.write("draw_mnist_wide", data="binarized_mnist/test", test=test, parts=[], **more)
    tight.main("draw_mnist_wide", None, (2, 3), (4, 3), "float32", compiled=False)
    row = record.read("draw_mnist_wide")
    model = checkpoint.load_latent("draw_mnist_wide")
    images = tight.some_images("draw_mnist_wide", None, 4)
    known = evaluate(model, images, batch=3, importance_samples=2)
    first, second = row["tight"]
    assert (first["importance_samples"], first["images"]) == (3, 3)
    assert (second["importance_samples"], second["images"]) == (2, 4)
    for key in ("nats", "stderr", "importance_nats", "importance_stderr"):
        assert second[key] == pytest.approx(asdict(known)[key], rel=1e-9)
    assert second["nats_float32"] == second["nats"]
    shown = f"{known.importance_nats:.2f} ± {known.importance_stderr:.2f} (K = 2, 4 images) |"
    assert shown in tables.page()


def test_tight_bounds_go_on_after_the_last_batch(kept, monkeypatch):
    monkeypatch.setattr(tight, "BATCH", 2)
    monkeypatch.setattr(tight, "OUT", kept)
    more = {"images_seen": 1, "minutes": 2.0, "importance": None}
    record.write("draw_mnist_wide", data="binarized_mnist/test", test={}, parts=[], **more)
    asked = []

    def part(exact, fast, images, *rest):
        asked.append(len(images))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return made(exact, fast, images, *rest)

    made = tight.part
    monkeypatch.setattr(tight, "part", part)
    with pytest.raises(KeyboardInterrupt):
        tight.main("draw_mnist_wide", None, (2,), (5,), "float32", compiled=False)
    tight.main("draw_mnist_wide", None, (2,), (5,), "float32", compiled=False)
    assert asked == [2, 2, 2, 1]
    tight.main("draw_mnist_wide", None, (2,), (5,), "float32", compiled=False)
    assert len(asked) == 4
    assert record.read("draw_mnist_wide")["tight"][0]["images"] == 5
    tight.main("draw_mnist_wide", None, (3,), (2,), "float32", compiled=False)
    assert len(asked) == 5  # another K


def test_tight_bounds_are_those_of_the_weights_that_ship(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "ZOO", tmp_path)
    found = set()
    for config, weights in (("a", "a"), ("a", "b"), ("b", "a"), ("b", "a")):
        (tmp_path / "it").mkdir(exist_ok=True)
        (tmp_path / "it" / "config.json").write_text(config)
        (tmp_path / "it" / "model.safetensors").write_text(weights)
        found.add(tight.home("it"))
    assert len(found) == 3


@given(st.lists(st.lists(st.floats(-100, 100), min_size=1), min_size=1))
def test_parts_pool_to_what_all_values_have(parts):
    error = [np.std(p, ddof=min(1, len(p) - 1)) / math.sqrt(len(p)) for p in parts]
    mean, stderr = tight.pooled([len(p) for p in parts], [np.mean(p) for p in parts], error)
    values = np.concatenate(parts)
    assert mean == pytest.approx(values.mean(), abs=1e-9)
    whole = np.std(values, ddof=min(1, len(values) - 1)) / math.sqrt(len(values))
    assert stderr == pytest.approx(whole, abs=1e-6)


def test_curves_are_of_what_was_minimised():
    log = [{"nats": 9.0, "minutes": 1.0, "importance_nats": 8.0}, {"nats": None, "minutes": 2.0}]
    (found,) = curves.told({"data": "omniglot/test", "log": log})
    assert found["nats"] == 8.0
    (found,) = curves.told({"data": "cifar10/test", "log": [{"nats": 3072 * math.log(2)}]})
    assert found["bits_per_dim"] == pytest.approx(1.0)


def test_the_origin_of_a_run_is_that_of_its_beginning(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "commit", lambda: "first")
    assert record.begin(tmp_path)["commit"] == "first"
    monkeypatch.setattr(record, "commit", lambda: "later")
    found = record.begin(tmp_path)
    assert found["commit"] == "first"
    assert found["machine"]["threads"] == torch.get_num_threads()
    assert record.within(str(record.ROOT / "out" / "x")) == str(Path("out") / "x")
    assert record.within("draw_mnist") == "draw_mnist"
    assert record.within(None) is None


def test_errors_of_classifiers_are_percentages(kept):
    def grade(error, after):
        return {"error": error, "low": 0.012, "high": 0.0345, "error_per_glimpse": after}

    row = {"data": "mnist_cluttered/test", "test": {**grade(0.0222, [0.5, 0.0222]), "images": 9}}
    row |= {"clutter": {"0": grade(0.01, []), "16": grade(0.1, [])}, "published": {"RAM": 0.0811}}
    record.write("glimpser_0", **row, seed=0, images_seen=1, minutes=2.0)
    page = tables.page()
    line = "| `glimpser` | 0 | **2.22 %**, 1.20 % to 3.45 % | 1.00 % | 10.00 % | RAM: 8.11 % |"
    assert line in page
    assert "| `glimpser_0` | 50.00 % | 2.22 % |" in page


def test_a_study_leaves_numbers_and_a_picture_for_the_report(small, tmp_path, kept, monkeypatch):
    monkeypatch.setattr(keep, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(studies, "preset", lambda name: small)
    monkeypatch.setattr(clock, "trial", lambda *args: 1000.0)
    studies.beta(None, MOMENT, 8, tmp_path / "beta")
    found = record.read("study_beta")
    assert [row["beta"] for row in found["betas"]] == [0.4, 1.0]
    assert found["updates"] == clock.updates(small, 1000.0, MOMENT)
    assert found["split"] == "binarized_mnist/valid"
    assert str(tmp_path) not in json.dumps(found)
    low, high = (row["nats"] for row in found["betas"])
    assert f"{low:.1f} ±" in tables.page()
    assert f"{high:.1f} ±" in tables.page()
    assert (tmp_path / "kept" / "beta.png").is_file()


def test_studies_of_shipped_models_are_kept_and_tabled(small, tmp_path, kept, monkeypatch):
    layers = ConvDRAWConfig((1, 28, 28), 2, 3, (4, 3), (2, 1), (2, 2), "bernoulli")
    it, other = (
        str(checkpoint.save(build(model), tmp_path / name, data=to_json(small.data)))
        for name, model in (("it", small.model), ("other", layers))
    )
    monkeypatch.setattr(keep, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(studies, "CHARACTERS", it)
    monkeypatch.setattr(studies, "NAME", other)
    studies.store(None, 0.0, 4, tmp_path / "store")
    studies.information(None, 0.0, 4, tmp_path / "information")
    found = record.read("study_store")
    told, upper = found["models"][it], found["layers"][other]
    assert [row["layers"] for row in upper["stored"]] == [3, 2, 1]
    last, page = told["stored"][-1], tables.page()
    assert f"| {last['steps']} | {last['bits']:,.0f} | {last['bits_per_dim']:.3f} |" in page
    nothing, row, _ = upper["stored"]
    assert f"| none | 0 | 0.000 | {nothing['psnr']:.2f} dB |" in page
    assert f"| 2 | {row['bits']:,.0f} | {row['bits_per_dim']:.3f} | {row['psnr']:.2f} dB" in page
    told = record.read("study_information")["models"][it]
    assert told["total_bits"] == pytest.approx(last["bits"], rel=1e-4)
    assert f" | {told['bits'][0][-1]:.1f} | {told['total_bits']:,.1f} |" in page
    kept_names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert {f"{what}_{of}.png" for what in ("store", "information") for of in SHOWN} <= kept_names


def test_ablations_are_trained_validated_and_tabled_once(small, tmp_path, kept, monkeypatch):
    few(monkeypatch)

    def changed(row, precision):
        return replace(small, train=replace(small.train, precision=precision, seed=row.seed))

    monkeypatch.setattr(ablations, "changed", changed)
    monkeypatch.setattr(ablations, "faster", lambda: "bf16")
    monkeypatch.setattr(clock, "trial", lambda *args: 20_000.0)
    out = tmp_path / "ablations"
    ablations.main(minutes=MOMENT, only=("draw",), out=out)
    monkeypatch.setattr(clock, "trial", lambda *args: 10_000.0)  # a slower machine gets more time
    (out / "draw" / "trial_bf16.json").unlink()
    ablations.main(minutes=MOMENT, only=("prior",), out=out)
    rows = record.read("ablations")["rows"]
    assert [row["name"] for row in rows] == ["draw", "prior"]
    assert rows[0]["updates"] == clock.updates(small, 20_000.0, MOMENT) > clock.LEAST
    assert rows[0]["data"] == "binarized_mnist/valid"
    assert rows[0]["updates"] == rows[1]["updates"]
    assert rows[0]["nats"] == rows[1]["nats"]  # the same seed
    assert rows[0]["precision"] == begun(out / "draw" / "full").train.precision == "bf16"
    assert f"| `draw_mnist` | learned prior | **{rows[1]['nats']:.2f}** ±" in tables.page()
    monkeypatch.setattr(ablations, "finish", refuse)
    ablations.main(minutes=MOMENT, only=("draw",), out=out)
    assert record.read("ablations")["rows"] == rows
    for name in ("draw", "windows"):
        with pytest.raises(ValueError, match="was given"):
            ablations.main(minutes=2 * MOMENT, only=(name,), out=out)
    with pytest.raises(ValueError, match=r"no row \['it'\]"):
        ablations.main(only=("it",), out=out)
    with pytest.raises(ValueError, match="was trained in bf16, not float32"):
        ablations.main(minutes=MOMENT, only=("draw",), precision="float32", out=out)


def test_another_seed_has_the_updates_of_its_base(small, tmp_path, kept, monkeypatch):
    few(monkeypatch)
    speeds = iter((20_000.0, 10_000.0))
    monkeypatch.setattr(clock, "trial", lambda *args: next(speeds))
    monkeypatch.setattr(
        ablations, "changed",
        lambda row, precision: replace(small, train=replace(small.train, seed=row.seed)),
    )  # fmt: skip
    only, out = ("draw", "draw_1", "prior"), tmp_path / "ablations"
    ablations.main(minutes=MOMENT, only=only, precision="float32", out=out)
    base, seed, prior = record.read("ablations")["rows"]
    assert seed["updates"] == base["updates"] > prior["updates"]
    assert seed["nats"] != base["nats"]


def test_every_ablation_changes_its_base():
    made = {name: ablations.changed(row, "bf16") for name, row in ablations.ROWS.items()}
    assert sum(made[name] == made["draw"] for name in made) == 1
    same = {name: made[name] for name in made if made[name].model == made["draw"].model}
    assert [preset.train.seed for preset in same.values()] == [0, 1, 2]
    assert {row.seed for name, row in ablations.ROWS.items() if name not in same} == {0}
    assert made["constant"].model == replace(made["convdraw"].model, constant_scale=True)
    assert made["draw"].model == replace(preset("draw_mnist").model, steps=ablations.GLIMPSES)
    early = {name: [count for _, count in made[name].train.glimpses] for name in made}
    assert (early["glimpses_16"], early["draw"], early["glimpses_64"]) == ([], [16], [16, 32])
    assert all(max(early[name], default=0) < made[name].model.steps for name in made)


def test_steps_for_the_same_minutes_are_tabled():
    curve = [{"kind": "train", "bits_per_dim": 1.0}]
    curve += [{"kind": "valid", "bits_per_dim": bits} for bits in (6.0, 5.0625, 5.5)]
    row = {"steps": 4, "images": 12345, "images_per_s": 20.6, "curve": curve}
    found = {
        "preset": "it",
        "setting": "small",
        "maps": 32,
        "minutes_each": 10.0,
        "commit": "none",
        "runs": [row],
    }
    assert "| 4 | 12,345 | 21 | 5.062 |" in study_tables.steps(found)
    informed = {"bits": [[1.0, None]], "layer_bits": [1.0], "images": 1, "split": "x"}
    page = study_tables.informed({"models": {"it": informed}, "commit": "none"})
    assert "| 1 | 1.0 |  | 1.0 |" in page


def test_the_tables_that_ship_are_those_of_the_results():
    assert RESULTS.read_text(encoding="utf-8") == tables.page()
    assert tables.README.read_text(encoding="utf-8") == tables.readme()
    assert speed_conv.PAGE.read_text("utf-8") == speed_conv.table(record.read("speed_conv"))
    assert speed_codec.PAGE.read_text("utf-8") == speed_codec.table(record.read("speed_codec"))
    assert products.PAGE.read_text("utf-8") == products.table(record.read("products")["rows"])
    page = speed_conv.PAGE.with_name("speed.md").read_text(encoding="utf-8")
    assert page == speed.table(record.read("speed"))


def test_training_needs_neither_the_command_line_nor_datasets():
    code = (
        "import sys; sys.modules.update(tyro=None, datasets=None); sys.path.insert(0, 'runs'); "
        "import convdraw, omniglot, underdraw.train, underdraw.data"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=record.ROOT, check=False).returncode == 0
    )


def test_a_classifier_is_trained_measured_and_shipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(record, "ZOO", tmp_path / "zoo")
    name = "glimpser_mnist_cluttered_small"
    run = tmp_path / "run"
    eager = preset(name)
    small = replace(eager.model, steps=2, hidden=6)
    eager = replace(eager, model=small, train=replace(eager.train, compile=False, batch=4))
    monkeypatch.setattr(convdraw, "preset", lambda name: eager)
    glimpser.main(name, seed=3, updates=4, run=run, ship=True)
    row = record.read(f"{name}_3")
    assert (row["updates"], row["images_seen"], row["seed"]) == (4, 16, 3)
    assert list(row["clutter"]) == ["0", "2", "4", "8", "16"]
    assert row["test"] == row["clutter"]["2"]
    assert row["test"]["images"] == 200
    shipped = json.loads((tmp_path / "zoo" / name / "config.json").read_text())["measured"]
    assert (shipped["error"], shipped["high"]) == (row["test"]["error"], row["test"]["high"])
    assert (
        f"{100 * row['test']['error']:.2f} %" in (tmp_path / "zoo" / name / "README.md").read_text()
    )
    kept = (run / record.TEST).read_bytes()
    glimpser.main(name, seed=3, updates=4, run=run)  # measured once
    assert (run / record.TEST).read_bytes() == kept
    assert "95 % interval" in capsys.readouterr().out


@pytest.fixture
def figures():
    """The script `codec`, whose name is that of a folder of tests."""
    where = importlib.util.spec_from_file_location("figures", record.ROOT / "runs" / "codec.py")
    module = importlib.util.module_from_spec(where)
    where.loader.exec_module(module)
    return module


def test_the_page_of_the_codec_says_what_was_measured(figures, monkeypatch, tmp_path):
    monkeypatch.setattr(figures, "RATES", (0.4, 0.8))
    monkeypatch.setattr(figures, "QUALITIES", (20.0, 90.0))
    monkeypatch.setattr(figures.sides, "there", lambda say: [RIVALS["PNG"], RIVALS["JPEG"]])
    monkeypatch.setattr(figures, "test_levels", lambda name, root, count: crops(count, 16, 16))
    monkeypatch.setattr(figures, "tiles", lambda root, side, count: crops(count, side, side))
    parts = figures.Parts(tmp_path)
    found = figures.measure(lambda wish: tiny(), True, tmp_path, 3, 2, parts)
    found["models"] = [{"model": "tiny@1", "hash": "0", "measured": {}}]
    one = found["lossless"]["cifar10"]
    assert one["archive"]["equal"] == one["single"]["equal"] == one["images"] == 3
    assert one["active_per_dim"] == 1.0
    assert abs(one["archive_over_bound"]) < 0.5 < one["classical"]["PNG"]
    assert found["steps"]["least_rise"] > 0
    page = codec_tables.page(found)
    assert f"| {one['bound']:.3f} | **{one['archive']['bits_per_dim']:.3f}** |" in page
    assert "3 and 3 of 3 came back equal" in page
    assert codec_tables.draw(found, tmp_path).is_file()
    (tmp_path / f"codec_{tiny().hash.hex()}" / "rate_32_0.8.json").unlink()
    monkeypatch.setattr(figures, "without_loss", None)  # what is there is not measured again
    monkeypatch.setattr(figures.sides, "ours", lambda *given: [])
    again = figures.measure(lambda wish: tiny(), True, tmp_path, 3, 2, parts)
    (rows,) = (at["rows"] for at in again["rates"]["32"])
    assert {row["codec"] for row in rows} == {"JPEG"}
    assert again["rates"]["64"] == found["rates"]["64"]


def test_the_page_of_the_codec_says_where_it_wins():
    def at(rate, *rows):
        names = ("codec", "psnr", "ssim")
        more = {"method": "sheet", "met": 1}
        more |= {"bits_per_dim": rate}
        return {"rate": rate, "rows": [dict(zip(names, row, strict=True)) | more for row in rows]}

    low = at(0.05, ("underdraw", 20.0, 0.5), ("JPEG", 19.5, 0.6))
    high = at(0.1, ("underdraw", 20.0, 0.5), ("JPEG", 21.0, 0.6), ("JPEG 2000", 19.0, 0.25))
    (said,) = codec_tables.verdicts("32", [low, high, at(0.4, ("underdraw", 1.0, 0.1))])
    assert said == (
        "On the 32 x 32 sheet underdraw is, at 0.05 bits/dim ahead in PSNR alone of JPEG "
        "(+0.50 dB, -0.100 SSIM) and alone, as JPEG 2000 needs more bytes; at 0.1 bits/dim "
        "behind JPEG (-1.00 dB, -0.100 SSIM) and ahead of JPEG 2000 (+1.00 dB, +0.250 SSIM)."
    )
    assert codec_tables.verdicts("32", [at(0.05, ("JPEG", 19.5, 0.6))]) == []
    assert said in codec_tables.rates("32", [low, high])
    high["rows"][0]["bits_per_dim"] = 0.08
    assert "| 0.1 | 20.00 · 0.500 [0.080] | 21.00 · 0.600 |" in codec_tables.rates(
        "32", [low, high]
    )


def test_the_page_of_the_codec_says_where_a_step_tells_nothing_and_what_rounding_costs():
    qualities = {"5": {"psnr": [10.0, 10.0, 12.0]}, "9": {"psnr": [10.0, 11.0, 12.0]}}
    said = codec_tables.silent({"qualities": qualities})
    assert said == " At quality 5 the first step tells nothing."
    assert codec_tables.silent({"qualities": {"9": qualities["9"]}}) == ""
    cost = {"more_bits_per_dim": 0.002, "float": {"bits_per_dim": 0.1}, "more_psnr": -0.01}
    model = {"model": "it@1", "hash": "0", "measured": {}, "rounding": {**cost, "images": 5}}
    text = codec_tables.cost(model)
    assert "+0.00200 bits per dimension, 2.00% of the rate, and -0.0100 dB" in text


def test_the_classical_codecs_can_be_measured_again(figures, kept, monkeypatch):
    one = {"images": 2, "bound": 1.0, "classical": {"WebP": 9.0}}
    record.write("codec", lossless={"cifar10": one}, steps={"least_rise": 1.0})
    before = record.read("codec")
    monkeypatch.setattr(figures.sides, "there", lambda say: [RIVALS["PNG"], RIVALS["JPEG"]])
    monkeypatch.setattr(figures, "test_levels", lambda name, root, count: crops(count, 16, 16))
    figures.classical_again(None)
    after = record.read("codec")
    found = after["lossless"]["cifar10"].pop("classical")
    assert list(found) == ["PNG"]
    assert 0.5 < found["PNG"] < 16
    del before["lossless"]["cifar10"]["classical"]
    assert after == before


def test_tiles_are_means_of_boxes(figures, tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (512, 768, 3)).astype(np.uint8)
    (tmp_path / "kodak").mkdir()
    Image.fromarray(levels).save(tmp_path / "kodak" / "a.png")
    found = figures.tiles(tmp_path, 32, 100)
    assert found.shape == (24, 3, 32, 32)
    boxes = levels.reshape(128, 4, 192, 4, 3).mean((1, 3))
    corner = boxes[:32, :32].transpose(2, 0, 1)
    assert min(np.abs(one - corner).max() for one in found) <= 0.5
    assert figures.tiles(tmp_path, 64, 5).shape == (5, 3, 64, 64)


def test_rows_of_omniglot_tell_what_training_took():
    """Those that are older than the counting of operations, too."""
    for row in record.read("omniglot")["rows"]:
        older = {key: value for key, value in row.items() if key != "pflop"}
        assert omniglot.counted(older)["pflop"] == pytest.approx(row["pflop"], rel=1e-6)
        assert omniglot.counted(row | {"pflop": 1.0})["pflop"] == 1.0

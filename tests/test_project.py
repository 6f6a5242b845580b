"""The project's files agree with each other and with the package."""

import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from underdraw import checkpoint
from underdraw.data import SETS, DataConfig
from underdraw.models.draw import DRAWConfig
from underdraw.presets import PRESETS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def first(pattern: str, name: str) -> str:
    found = re.search(pattern, read(name), re.MULTILINE)
    assert found, f"{name} has nothing like {pattern}"
    return found[1]


def row(text: str, name: str) -> list[str]:
    """The cells of the table row that begins with `name`."""
    found = re.search(rf"^\| `{name}` \|(.*)\|$", text, re.MULTILINE)
    assert found, f"there is no row for {name}"
    return [cell.strip() for cell in found[1].split("|")]


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    assert "draw_mnist" in checkpoint.shipped(), "the weights of draw_mnist do not ship"
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names: dict[str, object] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", read("README.md"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert blocks
    assert len([line for line in blocks[0].splitlines() if line]) == 8
    assert (tmp_path / "samples.png").stat().st_size > 1000


def test_one_version_everywhere():
    version = first(r'^version = "(.+)"$', "pyproject.toml")
    assert first(r"^## \[(\d[^\]]*)\]", "CHANGELOG.md") == version
    assert first(r"^version: (\S+)$", "CITATION.cff") == version


def pins() -> dict[str, Requirement]:
    lines = [line for line in read("constraints.txt").splitlines() if line and line[0] != "#"]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


@pytest.mark.parametrize("line", [r for r in requires("underdraw") or []])
def test_constraints_are_within_the_ranges(line):
    wanted = Requirement(line)
    pin = pins().get(canonicalize_name(wanted.name))
    assert pin is not None, f"constraints.txt does not hold {wanted.name}"
    (exact,) = pin.specifier
    assert exact.operator == "=="
    assert wanted.specifier.contains(exact.version, prereleases=True)


def test_constraints_hold_exact_versions_for_everybody():
    for name, pin in pins().items():
        (exact,) = pin.specifier
        assert (pin.url, exact.operator, "+" in exact.version) == (None, "==", False), name
    assert pins()["torch"].marker is None


def test_importing_the_package_leaves_torch_alone():
    code = "import sys, underdraw; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_presets_named_in_the_docs_exist(page):
    named = set(
        re.findall(
            r"\b(?:(?:conv)?draw|(?:deep)?vae|iwae|glimpser|convnet)_[a-z0-9_]+",
            page.read_text(encoding="utf-8"),
        )
    )
    assert named <= set(PRESETS), f"{page.name}: {sorted(named - set(PRESETS))}"


@pytest.mark.parametrize("name", PRESETS)
def test_the_readme_has_every_preset_as_it_is(name):
    preset = PRESETS[name]()
    wanted = [preset.summary, *sizes(preset.model), f"`{preset.data.name}`"]
    assert row(read("README.md"), name) == wanted


def test_omniglot_presets_share_their_data():
    configs = {make().data for make in PRESETS.values() if make().data.name == "omniglot"}
    assert configs == {DataConfig("omniglot", binarize="dynamic")}


def sizes(model: object) -> list[str]:
    """The cells of a preset's row that are about its model: those of DRAW have some."""
    if not isinstance(model, DRAWConfig):
        return []
    counts = [model.steps, model.hidden, model.latent]
    return list(map(str, [*counts, model.read_size or "all", model.write_size or "all"]))


@pytest.mark.parametrize("name", SETS)
def test_the_docs_have_every_data_set_as_it_is(name):
    card, cells = SETS[name], row(read("docs/data.md"), name)
    shape = "any" if None in card.shape else "x".join(map(str, card.shape))
    assert cells == [card.summary, shape, card.licence, card.origin]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_files_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []

from dataclasses import replace

import pytest

from underdraw.data import (
    SETS,
    DataConfig,
    DataError,
    SetCard,
    binarized,
    describe,
    digits,
    is_binary,
    is_named_set,
    open_images,
)


def test_table():
    for name, card in SETS.items():
        assert card.name == name
        assert card.summary
        assert card.licence
        assert card.origin
    assert describe("svhn").shape == (3, 54, 54)
    assert isinstance(describe(DataConfig("folder:some/where")), SetCard)


@pytest.mark.parametrize(
    ("file", "sha256"), [(binarized.FILE, binarized.SHA256), (digits.SMALL, digits.SHA256)]
)
def test_card_ships_with_the_file(file, sha256):
    card = file.with_suffix(".md").read_text()
    assert sha256 in card
    assert "CC BY-SA 3.0" in card


@pytest.mark.parametrize(
    ("config", "split", "said"),
    [
        ("minst", "train", "unknown set 'minst'; one of binarized_mnist, "),
        ("folder", "train", "unknown set 'folder'"),
        ("folder:", "train", "unknown set 'folder:'"),
        ("mnist:x", "train", "unknown set 'mnist:x'"),
        ("mnist", "dev", "unknown split 'dev'; one of train, valid, test"),
        ("hub:mnist", "train", "does not read hub:owner/name"),
    ],
)
def test_refuses(config, split, said):
    with pytest.raises(DataError, match=said):
        open_images(config, split)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("size", 0, "at least 1"),
        ("buffer", 0, "at least 1"),
        ("held", 0, "at least 1"),
        ("memory", -1, "at least 0"),
        ("seed", -1, "at least 0"),
        ("pieces", -1, "at least 0"),
        ("piece", 0, "at least 1"),
        ("piece", 29, "at most 28"),
        ("canvas", 27, "at least 28"),
        ("binarize", "dynamik", "one of none, threshold, dynamic"),
        ("source", "svhn", "one of binarized_mnist, mnist"),
    ],
)
def test_configuration_refuses(field, value, said):
    config = DataConfig("hub:some/thing")
    object.__setattr__(config, field, value)  # past the type checker of the tests
    with pytest.raises(DataError, match=rf"data\.{field} is {value!r}; {said} wanted"):
        replace(config) if isinstance(value, int) else config.__post_init__()


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("cifar10", "size", 32),
        ("imagenet32", "size", 32),
        ("imagenet64", "grey", True),
        ("mnist", "source", "mnist"),
        ("mnist", "pieces", 4),
        ("two_digits", "canvas", 50),
        ("mnist_cluttered", "binarize", "threshold"),
        ("folder:x", "column", "image"),
        ("folder:x", "streaming", True),
        ("svhn", "streaming", True),
    ],
)
def test_ignored_settings_are_refused(name, field, value):
    card = name.partition(":")[0]
    said = rf"data\.{field} is {value!r}, which means nothing to {card}"
    with pytest.raises(DataError, match=said):
        open_images(DataConfig(name, **{field: value}))


@pytest.mark.parametrize("name", ["binarized_mnist", "two_digits"])
def test_what_is_binary_is_not_binarised(name):
    with pytest.raises(DataError, match=rf"data\.binarize is 'dynamic', but {name} is binary"):
        open_images(DataConfig(name, binarize="dynamic"))


def test_is_binary():
    assert is_binary("binarized_mnist")
    assert is_binary(DataConfig("two_digits"))
    assert not is_binary(DataConfig("two_digits", source="mnist"))
    assert not is_binary("mnist")
    assert is_binary(DataConfig("mnist", binarize="dynamic"))
    assert is_binary(DataConfig("folder:x", binarize="threshold"))
    with pytest.raises(DataError, match="unknown set 'minst'"):
        is_binary("minst")


def test_is_named_set():
    assert is_named_set("cifar10")
    assert is_named_set(DataConfig())
    for name in ("folder:/etc", "hub:some/thing", "folder", "hub", "cifar10:x", "minst", ""):
        assert not is_named_set(DataConfig(name))

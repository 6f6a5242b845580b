from pathlib import Path

import pytest

from underdraw.data import SETS, DataConfig, DataError, SetCard, binarized, describe, open_images


def test_table():
    for name, card in SETS.items():
        assert card.name == name
        assert card.summary
        assert card.licence
        assert card.origin
    assert describe("svhn").shape == (3, 54, 54)
    assert isinstance(describe(DataConfig("folder:some/where")), SetCard)


def test_card_ships_with_the_file():
    card = Path(binarized.FILE).with_suffix(".md").read_text()
    assert binarized.SHA256 in card
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
        (DataConfig("folder:x", size=0), "train", "size 0"),
    ],
)
def test_refuses(config, split, said):
    with pytest.raises(DataError, match=said):
        open_images(config, split)

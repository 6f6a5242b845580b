"""The command line, called as a person calls it, inside the process of the tests."""

import json

import pytest

from underdraw.cli import main


def call(capsys, *words):
    """Exit code, stdout and stderr of `underdraw WORDS`."""
    with pytest.raises(SystemExit) as end:
        main(list(words))
    heard = capsys.readouterr()
    return end.value.code, heard.out, heard.err


def call_json(capsys, *words):
    """The object that `underdraw WORDS --json` prints."""
    code, out, err = call(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)

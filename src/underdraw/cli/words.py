"""Words of the command line that set fields of a preset, told from those of the command itself."""

from collections.abc import Sequence

FIELDS = ("--model.", "--data.", "--train.")
SHORT = ("-h", "-n", "-o")  # of the command itself; other words with one dash may be numbers


def split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """The command's own words, and those that set fields of a preset, with their values."""
    words: list[str] = []
    fields: list[str] = []
    setting = False
    for word in args:
        if word.startswith("--") or word in SHORT:
            setting = word.startswith(FIELDS)
        (fields if setting else words).append(word)
    return words, fields

"""Files that are whole or absent: written beside the target, then renamed over it.

What is there already and is no regular file, as `/dev/null` or a pipe, stays what it is; of a link
to a file it is that file.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_LETTERS = 24  # of a name, at each end; four bytes each at most, of the 255 that a name may have
_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{8}(\..*)?")


@contextmanager
def aside(target: Path) -> Iterator[Path]:
    """A temporary path in the target's folder; renamed to `target` if the block succeeds.

    The folder is made if missing, and who may read the file is left to the umask. If the block
    fails the temporary file is removed and an existing target is left as it was. Its name is short,
    however long the target's is, and ends as that does, for writers that choose a format by it.

    A device, a pipe or a socket that is there is not replaced but written to in the end; then the
    temporary file is in a folder of its own.
    """
    if target.is_symlink() and target.is_file():
        target = target.resolve()
    if target.exists() and not (target.is_file() or target.is_dir()):
        with TemporaryDirectory() as folder, aside(Path(folder) / target.name) as temporary:
            yield temporary
            with temporary.open("rb") as source, target.open("wb") as into:
                shutil.copyfileobj(source, into)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    beginning, ending = target.stem[:_LETTERS], target.suffix[:_LETTERS]
    temporary = target.with_name(f".{beginning}.{secrets.token_hex(4)}{ending}")
    try:
        temporary.touch(exist_ok=False)
        allowed = temporary.stat().st_mode
        yield temporary
        temporary.chmod(allowed)  # whoever wrote it may have put a file of its own there
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Refuse a path that cannot become a folder, before what it is for is computed.

    Raises:
        NotADirectoryError: it, or a part of it, is a file.
    """
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            raise NotADirectoryError(f"{folder} cannot be a folder: {path} is a file")


def left_over(folder: Path) -> list[Path]:
    """Temporary files in a folder, of `aside`s that may have been killed."""
    there = [path for path in folder.glob(".*") if _TEMPORARY.fullmatch(path.name)]
    return [path for path in there if path.is_file()]


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with aside(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(target: Path, value: Any) -> None:  # noqa: ANN401
    """Write readable JSON, whole or not at all."""
    write_text(target, json.dumps(value, indent=2) + "\n")

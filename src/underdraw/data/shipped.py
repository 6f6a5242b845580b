"""Arrays that ship with the package, checked against their SHA-256 before they are used."""

import hashlib
import io
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from underdraw.data.errors import DataError

FILES = Path(__file__).parent / "files"


@cache
def arrays(file: Path, sha256: str) -> dict[str, UInt8[np.ndarray, "..."]]:
    """All arrays of an .npz file; DataError if the file is missing or damaged."""
    if not file.is_file():
        raise DataError(f"{file} is missing; reinstall underdraw")
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"{file} is damaged: its SHA-256 is {found}, not {sha256}")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}

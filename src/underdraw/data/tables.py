"""Tables of pictures through Hugging Face `datasets`: from the hub, or from a local mirror.

A mirror is a folder with the hub's layout (`ROOT/owner/name/config/train-*.parquet`), or the
data set's own folder. With a mirror the network is never asked.
"""

import contextlib
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, Integer

from underdraw.data.errors import DataError
from underdraw.data.parquet import Parquet, is_wanted
from underdraw.data.splits import by_split, meant, split_named, stored_name

Tables = dict[str, Callable[[], Any]]
"""Stored split -> a function that opens it as a datasets Dataset (or IterableDataset)."""


@dataclass(frozen=True)
class Origin:
    """Where a set lives.

    Attributes:
        repo: "owner/name" on the hub.
        config: which of its configurations, if it has several.
        folders: other names its folder may have in a mirror.
        urls: archives of pictures to fetch when the hub does not have the set.
    """

    repo: str
    config: str | None = None
    folders: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


def find_tables(origin: Origin, root: Path | None, streaming: bool = False) -> Tables:
    """The stored splits of a set.

    Args:
        origin: where it lives.
        root: a local mirror, or the set's own folder; None asks the hub.
        streaming: open them to be read in order, without storing them.

    Raises:
        DataError: nothing there, damaged files, no network, or `datasets` is not installed.
    """
    if root is None:
        return hub_tables(origin, streaming)
    files: dict[str, list[Path]] = {}
    for file in mirror_files(origin, root):
        speaks = [name for name in (file.stem, file.parent.name) if split_named(name)]
        files.setdefault(stored_name(speaks[0]) if speaks else "train", []).append(file)

    def opener(split: str, names: list[str]) -> Callable[[], Any]:
        return lambda: local_opener(files[meant(split, names, str(root))], split, streaming)()

    return {split: opener(split, names) for split, names in by_split(files).items()}


def mirror_files(origin: Origin, root: Path) -> list[Path]:
    """The parquet files of a set in a mirror, sorted; DataError if there are none."""
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; the data of {origin.repo} were sought there")
    places = [origin.repo, origin.repo.split("/")[-1], *origin.folders, ""]
    for folder in (root / place for place in places):
        inner = [folder / origin.config] if origin.config else []
        for home in [*inner, folder, folder / "data"]:
            files = sorted(home.glob("*.parquet"))
            # refs/convert/parquet on the hub keeps one folder per split
            if not files and home != root:
                files = sorted(f for f in home.glob("*/*.parquet") if split_named(f.parent.name))
            if files:
                return [whole(file) for file in files]
    layout = "/".join(filter(None, (origin.repo, origin.config)))
    raise DataError(f"{root} has no parquet files of {origin.repo}; {root / layout} was expected")


def whole(file: Path) -> Path:
    """The file itself; DataError if it does not begin and end as a parquet file does."""
    with file.open("rb") as stream:
        head, size = stream.read(4), stream.seek(0, 2)
        stream.seek(max(0, size - 4))
        if size < 12 or head != b"PAR1" or stream.read(4) != b"PAR1":
            raise DataError(f"{file} is not a whole parquet file ({size} bytes)")
    return file


def library() -> Any:  # noqa: ANN401
    """The `datasets` package, imported when it is first needed."""
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise DataError("this set needs the `datasets` package: pip install datasets") from error
    return datasets


@contextlib.contextmanager
def quiet() -> Generator[Any, None, None]:
    """`datasets`, without its bars where nobody sees them."""
    datasets = library()
    silence = not sys.stderr.isatty() and not datasets.utils.are_progress_bars_disabled()
    if silence:
        datasets.disable_progress_bars()
    try:
        yield datasets
    finally:
        if silence:
            datasets.enable_progress_bars()


def local_opener(files: list[Path], split: str, streaming: bool) -> Callable[[], Any]:
    """A function that opens local parquet files."""

    def opened() -> Any:  # noqa: ANN401
        data_files = {split: [str(file) for file in files]}
        try:
            if not streaming and is_wanted():
                return Parquet(files)
            with quiet() as datasets:
                return datasets.load_dataset(
                    "parquet", data_files=data_files, split=split, streaming=streaming
                )
        except DataError:
            raise
        except Exception as error:  # pyarrow's and datasets' own kinds
            names = ", ".join(str(file) for file in files)
            raise DataError(f"{names} cannot be read: {error.__cause__ or error}") from error

    return opened


def hub_tables(origin: Origin, streaming: bool) -> Tables:
    """The stored splits of a set on the hub, or of its archives."""
    what = ("imagefolder",) if origin.urls else (origin.repo, origin.config)
    more = {"data_files": {"train": list(origin.urls)}} if origin.urls else {}
    try:
        with quiet() as datasets:
            found = datasets.load_dataset(*what, **more, streaming=streaming)
    except DataError:
        raise
    except Exception as error:  # no network, no such set, no permission
        raise DataError(
            f"{origin.repo} could not be fetched ({type(error).__name__}: {error}); "
            "without a network give a local copy with --data DIR"
        ) from error

    def opener(split: str, names: list[str]) -> Callable[[], Any]:
        return lambda: found[meant(split, names, origin.repo)]

    return {split: opener(split, names) for split, names in by_split(found).items()}


class Table:
    """Rows of a `datasets` table, with the pictures left encoded."""

    def __init__(self, name: str, table: Any, column: str | None) -> None:  # noqa: ANN401
        """Read `table`; `column` is the image column, None finds it."""
        self.name = name
        self.column = column or image_column(table.features, name)
        self.table = undecoded(table, self.column, name)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.table)

    def fetch(self, index: Integer[np.ndarray, "b"]) -> list[dict[str, Any]]:
        """Rows as dictionaries, the picture under "image"."""
        columns = self.table[index.tolist()]
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return [{**row, "image": row[self.column]} for row in rows]

    def where(self, i: int) -> str:
        """Name a row."""
        return f"row {i} of {self.name}"

    def numbers(self, column: str) -> Int64[np.ndarray, "n"]:
        """A column of integers; DataError if there is none of that name."""
        features = self.table.features or {}
        if column not in features:
            raise DataError(f"{self.name} has no column {column!r}, only {sorted(features)}")
        found = np.asarray(self.table[column][:])
        if found.dtype.kind not in "iu":
            raise DataError(f"{column!r} of {self.name} holds {found.dtype}; integers wanted")
        return found.astype(np.int64)


def undecoded(table: Any, column: str, name: str) -> Any:  # noqa: ANN401
    """The table with its image column as bytes; DataError if there is no such column."""
    features = table.features or {}
    if column not in features:
        raise DataError(f"{name} has no column {column!r}, only {sorted(features)}")
    if isinstance(table, Parquet):
        return table
    return table.cast_column(column, library().Image(decode=False))


def image_column(features: Any, name: str) -> str:  # noqa: ANN401
    """The first column of pictures; DataError if there is none."""
    for column, kind in (features or {}).items():
        if (isinstance(kind, dict) and "bytes" in kind) or type(kind).__name__ == "Image":
            return column
    raise DataError(f"{name} has no image column, only {sorted(features or {})}")


def content(row: dict[str, Any]) -> bytes | Path:
    """The encoded picture of a row: bytes, or the file they are in."""
    image = row["image"]
    if not image or not (image.get("bytes") or image.get("path")):
        raise ValueError("the row has no picture")
    return image["bytes"] or Path(image["path"])

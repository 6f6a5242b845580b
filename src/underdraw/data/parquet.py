"""Parquet files by pyarrow alone, for machines that have it and no `datasets`."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def is_wanted() -> bool:
    """Whether pyarrow must do, and can."""
    missing = importlib.util.find_spec("datasets") is None
    return missing and importlib.util.find_spec("pyarrow") is not None


class Parquet:
    """Rows of parquet files, all of them in memory: of a `datasets` table what is used here.

    Attributes:
        features: the columns; of one that holds structures, the names of their fields.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        """Read the files, one after the other."""
        from pyarrow import concat_tables, types
        from pyarrow.parquet import read_table

        whole = concat_tables([read_table(file) for file in files])
        self.columns: dict[str, list[Any]] = whole.to_pydict()
        self.rows: int = whole.num_rows
        self.features: dict[str, Any] = {
            field.name: dict.fromkeys(inner.name for inner in field.type)
            if types.is_struct(field.type)
            else str(field.type)
            for field in whole.schema
        }

    def __len__(self) -> int:
        """Number of rows."""
        return self.rows

    def __getitem__(self, index: list[int] | str) -> Any:  # noqa: ANN401
        """The columns at rows `index`, by name; or all of the column of that name."""
        if isinstance(index, str):
            return self.columns[index]
        return {name: [column[i] for i in index] for name, column in self.columns.items()}

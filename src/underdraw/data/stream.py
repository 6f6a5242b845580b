"""A set read in order through a shuffle buffer, for what fits neither memory nor disk.

The buffer holds n encoded pictures; each that arrives takes the place of a random one, which
goes out. Every process reads the same encoded stream and decodes only its slice of each batch:
the joint batch is that of one process, the number of batches is the same everywhere, and
skipping costs reading but no decoding. A set stored in order of class wants a large buffer, or
random access.

Validation and test want random access, and the same images each time: the first
`DataConfig.held` images of their split, in the stored order, are decoded and held in memory.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from underdraw.data import chance
from underdraw.data.config import DataConfig
from underdraw.data.errors import DataError
from underdraw.data.images import Images, View, show
from underdraw.data.memory import Array
from underdraw.data.progress import watch
from underdraw.data.records import Decode, decode_one
from underdraw.data.splits import Share
from underdraw.data.tables import image_column, undecoded

Row = tuple[int, dict[str, Any]]
"""Number in the stored split, and the row."""


class TableStream:
    """A share of a `datasets` IterableDataset as a Stream."""

    def __init__(
        self,
        name: str,
        table: Any,  # noqa: ANN401
        part: Share,
        decode: Decode,
        config: DataConfig,
    ) -> None:
        """Read `table`; DataError if it has no pictures."""
        if table.features is None:
            table = table._resolve_features()
        self.column = config.column or image_column(table.features, name)
        self.table = undecoded(table, self.column, name)
        self.name, self.part, self.decode, self.config = name, part, decode, config
        self.binary = config.binarize != "none"
        self.count: int | None = None
        first = next(self.rows(), None)
        if first is None:
            raise DataError(f"{name} has no images")
        found = self.decoded(first).shape
        self.shape: tuple[int, int, int] = (found[0], found[1], found[2])

    def __len__(self) -> int:
        """Number of images in a pass: as stated by the set, or counted once."""
        if self.count is None:
            stated = (self.table.info.splits or {}).get(str(self.table.split))
            if stated and stated.num_examples:
                self.count = len(self.part.of(stated.num_examples))
            else:
                self.count = sum(1 for _ in self.rows())
        return self.count

    def rows(self) -> Iterator[Row]:
        """The rows that belong, in the stored order; DataError if they cannot be read on."""
        i = -1
        try:
            for i, row in enumerate(self.table):
                if self.part.has(i):
                    yield i, row
        except Exception as error:  # pyarrow's, datasets' and the network's own kinds
            raise DataError(f"{self.name} cannot be read after row {i}: {error}") from error

    def decoded(self, row: Row) -> UInt8[np.ndarray, "c h w"]:
        """Levels of one row; DataError naming it if it is damaged."""
        record = {**row[1], "image": row[1][self.column]}
        return decode_one(self.decode, record, f"row {row[0]} of {self.name}")

    def levels(self, row: Row) -> UInt8[np.ndarray, "c h w"]:
        """Levels of one row; DataError naming it if it is damaged or not of `shape`."""
        levels = self.decoded(row)
        if levels.shape != self.shape:
            raise DataError(
                f"row {row[0]} of {self.name} has shape {levels.shape} (channels, height, "
                f"width), not {self.shape}; a size brings all images to one"
            )
        return levels

    def hold(self) -> Images:
        """The first `config.held` images, decoded, for random access.

        Image i has what a set opened without streaming has at i, chance included.

        Raises:
            DataError: a damaged or wrongly shaped picture; more bytes than `config.memory`.
        """
        held, room = self.config.held, self.config.memory // int(np.prod(self.shape))
        out = np.empty((min(held, room), *self.shape), np.uint8)
        count = 0
        for row in watch(islice(self.rows(), held), held, f"decoding {self.name}"):
            if count == room:
                raise DataError(
                    f"{self.name}: {held} held images of shape {self.shape} do not fit in "
                    f"{self.config.memory} bytes; lower data.held or data.size, or raise "
                    "data.memory"
                )
            out[count] = self.levels(row)
            count += 1
        return View(Array(self.name, out[:count]), self.config.binarize, self.config.seed)

    def batches(
        self, batch: int, rank: int = 0, world: int = 1, skip: int = 0, draw: int = 0
    ) -> Iterator[Float[Tensor, "b c h w"]]:
        """One pass of epoch `draw`, from global batch `skip` on: this rank's slice of each.

        Args:
            batch: images in the global batch; the ragged end is dropped.
            rank: number of this process.
            world: number of processes, which must divide batch.
            skip: global batches already consumed.
            draw: the epoch; orders the pass and draws what is random about an image.

        Raises:
            DataError: a batch that does not divide; a damaged or wrongly shaped picture.
        """
        if batch < 1 or batch % world:
            raise DataError(f"a batch of {batch} images does not divide by {world} processes")
        part = batch // world
        mixed = islice(shuffled(self.rows(), self.config, draw), skip * batch, None)
        while len(group := list(islice(mixed, batch))) == batch:
            yield self.shown(group[rank * part : (rank + 1) * part], draw)

    def shown(self, group: list[Row], draw: int) -> Float[Tensor, "b c h w"]:
        """The numbers models see, of some rows."""
        levels = np.stack([self.levels(row) for row in group])
        index = np.array([i for i, _ in group])
        return show(levels, self.config.binarize, self.config.seed, index, draw)


def shuffled(rows: Iterator[Row], config: DataConfig, draw: int) -> Iterator[Row]:
    """Rows through a buffer of config.buffer, in an order given by (config.seed, draw)."""
    held: list[Row] = []
    for k, row in enumerate(rows):
        if len(held) < config.buffer:
            held.append(row)
            continue
        slot = int(chance.below(len(held), chance.BUFFER, config.seed, draw, k)[0])
        yield held[slot]
        held[slot] = row
    for slot in chance.permutation(len(held), chance.DRAIN, config.seed, draw):
        yield held[slot]

"""Batches for training, for ever, from any step.

With N images and a global batch of B, an epoch has K = floor(N / B) steps. Step s is batch
s mod K of epoch e = floor(s / K), whose order is a permutation of (seed, e) alone; the N - KB
images at its end are left out. Of W processes, number r takes the r-th of W equal slices, so
that together they see the batch that one process would see.
"""

import queue
import threading
from collections.abc import Iterator
from typing import Any, Literal, overload

from jaxtyping import Float, Int64
from torch import Tensor

from underdraw.data import chance
from underdraw.data.errors import DataError
from underdraw.data.images import Images, Stream
from underdraw.data.labels import labelled

Numbered = tuple[int, Any]
Pair = tuple[Float[Tensor, "b c h w"], Int64[Tensor, "b"]]
DEPTH = 2
"""Batches made ahead of time."""
TICK = 0.1
"""Seconds after which a waiting producer looks whether it is still wanted."""


@overload
def loader(
    images: Images | Stream,
    batch: int,
    seed: int,
    rank: int = 0,
    world: int = 1,
    start: int = 0,
    labels: Literal[False] = False,
) -> Iterator[tuple[int, Float[Tensor, "b c h w"]]]: ...


@overload
def loader(
    images: Images | Stream,
    batch: int,
    seed: int,
    rank: int = 0,
    world: int = 1,
    start: int = 0,
    *,
    labels: Literal[True],
) -> Iterator[tuple[int, Pair]]: ...


def loader(
    images: Images | Stream,
    batch: int,
    seed: int,
    rank: int = 0,
    world: int = 1,
    start: int = 0,
    labels: bool = False,
) -> Iterator[Numbered]:
    """Yield (step, this rank's part of the global batch) for step = start, start + 1, ...

    Batches are made ahead in one background thread, which ends when the iterator is closed and
    whose exceptions are raised here.

    Args:
        images: what to train on.
        batch: images in the global batch.
        seed: of the order of images (a stream has its own).
        rank: number of this process.
        world: number of processes.
        start: first step, as when a run resumes.
        labels: yield (step, (images, their classes)) instead.

    Raises:
        DataError: a batch that does not divide by world, or is larger than the set; images that
            are damaged or end; labels of a set that has none.
    """
    if batch < 1 or batch % world:
        raise DataError(f"a batch of {batch} images does not divide by {world} processes")
    if not 0 <= rank < world or start < 0:
        raise DataError(f"rank {rank} of {world} from step {start} is not possible")
    if labels:
        images = labelled(images)
    if isinstance(images, Images):
        check_size(images, batch)
        return prefetch(steps(images, batch, seed, rank, world, start, labels))
    return prefetch(stream_steps(images, batch, rank, world, start))


def check_size(images: Images | Stream, batch: int) -> None:
    """DataError if the set is smaller than one batch."""
    if len(images) < batch:
        raise DataError(f"a batch of {batch} images from {images.name}, which has {len(images)}")


def steps(
    images: Images,
    batch: int,
    seed: int,
    rank: int,
    world: int,
    start: int,
    labels: bool = False,
) -> Iterator[Numbered]:
    """The batches of `loader` for random access."""
    known = labelled(images) if labels else None
    per_epoch, part = len(images) // batch, batch // world
    epoch, first = divmod(start, per_epoch)
    while True:
        order = chance.permutation(len(images), chance.ORDER, seed, epoch)
        for k in range(first, per_epoch):
            place = k * batch + rank * part
            index = order[place : place + part]
            x = images.take(index, epoch)
            yield epoch * per_epoch + k, x if known is None else (x, known.labels(index))
        epoch, first = epoch + 1, 0


def stream_steps(
    stream: Stream, batch: int, rank: int, world: int, start: int
) -> Iterator[Numbered]:
    """The batches of `loader` for a stream: pass after pass."""
    check_size(stream, batch)
    epoch, skip = divmod(start, len(stream) // batch)
    step = start
    while True:
        before = step
        for x in stream.batches(batch, rank, world, skip, epoch):
            yield step, x
            step += 1
        if step == before and not skip:
            raise DataError(f"{stream.name} gave no batch of {batch} images in a whole pass")
        epoch, skip = epoch + 1, 0


def prefetch(items: Iterator[Numbered]) -> Iterator[Numbered]:
    """Run an iterator ahead in a thread, `DEPTH` items at most."""
    ready: queue.Queue[tuple[Any, BaseException | None]] = queue.Queue(DEPTH)
    closed = threading.Event()
    thread = threading.Thread(target=produce, args=(items, ready, closed), daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            yield item
    finally:
        closed.set()
        thread.join()


def produce(items: Iterator[Numbered], ready: queue.Queue, closed: threading.Event) -> None:
    """Put items, and the exception that ends them, into the queue until it is closed."""
    try:
        for item in items:
            if not offer((item, None), ready, closed):
                return
        error = DataError("the images ended, and training goes on for ever; is the source whole?")
        offer((None, error), ready, closed)
    except BaseException as error:
        offer((None, error), ready, closed)


def offer(entry: tuple, ready: queue.Queue, closed: threading.Event) -> bool:
    """Put an entry into the queue; False if it was closed first."""
    while not closed.is_set():
        try:
            ready.put(entry, timeout=TICK)
            return True
        except queue.Full:
            continue
    return False

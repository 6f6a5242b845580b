"""Many pictures in one file, by chained bits-back: nearly as short as the model's own bound.

The pictures of a block, all of one size, are dealt to L lanes, each a stack: picture i to lane i
mod L, in rounds of L. A round takes its latents from what is on the stacks:

    encode    for each site in order: pop z under q, as k on the twin's grid, without tails
              push the pixels under p(x | z)
              for each site in reverse order: push z under p

    decode    from the last round to the first: pop z under p, site by site; pop the pixels; tell
              the story again with z and the picture, to have q; push z under q, in reverse order

so that a picture costs -log2 P(x | z) + sum log2 Q(z) / P(z) bits, whose mean is the bound
(Townsend, Bird and Barber, 2019). The stacks are empty at first, and popping takes log2(sigma_q
sqrt(2 pi e) / delta), about 3.05 bits, for every latent. So the latents of the first S rounds are
popped at as many of the first sites as there are bits for, in the very first at none where anything
is coded, and rounded as those of single pictures (`codec.lossless`) at the others.

A block is varint S; if it has rounds that do both, 0, varint S, and the number of sites of each
round that are popped; then for each lane the varint length of its stack in words; then the stacks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

import numpy as np
from torch import Tensor

from underdraw.codec.coder import Grid, Stack, get_gaussians, put_gaussians
from underdraw.codec.container import (
    MAX_IMAGES,
    MAX_LANES,
    Archive,
    Block,
    Bytes,
    build_archive,
    check_count,
    check_names,
    parse_archive,
    varint,
)
from underdraw.codec.errors import CodecError, Whole, memory_for
from underdraw.codec.exact import Twin
from underdraw.codec.lanes import affordable, lanes_for
from underdraw.codec.library import fit
from underdraw.codec.lossless import Latents, Rounded, Taken, Told, paint, push, take
from underdraw.codec.lossy import Levels
from underdraw.codec.usual import MAX_PIXELS
from underdraw.distributions import Gaussian
from underdraw.latent import Site, Size

PER_BLOCK = 500
"""Pictures to a block, unless the caller says otherwise."""


class Back(Rounded):
    """A source that pops latents under the posterior at the first sites, and rounds the others.

    Attributes:
        told: what was chosen, on the grids of the priors, site by site.
    """

    def __init__(self, twin: Twin, stacks: Sequence[Stack], sites: int) -> None:
        super().__init__(twin, sites)
        self.stacks = stacks

    def choose(
        self, site: Site, maps: Tensor, grid: Grid, offset: Whole, q: Gaussian | None
    ) -> Whole:
        """A sample of the posterior, which is what lies on the stack; or its mean."""
        if not self.samples(site):
            return super().choose(site, maps, grid, offset, q)
        k = get_gaussians(self.stacks, posterior(grid, q, maps), tails=False).k
        self.told.append(Told(k, grid))
        return k


class Forth(Latents):
    """A source that gives latents again, and remembers those that were popped.

    Attributes:
        told: they, on the grids of their posteriors, site by site.
    """

    def __init__(self, twin: Twin, given: Iterable[Whole], sites: int) -> None:
        super().__init__(twin, sites)
        self.given, self.told = iter(given), list[Told]()

    def choose(
        self, site: Site, maps: Tensor, grid: Grid, offset: Whole, q: Gaussian | None
    ) -> Whole:
        """The latents of before."""
        k = next(self.given)
        if self.samples(site):
            self.told.append(Told(k, posterior(grid, q, maps)))
        return k


def posterior(grid: Grid, q: Gaussian | None, maps: Tensor) -> Grid:
    """The same grid under the posterior."""
    assert q is not None
    mean, scale = (part[:, maps].numpy() for part in (q.mu, q.log_sigma))
    return Grid(grid.delta.reshape(grid.shape), mean, scale)


def push_back(twin: Twin, stacks: Sequence[Stack], levels: Levels, sites: int) -> None:
    """Push pictures (B, 1 or C, H, W), each onto its stack, by bits-back at the first sites.

    Raises:
        CodecError: a stack runs dry; all are then spoilt.
    """
    push(Back(twin, stacks, sites), stacks, levels)


def take_back(twin: Twin, stacks: Sequence[Stack], size: Size, channels: int, sites: int) -> Levels:
    """Undo `push_back`: pictures (B, channels, H, W).

    Raises:
        CodecError: a stack is not what an encoder leaves.
    """
    source = Taken(twin, stacks, sites)
    levels = take(source, size, channels)
    if sites:
        again = Forth(twin, source.ks, sites)
        paint(again, levels)
        for k, grid in reversed(again.told):
            put_gaussians(stacks, k, grid, tails=False)
    return levels


def encode_block(
    twin: Twin, levels: Levels, lanes: int | None = None, max_pixels: int = MAX_PIXELS
) -> tuple[Block, bytes]:
    """One block of pictures of one size, (N, 1 or C, H, W).

    Args:
        twin: the model.
        levels: the pictures.
        lanes: how many stacks; by default as many as cost little, see `lanes_for`.
        max_pixels: that may be drawn for all of them.

    Raises:
        CodecError: there are no pictures or too many, the model draws none like these, they are too
            large for this or for memory, or no block has so many lanes.
    """
    if not 0 < len(levels) <= MAX_IMAGES:
        raise CodecError(f"a block needs pictures, 1..{MAX_IMAGES}, not {len(levels)}")
    if lanes is not None and not 1 <= lanes <= MAX_LANES:
        raise CodecError(f"lanes must be in 1..{MAX_LANES}, got {lanes}")
    fit(twin, levels.shape[1], levels.shape[2:], max_pixels, len(levels))
    with memory_for(levels.shape[2:], len(levels)):
        return _encoded(twin, levels, min(len(levels), lanes or lanes_for(twin, levels.shape)))


def _encoded(twin: Twin, levels: Levels, lanes: int) -> tuple[Block, bytes]:
    rounds = [levels[i : i + lanes] for i in range(0, len(levels), lanes)]
    stacks, told = [Stack() for _ in range(lanes)], list[int]()
    for part in rounds:
        mine = stacks[: len(part)]
        sites = affordable(twin, levels.shape[2:], min(stack.bits for stack in mine))
        push_back(twin, mine, part, sites)
        told.append(sites)
    while len(told) > 1 and told[-1] == len(twin.sites):  # one stays: S is never 0 alone
        told.pop()
    piles = [stack.bytes for stack in stacks]
    start = [0, len(told), *told] if any(told) else [len(told)]
    head = b"".join(varint(n) for n in [*start, *(len(pile) // 4 for pile in piles)])
    shape = levels.shape[2], levels.shape[3], levels.shape[1]
    return Block(len(levels), *shape, lanes), head + b"".join(piles)


def decode_block(twin: Twin, block: Block, data: bytes, most: int = MAX_PIXELS) -> Levels:
    """The pictures of a block, (N, channels, H, W), for which at most so many pixels are drawn.

    Raises:
        CodecError: the bytes are not those of such a block, or it is too large for this or memory.
    """
    size = block.height, block.width
    fit(twin, block.channels, size, most, block.images)
    with memory_for(size, block.images):
        return _decoded(twin, block, data)


def _decoded(twin: Twin, block: Block, data: bytes) -> Levels:
    size, found = (block.height, block.width), []
    rounds = -(-block.images // block.lanes)
    first, stacks = _stacks(data, block.lanes, rounds, len(twin.sites))
    for i in reversed(range(rounds)):
        part = stacks[: min(block.lanes, block.images - i * block.lanes)]
        sites = first[i] if i < len(first) else len(twin.sites)
        found.append(take_back(twin, part, size, block.channels, sites))
    if not all(stack.bare for stack in stacks):
        raise CodecError("something is left on a stack: the block is damaged")
    return np.concatenate(found[::-1])


def _stacks(data: bytes, lanes: int, rounds: int, sites: int) -> tuple[list[int], list[Stack]]:
    source = Bytes(data, whole=True)
    singles = source.number("the number of rounds of single pictures", 0, rounds)
    told = [0] * singles
    if not singles:
        both = source.number("the number of rounds that round latents", 1, rounds)
        told = [source.number("the sites of a round", 0, sites) for _ in range(both)]
    lengths = [4 * source.number("the length of a stack") for _ in range(lanes)]
    stacks = [Stack(source.take(length, "a stack")) for length in lengths]
    if source.place != len(data):
        raise CodecError(f"{len(data) - source.place} bytes follow the last stack")
    return told, stacks


def encode(
    twin: Twin,
    pictures: Sequence[np.ndarray],
    names: Sequence[str] | None = None,
    lanes: int | None = None,
    most: int = PER_BLOCK,
    max_pixels: int = MAX_PIXELS,
) -> bytes:
    """An archive of pictures of any sizes.

    Those of one size share blocks, so that their order changes; names, where there are any, go
    with them, and `order` says which is where.

    Args:
        twin: the model.
        pictures: uint8 (1 or C, H, W) each.
        names: one for each picture.
        lanes: stacks to a block; by default as many as cost little.
        most: pictures to a block.
        max_pixels: that may be drawn for a picture.

    Raises:
        CodecError: the names are no names of files or not as many as the pictures, or these are
            too many, or the model draws no such pictures.
    """
    check_count(len(pictures), None if names is None else len(names))
    check_names(names or ())
    blocks = []
    shapes = [picture.shape for picture in pictures]
    for group in groups(twin, shapes, most, max_pixels):
        blocks.append(encode_block(twin, np.stack([pictures[i] for i in group]), lanes, max_pixels))
    places = order(twin, shapes, most, max_pixels)
    return build_archive(twin.hash, blocks, names and [names[i] for i in places])


def groups(
    twin: Twin,
    shapes: Sequence[tuple[int, ...]],
    most: int = PER_BLOCK,
    max_pixels: int = MAX_PIXELS,
) -> list[list[int]]:
    """Which pictures share a block: by shape, in order of appearance, as many as may be drawn.

    No block of more than one picture has more pixels than decoders usually take.
    """
    alike: Mapping[tuple[int, ...], list[int]] = {shape: [] for shape in shapes}
    for i, shape in enumerate(shapes):
        alike[shape].append(i)
    found = []
    for (_, height, width), members in alike.items():
        drawn = prod(twin.drawn_size((height, width)))
        count = max(min(most, MAX_IMAGES, min(MAX_PIXELS, max_pixels) // drawn), 1)
        found += [members[i : i + count] for i in range(0, len(members), count)]
    return found


def order(
    twin: Twin,
    shapes: Sequence[tuple[int, ...]],
    most: int = PER_BLOCK,
    max_pixels: int = MAX_PIXELS,
) -> list[int]:
    """For each place in an archive, which picture is there."""
    return [i for group in groups(twin, shapes, most, max_pixels) for i in group]


def decode(
    twin: Twin, data: bytes, archive: Archive | None = None, most: int = MAX_PIXELS
) -> Iterator[np.ndarray]:
    """The pictures of an archive, (1 or C, H, W) each, in its order.

    Raises:
        CodecError: it is no archive, another model's, or a block is damaged or too large.
    """
    archive = archive or parse_archive(data, most)
    if archive.model != twin.hash:
        raise CodecError(
            f"the archive needs the model {archive.model.hex()}, not {twin.hash.hex()}"
        )
    for i, block in enumerate(archive.blocks):
        yield from decode_block(twin, block, archive.read_block(data, i), most)

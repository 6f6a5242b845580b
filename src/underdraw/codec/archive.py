"""Many pictures in one file, by chained bits-back: nearly as short as the model's own bound.

The pictures of a block, all of one size, are dealt to L lanes, each a stack: picture i to lane i
mod L, in rounds of L. The first S rounds are pushed as single pictures (`codec.lossless`). Each
later round takes its latents from what is on the stacks:

    encode    for each site in order: pop z under q, as k on the twin's grid, without tails
              push the pixels under p(x | z)
              for each site in reverse order: push z under p

    decode    from the last round to the first: pop z under p, site by site; pop the pixels; tell
              the story again with z and the picture, to have q; push z under q, in reverse order

so that a picture costs -log2 P(x | z) + sum log2 Q(z) / P(z) bits, whose mean is the bound
(Townsend, Bird and Barber, 2019). The single pictures at the start give the bits that the first
round needs: log2(sigma_q sqrt(2 pi e) / delta), about 3.05, for every latent that is coded.

A block is varint S, then for each lane the varint length of its stack in words, then the stacks.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, prod

import numpy as np
from torch import Tensor

from underdraw.codec.coder import Grid, Stack, get_gaussians, get_pixels, put_gaussians, put_pixels
from underdraw.codec.container import (
    MAX_IMAGES,
    MAX_LANES,
    Archive,
    Block,
    Bytes,
    build_archive,
    parse_archive,
    varint,
)
from underdraw.codec.errors import MAX_PIXELS, CodecError, Whole
from underdraw.codec.exact import Twin
from underdraw.codec.library import fit
from underdraw.codec.lossless import Latents, Told, cells, paint, push, take
from underdraw.codec.lossy import Levels, coded_maps
from underdraw.distributions import Gaussian
from underdraw.latent import Site, Size

USUAL_LANES = 32
"""Lanes to a block, at most, unless the caller says otherwise."""
LOSS = 0.004
"""Bits per dimension that single pictures may add to a block of several lanes."""
PER_BLOCK = 500
"""Pictures to a block, unless the caller says otherwise."""
_NEED = 3.3  # bits to a latent: log2(2 sqrt(2 pi e)) = 3.05, and room for chance


class Back(Latents):
    """A source that pops latents under the posterior, and remembers them with their priors.

    Attributes:
        told: what was popped, on the grids of the priors, site by site.
    """

    def __init__(self, twin: Twin, stacks: Sequence[Stack]) -> None:
        super().__init__(twin)
        self.stacks, self.told = stacks, list[Told]()

    def choose(self, site: Site, maps: Tensor, grid: Grid, q: Gaussian | None) -> Whole:
        """A sample of the posterior, which is what lies on the stack."""
        k = get_gaussians(self.stacks, posterior(grid, q, maps), tails=False).k
        self.told.append(Told(k, grid))
        return k


class Forth(Latents):
    """A source that gives latents again, and remembers them with their posteriors.

    Attributes:
        told: the same latents, on the grids of the posteriors, site by site.
    """

    def __init__(self, twin: Twin, given: Sequence[Whole]) -> None:
        super().__init__(twin)
        self.given, self.told = given, list[Told]()

    def choose(self, site: Site, maps: Tensor, grid: Grid, q: Gaussian | None) -> Whole:
        """The latents of before."""
        k = self.given[len(self.told)]
        self.told.append(Told(k, posterior(grid, q, maps)))
        return k


class Popped(Latents):
    """A source that pops latents under the prior, on the twin's own grid, and remembers them.

    Attributes:
        ks: what was popped, site by site.
    """

    def __init__(self, twin: Twin, stacks: Sequence[Stack]) -> None:
        super().__init__(twin)
        self.stacks, self.ks = stacks, list[Whole]()

    def choose(self, site: Site, maps: Tensor, grid: Grid, q: Gaussian | None) -> Whole:
        """What comes next."""
        self.ks.append(get_gaussians(self.stacks, grid).k)
        return self.ks[-1]


def posterior(grid: Grid, q: Gaussian | None, maps: Tensor) -> Grid:
    """The same grid under the posterior."""
    assert q is not None
    mean, scale = (part[:, maps].numpy() for part in (q.mu, q.log_sigma))
    return Grid(grid.delta.reshape(grid.shape), mean, scale)


def push_back(twin: Twin, stacks: Sequence[Stack], levels: Levels) -> None:
    """Push pictures (B, 1 or C, H, W) by bits-back, each onto its stack.

    Raises:
        CodecError: a stack runs dry; all are then spoilt.
    """
    source = Back(twin, stacks)
    put_pixels(stacks, levels, cells(paint(twin, source, levels), levels.shape[1]))
    for k, grid in reversed(source.told):
        put_gaussians(stacks, k, grid)


def take_back(twin: Twin, stacks: Sequence[Stack], size: Size, channels: int) -> Levels:
    """Undo `push_back`: pictures (B, channels, H, W).

    Raises:
        CodecError: a stack is not what an encoder leaves.
    """
    source = Popped(twin, stacks)
    pixels = paint(twin, source, n=len(stacks), size=size)
    levels = get_pixels(stacks, cells(pixels, channels)).astype(np.uint8)
    again = Forth(twin, source.ks)
    paint(twin, again, levels)
    for k, grid in reversed(again.told):
        put_gaussians(stacks, k, grid, tails=False)
    return levels


def latents_of(twin: Twin, size: Size) -> int:
    """How many latents are coded for a picture."""
    drawn = twin.drawn_size(size)
    shapes = {site: twin.latent_shape(site, drawn) for site in twin.sites}
    return sum(len(coded_maps(twin, site)) * prod(shape[1:]) for site, shape in shapes.items())


def needed(twin: Twin, size: Size) -> float:
    """Bits that a stack should have before a picture is pushed by bits-back."""
    return _NEED * latents_of(twin, size) + 64


def lanes_for(twin: Twin, shape: tuple[int, int, int, int]) -> int:
    """How many lanes pictures (N, channels, H, W) take: more are faster, and longer.

    Each begins with single pictures, about as many as it takes 4 bits per dimension to give the
    bits that are needed, and each of these costs 0.25 bits for every latent.
    """
    latents, dims = latents_of(twin, shape[2:]), prod(shape[1:])
    singles = max(ceil(_NEED * latents / (4 * dims)), 1)
    lanes = shape[0] * LOSS * dims / max(0.25 * latents * singles, 1)
    return min(max(int(lanes), 1), USUAL_LANES, shape[0])


def encode_block(twin: Twin, levels: Levels, lanes: int | None = None) -> tuple[Block, bytes]:
    """One block of pictures of one size, (N, 1 or C, H, W).

    Args:
        twin: the model.
        levels: the pictures.
        lanes: how many stacks; by default as many as cost little, see `lanes_for`.

    Raises:
        CodecError: there are no pictures or too many, the model draws none like these, they are too
            large, or no block has so many lanes.
    """
    if not 0 < len(levels) <= MAX_IMAGES:
        raise CodecError(f"a block needs pictures, 1..{MAX_IMAGES}, not {len(levels)}")
    if lanes is not None and not 1 <= lanes <= MAX_LANES:
        raise CodecError(f"lanes must be in 1..{MAX_LANES}, got {lanes}")
    fit(twin, levels.shape[1], levels.shape[2:], images=len(levels))
    lanes = min(len(levels), lanes or lanes_for(twin, levels.shape))
    rounds = [levels[i : i + lanes] for i in range(0, len(levels), lanes)]
    need = needed(twin, levels.shape[2:])
    stacks, singles = [Stack() for _ in range(lanes)], 0
    for part in rounds:
        if any(stack.bits < need for stack in stacks[: len(part)]):
            push(twin, stacks[: len(part)], part)
            singles += 1
        else:
            break
    for part in rounds[singles:]:
        push_back(twin, stacks[: len(part)], part)
    piles = [stack.bytes for stack in stacks]
    head = varint(singles) + b"".join(varint(len(pile) // 4) for pile in piles)
    shape = levels.shape[2], levels.shape[3], levels.shape[1]
    return Block(len(levels), *shape, lanes), head + b"".join(piles)


def decode_block(twin: Twin, block: Block, data: bytes, most: int = MAX_PIXELS) -> Levels:
    """The pictures of a block, (N, channels, H, W), for which at most so many pixels are drawn.

    Raises:
        CodecError: the bytes are not those of such a block, or it is too large.
    """
    size, found = (block.height, block.width), []
    fit(twin, block.channels, size, most, block.images)
    rounds = -(-block.images // block.lanes)
    singles, stacks = _stacks(data, block.lanes, rounds)
    for i in reversed(range(rounds)):
        part = stacks[: min(block.lanes, block.images - i * block.lanes)]
        found.append((take if i < singles else take_back)(twin, part, size, block.channels))
    if not all(stack.bare for stack in stacks):
        raise CodecError("something is left on a stack: the block is damaged")
    return np.concatenate(found[::-1])


def _stacks(data: bytes, lanes: int, rounds: int) -> tuple[int, list[Stack]]:
    source = Bytes(data)
    singles = source.number("the number of rounds of single pictures", 1, rounds)
    lengths = [4 * source.number("the length of a stack") for _ in range(lanes)]
    stacks = [Stack(source.take(length, "a stack")) for length in lengths]
    if source.place != len(data):
        raise CodecError(f"{len(data) - source.place} bytes follow the last stack")
    return singles, stacks


def encode(
    twin: Twin,
    pictures: Sequence[np.ndarray],
    names: Sequence[str] | None = None,
    lanes: int | None = None,
    most: int = PER_BLOCK,
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

    Raises:
        CodecError: the names are no names of files or not as many as the pictures, or the model
            draws no such pictures.
    """
    if names is not None and len(names) != len(pictures):
        raise CodecError(f"there are {len(names)} names for {len(pictures)} pictures")
    blocks = []
    shapes = [picture.shape for picture in pictures]
    for group in groups(twin, shapes, most):
        blocks.append(encode_block(twin, np.stack([pictures[i] for i in group]), lanes))
    places = order(twin, shapes, most)
    return build_archive(twin.hash, blocks, names and [names[i] for i in places])


def groups(twin: Twin, shapes: Sequence[tuple[int, ...]], most: int = PER_BLOCK) -> list[list[int]]:
    """Which pictures share a block: by shape, in order of appearance, as many as may be drawn."""
    alike: Mapping[tuple[int, ...], list[int]] = {shape: [] for shape in shapes}
    for i, shape in enumerate(shapes):
        alike[shape].append(i)
    found = []
    for (_, height, width), members in alike.items():
        drawn = prod(twin.drawn_size((height, width)))
        count = max(min(most, MAX_IMAGES, MAX_PIXELS // drawn), 1)
        found += [members[i : i + count] for i in range(0, len(members), count)]
    return found


def order(twin: Twin, shapes: Sequence[tuple[int, ...]], most: int = PER_BLOCK) -> list[int]:
    """For each place in an archive, which picture is there."""
    return [i for group in groups(twin, shapes, most) for i in group]


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

"""How many stacks the pictures of an archive's block are dealt to, and what popping takes.

More lanes are faster. Each begins empty, so that its first pictures have latents that are rounded,
as those of single pictures are, which costs about 0.25 bits for each.
"""

from itertools import accumulate
from math import prod

from underdraw.codec.exact import Twin
from underdraw.codec.lossy import coded_maps
from underdraw.latent import Size

USUAL_LANES = 32
"""Lanes to a block, at most, unless the caller says otherwise."""
LOSS = 0.004
"""Bits per dimension that single pictures may add to a block of several lanes."""
_NEED = 3.3  # bits to a latent: log2(2 sqrt(2 pi e)) = 3.05, and room for chance


def latents_of(twin: Twin, size: Size) -> int:
    """How many latents are coded for a picture."""
    return sum(latents_at(twin, size))


def latents_at(twin: Twin, size: Size) -> list[int]:
    """How many latents are coded for a picture at each site."""
    drawn = twin.drawn_size(size)
    shapes = {site: twin.latent_shape(site, drawn) for site in twin.sites}
    return [len(coded_maps(twin, site)) * prod(shape[1:]) for site, shape in shapes.items()]


def needed(latents: int) -> float:
    """Bits that a stack should have before so many latents are popped."""
    return _NEED * latents + 64 if latents else 0.0


def affordable(twin: Twin, size: Size, bits: int) -> int:
    """At how many of the first sites a stack of so many bits lets latents be popped."""
    sums = accumulate(latents_at(twin, size))
    return sum(needed(latents) <= bits for latents in sums)


def lanes_for(twin: Twin, shape: tuple[int, int, int, int]) -> int:
    """How many lanes pictures (N, channels, H, W) take: more are faster, and longer.

    Each begins with rounded latents, until pictures of about 4 bits per dimension give the bits
    that popping takes; each of those costs 0.25 bits.
    """
    latents, dims = latents_at(twin, shape[2:]), prod(shape[1:])
    bits, rounded, sites = 0.0, 0, 0
    while sites < len(latents):
        more = sum(latents[sites:])
        rounded += more
        bits += 4 * dims + 0.25 * more
        sites = affordable(twin, shape[2:], int(bits))
    lanes = shape[0] * LOSS * dims / max(0.25 * rounded, 1)
    return min(max(int(lanes), 1), USUAL_LANES, shape[0])

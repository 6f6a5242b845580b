"""Prints a digest of what an exact model says, however this process computes."""

import hashlib
import sys

import torch

from codec.exact.small import picture
from underdraw.codec import exact
from underdraw.codec.exact.twin import Twin, as_bytes


def digest(twin: Twin, batch: int) -> str:
    """SHA-256 of all whole numbers, image by image."""
    levels = picture(4, 3, 24, 23)
    found = [hashlib.sha256() for _ in levels]
    for first in range(0, len(levels), batch):
        x = twin.see(levels[first : first + batch])
        told = twin.unroll(lambda site, p, q: twin.rest(site, q), x)
        values = [v for c in told.choices for v in (c.z, *c.p, *c.q)]
        for i, h in enumerate(found[first : first + batch]):
            h.update(as_bytes([v[i] for v in [*values, told.frames[-1].canvas]]))
    return hashlib.sha256(b"".join(h.digest() for h in found)).hexdigest()


def main(folder: str) -> None:
    """Every way of computing that one process can have."""
    twin = exact.load(folder)
    print(torch.backends.cpu.get_cpu_capability())
    for threads in (1, 2):
        torch.set_num_threads(threads)
        for onednn in (True, False):
            with torch.backends.mkldnn.flags(enabled=onednn):
                print(digest(twin, 4), digest(twin, 1))


if __name__ == "__main__":
    main(sys.argv[1])

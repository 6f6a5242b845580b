"""How much memory there is, so that what cannot fit is refused and not begun.

Where memory is promised freely, as by Linux, a process that takes too much is not told: it is
killed. So pictures that could not fit whatever else is running are refused by their size.
"""

import os
from functools import cache
from pathlib import Path

from underdraw.codec.errors import NoMemory

LEAST = 512
"""Bytes that each pixel of a picture takes at least, by any model that ships."""
_GROUP = Path("/sys/fs/cgroup/memory.max")  # of a container


@cache
def installed() -> int | None:
    """Bytes of memory of the machine, or of the container; None where that cannot be asked."""
    try:
        there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    try:
        allowed = _GROUP.read_text(encoding="ascii").strip()
    except OSError:
        return there
    return min(there, int(allowed)) if allowed.isdigit() else there


def check(height: int, width: int) -> None:
    """Refuse a picture that takes more memory than there is.

    Args:
        height: as it is drawn, pixels.
        width: as it is drawn, pixels.

    Raises:
        NoMemory: it does.
    """
    there = installed()
    if there is not None and height * width * LEAST > there:
        raise NoMemory(
            f"is drawn as {width} x {height}, which takes {height * width * LEAST / 2**30:.1f} GB "
            f"of memory at least; there are {there / 2**30:.1f}"
        )

"""Watching the cost for a jump.

About once a run of Convolutional DRAW the cost jumps (second paper, section 4). The mean m and the
mean absolute deviation s of the cost are followed exponentially over windows of updates, and a
window is a jump if its cost is not finite or exceeds

    m + jump max(s, 0.01 |m|)

A window that jumps leaves m and s as they were.
"""

import math

from underdraw.train.state import Numbers

MEMORY = 0.1  # weight of the newest window
LEARNING = 5  # windows before a finite cost can be a jump


def jumped(numbers: Numbers, cost: float, jump: float) -> bool:
    """Whether the cost of a window is a jump; if not, it is remembered in `numbers`."""
    if not math.isfinite(cost):
        return True
    if numbers.mean is None:
        numbers.mean, numbers.windows = cost, 1
        return False
    off = cost - numbers.mean
    if numbers.windows >= LEARNING and off > jump * max(numbers.spread, 0.01 * abs(numbers.mean)):
        return True
    numbers.mean += MEMORY * off
    numbers.spread += MEMORY * (abs(off) - numbers.spread)
    numbers.windows += 1
    return False


def restart(numbers: Numbers) -> None:
    """Follow the cost afresh, as when what was followed is the cost of another phase."""
    numbers.mean, numbers.spread, numbers.windows = None, 0.0, 0


def forget(numbers: Numbers) -> None:
    """Start afresh, as when glimpses are added or beta has fallen, and the cost is another.

    The best validation is forgotten, too: it is of a cost that is lower or higher for that alone.
    """
    restart(numbers)
    numbers.best = None

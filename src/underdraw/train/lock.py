"""One process at a time for a run: a second one would write over what the first one writes.

The lock is the system's, on a file in the run's folder, and ends with the process that holds it,
however that ends. Windows has no such lock here, nor have some file systems: there nothing is held,
and nothing is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from underdraw.train.state import RunError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = Path("train/lock")


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the folder of a run.

    Raises:
        RunError: another process holds it.
    """
    (run / LOCK).parent.mkdir(parents=True, exist_ok=True)
    with (run / LOCK).open("a") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunError(f"{run} is being trained by another process") from error
            except OSError:  # a file system without locks
                pass
        yield

"""Being asked to stop: by a signal, or by the clock."""

import signal
import threading
import time
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM")


class StopWatch:
    """Notices Ctrl-C, SIGTERM and the end of the time allowed; a second signal is not held back.

    Use as a context; outside the main thread only the clock is watched.
    """

    def __init__(self, max_minutes: float | None) -> None:
        self.start = time.monotonic()
        self.end = None if max_minutes is None else self.start + 60 * max_minutes
        self.signal: int | None = None
        self.before: dict[int, object] = {}

    def __enter__(self) -> "StopWatch":
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                number = getattr(signal, name)
                self.before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, *failure: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number

    @property
    def reason(self) -> str | None:
        """Why to stop now: "signal", "time" or None."""
        if self.signal is not None:
            return "signal"
        return "time" if self.end is not None and time.monotonic() >= self.end else None

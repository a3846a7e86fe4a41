"""How is something stopped that takes too long? By a bell that rings in the main thread."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class OutOfTime(BaseException):
    """What was tried takes too long. Not an Exception, so that no parser swallows it."""


@contextmanager
def limited(seconds: float, *, on_the_clock: bool = False) -> Iterator[None]:
    """Raise OutOfTime inside of the `with` after so many seconds of work, so that a busy machine loses nothing; or, on the clock, of time.

    Only the main thread can be stopped; in another one nothing is limited.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> Any:
        raise OutOfTime(f"{seconds:g} s")

    bell, timer = (signal.SIGALRM, signal.ITIMER_REAL) if on_the_clock else (signal.SIGVTALRM, signal.ITIMER_VIRTUAL)
    before = signal.signal(bell, ring)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(bell, before)

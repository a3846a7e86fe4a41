"""How did one try of one message go?"""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Did it leave? `again` says whether a later try may do better; `said` is a sentence without secrets."""

    ok: bool
    said: str
    again: bool = False


class TooLong(Exception):
    """The whole of it took longer than it may, though each part of it was answered in time."""


@contextmanager
def within(seconds: float, cut: Callable[[], object]) -> Iterator[None]:
    """Call `cut` (which must make what runs inside fail) after so many seconds, and raise TooLong in place of the failure that this caused."""
    over = threading.Event()

    def end() -> None:
        over.set()
        cut()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if over.is_set():
            raise TooLong from error
        raise
    finally:
        timer.cancel()

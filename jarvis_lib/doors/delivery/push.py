"""How does a letter reach a telephone? By apprise, which knows the ways to a hundred services; as a short note, and only when it says it worked."""

import logging
from collections.abc import Sequence
from typing import Any

from jarvis_lib.doors.delivery.letter import Letter, as_note
from jarvis_lib.doors.delivery.outcome import Outcome
from jarvis_lib.execution.secrets import Mask
from jarvis_lib.model.extras import install_line
from jarvis_lib.model.prose import clean, shorten

LONGEST = 1000


def send_push(letter: Letter, urls: Sequence[str]) -> Outcome:
    """Send the note to all of these addresses. It has left when apprise says so for every one of them."""
    try:
        import apprise
    except ImportError:
        return Outcome(False, f"[delivery] channels names apprise, but it is not installed: {install_line('notify')}")
    hide = Mask(urls)
    told: Any = apprise.Apprise()
    made: Any = apprise.LogCapture
    unknown = sum(not told.add(url) for url in urls)
    if unknown:
        return Outcome(False, f"{unknown} of {len(urls)} addresses are none that apprise knows; look at the secrets of [delivery] urls")
    logger = logging.getLogger("apprise")
    spread, logger.propagate = logger.propagate, False  # its log names addresses, and they hold tokens
    try:
        with made(level=logging.WARNING, fmt="%(message)s") as heard:
            done = told.notify(title=hide.text(clean(letter.subject)), body=hide.text(as_note(letter, LONGEST)), body_format="text")
            lines = [line for line in heard.getvalue().splitlines() if line.strip()]
    finally:
        logger.propagate = spread
    if done:
        return Outcome(True, f"taken by {len(told)} of {len(told)} services")
    why = shorten(clean(hide.text(lines[-1])), 200) if lines else "it gave no reason"
    return Outcome(False, f"apprise could not send it: {why}", again=True)

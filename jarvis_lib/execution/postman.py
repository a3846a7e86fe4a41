"""Who sends what is to be told, while the night works on? A process of its own, started here and never waited for.

The caller has written its fact and goes on at once. The process reads the outbox itself, so a call too many sends nothing twice, and one that
was lost is made up for by the next one.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from jarvis_lib.execution.fixes.child import python
from jarvis_lib.model.delivery import switched_on
from jarvis_lib.model.fact import digest
from jarvis_lib.model.settings import Settings

CALLED = Path("data/delivery.called")
LOG = Path("logs/delivery.log")
_LOG_BYTES = 1 << 20
_START_S = 10.0


def call(home: Path, settings: Settings) -> bool:
    """Have the outbox looked at by a process of its own, and go on. False when nothing is switched on, or nothing could be started.

    The process is given the settings as they are here: it does nothing under others, which something that runs tonight may have written.
    """
    if not switched_on(settings.values):
        return False
    with suppress(OSError):  # whoever sends already is told to look once more; without that, the process below does
        (home / CALLED).touch()
    words = ["--home", str(home), "delivery", "send", "--stay", "--as-set", digest(settings.values)]
    try:
        log = _log(home)
    except OSError:
        return False
    try:
        # The shell goes at once, and leaves the process to the system, which buries it: the night has no child more.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *python("jarvis_lib.cli.entry:main", *words)],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=False,
            timeout=_START_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    finally:
        os.close(log)
    return True


def _log(home: Path) -> int:
    """The postman's own log, begun anew when it has grown large; what it did stands in the store anyway."""
    path = home / LOG
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        flags |= os.O_TRUNC
    return os.open(path, flags, 0o600)

"""Where may a process be made to die, for the tests of what survives that? At named points, and only when its environment names one."""

import os
from collections import Counter

_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """End this process like a power cut where `JARVIS_CRASH_AT` names the point (`claimed`, or `after-journal:3` for the third time).

    For the crash tests; without the variable it does nothing. A worker sees the variable only where `[limits] pass_env` names it.
    """
    wanted, _, count = os.environ.get("JARVIS_CRASH_AT", "").partition(":")
    if wanted == name:
        _passed[name] += 1
        if _passed[name] == int(count or 1):
            os.kill(os.getpid(), 9)

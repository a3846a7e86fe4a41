"""Which places lie in windows that do not begin by themselves, and what does the person type to have them worked?"""

from collections.abc import Collection, Iterable

from jarvis_lib.model.prose import listed, plural
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import KINDS, SAID

COMMAND = "jarvis queue schedule --run"
"""Works the hours that are on, whichever they are."""


def kind_of(key: str) -> str:
    """`work_hours` from a window's key."""
    return key.partition("@")[0]


def is_by_hand(settings: Settings, kind: str) -> bool:
    """Is a window of this kind worked only if the person starts it? `[cron] windows` names those that begin by themselves."""
    return kind in KINDS and kind not in settings.get("cron", "windows")


def said(settings: Settings, places: Iterable[tuple[str, str]]) -> str:
    """One sentence about the places (task, key of its window) in windows that do not begin by themselves; empty without any."""
    found = [(task, kind_of(key)) for task, key in places if is_by_hand(settings, kind_of(key))]
    tasks, kinds = {task for task, _ in found}, [k for k in KINDS if k in {kind for _, kind in found}]
    if not tasks:
        return ""
    return f"{plural(len(tasks), 'task has its place', 'tasks have their place')} in {named(kinds)} only if you start it then: {COMMAND}"


def named(kinds: Collection[str]) -> str:
    """`Work hours, which does not begin by itself and is worked`: the windows, and that nobody begins them."""
    verbs = "does not begin by itself and is" if len(kinds) == 1 else "do not begin by themselves and are"
    return f"{listed([SAID[k] for k in kinds])}, which {verbs} worked"

"""Where does the person want a task to run? A pin holds it in one window; it is a fact, and stays until it is taken out."""

import re
from datetime import datetime, timedelta

from jarvis_lib.build_scheduler.reasons import pin_said
from jarvis_lib.build_scheduler.verbs import make_plan, open_windows
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.plan import Plan
from jarvis_lib.model.prose import clean, listed
from jarvis_lib.model.task_row import name_of
from jarvis_lib.model.window import DAYS, Window
from jarvis_lib.store.place import Place
from jarvis_lib.store.tasks import find

KINDS = {
    "overnight": ("overnight", "night", "tonight"),
    "quick_win": ("quick", "quickwin", "evening"),
    "work_hours": ("work", "workhours"),
    "weekend": ("weekend",),
}
"""Kind of window -> the words that mean it."""


def pin(place: Place, task: str, window: str = "", *, now: datetime) -> str:
    """Hold a task in a window (the one it is planned in, if none is named) and plan anew around it. The sentence of what came of it."""
    with place.store.reading() as reader:
        row = find(reader, task)
        windows = open_windows(reader, place.settings, place.zone, now=now)
        spot = reader.one("build_scheduler.place_of", task=row["id"], now=now)
    if not window and spot is None:
        raise Refused(f"{name_of(row)} has no place in the newest plan; name the window, such as: jarvis scheduler pin {row['id']} tonight", code="usage")
    key = named_window(window, windows, place=place, now=now) if window else str(spot["window"]) if spot else ""
    ends = max((w.end for w in windows if w.key == key), default=now)
    place.store.write(place.fact("plan.pinned", at=now, task=row["id"], window=key, ends=stamp(ends)))
    return f"Pinned {name_of(row)} to {pin_said(key)}. {_came_of_it(make_plan(place, now=now), row['id'])}"


def unpin(place: Place, task: str, *, now: datetime) -> str:
    """Let a task go where the plan puts it. What stands in the plan stays there until something moves it."""
    with place.store.reading() as reader:
        row = find(reader, task)
    place.store.write(place.fact("plan.unpinned", at=now, task=row["id"]))
    return f"Unpinned {name_of(row)}. {_came_of_it(make_plan(place, now=now), row['id'])}"


def _came_of_it(plan: Plan, task: str) -> str:
    own = next((p.sentence for p in plan.answers if p.task == task), "")
    moved = [s.task for s in plan.slots if s.code == "bumped"]
    return own + (f" Made room: {listed(sorted(set(moved)))}." if moved else "")


def named_window(text: str, windows: list[Window], *, place: Place, now: datetime) -> str:
    """The key of the window that `text` means: a key, `tonight`, `overnight tue`, `weekend`, `quick 2026-11-27`. Refuses what is unclear."""
    tidy = clean(text).casefold()
    keys = list(dict.fromkeys(w.key for w in windows))
    if tidy in keys:
        return tidy
    kinds, days, other = _parts(tidy, place=place, now=now)
    if other or len(kinds) > 1 or len(days) > 1 or not (kinds or days):
        raise Refused(f"{text[:40]!r} names no window; write tonight, overnight tue, weekend, or a key such as {_example(keys)}.", code="usage")
    found = [w.key for w in windows if (not kinds or w.kind in kinds) and (not days or w.day.isoformat() in days)]
    found = list(dict.fromkeys(found))
    if not found:
        raise Refused(f"There is no window {text[:40]!r} in the next 14 days; these come first: {', '.join(keys[:5]) or 'none'}.", code="missing")
    if not kinds and len(found) > 1:
        raise Refused(f"{text[:40]!r} could be {listed(found, 'or')}; name one.", code="usage")
    return found[0]


def _parts(text: str, *, place: Place, now: datetime) -> tuple[set[str], set[str], list[str]]:
    """(kinds, days, what is neither) of the words of `text`."""
    today = now.astimezone(place.zone).date()
    kinds: set[str] = set()
    days: set[str] = set()
    other: list[str] = []
    for word in re.split(r"[\s@]+", text.replace("_", " ").replace("quick win", "quick").replace("work hours", "work")):
        kind = next((k for k, names in KINDS.items() if word in names), "")
        if kind:
            kinds.add(kind)
        elif word in ("today", "tomorrow"):
            days.add((today + timedelta(days=word == "tomorrow")).isoformat())
        elif len(word) >= 3 and word[:3].capitalize() in DAYS and word.isalpha():
            days.add((today + timedelta(days=(DAYS.index(word[:3].capitalize()) - today.weekday()) % 7)).isoformat())
        elif re.fullmatch(r"\d{4}-\d\d-\d\d", word):
            days.add(word)
        elif word not in ("of", "on", "the", ""):
            other.append(word)
    return kinds, days, other


def _example(keys: list[str]) -> str:
    return keys[0] if keys else "overnight@2026-11-24"

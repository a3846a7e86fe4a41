"""The thin verbs: read what is known, call a rule, write one fact at most."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.context_scheduler.rules import AHEAD, Block, Entry, Known, Override, blocks, context_at
from jarvis_lib.model.book import Row
from jarvis_lib.model.context import CONTEXTS, LONGEST_OVERRIDE, OVERRIDE_H, Context
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.prose import clean, hint
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import DAYS, SAID, moment_of, occurrences
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

HOURS_LIMIT = 14 * 24.0
LOOKED_AT_NOW = timedelta(minutes=2)
ALWAYS_TOLD = ("sleeping", "gym", "working", "weekend", "available")
"""Contexts that `summary` tells even when they have no hours."""


# --- now -----------------------------------------------------------------------------------------------------------------


def known_of(reader: Reader, settings: Settings, begin: datetime, end: datetime) -> Known:
    """All that is known about [begin, end), from an open reader or a snapshot."""
    days = {date.fromisoformat(r["day"]): r["name"] for r in reader.rows("calendar.days_off")}
    rows = reader.rows("context_scheduler.entries", begin=begin, end=end)
    entries = tuple(Entry(r["start"], r["end"], r["kind"], r["all_day"], r["title"]) for r in rows)
    own = tuple(Override(r["state"], r["set_at"], r["until"]) for r in reader.rows("context_scheduler.overrides", begin=begin, end=end))
    calendars = (reader.one("context_scheduler.known_calendars") or {})["calendars"]
    return Known(settings.habits, days, entries, own, calendars > 0)


def context_of(reader: Reader, settings: Settings, zone: ZoneInfo, *, now: datetime, idle_min: float | None = None) -> Context:
    """`detect` on an open reader or a snapshot: for a session that chooses its lanes and its next task."""
    known = known_of(reader, settings, now, now + AHEAD)
    return context_at(known, zone, now=now, allows=settings.allows, idle_min=idle_min)


def detect(place: Place, *, now: datetime) -> Context:
    """What the person is doing at `now`, and what that allows."""
    with place.store.reading() as reader:
        return context_of(reader, place.settings, place.zone, now=now, idle_min=_idle_min(place, now))


def _idle_min(place: Place, now: datetime) -> float | None:
    """Minutes since a terminal was used; None unless the settings want to know and `now` is this very moment."""
    if not place.settings.get("context", "idle") or abs(place.now() - now) > LOOKED_AT_NOW:
        return None
    from jarvis_lib.execution.idle import idle_minutes

    return idle_minutes(now=now)


def note_transition(place: Place, *, now: datetime) -> Context | None:
    """Write down that the context has changed since it was last written down; None when it is the same. For sessions and cron."""
    found = detect(place, now=now)
    with place.store.reading() as reader:
        last = reader.one("context_scheduler.last_transition", now=now)
    if last is not None and last["state"] == found.state:
        return None
    before = last["state"] if last else ""
    data: Row = {"state": found.state, "before": before, "confidence": found.confidence, "until": stamp(found.until), "why": list(found.why)}
    place.store.write(place.fact("context.changed", at=now, **data))
    return found


# --- overrides -----------------------------------------------------------------------------------------------------------


def set_context(place: Place, state: str, *, now: datetime, until: datetime | None = None, for_minutes: float | None = None) -> Override:
    """From now on the context is `state`: until then, for so long, or for OVERRIDE_H hours. It always expires, and replaces an older one.

    Raises Refused for an unknown word, an end that is not in the future, or one after more than LONGEST_OVERRIDE.
    """
    word = clean(state).lower()
    if word not in CONTEXTS:
        raise Refused(f"There is no context {clean(state)[:40]!r}.{hint(word, CONTEXTS)} Contexts: {', '.join(CONTEXTS)}.", code="usage")
    if until is not None and for_minutes is not None:
        raise Refused("Give --for or --until, not both.", code="usage")
    if for_minutes is not None and for_minutes > LONGEST_OVERRIDE / timedelta(minutes=1):
        raise Refused(_too_long(place, now), code="usage")
    end = until or now + timedelta(minutes=OVERRIDE_H * 60 if for_minutes is None else for_minutes)
    if end <= now:
        said = f"{word} would end on {_said(end, place.zone)}, which is not in the future; give a later --until, or a length such as --for 2h."
        raise Refused(said, code="usage")
    if end - now > LONGEST_OVERRIDE:
        raise Refused(_too_long(place, now), code="usage")
    place.store.write(place.fact("context.set", at=now, state=word, until=stamp(end), starts_work=place.settings.allows(word).start_work))
    return Override(word, now, end)


def _too_long(place: Place, now: datetime) -> str:
    latest = _said(now + LONGEST_OVERRIDE, place.zone)
    return f"A context is set for at most {LONGEST_OVERRIDE.days} days, so now until {latest} at the latest; set it again when it ends."


def clear_context(place: Place, *, now: datetime) -> Context:
    """End what the person set; the context that holds without it. Raises Refused when nothing is set."""
    place.store.write(place.fact("context.cleared", at=now))
    return detect(place, now=now)


def _said(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M}"


# --- ahead ---------------------------------------------------------------------------------------------------------------


def upcoming(place: Place, *, now: datetime, hours: float = 12.0) -> list[Row]:
    """The contexts of the next `hours`, each with the work windows inside it. Raises Refused for hours that are not 0 to HOURS_LIMIT."""
    if not 0 < hours <= HOURS_LIMIT:
        raise Refused(f"Hours must be more than 0 and at most {HOURS_LIMIT:g}, not {hours:g}.", code="usage")
    end = now + timedelta(hours=hours)
    with place.store.reading() as reader:
        known = known_of(reader, place.settings, now, end)
        windows = occurrences(place.settings.windows, place.zone, now, end, cuts_of(reader, now, end))
    found = blocks(known, place.zone, now, end)
    return [_block_row(b, place.settings, [(w.key, SAID[w.kind], max(w.start, b.start), min(w.end, b.end)) for w in windows]) for b in found]


def _block_row(block: Block, settings: Settings, windows: list[tuple[str, str, datetime, datetime]]) -> Row:
    inside = [{"key": key, "said": said, "start": start, "end": end} for key, said, start, end in windows if start < end]
    allows = settings.allows(block.state)
    return {
        "state": block.state,
        "start": block.start,
        "end": block.end,
        "hours": round(block.hours, 3),
        "lanes": allows.lanes if allows.start_work else 0,
        "first": allows.first,
        "windows": inside,
    }


# --- the week ------------------------------------------------------------------------------------------------------------


def summary(place: Place, *, now: datetime) -> dict[str, Any]:
    """This week, Monday to Sunday on the local clock: hours in each context, and the work that was done in each."""
    with place.store.reading() as reader:
        return summary_of(reader, place.settings, place.zone, now=now)


def summary_of(reader: Reader, settings: Settings, zone: ZoneInfo, *, now: datetime) -> dict[str, Any]:
    """`summary` on an open reader or a snapshot.

    `hours` is the whole week, `hours_so_far` up to `now`, `work_hours` what attempts ran in it; attempts count where they started.
    """
    begin, end = week_of(zone, now=now)
    known = known_of(reader, settings, begin, end)
    week = blocks(known, zone, begin, end)
    claims = reader.rows("context_scheduler.claims", since=begin, until=now)
    whole, so_far = _hours(week), _hours(_until(week, now))
    started = Counter(_state_at(week, r["claimed_at"]) for r in claims)
    verified = Counter(_state_at(week, r["claimed_at"]) for r in claims if r["verdict"] == "verified")
    worked = _hours(b for r in claims for b in _inside(week, r["claimed_at"], r["seconds"] or 0.0))
    rows = [
        {
            "state": state,
            "hours": round(whole[state], 3),
            "hours_so_far": round(so_far[state], 3),
            "attempts": started[state],
            "verified": verified[state],
            "work_hours": round(worked[state], 3),
        }
        for state in CONTEXTS
        if state in ALWAYS_TOLD or whole[state] or started[state]
    ]
    changes = reader.rows("context_scheduler.transitions", since=begin, until=now)
    return {"week_start": begin, "week_end": end, "as_of": now, "contexts": rows, "attempts": len(claims), "transitions": changes}


def week_of(zone: ZoneInfo, *, now: datetime) -> tuple[datetime, datetime]:
    """Monday 00:00 to the next Monday 00:00 of the local clock, aware UTC."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    return moment_of(monday, time(0), zone), moment_of(monday + timedelta(days=7), time(0), zone)


def _hours(found: Iterable[Block]) -> dict[str, float]:
    total = dict.fromkeys(CONTEXTS, 0.0)
    for block in found:
        total[block.state] += block.hours
    return total


def _until(week: list[Block], now: datetime) -> list[Block]:
    return [Block(b.state, b.start, min(b.end, now)) for b in week if b.start < now]


def _inside(week: list[Block], start: datetime, seconds: float) -> list[Block]:
    """The parts of [start, start + seconds) in each block."""
    end = start + timedelta(seconds=seconds)
    return [Block(b.state, max(b.start, start), min(b.end, end)) for b in week if b.start < end and b.end > start]


def _state_at(week: list[Block], at: datetime) -> str:
    return next(b.state for b in week if b.start <= at < b.end)

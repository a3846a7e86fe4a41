"""What came of the weekend, is it proved, what must be decided before Monday, and what will next week hold? Never empty.

`compose_weekend` only reads. A task counts as the weekend's when it is a phase of a started build or began inside a weekend window; what
was chosen and not done is told with its reason, and no number comes from another week without saying so.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib import pattern_learner
from jarvis_lib.model.prose import clean, lasting, plural, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.weekend import Weekend, weekend_before, weekend_of
from jarvis_lib.model.window import Window, occurrences
from jarvis_lib.report import needs as needing
from jarvis_lib.report import outlook, proof, tally, weeks
from jarvis_lib.report.clock import day_of, time_of, when
from jarvis_lib.report.parts import RanRow, Status
from jarvis_lib.report.weekend_parts import BuildRow, Dot, NightRow, WeekendReport
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
LIMIT = 90
NEEDS, BUILDS, LATE, NOT_DONE, DOTS = 4, 8, 4, 5, 80
WEEK = timedelta(days=7)
HISTORY = 8 * WEEK
NOT_STARTED = Status("·", "not started", "warn")


@dataclass(frozen=True, slots=True)
class _Span:
    """The weekend that is told: its hours, what is counted from when until when, and how much of its windows there is."""

    weekend: Weekend
    since: datetime
    until: datetime

    @property
    def is_on(self) -> bool:
        return self.until < self.weekend.finish_by


def compose_weekend(reader: Reader, *, now: datetime, zone: ZoneInfo, settings: Settings, home: Path) -> WeekendReport:
    """The report of the weekend that is on or was last, or of the coming one when a build has been started for it; as it stands at `now`."""
    builds = reader.rows("weekend_planner.builds", now=now)
    span = _span(builds, settings, zone, now)
    own = [b for b in builds if b["weekend"] == span.weekend.key]
    phases = [r for b in own for r in reader.rows("weekend_planner.phases", build=b["id"], now=now)]
    between = {"since": span.since, "now": span.until}
    endings = [e for e in reader.rows("report.endings", **between) if _is_ours(e, phases, span, settings, zone)]
    ran = proof.rows(endings, reader.rows("report.evidence_between", **between))
    rows = [*_ran_rows(ran, endings), *_untried(phases, {r.task for r in ran})]
    used = tally.clock_hours([e for e in endings if e["seconds"]])
    cards = needing.cards(reader.rows("report.waiting", now=now), [], now=now, zone=zone)
    week, notes = weeks.rows(reader, settings, weeks.before(now), zone=zone)
    dots = _dots(reader, now, {e["id"] for e in endings})
    slots, left_out, origin = outlook.coming(reader, settings, now=now, zone=zone)
    late = [_late(r) for r in [*slots, *left_out] if r["code"] == "late"]
    failed = _not_done(rows, phases, reader, span, zone)
    nights = _nights(reader, slots, settings, zone, now)
    return WeekendReport(
        kicker=_kicker(span, zone),
        headline=_headline(rows, own, span, used),
        line=_line(rows, own, len(cards), used, zone, now),
        tone=_tone(rows, span),
        as_of=now.astimezone(zone).isoformat(timespec="seconds"),
        weekend=span.weekend.key,
        needs=tuple(cards[:NEEDS]),
        needs_more=max(len(cards) - NEEDS, 0),
        needs_said="" if cards else f"Nothing needs you{' before Monday' if now < span.weekend.ends else ''}.",
        builds=tuple(rows[:BUILDS]),
        builds_more=max(len(rows) - BUILDS, 0),
        builds_said="" if rows else _no_builds(own, span),
        week=tuple(week),
        week_said=tuple(notes),
        dots=tuple(dots),
        estimates_said=_estimates_said(dots),
        **_patterns(reader, zone, now),
        nights=tuple(nights),
        late=tuple(late[:LATE]),
        late_more=max(len(late) - LATE, 0),
        next_said=_next_said(nights, late, origin),
        not_done=tuple(failed[:NOT_DONE]),
        not_done_more=max(len(failed) - NOT_DONE, 0),
        not_done_said="" if failed else _all_done(rows, span),
    )


# --- which weekend -------------------------------------------------------------------------------------------------------


def _span(builds: Sequence[Row], settings: Settings, zone: ZoneInfo, now: datetime) -> _Span:
    by = time.fromisoformat(settings.get("weekend", "finish_by"))
    weekend = weekend_before(settings.windows, zone, now, by)
    if builds and builds[0]["weekend"] > weekend.key and any(b["state"] == "started" for b in builds):
        weekend = weekend_of(settings.windows, zone, builds[0]["weekend"], now, by)
    started = [b["started_at"] for b in builds if b["weekend"] == weekend.key and b["started_at"]]
    since = min([weekend.begins, *started]) - timedelta(microseconds=1)
    return _Span(weekend, since, max(min(now, weekend.ends), since))


def _is_ours(ending: Row, phases: Sequence[Row], span: _Span, settings: Settings, zone: ZoneInfo) -> bool:
    if any(p["task"] == ending["task"] for p in phases):
        return True
    windows = [w for w in occurrences(settings.windows, zone, span.weekend.begins, span.weekend.ends) if w.kind == "weekend"]
    return any(w.start <= ending["claimed_at"] < w.end for w in windows)


# --- what came of it -----------------------------------------------------------------------------------------------------


def _ran_rows(ran: Sequence[RanRow], endings: Sequence[Row]) -> list[BuildRow]:
    """What shipped first, with its proof; then what did not, with its reason."""
    newest = {e["task"]: e for e in endings}
    order = sorted(ran, key=lambda r: (r.status is not proof.VERIFIED, not r.measured, -r.planned_hours, r.task))
    return [BuildRow(r.task, r.title, _goal(newest[r.task]), r.status, r.proof, r.accepted, r.time, r.links, r.commands) for r in order]


def _goal(ending: Row) -> str:
    about = str(json.loads(ending["content"]).get("description") or "").strip().splitlines()
    return shorten(clean(about[0]), 160) if about else ""


def _untried(phases: Sequence[Row], tried: set[str]) -> list[BuildRow]:
    """Phases of a started build that had no attempt: done by the person, waiting, or simply without their turn."""
    return [_untried_row(p) for p in phases if p["task"] not in tried]


def _untried_row(p: Row) -> BuildRow:
    by_hand = bool(p["done_by"])
    status = Status("✓", "done by you", "info") if by_hand else Status("…", "running", "info") if p["state"] == "running" else NOT_STARTED
    why = clean(p["why"] or "") or ("It runs now." if p["state"] == "running" else "It did not have its turn yet.")
    commands = () if by_hand else (f"jarvis show {p['task']}",)
    title = shorten(clean(p["title"]), 120)
    return BuildRow(p["task"], title, "", status, (shorten(why, 220),), "", f"{lasting(p['hours'])} planned", (), commands)


def _shipped(rows: Sequence[BuildRow]) -> int:
    return sum(r.status is proof.VERIFIED for r in rows)


def _headline(rows: Sequence[BuildRow], builds: Sequence[Row], span: _Span, used: float) -> str:
    lead = "Weekend so far" if span.is_on and not (rows and all(r.status.tone == "ok" for r in rows)) else "Weekend"
    room = f"{lasting(used)} of {lasting(span.weekend.whole_h)} used"
    if not rows:
        chosen = "a build is chosen, not started" if builds else "no build was chosen"
        return shorten(f"{lead}: nothing ran, {chosen}; {room}", LIMIT)
    said = f"{lead}: {_shipped(rows)} of {len(rows)} shipped, {room}"
    bad = next((r for r in rows if r.status.tone == "bad"), None)
    if bad is not None:
        word = proof.SAID.get(bad.status.word, bad.status.word)
        said += next((c for c in (f"; “{shorten(bad.title, w)}” {word}" for w in (34, 24, 16)) if len(said) + len(c) <= LIMIT), "")
    return said


def _line(rows: Sequence[BuildRow], builds: Sequence[Row], cards: int, used: float, zone: ZoneInfo, now: datetime) -> str:
    started = [b for b in builds if b["state"] == "started"]
    said = [f"Chosen: {', '.join(shorten(clean(b['title']), 70) for b in started or builds)}."] if builds else []
    by_hand = sum(r.status.word == "done by you" for r in rows)
    said += [f"{plural(by_hand, 'phase')} done by you, not verified."] if by_hand else []
    said += [f"{plural(cards, 'thing')} {'needs' if cards == 1 else 'need'} you."] if cards else []
    return " ".join(said)


def _tone(rows: Sequence[BuildRow], span: _Span) -> str:
    if not rows:
        return "info"
    shipped = _shipped(rows)
    if any(r.status.tone == "bad" for r in rows):
        return "warn" if shipped else "bad"
    return "ok" if shipped == len(rows) else "info" if span.is_on else "warn"


def _no_builds(builds: Sequence[Row], span: _Span) -> str:
    if any(b["state"] == "selected" for b in builds):
        return "A build was chosen and not started, so nothing ran: jarvis weekend start"
    return f"No build was chosen for the weekend of {span.weekend.said()}, and nothing ran in its windows. The next offer: jarvis weekend suggest"


def _kicker(span: _Span, zone: ZoneInfo) -> str:
    made = f"made {day_of(span.until, zone)} {time_of(span.until, zone)}" if span.is_on else f"done by {when(span.weekend.finish_by, zone, now=span.until)}"
    return f"Weekend report · {span.weekend.said()} {span.weekend.last.year} · {made} ({zone.key})"


# --- estimates and patterns ----------------------------------------------------------------------------------------------


def _dots(reader: Reader, now: datetime, new: set[str]) -> list[Dot]:
    found = reader.rows("report.planned_real", since=now - HISTORY, now=now)
    return [Dot(shorten(clean(r["title"]), 80), r["planned_hours"], r["seconds"] / 3600, r["id"] in new) for r in found[:DOTS]]


def _times(ratio: float) -> str:
    return "more than 20x" if ratio > 20 else "less than a twentieth" if ratio < 0.05 else f"{ratio:.2g}x"


def _estimates_said(dots: Sequence[Dot]) -> str:
    if not dots:
        return "No task with an estimate was verified in the last 8 weeks, so there is nothing to compare."
    ratio = median(d.planned / d.took for d in dots)
    word = "about as long as you plan" if 0.9 <= ratio <= 1.1 else f"you plan {_times(ratio)} of what it takes"
    inside = sum(d.took <= d.planned for d in dots)
    counted = f"median of {plural(len(dots), 'verified task')} of the last 8 weeks"
    return f"{word[0].upper()}{word[1:]} ({counted}); {inside} of {len(dots)} took no longer than planned."


def _patterns(reader: Reader, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """What became a routine in the last 7 days, and what stopped to be one."""
    today = pattern_learner.learn(pattern_learner.added(reader, now=now), zone, now=now)
    earlier = pattern_learner.learn(pattern_learner.added(reader, now=now - WEEK), zone, now=now - WEEK)
    had, has = {_routine(p) for p in earlier.routines}, {_routine(p) for p in today.routines}
    lines = [f"Learned: {shorten(p.title, 60)}, {p.when.lower()}. {p.said}" for p in today.routines if _routine(p) not in had]
    lines += [f"Retired: {shorten(p.title, 60)}, {p.when.lower()}; it no longer comes as expected." for p in earlier.routines if _routine(p) not in has]
    said = "" if lines else f"No routine was learned or retired this week: {today.said}."
    return {"learned": tuple(lines[:4]), "patterns_said": said}


def _routine(pattern: pattern_learner.Pattern) -> tuple[str, str]:
    return pattern_learner.kind_of(pattern.title, pattern.category), pattern.when


# --- next week -----------------------------------------------------------------------------------------------------------


def _nights(reader: Reader, slots: Sequence[Row], settings: Settings, zone: ZoneInfo, now: datetime) -> list[NightRow]:
    """The coming nights as the calendar leaves them; one that it cuts in two is one night."""
    lanes = settings.get("night", "lanes")
    cuts = cuts_of(reader, now - timedelta(days=2), now + WEEK + timedelta(days=2))
    nights: dict[str, list[Window]] = {}
    for w in occurrences(settings.windows, zone, now, now + WEEK, cuts):
        if w.kind == "overnight" and w.start >= now:
            nights.setdefault(w.key, []).append(w)
    return [_night(parts, slots, lanes, zone) for parts in nights.values()]


def _night(parts: Sequence[Window], slots: Sequence[Row], lanes: int, zone: ZoneInfo) -> NightRow:
    taken = sum(max((min(s["end"], w.end) - max(s["start"], w.start)) / timedelta(hours=1), 0.0) for w in parts for s in slots)
    begins = parts[0].start.astimezone(zone)
    return NightRow(f"{begins:%a} {begins.day}", round(taken, 3), sum(w.hours for w in parts) * lanes)


def _late(row: Row) -> str:
    return f"{shorten(clean(row['title']), 80)}: {shorten(clean(row['sentence']), 180)}"


def _next_said(nights: Sequence[NightRow], late: Sequence[str], origin: str) -> str:
    if not nights:
        return "No overnight window is switched on."
    whole = sum(n.hours for n in nights)
    share = sum(n.booked for n in nights) / whole
    told = f"{share:.0%} of the {lasting(whole)} of the next {plural(len(nights), 'night')} (side by side) {'is' if share else 'are'} booked"
    lateness = f"{plural(len(late), 'task')} LATE" if late else "no task is late"
    return f"{told}; {lateness}. {origin}."


def _all_done(rows: Sequence[BuildRow], span: _Span) -> str:
    to_come = sum(r.status is NOT_STARTED for r in rows)
    if to_come:
        return f"The weekend is not over; {plural(to_come, 'phase')} {'is' if to_come == 1 else 'are'} still to come."
    return "Nothing that was begun this weekend was left undone." if rows else "There was nothing to do."


# --- what it could not do ------------------------------------------------------------------------------------------------


def _not_done(rows: Sequence[BuildRow], phases: Sequence[Row], reader: Reader, span: _Span, zone: ZoneInfo) -> list[str]:
    said = [
        f"{r.title} ({r.status.word}): {r.result[0] if r.result else 'no reason is recorded.'}"
        for r in rows
        if r.status is not proof.VERIFIED and r.status.word not in ("done by you", "running") and not (span.is_on and r.status is NOT_STARTED)
    ]
    said += [f"{plural(sum(not p['window'] for p in phases), 'phase')} had no room in the weekend's windows."] if any(not p["window"] for p in phases) else []
    for s in reader.rows("report.sessions_between", since=span.since, now=span.until):
        if s["outcome"] in ("died", "failed"):
            said.append(f"The session of {when(s['opened_at'], zone, now=span.until)} {s['outcome']}: {shorten(clean(s['said'] or ''), 160)}")
    slept = sum(p["seconds"] or 0 for p in reader.rows("report.phases_between", since=span.since, now=span.until) if p["name"] == "asleep")
    return [*said, *([f"The machine slept for {lasting(slept / 3600)} of it."] if slept else [])]

"""Can this brief be trusted? Sessions with their phases, sleep, store notices, isolation, policy and the journal's head."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.delivery import switched_on
from jarvis_lib.model.prose import clean, plural, seconds, shorten, size
from jarvis_lib.model.settings import Settings
from jarvis_lib.report.clock import span, when
from jarvis_lib.report.coverage import Coverage
from jarvis_lib.report.parts import SystemLine
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
SESSIONS, NOTICES = 4, 5


def lines(reader: Reader, cover: Coverage, settings: Settings, *, zone: ZoneInfo, home: Path) -> list[SystemLine]:
    """One line for each thing that the brief rests on; what is not in order carries the tone `warn` or `bad`."""
    now = cover.until
    phases = reader.rows("report.phases_between", since=cover.since, now=now)
    found = [_session(row, phases, now, zone) for row in cover.sessions[-SESSIONS:]]
    if not cover.sessions:
        found = [SystemLine("Session", "No session ran in this span.", "warn")]
    found += _sleep(phases, cover)
    notices = reader.rows("report.notices_between", since=cover.since, now=now)
    found += [_notice(n, now, zone) for n in notices[-NOTICES:]]
    found += _agents(reader, cover, zone)
    found += _delivery(reader, cover, settings, zone)
    if len(notices) > NOTICES:
        found.append(SystemLine("Store", f"and {len(notices) - NOTICES} earlier notices.", "warn"))
    found += _cleared(reader, cover)
    found += _calendars(reader, now, zone)
    found += [_isolation(cover), SystemLine("Policy", f"hash {settings.policy.hash[:12]}{_changed(cover, settings)}", "ok")]
    return [*found, _journal(reader), SystemLine("Workspace", clean(str(home)), "ok")]


def _notice(row: Row, now: datetime, zone: ZoneInfo) -> SystemLine:
    name = {"sandbox": "Sandbox", "room": "Machine", "escalation": "Escalation", "trust": "Trust", "slot": "Cron"}.get(row["kind"], "Store")
    return SystemLine(name, f"{when(row['at'], zone, now=now)}: {shorten(clean(row['sentence']), 240)}", "bad" if row["kind"] == "escalation" else "warn")


def _delivery(reader: Reader, cover: Coverage, settings: Settings, zone: ZoneInfo) -> list[SystemLine]:
    """The channels and hooks whose messages do not arrive: why, since when, and how many were given up."""
    found = []
    for row in reader.rows("delivery.failing", now=cover.until):
        if row["name"] in switched_on(settings.values) and row["lost"]:
            since = when(row["failing_since"], zone, now=cover.until)
            told = f"{row['name']} failed: {shorten(clean(row['why']), 160)}, since {since}; {plural(row['lost'], 'message')} not sent: jarvis delivery list"
            found.append(SystemLine("Delivery", told, "bad"))
    return found


def _agents(reader: Reader, cover: Coverage, zone: ZoneInfo) -> list[SystemLine]:
    """What the agents of this span used, and which of them are kept back; nothing when none was called."""
    found = []
    for row in reader.rows("report.calls_between", since=cover.since, now=cover.until):
        told = [f"{plural(row['calls'], 'call')}"]
        if row["tokens_in"] is not None:
            told.append(f"{row['tokens_in']:,} tokens in, {row['tokens_out'] or 0:,} out")
        cost = f"{row['cost']:.2f} $" if row["cost"] is not None else "cost unknown"
        told.append(f"{cost} and {plural(row['untold'], 'call')} of unknown cost" if row["cost"] is not None and row["untold"] else cost)
        found.append(SystemLine("Agents", f"{clean(row['agent'])}: {', '.join(told)}.", "ok"))
    for row in reader.rows("report.accounts_kept_back", now=cover.until, session=(cover.newest or {}).get("id", "")):
        until = f" until {when(row['held_until'], zone, now=cover.until)}" if row["held_until"] and row["held_until"] > cover.until else " for the session"
        found.append(SystemLine("Agents", f"{clean(row['agent'])} is kept back{until}: {shorten(clean(row['why']), 160)}.", "warn"))
    return found


def _session(row: Row, phases: Sequence[Row], now: datetime, zone: ZoneInfo) -> SystemLine:
    own = [p for p in phases if p["session"] == row["id"] and p["event"] == "ended"]
    took = ", ".join(f"{clean(p['name'])} {seconds(p['seconds'])}" for p in own if p["seconds"] is not None)
    when_said = span(row["opened_at"], row["closed_at"] or now, zone)
    state = clean(row["outcome"]) if row["closed_at"] else "still open"
    why = f": {shorten(clean(row['said']), 200)}" if row["said"] else ""
    tone = "ok" if row["outcome"] == "finished" else "info" if row["closed_at"] is None else "bad"
    return SystemLine("Session", f"{when_said}, {state}{why}.{f' Phases: {took}.' if took else ''}", tone)


def _sleep(phases: Sequence[Row], cover: Coverage) -> list[SystemLine]:
    asleep = [p for p in phases if p["name"] == "asleep"]
    if asleep:
        total = sum(p["seconds"] or 0 for p in asleep)
        told = "; ".join(clean(p["said"]) for p in asleep[:3])
        said = f"Asleep {plural(len(asleep), 'time')}, {seconds(total)} in all: {told}." if len(asleep) > 1 else f"{told[:1].upper()}{told[1:]}."
        return [SystemLine("Machine", said, "warn")]
    return [SystemLine("Machine", "Awake while a session ran.", "ok")] if cover.sessions else []


def _cleared(reader: Reader, cover: Coverage) -> list[SystemLine]:
    """What was removed because it was old; nothing on the many mornings when nothing was."""
    row = reader.one("report.cleared_between", since=cover.since, now=cover.until)
    if row is None or row["attempts"] is None:
        return []
    whose = [plural(row["attempts"], "attempt")] if row["attempts"] else []
    whose += [f"{plural(row['others'], 'archive')} and things set aside"] if row["others"] else []
    return [SystemLine("Storage", f"{size(row['bytes'])} freed: files of {' and '.join(whose)} older than {row['keep_days']} days; the evidence stays.", "ok")]


def _calendars(reader: Reader, now: datetime, zone: ZoneInfo) -> list[SystemLine]:
    """When each calendar was last read; one that cannot be read is told with the day of what the plan rests on."""
    found = []
    for row in reader.rows("calendar.sources"):
        name, read = shorten(clean(row["source"]), 60), when(row["read_at"], zone, now=now) if row["read_at"] else ""
        if row["ok"]:
            found.append(SystemLine("Calendar", f"{name} read {read}.", "ok"))
            continue
        rests = f"the plan rests on what was read {read}" if read else "it was never read"
        why = shorten(clean(row["said"] or ""), 120).rstrip(".")
        found.append(SystemLine("Calendar", f"{name} could not be read{f' ({why})' if why else ''}; {rests}. Try: jarvis context read", "warn"))
    return found


def _isolation(cover: Coverage) -> SystemLine:
    levels = list(dict.fromkeys(clean(s["isolation"]) for s in cover.sessions if s["isolation"]))
    return SystemLine("Isolation", "; ".join(levels) or "Nothing ran, so nothing was isolated.", "ok")


def _changed(cover: Coverage, settings: Settings) -> str:
    newest = cover.newest
    return " (changed since the newest session)" if newest and newest["policy_hash"] != settings.policy.hash else ""


def _journal(reader: Reader) -> SystemLine:
    head = reader.one("report.journal_head")
    return SystemLine("Journal", f"{plural(head['seq'], 'fact')}, head {head['hash'][:16]}" if head else "no fact yet", "ok")

"""Can this brief be trusted? Sessions with their phases, sleep, store notices, isolation, policy and the journal's head."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import clean, plural, seconds, shorten
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
    found += [SystemLine("Store", f"{when(n['at'], zone, now=now)}: {shorten(clean(n['sentence']), 240)}", "warn") for n in notices[-NOTICES:]]
    if len(notices) > NOTICES:
        found.append(SystemLine("Store", f"and {len(notices) - NOTICES} earlier notices.", "warn"))
    found += [_isolation(cover), SystemLine("Policy", f"hash {settings.policy.hash[:12]}{_changed(cover, settings)}", "ok")]
    return [*found, _journal(reader), SystemLine("Workspace", clean(str(home)), "ok")]


def _session(row: Row, phases: Sequence[Row], now: datetime, zone: ZoneInfo) -> SystemLine:
    own = [p for p in phases if p["session"] == row["id"] and p["event"] == "ended"]
    took = ", ".join(f"{clean(p['name'])} {seconds(p['seconds'])}" for p in own if p["seconds"] is not None)
    when_said = span(row["opened_at"], row["closed_at"] or now, zone)
    state = clean(row["outcome"]) if row["closed_at"] else "still open"
    why = f": {shorten(clean(row['said']), 200)}" if row["said"] else ""
    tone = "ok" if row["outcome"] == "finished" else "info" if row["closed_at"] is None else "bad"
    return SystemLine("Session", f"{when_said}, {state}{why}. {f'Phases: {took}.' if took else 'No phase ended.'}", tone)


def _sleep(phases: Sequence[Row], cover: Coverage) -> list[SystemLine]:
    asleep = [p for p in phases if p["name"] == "asleep"]
    if asleep:
        total = sum(p["seconds"] or 0 for p in asleep)
        told = "; ".join(clean(p["said"]) for p in asleep[:3])
        return [SystemLine("Machine", f"Asleep {plural(len(asleep), 'time')}, {seconds(total)} in all: {told}.", "warn")]
    return [SystemLine("Machine", "Awake while a session ran.", "ok")] if cover.sessions else []


def _isolation(cover: Coverage) -> SystemLine:
    levels = list(dict.fromkeys(clean(s["isolation"]) for s in cover.sessions if s["isolation"]))
    return SystemLine("Isolation", "; ".join(levels) or "Nothing ran, so nothing was isolated.", "ok")


def _changed(cover: Coverage, settings: Settings) -> str:
    newest = cover.newest
    return " (changed since the newest session)" if newest and newest["policy_hash"] != settings.policy.hash else ""


def _journal(reader: Reader) -> SystemLine:
    head = reader.one("report.journal_head")
    return SystemLine("Journal", f"{plural(head['seq'], 'fact')}, head {head['hash'][:12]}" if head else "no fact yet", "ok")

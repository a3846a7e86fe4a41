"""Which calendars and holidays does the store know, and are they as their files are now? Reads again only what has changed.

Promise: `refresh` never raises for what it finds, never asks the network unless it is told to (`fetch`), and looks only at the times of files
where nothing has changed. What cannot be read keeps its last good rows, with their date. A reading covers the days from two weeks before this
week to sixty days after it, so it holds for a week.
"""

import glob
import json
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.doors.calendars import memory_of
from jarvis_lib.doors.calendars.entries import Source, content, name_of, of_entry
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Fact, Refused, digest
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.model.window import moment_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.whole import write_whole

if TYPE_CHECKING:
    from jarvis_lib.doors.calendars.spans import Reading, Wanted

ACTOR = "calendar"
BEFORE, AFTER = timedelta(days=14), timedelta(days=67)


@dataclass
class _Look:
    """One refresh: what was known before, the facts that follow, and the lines for the person."""

    place: Place
    now: datetime
    known: dict[str, Row]
    facts: list[Fact] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def state(self, kind: str, **data: Any) -> None:
        self.facts.append(self.place.fact(kind, actor=ACTOR, at=self.now, **data))


def refresh(place: Place, *, now: datetime, fetch: bool = False, anew: bool = False) -> list[str]:
    """Read what has changed since it was read (with `anew`, all of it), and write it down; the lines that the person should see.

    `fetch` also asks the addresses in `[calendar] urls`; without it no network is used.
    """
    state, last = _state(place, now), _remembered(place)
    if not (fetch or anew) and state == last.get("state", ""):
        return list(last.get("lines", ()))
    with place.store.reading() as reader:
        look = _Look(place, now, {r["source"]: r for r in reader.rows("calendar.sources")})
        days = reader.one("calendar.holiday_set")
    _look_at_files(look, anew=anew)
    _look_at_urls(look, fetch=fetch)
    _look_at_holidays(look, days, anew=anew)
    if look.facts:
        try:
            place.store.write(*look.facts)
        except Refused as error:
            return [*look.lines, f"What was read could not be written down: {error.sentence}"]
    _remember(place, state, look)
    return look.lines


def sources(place: Place) -> list[Row]:
    """The calendars as the store knows them, by name."""
    with place.store.reading() as reader:
        return reader.rows("calendar.sources")


def horizon(place: Place, now: datetime) -> tuple[datetime, datetime]:
    """What a reading covers: it moves on Mondays, so that a calendar that does not change is read once a week."""
    today = now.astimezone(place.zone).date()
    monday = moment_of(today - timedelta(days=today.weekday()), time(0), place.zone)
    return monday - BEFORE, monday + AFTER


# --- the short way -------------------------------------------------------------------------------------------------------


def _state(place: Place, now: datetime) -> str:
    """All that a refresh depends on, from the settings and the times of files alone; empty when nothing is set.

    The journal's folder is in it too: a repaired store has another one, and then nothing that was remembered counts.
    """
    own = place.settings.values["calendar"]
    person = [place.settings.get("person", name) for name in ("country", "subdivision")]
    if not (own["files"] or own["urls"] or person[0]):
        return ""
    files = [[s.name, s.state] for entry in own["files"] for s in of_entry(place.home, entry)]
    journal = place.home / "data" / "journal"
    there = os.stat(journal).st_ino if journal.exists() else 0
    options = [place.settings.allows("away").start_work, now.astimezone(place.zone).year, place.zone.key, horizon(place, now)[0].isoformat()]
    return json.dumps([own, person, files, there, options])


def _remembered(place: Place) -> dict[str, Any]:
    """The state at the last look that found nothing new, and its lines. Empty when nothing was set then, or nothing can be known."""
    try:
        found = json.loads(memory_of(place).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _remember(place: Place, state: str, look: _Look) -> None:
    """After a look that wrote something the next one looks again: only what is known to stand in the store is remembered."""
    if not state:
        memory_of(place).unlink(missing_ok=True)
        return
    told = {"state": "changed", "lines": []} if look.facts else {"state": state, "lines": look.lines}
    with suppress(OSError):  # a memory that cannot be written costs the next command a look into the store, nothing else
        write_whole(memory_of(place), json.dumps(told).encode())


# --- files ---------------------------------------------------------------------------------------------------------------


def _look_at_files(look: _Look, *, anew: bool) -> None:
    seen: set[str] = set()
    for entry in look.place.settings.get("calendar", "files"):
        found = list(of_entry(look.place.home, entry))
        before = [r for r in look.known.values() if r["entry"] == entry]
        if not found:
            _nothing_there(look, entry, before)
            seen |= {r["source"] for r in before} | {entry}
        for source in found:
            if source.name not in seen:
                seen.add(source.name)
                _look_at(look, source, anew=anew)
    urls = look.place.settings.get("calendar", "urls")
    seen |= {name_of(url) for url in urls}
    for name in sorted(look.known.keys() - seen):
        look.state("calendar.dropped", source=name)
        look.lines.append(f"Calendar {name} is no longer there; its entries are gone.")


def _nothing_there(look: _Look, entry: str, before: Sequence[Row]) -> None:
    """The file, or all files of a folder or pattern, are not there: what was read before stays, with its date."""
    whole = os.path.join(look.place.home, os.path.expanduser(entry))
    if os.path.isdir(whole) or (glob.has_magic(whole) and os.path.isdir(os.path.dirname(whole))):
        for row in before:
            look.state("calendar.dropped", source=row["source"])
        look.lines.append(f"There is no ICS file in {clean(entry)}; put one there, or correct [calendar] files.")
        return
    for row in before or [{"source": clean(entry), "entry": entry}]:
        _failed(look, Source(row["source"], entry), "is not there", "missing")


def _look_at(look: _Look, source: Source, *, anew: bool) -> None:
    known = look.known.get(source.name)
    fingerprint = _fingerprint(look, source)
    if known and known["fingerprint"] == fingerprint and not anew:
        if not known["ok"]:
            look.lines.append(_kept(look, source.name, known["said"], known["read_at"]))
        return
    from jarvis_lib.doors.calendars import ics, spans

    wanted = _wanted(look)
    total = spans.Reading((), 0, Counter())
    wrong: list[str] = []
    for path in source.paths:
        try:
            total += ics.read_ics(content(path), wanted)
        except spans.NotACalendar as error:
            wrong.append(f"{path.name} {error}" if len(source.paths) > 1 else str(error))
    if wrong and len(wrong) == len(source.paths):
        _failed(look, source, wrong[0], fingerprint)
    else:
        _read(look, source, total, fingerprint, wrong)


def _wanted(look: _Look) -> "Wanted":
    from jarvis_lib.doors.calendars.spans import Wanted

    own = look.place.settings.values["calendar"]
    return Wanted(*horizon(look.place, look.now), look.place.zone, own["titles"], own["busy_all_day"], tuple(own["emails"]))


def _fingerprint(look: _Look, source: Source) -> str:
    """Equal where a new reading would give the same rows."""
    own = look.place.settings.values["calendar"]
    options = [own[name] for name in ("titles", "busy_all_day", "cuts", "emails")]
    away = look.place.settings.allows("away").start_work
    return digest([source.state, horizon(look.place, look.now)[0].isoformat(), look.place.zone.key, options, away])[:32]


def _read(look: _Look, source: Source, found: "Reading", fingerprint: str, wrong: Sequence[str], etag: str = "") -> None:
    rows = {
        "starts": [s.start for s in found.spans],
        "ends": [s.end for s in found.spans],
        "all_days": [s.all_day for s in found.spans],
        "kinds": [s.kind for s in found.spans],
        "uids": [s.uid for s in found.spans],
        "titles": [s.title for s in found.spans],
    }
    said = "; ".join([found.said, *wrong])
    known = look.known.get(source.name)
    own = look.place.settings.values["calendar"]
    cuts = {"cuts": own["cuts"], "away_cuts": [] if look.place.settings.allows("away").start_work else own["cuts"]}
    counts = {"events": found.events, "skipped": found.skipped.total(), "fingerprint": fingerprint, "etag": etag}
    same = digest(rows)
    if known and known["digest"] == same:
        look.state("calendar.tried", source=source.name, entry=source.entry, ok=True, said=said, **counts, **cuts)
    else:
        look.state("calendar.read", source=source.name, entry=source.entry, said=said, digest=same, rows=rows, **counts, **cuts)
    look.lines.append(f"Calendar {source.name}: {said}.")


def _failed(look: _Look, source: Source, why: str, fingerprint: str) -> None:
    known = look.known.get(source.name)
    if known is None or known["ok"] or (known["said"], known["fingerprint"]) != (why, fingerprint):
        look.state("calendar.tried", source=source.name, entry=source.entry, ok=False, said=why, fingerprint=fingerprint)
    look.lines.append(_kept(look, source.name, why, known["read_at"] if known else None))


def _kept(look: _Look, name: str, why: str, read_at: datetime | None) -> str:
    rest = f"its entries of {read_at.astimezone(look.place.zone):%a %d %b %H:%M} are used" if read_at else "it was never read"
    return f"Calendar {name} {why}; {rest}."


# --- addresses -----------------------------------------------------------------------------------------------------------


def _look_at_urls(look: _Look, *, fetch: bool) -> None:
    for url in look.place.settings.get("calendar", "urls"):
        name = name_of(url)
        known = look.known.get(name)
        if fetch:
            _fetch(look, Source(name, name, url=url), known)
        elif known and not known["ok"]:
            look.lines.append(_kept(look, name, known["said"], known["read_at"]))


def _fetch(look: _Look, source: Source, known: Row | None) -> None:
    from jarvis_lib.doors.calendars import ics, spans
    from jarvis_lib.doors.calendars.fetch import fetch

    fingerprint = _fingerprint(look, source)
    same_wish = known is not None and known["ok"] and known["fingerprint"] == fingerprint
    try:
        body, etag = fetch(source.url, known["etag"] if known and same_wish else "")
        if body is not None:
            _read(look, source, ics.read_ics(body, _wanted(look)), fingerprint, (), etag)
        elif known:
            own = look.place.settings.values["calendar"]
            cuts = {"cuts": own["cuts"], "away_cuts": [] if look.place.settings.allows("away").start_work else own["cuts"]}
            counts = {n: known[n] for n in ("events", "skipped", "fingerprint", "etag", "said")}
            look.state("calendar.tried", source=source.name, entry=source.entry, ok=True, **counts, **cuts)
            look.lines.append(f"Calendar {source.name} has not changed.")
    except spans.NotACalendar as error:
        _failed(look, source, str(error), fingerprint)


# --- holidays ------------------------------------------------------------------------------------------------------------


def _look_at_holidays(look: _Look, known: Row | None, *, anew: bool) -> None:
    country, part = (look.place.settings.get("person", name) for name in ("country", "subdivision"))
    wanted = f"{country}-{part}" if part else country
    year = look.now.astimezone(look.place.zone).year
    if known is None and not wanted:
        return
    right = known is not None and known["place"] == wanted and known["first_year"] < year < known["last_year"]
    if known and (right or not (wanted or known["place"])) and not (anew and wanted):
        look.lines += [known["said"]] if wanted and not known["days"] else []
        return
    data: dict[str, Any] = {"place": wanted, "first_year": year - 1, "last_year": year + 1, "said": "", "days": [], "names": []}
    if wanted:
        from jarvis_lib.doors.calendars.days_off import read_days_off

        try:
            found = read_days_off(country, part, year - 1, year + 1)
            data |= {"days": list(found.days), "names": list(found.names)}
            data["said"] = f"{plural(len(found.days), 'holiday')} of {wanted}, {year - 1} to {year + 1}"
        except Refused as error:
            data["said"] = error.sentence
        if known is None or known["said"] != data["said"]:
            look.lines.append(data["said"] if not data["days"] else f"Holidays: {data['said']}.")
    look.state("holidays.read", **data)

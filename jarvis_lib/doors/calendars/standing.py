"""How old is what is known of each calendar and of the holidays, and what was left out? For the doctor; nothing is read anew."""

from datetime import datetime, timedelta

from jarvis_lib.doors.calendars.entries import name_of
from jarvis_lib.model.book import Row
from jarvis_lib.model.prose import hours, plural
from jarvis_lib.store.place import Place

STALE = timedelta(days=2)


def conditions(place: Place, *, now: datetime) -> list[tuple[str, str, str, str]]:
    """(name, level, what, what to do) of each calendar and of the holidays, as the store knows them; nothing is read anew."""
    with place.store.reading() as reader:
        rows, days = reader.rows("calendar.sources"), reader.one("calendar.holiday_set")
    own = place.settings.values["calendar"]
    addresses = [name_of(u) for u in own["urls"]]
    unseen = [name for name in addresses if name not in {r["source"] for r in rows}]
    found = [_condition(r, now, is_address=r["source"] in addresses) for r in rows]
    found += [("Calendar", "warning", f"{name}: never fetched", "jarvis context read") for name in unseen]
    if own["files"] and not rows:
        found.append(("Calendar", "warning", f"{plural(len(own['files']), 'entry', 'entries')} in [calendar] files, none read yet", "jarvis context read"))
    if not found:
        found.append(("Calendar", "ok", "none set, so the context comes from overrides and the clock", ""))
    return [*found, _holidays(place, days)]


def _condition(row: Row, now: datetime, *, is_address: bool) -> tuple[str, str, str, str]:
    age = f"read {_age(now - row['read_at'])} ago" if row["read_at"] else "never read"
    if not row["ok"]:
        return "Calendar", "warning", f"{row['source']} {row['said']}; {age}", "correct the file or [calendar] in jarvis.toml, then: jarvis context read"
    said = f"{row['source']}: {row['said']}; {plural(row['spans'], 'span')} kept, {age}"
    if row["skipped"]:
        return "Calendar", "warning", said, "the rest of it is used; correct or delete these events in the calendar's own program"
    stale = is_address and now - row["read_at"] > STALE
    return "Calendar", "warning" if stale else "ok", said, "jarvis context read" if stale else ""


def _holidays(place: Place, days: Row | None) -> tuple[str, str, str, str]:
    country = place.settings.get("person", "country")
    if not country:
        return "Holidays", "ok", "no country set, so no day is a holiday", ""
    if days is None or not days["place"].startswith(country):
        return "Holidays", "warning", f"{country} is set, its holidays are not read yet", "jarvis context read"
    if not days["days"]:
        return "Holidays", "problem", days["said"], "correct [person] in jarvis.toml"
    return "Holidays", "ok", days["said"], ""


def _age(span: timedelta) -> str:
    return f"{span.days} days" if span.days > 1 else hours(max(span, timedelta(0)) / timedelta(hours=1))

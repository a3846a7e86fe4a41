"""What do the facts about the person's time (overrides, transitions, calendars, holidays) do to the rows, and which are refused?"""

from typing import TYPE_CHECKING

from jarvis_lib.model.context import CONTEXTS, LONGEST_OVERRIDE
from jarvis_lib.model.fact import Fact, Refused, moment
from jarvis_lib.model.prose import clean, listed

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row

KEYS = {"overrides": "id", "calendar_sources": "source", "holiday_sets": "source"}


def was_set(book: "Book", fact: Fact) -> None:
    """An override begins, and those before it end. Only a person's word, for a known context, and never without an end."""
    until = moment(fact.data["until"])
    if not fact.actor.startswith("person"):
        raise Refused("Only a person sets the context, in their own terminal.")
    if fact.data["state"] not in CONTEXTS:
        raise Refused(f"There is no context {clean(str(fact.data['state']))[:40]!r}; use one of {listed(CONTEXTS, 'or')}.")
    if not fact.at < until <= fact.at + LONGEST_OVERRIDE:
        raise Refused(f"An override lasts at most {LONGEST_OVERRIDE.days} days and ends in the future.")
    _end_overrides(book, fact)
    book.put(
        "overrides",
        {
            "id": fact.id,
            "state": fact.data["state"],
            "set_at": fact.at,
            "until": until,
            "ended_at": None,
            "starts_work": bool(fact.data["starts_work"]),
            "actor": fact.actor,
        },
    )


def cleared(book: "Book", fact: Fact) -> None:
    """Every override ends now. Only a person's word, and refused when none is on."""
    if not fact.actor.startswith("person"):
        raise Refused("Only a person clears the context, in their own terminal.")
    if not any(row["until"] > fact.at for row in book.where("overrides", "ended_at", None)):
        raise Refused("No context is set, so there is nothing to clear; `jarvis context detect` says what holds and why.")
    _end_overrides(book, fact)


def _end_overrides(book: "Book", fact: Fact) -> None:
    """What was set before ends with this fact, or has ended by itself."""
    for row in book.where("overrides", "ended_at", None):
        book.put("overrides", row | {"ended_at": min(row["until"], fact.at)})


def changed(book: "Book", fact: Fact) -> None:
    """One transition is kept, with its confidence and its reasons."""
    data = fact.data
    if data["state"] not in CONTEXTS:
        raise ValueError(f"context {data['state']!r}")
    book.put(
        "transitions",
        {
            "at": fact.at,
            "state": data["state"],
            "before": data["before"],
            "confidence": data["confidence"],
            "until": moment(data["until"]),
            "why": list(data["why"]),
            "actor": fact.actor,
        },
    )


def calendar_read(book: "Book", fact: Fact) -> None:
    """The rows of one source, all replaced; `data` has the spans column by column."""
    data, rows = fact.data, fact.data["rows"]
    count = len(rows["starts"])
    if any(len(column) != count for column in rows.values()):
        raise ValueError("columns of unequal length")
    book.put(
        "calendar_sources",
        {
            "source": data["source"],
            "entry": data["entry"],
            "read_at": fact.at,
            "tried_at": fact.at,
            "ok": True,
            "said": data["said"],
            "spans": count,
            "events": data["events"],
            "skipped": data["skipped"],
            "fingerprint": data["fingerprint"],
            "etag": data["etag"],
            "digest": data["digest"],
            "gone": False,
            "cuts": list(data["cuts"]),
            "away_cuts": list(data["away_cuts"]),
            "starts": list(rows["starts"]),
            "ends": list(rows["ends"]),
            "all_days": list(rows["all_days"]),
            "kinds": list(rows["kinds"]),
            "uids": list(rows["uids"]),
            "titles": list(rows["titles"]),
        },
    )


def calendar_tried(book: "Book", fact: Fact) -> None:
    """A source was looked at and its rows stay: nothing has changed in it (`ok`), or it could not be read."""
    data = fact.data
    row = book.get("calendar_sources", data["source"]) or _no_calendar(data["source"], data["entry"])
    row |= {"tried_at": fact.at, "ok": data["ok"], "said": data["said"], "fingerprint": data["fingerprint"], "gone": False}
    if data["ok"]:
        row |= {"read_at": fact.at, "etag": data["etag"], "cuts": list(data["cuts"]), "away_cuts": list(data["away_cuts"])}
        row |= {"events": data["events"], "skipped": data["skipped"]}
    book.put("calendar_sources", row)


def calendar_dropped(book: "Book", fact: Fact) -> None:
    """A source that the settings, or its folder, no longer have: its rows go."""
    row = book.get("calendar_sources", fact.data["source"])
    if row is None:
        raise Refused(f"There is no calendar {clean(str(fact.data['source']))[:80]!r}.", code="missing")
    book.put("calendar_sources", _no_calendar(row["source"], row["entry"]) | {"tried_at": fact.at, "gone": True})


def _no_calendar(source: str, entry: str) -> "Row":
    columns: Row = {name: [] for name in ("cuts", "away_cuts", "starts", "ends", "all_days", "kinds", "uids", "titles")}
    counts: Row = dict.fromkeys(("spans", "events", "skipped"), 0)
    texts: Row = dict.fromkeys(("said", "fingerprint", "etag", "digest"), "")
    return {"source": source, "entry": entry, "read_at": None, "tried_at": None, "ok": False, "gone": False} | columns | counts | texts


def holidays_read(book: "Book", fact: Fact) -> None:
    """The days of one place and span of years replace those read before."""
    data = fact.data
    book.put(
        "holiday_sets",
        {
            "source": "holidays",
            "place": data["place"],
            "first_year": data["first_year"],
            "last_year": data["last_year"],
            "read_at": fact.at,
            "said": data["said"],
            "days": list(data["days"]),
            "names": list(data["names"]),
        },
    )


RULES = {
    "context.set": was_set,
    "context.cleared": cleared,
    "context.changed": changed,
    "calendar.read": calendar_read,
    "calendar.tried": calendar_tried,
    "calendar.dropped": calendar_dropped,
    "holidays.read": holidays_read,
}

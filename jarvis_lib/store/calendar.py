"""Which hours does the calendar take? The rows of the store as the value that the windows are cut with."""

from datetime import date, datetime

from jarvis_lib.model.window import Cuts
from jarvis_lib.store.store import Reader


def cuts_of(reader: Reader, begin: datetime, end: datetime) -> Cuts:
    """Days off, and the spans of [begin, end) that are taken."""
    days = frozenset(date.fromisoformat(r["day"]) for r in reader.rows("calendar.days_off"))
    return Cuts(days, tuple((r["start"], r["end"]) for r in reader.rows("calendar.busy", begin=begin, end=end)))

"""Which hours does the calendar take? The rows of the store as the value that the windows are cut with."""

from datetime import date, datetime

from jarvis_lib.model.window import KINDS, Cuts
from jarvis_lib.store.store import Reader


def cuts_of(reader: Reader, begin: datetime, end: datetime) -> Cuts:
    """Days off, and the spans of [begin, end) that are taken: by entries of the calendar, and by what the person set that allows no work."""
    days = frozenset(date.fromisoformat(r["day"]) for r in reader.rows("calendar.days_off"))
    overrides = tuple((r["start"], r["end"]) for r in reader.rows("calendar.overrides", begin=begin, end=end))
    found = [(r["start"], r["end"], frozenset(r["cuts"])) for r in reader.rows("calendar.cutting", begin=begin, end=end)]
    whole = tuple((a, b) for a, b, kinds in found if kinds.issuperset(KINDS))
    return Cuts(days, overrides + whole, tuple(s for s in found if not s[2].issuperset(KINDS)))

"""Which files of old attempts can go? Those of tasks that were answered long ago and that no open task builds on; rows and evidence stay for ever.

Promise: what an answer or an undo may still need is never taken, and what was taken is a fact before the first file is touched.
"""

from datetime import datetime, timedelta

from jarvis_lib.autonomous_queue.copies import needed
from jarvis_lib.execution import clearing
from jarvis_lib.model.clearing_rules import ANSWERED
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.prose import plural, size
from jarvis_lib.store.place import Place

MOST_IN_A_FACT = 500


def clear_old(place: Place, *, now: datetime) -> list[str]:
    """Remove the logs, notebooks and kept files of attempts whose task was answered more than `[store] keep_attempts_days` ago, and what was set aside
    as long ago; one sentence for what was freed, and one for each that could not be removed.
    """
    keep_days = place.settings.get("store", "keep_attempts_days")
    there = sorted(clearing.attempts_there(place.home))
    aside = clearing.aside(place.home, now=now, keep_days=keep_days)
    with place.store.reading() as reader:
        gone = {r["attempt"] for r in reader.rows("autonomous_queue.cleared", ids=there)} if there else set()
        rows = reader.rows("autonomous_queue.to_clear", ids=there, before=now - timedelta(days=keep_days), states=list(ANSWERED)) if there else []
    used = needed(place) if rows else set()
    due = [r["id"] for r in rows if r["task"] not in used and r["id"] not in gone]
    freed = _record(place, due, others=len(aside), aside=clearing.weigh(aside), keep_days=keep_days, now=now)
    crash_point("cleared")
    told = clearing.take_away([*clearing.folders_of(place.home, [*due, *sorted(gone)]), *aside])
    what = [plural(len(due), "attempt")] if due else []
    what += [f"{plural(len(aside), 'archive')} and things set aside"] if aside else []
    return ([f"the files of {' and '.join(what)} older than {keep_days} days removed ({size(freed)})"] if what else []) + told


def _record(place: Place, due: list[str], *, others: int, aside: int, keep_days: int, now: datetime) -> int:
    """State what goes, in facts of bounded size; the bytes of all."""
    if not due and not others:
        return 0
    whole = 0
    for begin in range(0, max(len(due), 1), MOST_IN_A_FACT):
        part = due[begin : begin + MOST_IN_A_FACT]
        held = clearing.weigh(clearing.folders_of(place.home, part)) + (aside if begin == 0 else 0)
        data = {"attempts": part, "others": others if begin == 0 else 0, "bytes": held, "keep_days": keep_days}
        place.store.write(place.fact("attempts.cleared", actor="housekeeping", at=now, **data))
        whole += held
    return whole

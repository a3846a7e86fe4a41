"""How is what starts by itself shown to a person?"""

from datetime import datetime
from zoneinfo import ZoneInfo

from jarvis_lib.doors.cron.managing import Standing
from jarvis_lib.model.prose import clean, seconds, shorten

MOST = 12


def standing_lines(found: Standing, *, zone: ZoneInfo, now: datetime) -> list[str]:
    """The scheduler, its entries, the last run, and the newest slots."""
    if found.scheduler == "none":
        lines = ["Nothing starts by itself here. Let it: jarvis cron install"]
    else:
        lines = [f"Started by {found.scheduler}:", *(f"  {e['when']:<18} {e['job']}" for e in found.entries)]
    lines += list(found.notes)
    lines.append(f"The catch-up last ran {seconds((now - found.last_run).total_seconds())} ago." if found.last_run else "The catch-up has never run here.")
    if found.slots:
        lines += ["", "Slots, the newest first:"]
    for row in found.slots[:MOST]:
        due = f"{row['due'].astimezone(zone):%a %d %b %H:%M}"
        told = f"  {shorten(clean(row['said']), 90)}" if row["said"] else ""
        lines.append(f"  {due}  {clean(row['job']):<10} {row['outcome'] or row['state']:<8}{told}".rstrip())
    return lines

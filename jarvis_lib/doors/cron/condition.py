"""Does anything start the night by itself, and is it alive? For the doctor: a daemon is believed only by what it did, the last run of the catch-up."""

from datetime import datetime, timedelta

from jarvis_lib.doors.cron.catching_up import SILENT
from jarvis_lib.doors.cron.managing import own_lines, standing
from jarvis_lib.execution import timetables
from jarvis_lib.model.prose import plural, seconds
from jarvis_lib.store.place import Place


def condition(place: Place, *, now: datetime) -> tuple[str, str, str]:
    """(level, what, what to do). Raises Refused where the crontab cannot be read or its markers are broken."""
    found = standing(place, now=now)
    if found.scheduler == "none":
        return _by_hand(place)
    who = f"started by {found.scheduler}"
    if found.last_run is None:
        return "warning", f"{who}, but the catch-up has not run yet", f"wait {_minutes(SILENT)}; then see whether the cron daemon (or systemd) runs"
    ago = now - found.last_run
    said = f"{who}; catch-up last ran {_minutes(ago)} ago"
    if ago > SILENT:
        return "warning", f"{said}, and it should every 15 min", "see whether the cron daemon (or systemd) runs, and logs/cron-catchup.log"
    if not found.is_current:
        return "warning", f"{said}; its entries are not what the settings want", "write them anew: jarvis cron install"
    return "ok", said, ""


def _by_hand(place: Place) -> tuple[str, str, str]:
    if not timetables.has_crontab():
        said = "there is no crontab, so nothing starts the night by itself"
        return "warning", said, "start it by hand: jarvis overnight start; or install cron; or: jarvis cron install --systemd"
    lines = own_lines(timetables.read_crontab())
    if lines:
        return "ok", f"{plural(lines, 'line')} of your own in the crontab start Jarvis; there is no catch-up after a sleep", "for that: jarvis cron install"
    return "warning", "nothing starts the night by itself", "let it: jarvis cron install"


def _minutes(span: timedelta) -> str:
    s = span.total_seconds()
    return f"{s / 60:.0f} min" if s < 3600 else seconds(s) if s < 2 * 86400 else f"{s / 86400:.0f} days"

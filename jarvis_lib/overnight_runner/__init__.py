"""Who works while the person sleeps? One session from 23:00 to 07:00: problems, plan, run, report; then the brief.

One session for each workspace; phases and their times stand in the store and in `logs/overnight_execution.log`. Work ends before the
window does, so that the checks and the brief are whole in the morning. Whatever became of the session, the brief is made from the store.
A name is loaded when it is used, so that a brief need not wait for what a night needs.
"""

from typing import TYPE_CHECKING

from jarvis_lib.lazily import lazily

if TYPE_CHECKING:
    from jarvis_lib.autonomous_queue.sessions import Hours
    from jarvis_lib.overnight_runner.briefs import brief, checkin, make_brief, make_checkin
    from jarvis_lib.overnight_runner.hours import is_overnight, session_hours
    from jarvis_lib.overnight_runner.looking import report, status, stop, write_record
    from jarvis_lib.overnight_runner.night import start

_HOME = {
    "jarvis_lib.autonomous_queue.sessions": ("Hours",),
    ".briefs": ("brief", "checkin", "make_brief", "make_checkin"),
    ".hours": ("is_overnight", "session_hours"),
    ".looking": ("report", "status", "stop", "write_record"),
    ".night": ("start",),
}
__getattr__ = lazily(__name__, _HOME)

__all__ = [
    "Hours",
    "brief",
    "checkin",
    "is_overnight",
    "make_brief",
    "make_checkin",
    "report",
    "session_hours",
    "start",
    "status",
    "stop",
    "write_record",
]

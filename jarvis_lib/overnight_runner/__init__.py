"""Who works while the person sleeps? One session from 23:00 to 07:00: problems, plan, run, report; then the brief.

One session for each workspace; phases and their times stand in the store and in `logs/overnight_execution.log`. Work ends before the
window does, so that the checks and the brief are whole in the morning. Whatever became of the session, the brief is made from the store.
"""

from jarvis_lib.autonomous_queue.sessions import Hours
from jarvis_lib.overnight_runner.briefs import brief, checkin, make_brief, make_checkin
from jarvis_lib.overnight_runner.hours import is_overnight, session_hours
from jarvis_lib.overnight_runner.looking import report, status, stop, write_record
from jarvis_lib.overnight_runner.night import start

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

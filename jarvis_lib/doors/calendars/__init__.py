"""Which hours do the person's calendars and holidays take? Read from files when they change, and from the web only when that is asked for.

The promise is that of `refresh`: it never raises for what it finds, and what cannot be read keeps its last good rows, with their date.
"""

from jarvis_lib.doors.calendars.conditions import conditions
from jarvis_lib.doors.calendars.look import horizon, refresh, sources

__all__ = ["conditions", "horizon", "refresh", "sources"]

"""ICS texts for tests, made from the lines that a test cares about."""

from datetime import UTC, date, datetime, time, timedelta

OUTLOOK_ZONE = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16011028T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


def event(*lines: str, uid: str = "one") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def calendar(*parts: str) -> bytes:
    text = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *parts, "END:VCALENDAR", ""])
    return text.replace("\n", "\r\n").encode()


def large(count: int, first: date, *, repeating: int, endless: bool = False) -> bytes:
    """`count` meetings of half an hour, four hours apart from `first` on; one of `repeating` goes on for thirty weeks, or without end."""
    parts = []
    for i in range(count):
        at = datetime.combine(first, time(0), UTC) + timedelta(hours=4 * i)
        rule = ["RRULE:FREQ=WEEKLY" + ("" if endless else ";COUNT=30")] if i % repeating == 0 else []
        end = at + timedelta(minutes=30)
        lines = (f"DTSTART;TZID=Europe/Berlin:{at:%Y%m%dT%H%M%S}", f"DTEND;TZID=Europe/Berlin:{end:%Y%m%dT%H%M%S}", f"SUMMARY:Meeting {i}")
        parts.append(event(*lines, "DESCRIPTION:Agenda and notes.", "LOCATION:Room 4", *rule, uid=f"m{i}"))
    return calendar(*parts)

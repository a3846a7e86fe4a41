"""How is a moment said to a person? On their own clock, with the day whenever it is not today."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def time_of(at: datetime, zone: ZoneInfo) -> str:
    """`07:00`."""
    return f"{at.astimezone(zone):%H:%M}"


def day_of(at: datetime, zone: ZoneInfo) -> str:
    """`Tue 24 Nov 2026`, the same under every locale."""
    own = at.astimezone(zone)
    return f"{DAYS[own.weekday()]} {own.day} {MONTHS[own.month - 1]} {own.year}"


def when(at: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """`today 17:00`, `Mon 23:00` within six days, `Fri 4 Dec 23:00` further away."""
    own, here = at.astimezone(zone), now.astimezone(zone)
    away = (own.date() - here.date()).days
    if away == 0:
        return f"today {own:%H:%M}"
    if away == 1:
        return f"tomorrow {own:%H:%M}"
    if abs(away) < 7:
        return f"{DAYS[own.weekday()]} {own:%H:%M}"
    return f"{DAYS[own.weekday()]} {own.day} {MONTHS[own.month - 1]} {own:%H:%M}"


def span(begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`Mon 19:00 to Tue 07:00`; one day is named once, and dates are given when they are more than six days apart."""
    one, two = begin.astimezone(zone), end.astimezone(zone)
    if one.date() == two.date():
        return f"{DAYS[one.weekday()]} {one:%H:%M} to {two:%H:%M}"
    if two - one < timedelta(days=6):
        return f"{DAYS[one.weekday()]} {one:%H:%M} to {DAYS[two.weekday()]} {two:%H:%M}"
    return f"{one.day} {MONTHS[one.month - 1]} {one:%H:%M} to {two.day} {MONTHS[two.month - 1]} {two:%H:%M}"

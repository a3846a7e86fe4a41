"""Who is told what, and when? The channels, the hooks, the hours in which nothing is sent, and how often a failure is tried again."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.context import span
from jarvis_lib.model.prose import listed

CHANNELS = ("email", "apprise")
"""What goes beyond the file in reports/, which is always made."""
REPORTS = ("morning", "evening", "weekend", "review")
HOOKS = ("shipped", "failed", "needs_you", "problem")
"""What happens to a task or to the machine; each may start a command of the person's or be posted to an address."""
DETAILS = ("counts", "titles", "full")
SECURITIES = ("starttls", "ssl", "none")
RETRIES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))
MOST_TRIES = len(RETRIES) + 1
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SECRET = "secret:"  # noqa: S105  # the prefix that refers to a secret
"""Before the name of a secret that holds the address of a hook."""

Values = dict[str, dict[str, Any]]


def hook_channel(hook: str) -> str:
    """The name of a hook among the channels."""
    return f"hook:{hook}"


EVERY_CHANNEL = (*CHANNELS, *map(hook_channel, HOOKS))


def switched_on(values: Values) -> list[str]:
    """The channels and hooks that the settings name."""
    return [*values["delivery"]["channels"], *(hook_channel(h) for h in HOOKS if values["hooks"][h].strip())]


def quiet_until(text: str, at: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours that `at` lies in, or None. `text` is a span of the local clock; both ends stand in it as the clock shows them."""
    if not text:
        return None
    begin, end = span(text)
    own = at.astimezone(zone)
    for day in (own.date() - timedelta(days=1), own.date()):
        starts = datetime.combine(day, begin, zone)
        ends = datetime.combine(day if end > begin else day + timedelta(days=1), end, zone)
        if starts.timestamp() <= at.timestamp() < ends.timestamp():
            return ends.astimezone(at.tzinfo)
    return None


def mistakes(values: Values) -> list[tuple[str, str, str]]:
    """(section, key, sentence) of what is wrong between keys that are right alone."""
    found = []
    own, mail = values["delivery"], values["delivery.email"]
    if "email" in own["channels"]:
        missing = [key for key in ("host", "sender", "to") if not mail[key]]
        if missing:
            found.append(("delivery", "channels", f"[delivery] channels names email, but [delivery.email] has no {listed(missing)}"))
        if bool(mail["user"]) != bool(mail["password"]):
            found.append(("delivery.email", "user", "[delivery.email] needs user and password together; password is the name of a secret of [secrets]"))
    for key in ("sender", "to"):
        wrong = next((a for a in ([mail[key]] if key == "sender" else mail[key]) if a and not _is_address(a)), None)
        if wrong is not None:
            found.append(("delivery.email", key, f'[delivery.email] {key}: must be an address such as "me@example.org", not {wrong!r}'))
    if mail["security"] == "none" and mail["host"] and mail["host"] not in LOOPBACK:
        said = f'[delivery.email] security = "none" is only for this machine\'s own server, not for {mail["host"]}; use starttls or ssl'
        found.append(("delivery.email", "security", said))
    if mail["port"] > 65535:
        found.append(("delivery.email", "port", f"[delivery.email] port: must be at most 65535, not {mail['port']}"))
    if "apprise" in own["channels"] and not own["urls"]:
        found.append(("delivery", "channels", "[delivery] channels names apprise, but urls names no secret that holds its address"))
    return found


def _is_address(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    return bool(at and name and domain) and text.isascii() and text.isprintable() and not any(c in text for c in ' <>,;:"()[]\\')


def port_of(mail: dict[str, Any]) -> int:
    """The port that is set, else the usual one of the kind of security."""
    return int(mail["port"]) or {"starttls": 587, "ssl": 465, "none": 25}[mail["security"]]


def is_address(text: str) -> bool:
    """Is this hook an address to post to, rather than a command?"""
    return text.startswith(("http://", "https://", SECRET))

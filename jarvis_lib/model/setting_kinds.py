"""What is a right value of each kind of setting, and what is wrong with this one? Values and sentences; which key it is for is not asked here."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jarvis_lib.model.context import SIZES, span
from jarvis_lib.model.countries import CODES, named_country
from jarvis_lib.model.delivery import CHANNELS, DETAILS, REPORTS, SECURITIES
from jarvis_lib.model.phase import read_template
from jarvis_lib.model.prose import hint
from jarvis_lib.model.task import AGENTS, CATEGORIES
from jarvis_lib.model.window import DAYS, KINDS

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

CHOICES = {
    "level": ("best", "strict", "basic", "none"),
    "permission": ("full", "edits", "read"),
    "reach": ("none", "hosts", "all"),
    "detail": DETAILS,
    "security": SECURITIES,
}
"""Keys with one word out of some, by their kind."""

_TABLES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "argvs": ('a command as a list of texts, such as ["du", "-s"]', lambda v: isinstance(v, list) and bool(v) and all(isinstance(w, str) and w for w in v)),
    "dates": ('a date such as "2027-01-31"', lambda v: _is_date(v)),
    "services": (
        'a table of two commands, such as { check = "curl -fs localhost", restart = "…" }',
        lambda v: isinstance(v, dict) and sorted(v) == ["check", "restart"] and all(isinstance(w, str) and w.strip() for w in v.values()),
    ),
    "numbers": ("a number", lambda v: isinstance(v, int | float) and not isinstance(v, bool) and v == v and abs(v) < 1e18),
    "texts_by_name": ("text", lambda v: isinstance(v, str) and bool(v.strip())),
}
"""Tables whose names are the person's own: what each value must be, and whether it is."""


def read(kind: str, value: Any) -> tuple[Any, str]:
    """(value, what is wrong with it or an empty string)."""
    base, _, least = kind.partition(">=")
    if base == "bool":
        return (value, "") if isinstance(value, bool) else (False, f"must be true or false, not {value!r}")
    if base in ("int", "num"):
        right = isinstance(value, int) if base == "int" else isinstance(value, int | float)
        if isinstance(value, bool) or not right or value != value or abs(value) > 1e9:
            return 0, f"must be a {'whole ' if base == 'int' else ''}number, not {value!r}"
        if value < float(least):
            return value, f"must be at least {least}, not {value}"
        return (value if base == "int" else float(value)), ""
    if base in ("text", "path"):
        return (value, "") if isinstance(value, str) else ("", f"must be text, not {value!r}")
    if base == "zone":
        return _read_zone(value)
    if base == "country":
        return _read_country(value)
    if base == "span":
        return _read_spans([value]) if value != "" else ("", "")
    if base == "size":
        return (value, "") if value in SIZES else ("any", f"must be one of {', '.join(SIZES)}, not {value!r}")
    if base in CHOICES:
        return (value, "") if value in CHOICES[base] else (CHOICES[base][0], f"must be one of {', '.join(CHOICES[base])}, not {value!r}")
    if base == "time":
        good = isinstance(value, str) and _TIME.fullmatch(value)
        return (value, "") if good else ("00:00", f'must be a time such as "23:00", not {value!r}')
    if base in _TABLES:
        return _read_table(base, value)
    return _read_list(base, value)


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (ValueError, TypeError):
        return False
    return True


def _read_table(base: str, value: Any) -> tuple[dict[str, Any], str]:
    if not isinstance(value, dict):
        return {}, f"must be a table of names, not {value!r}"
    must, good = _TABLES[base]
    value = {name: own.isoformat() if base == "dates" and isinstance(own, date) else own for name, own in value.items()}
    wrong = next((name for name, own in value.items() if not good(own) or not name.isprintable() or not name.strip()), None)
    return value, "" if wrong is None else f"{wrong} must be {must}, not {value[wrong]!r}"


def _read_zone(value: Any) -> tuple[str, str]:
    if value == "":
        return "", ""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return "", f'there is no time zone {value!r}; use a name such as "Europe/Berlin"'
    return value, ""


def _read_country(value: Any) -> tuple[str, str]:
    if value == "" or value in CODES:
        return value, ""
    near = named_country(value) if isinstance(value, str) else ""
    return "", f'there is no country {value!r}; use its two letters, such as "DE".' + (f" Did you mean {near!r}?" if near else "")


def _read_spans(values: list[Any]) -> tuple[Any, str]:
    for value in values:
        try:
            span(value)
        except (ValueError, TypeError, AttributeError):
            return (values if len(values) > 1 else value), f'must be a span of the clock such as "23:00-07:00", not {value!r}'
    return values[0], ""


def _read_list(base: str, value: Any) -> tuple[Any, str]:
    if not isinstance(value, list):
        return [], f"must be a list, not {value!r}"
    if base == "pair":
        good = len(value) == 2 and all(isinstance(v, int | float) and not isinstance(v, bool) and v >= 0 for v in value)
        return (value, "") if good and value[0] <= value[1] else ([0, 0], f"must be two rising numbers such as [2, 3], not {value!r}")
    if not all(isinstance(v, str) for v in value):
        return [], "must be a list of texts"
    if base == "urls":
        wrong = next((u for u in value if not re.match(r"(https?|webcal)://[^/\s]", u)), None)
        return value, f'must be addresses such as "https://example.org/me.ics", not {wrong!r}' if wrong is not None else ""
    if base == "spans" and value:
        return value, _read_spans(value)[1]
    if base == "phases":
        return value, read_template(value)[1]
    known = {"days": DAYS, "categories": CATEGORIES, "kinds": KINDS, "agents": AGENTS, "channels": CHANNELS, "reports": REPORTS}.get(base)
    if known is None:
        return value, ""
    for word in value:
        if word not in known:
            return [], f"{word!r} is not one of {', '.join(known)}.{hint(word, known)}"
    return value, ""

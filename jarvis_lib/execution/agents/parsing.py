"""Reading what an agent printed: JSON where it is JSON, and nothing that it prints can stop us."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

LONGEST = 8 * 1024 * 1024


def events(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream, one on each line; whatever else stands there is passed over."""
    for line in text.split("\n"):  # not splitlines: a string of JSON may hold U+2028 as it is
        line = line.strip()
        if line.startswith("{") and len(line) <= LONGEST:
            found = one(line)
            if found:
                yield found


def one(text: str) -> dict[str, Any]:
    """The JSON object in the text, or an empty one; a text that is longer, deeper or broken is no object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def last_object(text: str) -> dict[str, Any]:
    """The whole text as an object, else the last line that is one."""
    whole = one(text.strip()) if len(text) <= LONGEST else {}
    if whole:
        return whole
    start = text.find("{\n")
    if start >= 0:
        whole = one(text[start:].strip())
    return whole or next(iter(reversed(list(events(text)))), {})


def number(value: Any) -> int | None:
    """A whole number of 0 or more; None for anything else."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value < 1e15 else None


def money(value: Any) -> float | None:
    """A cost; None for what is no number."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9 else None


def moment_of(value: Any) -> datetime | None:
    """The UTC time of an epoch in seconds; None for what is no such time."""
    whole = number(value)
    try:
        return datetime.fromtimestamp(whole, UTC) if whole else None
    except (ValueError, OverflowError, OSError):
        return None


def text_of(value: Any, limit: int = 20_000) -> str:
    """At most `limit` characters of a string or number; empty for anything else."""
    return str(value)[:limit] if isinstance(value, str | int | float) else ""


def table(value: Any) -> dict[str, Any]:
    """The value when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def tables(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none where it is no list."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []

"""Is this file of the old system, and whole? Which of its files is it?"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import size

FILES = (
    "build_queue.json",
    "queue_state.json",
    "context_state.json",
    "problems.json",
    "metrics_history.json",
    "patterns.json",
    "improvements.json",
    "weekend_plan.json",
)
LARGEST = 512 * 1024 * 1024
_MARKS = {
    "tasks": "build_queue.json",
    "active_agents": "queue_state.json",
    "current_context": "context_state.json",
    "active_problems": "problems.json",
    "request_log": "patterns.json",
    "patterns": "patterns.json",
    "improvements": "improvements.json",
    "metrics": "metrics_history.json",
    "metrics_history": "metrics_history.json",
    "candidates": "weekend_plan.json",
    "selected": "weekend_plan.json",
    "selected_build": "weekend_plan.json",
}


def load(path: Path) -> Any:
    """The JSON in a file. Refuses with one sentence what is too large, cut off, damaged, or no JSON at all."""
    try:
        length = path.stat().st_size
        if length > LARGEST:
            raise Refused(f"It has {size(length)}; the most is {size(LARGEST)}. Split it.", code="failed")
        text = path.read_bytes().decode("utf-8-sig")
        if not text.strip():
            raise Refused("It is empty.", code="failed")
        return json.loads(text, parse_constant=lambda word: None)
    except UnicodeDecodeError as error:
        raise Refused(f"It is not UTF-8 text (byte {error.start:,}).", code="failed") from error
    except RecursionError as error:
        raise Refused("It is nested too deeply to be a state file.", code="failed") from error
    except json.JSONDecodeError as error:
        cut = "is cut off" if error.pos >= len(text.rstrip()) - 1 else "is no JSON or damaged"
        raise Refused(f"It {cut} at line {error.lineno:,}, column {error.colno:,} ({error.msg}).", code="failed") from error
    except ValueError as error:
        raise Refused(f"It is no JSON that can be read ({str(error)[:100]}).", code="failed") from error
    except OSError as error:
        raise Refused(f"It cannot be read ({error.strerror}).", code="failed") from error


def kind_of(path: Path, content: Any) -> str:
    """The old system's name for this file: by its own name, else by what stands in it. Refuses what is none of them."""
    if path.name in FILES:
        return path.name
    found = next((name for mark, name in _MARKS.items() if isinstance(content, dict) and mark in content), "")
    if not found:
        what = f"a JSON {_word(content)}" if not isinstance(content, dict) else "its keys are of none"
        raise Refused(f"It is no state file of the old system ({what}); those are {', '.join(FILES)}.", code="failed")
    return found


def _word(value: Any) -> str:
    return {list: "list", str: "text", int: "number", float: "number", bool: "truth value", type(None): "null", dict: "object"}[type(value)]


def entries(value: Any) -> list[tuple[str, Any]]:
    """The (id or "", entry) pairs of a list, or of an object that has them by id."""
    if isinstance(value, dict):
        return list(value.items())
    return [("", entry) for entry in value] if isinstance(value, list) else []


def wrong_kind(name: str, value: Any, wanted: str) -> Refused:
    """The refusal of a value that should be a list."""
    return Refused(f"{name} should be {wanted}, but is a JSON {_word(value)}.", code="failed")


def first(raw: dict[str, Any], names: Iterable[str]) -> Any:
    """The first of these keys that has a value."""
    return next((raw[n] for n in names if raw.get(n) not in (None, "", [], {})), None)


TIMES = ("timestamp", "time", "at", "when", "created_at", "started_at", "date")


def moment_of(value: Any, zone: tzinfo) -> datetime | None:
    """A time as the old system wrote it: ISO 8601 (local without an offset) or seconds since 1970. None where it is none."""
    try:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        found = datetime.fromisoformat(str(value).strip())
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None

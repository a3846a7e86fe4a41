"""Facts: the only thing that is ever written. What is a fact, and in which order do facts count?

A fact is one JSON object with its own id, the time it was stated and the actor who stated it. Facts are
ordered by (time, id), applied exactly once by id, and carry the version of their shape: `upcast` reads old ones.
"""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

VERSION = 1
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


class Refused(Exception):
    """A rule says no. The text is the sentence for the person: what, why, what to do."""

    def __init__(self, sentence: str, *, code: str = "refused") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement. `at` is aware UTC; `actor` is `person:NAME`, `policy`, `session:ID`, `agent:NAME` or a component."""

    id: str
    at: datetime
    actor: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as spool and journal keep it; the hash of a line depends on it."""
        return {
            "v": self.version,
            "id": self.id,
            "at": stamp(self.at),
            "actor": self.actor,
            "kind": self.kind,
            "data": self.data,
        }


def from_json(raw: dict[str, Any]) -> Fact:
    """The fact in `raw`, read through the upcasters. Raises ValueError for what is not a fact or is newer than this program."""
    try:
        raw = upcast(raw)
        if not all(isinstance(raw[key], str) for key in ("id", "actor", "kind")) or not isinstance(raw["data"], dict):
            raise ValueError("not a fact: id, actor and kind are text, data is an object")
        canonical(raw)  # NaN and the like have no place in a journal
        return Fact(raw["id"], moment(raw["at"]), raw["actor"], raw["kind"], raw["data"], raw["v"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a fact: {error!r} is missing or of the wrong type") from error


def upcast(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` in the shape of VERSION. Version 1 is the first, so there is nothing to lift yet."""
    version = raw.get("v")
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"not a fact: version {version!r}")
    if version > VERSION:
        raise ValueError(f"fact version {version} is newer than this program reads ({VERSION}); update Jarvis")
    return raw


def new_id(length: int = 10) -> str:
    """Random Crockford base-32 characters (5 bits each) from the system's generator; never reused."""
    return "".join(_CROCKFORD[b & 31] for b in os.urandom(length))


def derived_id(parent: str, suffix: str) -> str:
    """The id of a fact that follows from another one: the same parent always gives the same id."""
    return f"{parent}.{suffix}"


def stamp(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds and Z; sorts as text in the order of time."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The aware UTC datetime that `stamp` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


def canonical(value: Any) -> bytes:
    """One byte string per JSON value: sorted keys, no blanks, UTF-8. Refuses NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def text(value: Any) -> str:
    """The canonical form as text, for columns that hold JSON: a rebuild gives the same text."""
    return canonical(value).decode("utf-8", "replace")


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hex."""
    import hashlib  # loads OpenSSL, which a command that only reads need not wait for

    return hashlib.sha256(canonical(value)).hexdigest()

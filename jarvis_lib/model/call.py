"""A call of a coding agent: what every adapter gives back, whichever program it drives. What did it cost, and what stopped it?

What an agent says of its own success stands nowhere here but in `text`: the verdict comes from evidence.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from jarvis_lib.model.fact import moment, stamp


@dataclass(frozen=True, slots=True)
class Limit:
    """A usage limit of the account: `until` is an aware UTC time, None where the agent gave none; `scope` its own word for it (`five_hour`)."""

    until: datetime | None
    scope: str


@dataclass(frozen=True, slots=True)
class Call:
    """One run of an agent CLI. Tokens and `cost` (US dollars) are None where the agent does not say: unknown is not zero.

    `denials` name each tool that was refused, in one line; `error` is its own word for a failure; `auth_error` is set when nobody is logged in;
    `exit` is None when it was ended.
    """

    agent: str
    version: str
    exit: int | None
    session_id: str = ""
    text: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    turns: int | None = None
    denials: tuple[str, ...] = ()
    tool_calls: int = 0
    tool_errors: int = 0
    limit: Limit | None = None
    auth_error: str = ""
    error: str = ""
    model: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as an ending carries it; the limit's end as a UTC stamp or null."""
        limit = {"until": stamp(self.limit.until) if self.limit.until else None, "scope": self.limit.scope} if self.limit else None
        return asdict(self) | {"denials": list(self.denials), "limit": limit}


def call_from_json(raw: Mapping[str, Any]) -> Call:
    """The call in `raw`, as `Call.to_json` wrote it."""
    limit = raw.get("limit")
    known = {name: raw[name] for name in Call.__slots__ if name in raw}
    until = moment(limit["until"]) if limit and limit["until"] else None
    return Call(**(known | {"denials": tuple(raw.get("denials", ())), "limit": Limit(until, limit["scope"]) if limit else None}))

"""What an adapter is asked and what it gives. One small file for each agent; none of them starts a process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from jarvis_lib.model.call import Call


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `program` is the binary, `prompt` a file with what is asked, `cwd` where it works, `home` its private HOME (kept between the
    calls of one task, so that a session can go on). `session` is an earlier call's session id, empty for a new one. `max_cost` in US dollars.
    `permission`: full, edits or read; an adapter that cannot hold it refuses. `out` is a folder for the adapter's own files (last message, schema).
    `wall_s` is when it is ended, for an agent that has a time limit of its own; 0 for none.
    """

    program: str
    prompt: Path
    cwd: Path
    home: Path
    out: Path
    model: str = ""
    session: str = ""
    permission: str = "full"
    max_cost: float = 0.0
    max_turns: int = 0
    template: str = ""
    wall_s: float = 0.0
    environment: Mapping[str, str] = field(default_factory=dict)


class Adapter(Protocol):
    """One agent CLI. `tried` names the versions that this adapter was tried with; another one runs with a warning."""

    name: str
    programs: Sequence[str]
    tried: Sequence[str]
    login_files: Sequence[str]

    def resumes(self, template: str) -> bool:
        """Can a call go on with the session of an earlier one? Otherwise a follow-up is asked as a whole, and finds the earlier work in its copy."""

    def argv(self, request: Request) -> list[str]:
        """The command line; stdin is always /dev/null."""

    def environment(self, request: Request) -> dict[str, str]:
        """What it needs in its environment beside the clean one. No secrets."""

    def read(self, request: Request, *, version: str, exit_code: int | None, stdout: str, stderr: str, now: datetime) -> Call:
        """What happened, from its structured output first and from known sentences last. Never raises for anything that it printed."""

    def open_by_hand(self, session: str, cwd: Path, home: Path) -> str:
        """The command with which the person goes on with the session in their own terminal, empty where there is none.

        It brings the session alone from the agent's private `home` into the person's: settings that an agent left there are not obeyed.
        """

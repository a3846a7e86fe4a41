"""Workspaces with channels and hooks, a clock that waits by itself, and reports and endings to tell of."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.doors import delivery
from jarvis_lib.model.fact import stamp
from jarvis_lib.model.settings import toml
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, opened, passed, task
from tests.receivers import Mailbox

EIGHT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery"


class Clock:
    """A clock that stands until somebody waits; `pause` waits."""

    def __init__(self, at: datetime = EIGHT) -> None:
        self.at = at
        self.paused = 0.0

    def __call__(self) -> datetime:
        return self.at

    def pause(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.paused += seconds


def workspace(home: Path, clock: Clock, **sections: dict[str, Any]) -> Place:
    """A workspace with these sections of settings; `delivery_email` is `[delivery.email]`."""
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name.replace('_', '.')}]", *(f"{key} = {toml(value)}" for key, value in keys.items()), ""]
    (home / "jarvis.toml").write_text("\n".join(lines), encoding="utf-8")
    return open_workspace(home, clock=clock, actor="person:test")


def mailing(home: Path, clock: Clock, box: Mailbox, *, login: bool = False, more: dict[str, Any] | None = None, **delivery_keys: Any) -> Place:
    """A workspace that sends email to `box`, in the clear, since that is on loopback."""
    mail: dict[str, Any] = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": "jarvis@example.org", "to": ["me@example.org"]}
    if login:
        mail |= {"user": "me", "password": "SMTP_PASSWORD"}
        secret(home, SMTP_PASSWORD=PASSWORD)
    own = {"channels": ["email"], "quiet": ""} | delivery_keys
    secrets = {"secrets": {"file": str(home / "secrets.env")}} if login else {}
    return workspace(home, clock, delivery=own, delivery_email=mail | (more or {}), **secrets)


def secret(home: Path, **values: str) -> None:
    path = home / "secrets.env"
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    path.chmod(0o600)


def report(
    place: Place, *, at: datetime | None = None, kind: str = "morning", headline: str = "All is well", page: str = "<h1>the page</h1>", **more: Any
) -> Path:
    """A report that was just made: its file and its fact."""
    at = at or place.now()
    path = place.home / "reports" / f"{at:%Y}" / f"{at:%m}" / f"{at:%Y-%m-%d}-{kind}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    shown = path.relative_to(place.home).as_posix()
    place.store.write(place.fact("brief.made", at=at, kind=kind, as_of=stamp(at), path=shown, headline=headline, sha256="0" * 64, **more))
    return path


def ending(
    place: Place, title: str = "Write the guide", *, ok: bool = True, evidence: list[dict[str, Any]] | None = None, attempt: str = "a1", **more: Any
) -> str:
    """A task whose attempt has just ended in the open session; its id."""
    one = task(title, **more)
    place.store.write(added(place, one))
    place.store.write(claimed(place, one, attempt))
    failed = {"kind": "check", "name": "check", "ok": False, "said": "`false` ended with exit 1", "detail": {}}
    proof = evidence if evidence is not None else [passed() if ok else failed]
    data = {"attempt": attempt, "task": one.id, "session": "s1", "outcome": "finished", "seconds": 60.0, "exit_code": 0, "evidence": proof}
    place.store.write(place.fact("attempt.ended", actor="session:s1", **data))
    return one.id


def night(place: Place) -> None:
    place.store.write(opened(place))


def escalation() -> list[dict[str, Any]]:
    return [{"kind": "escalation", "name": "security", "ok": False, "said": "it touches a private key", "detail": {}}]


def messages(place: Place) -> list[dict[str, Any]]:
    """The outbox without the files, the oldest first."""
    return [r for r in reversed(delivery.listing(place, now=place.now())) if r["channel"] != "file"]


def everything(place: Place) -> str:
    """All that this workspace keeps as text: journal, logs and the rows of the outbox."""
    kept = [p.read_text(encoding="utf-8", errors="replace") for folder in ("data/journal", "logs") for p in sorted((place.home / folder).glob("*"))]
    return "\n".join([*kept, json.dumps(messages(place), default=str)])

"""Which playbooks act on what runs, rather than on files? A service is restarted, a failed task tried again; only by the person's word."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.child import ask, shell
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.execution.fixes.playbook import Done
from jarvis_lib.execution.fixes.watch_services import CHECK_S
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.risk import Blast

RESTART_S, GREEN_WITHIN_S = 60.0, 30.0
_PAUSE_S = 0.25


class RestartService:
    """Run the restart command of a configured service, and wait until its check is green."""

    name, kind, tier = "restart_service", "service_down", "medium"
    touches = "the service, by the command that `[problems.services]` gives"
    checked = "the check of the service is green"
    way_back = "none: a restart cannot be taken back, so it always asks"
    watched = "the check of the service"
    takes_back = recurs = back_helps = False

    def blast(self, evidence: Done) -> Blast:
        """One service and no file."""
        return Blast(services=1)

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        """The restart and its check, with the commands as the settings have them."""
        return [f"run {clean(evidence['restart'])!r} for the service {clean(subject)}", f"wait until {clean(evidence['check'])!r} is green"]

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        """Restarts, then waits until the check is green or GREEN_WITHIN_S are over; Refused when the command fails."""
        done = {"service": note.subject, "home": str(note.home), "check": evidence["check"], "restart": evidence["restart"]}
        note.ready(done)
        answer = ask(shell(evidence["restart"]), cwd=note.home, limit_s=RESTART_S, leaves=True)
        if answer.code:
            raise Refused(f"The restart command of {clean(note.subject)} {answer.said}.", code="failed")
        end = time.monotonic() + GREEN_WITHIN_S
        while self.holds(done) and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        return done

    def happened(self, done: Done) -> bool:
        """As far as anybody can tell: the command was started."""
        return True

    def finish(self, done: Done) -> None:
        """A restart is one command; it is not run a second time."""

    def holds(self, done: Done) -> str:
        """What the service's check says when it is not green."""
        answer = ask(shell(done["check"]), cwd=Path(done["home"]), limit_s=CHECK_S)
        return f"the check of {clean(done['service'])} {answer.said}" if answer.code else ""

    def revert(self, done: Done, kept: Path) -> None:
        """Always refused: a restart has no way back."""
        raise Refused(f"The restart of {clean(done['service'])} cannot be taken back; no file was changed by it.")

    def discard(self, done: Done) -> None:
        """No file was changed."""

    def said(self, done: Done) -> str:
        """One phrase for the record."""
        return "restarted, and its check is green"

    def facts(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        """None: nothing of it stands in the store but the fix."""
        return []

    def facts_back(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        """None."""
        return []


class RetryAttempt:
    """Put a failed task into the queue again, with a fresh count of attempts."""

    name, kind, tier = "retry_attempt", "failed_attempt", "medium"
    touches = "the task's place in the queue"
    checked = "the task is queued again"
    way_back = "the task is dropped from the queue; `jarvis queue retry` brings it back"
    watched = "that the task does not fail again"
    takes_back, recurs, back_helps = True, False, False

    def blast(self, evidence: Done) -> Blast:
        """Nothing outside of the queue."""
        return Blast()

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        """The one step, with how the last attempt ended."""
        return [f"queue task {clean(subject)} again with a fresh count of attempts (the last one: {clean(evidence['outcome'])})"]

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        """Touches no file: the fact of the fix puts the task back."""
        done = {"task": evidence["task"], "outcome": evidence["outcome"]}
        note.ready(done)
        return done

    def happened(self, done: Done) -> bool:
        """The store knows; the check asks it."""
        return True

    def finish(self, done: Done) -> None:
        """The fact is one step; whether it was written is seen by the check."""

    def holds(self, done: Done) -> str:
        """Nothing is wrong with it until the task has run again."""
        return ""

    def revert(self, done: Done, kept: Path) -> None:
        """No file was changed; `facts_back` are the undo."""

    def discard(self, done: Done) -> None:
        """No file was changed."""

    def said(self, done: Done) -> str:
        """One phrase for the record, with the outcome before."""
        return f"queued again after its last attempt ended {done['outcome']}"

    def facts(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        """The person's retry."""
        return [("task.retried", {"task": done["task"]})]

    def facts_back(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        """The person's drop."""
        return [("task.dropped", {"task": done["task"], "reason": "the retry was undone"})]

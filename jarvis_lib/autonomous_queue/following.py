"""What does the person's context say while a session works: what may start, how much at once, and is the machine theirs again?"""

import time
from collections.abc import Callable
from datetime import datetime

from jarvis_lib import context_scheduler
from jarvis_lib.autonomous_queue.in_flight import Session
from jarvis_lib.context_scheduler import Context
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import listed
from jarvis_lib.store.place import Place

CONTEXT_S = 15.0


class Following:
    """The context that counts. A session that does not follow knows only what the person has set by hand.

    `handed_back` says why the machine is the person's again; once it says so, it stays theirs for the session.
    """

    def __init__(self, place: Place, session: Session, say: Callable[[str], None]) -> None:
        self._place, self._session, self._say = place, session, say
        self.context: Context | None = None
        self.handed_back = ""
        self._asked = -CONTEXT_S

    def ask(self, now: datetime) -> bool:
        """Detect the context, at most once each CONTEXT_S; True when another one set by hand changes what may start."""
        if time.monotonic() - self._asked < CONTEXT_S:
            return False
        self._asked = time.monotonic()
        try:
            context_scheduler.note_transition(self._place, now=now)
            found = context_scheduler.detect(self._place, now=now)
        except Refused as error:  # a store that takes no more must not end what runs; the context stays what it was
            self._say(f"  the context could not be asked: {error.sentence}")
            return False
        if not self._session.follow:
            before, self.context = self.context, found if found.by_hand else None
            return self.context != before
        if self.context is not None and found.state != self.context.state and not self.handed_back:
            self.handed_back = f"you are {found.state} now, not {self.context.state}"
            self._say(f"  {self.handed_back}: nothing more is started, and the machine is yours")
        self.context = self.context or found
        return False

    def prefers(self, candidate: Candidate) -> bool:
        """Whether the context has it go first."""
        return self.context is not None and context_scheduler.preferred(self.context.allows, candidate)

    def keeps_out(self, candidate: Candidate) -> str:
        """Why it may not start in this context, as a sentence; empty when it may."""
        if self.context is None or context_scheduler.suits(self.context.allows, candidate):
            return ""
        return f"You are {self.context.state}, and then {listed(list(self.context.allows.only), 'or') or 'nothing'} may start."

    def lanes(self) -> int:
        """How many attempts side by side: what the session has, or fewer where the context says so."""
        return self._session.lanes if self.context is None else min(self._session.lanes, self.context.allows.lanes)

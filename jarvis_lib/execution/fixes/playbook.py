"""What does a playbook promise? One shape for all: say what it would do, act, hold, go back, and tidy up after an interruption."""

from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.model.risk import Blast

Done = dict[str, Any]
"""What a playbook did, as JSON: all that its undo needs."""


class Playbook(Protocol):
    """A change with its own check and its undo. `done` is what `act` returned (and wrote into the note before it acted).

    `touches`, `checked`, `way_back` and `watched` say in words what it may touch, what its check saw, how it goes back, and what is watched for
    a day afterwards. `tier` is its own risk. `takes_back` is false for what has no way back (a restart); `recurs` is true where the next day
    brings the same problem by nature (files grow old), which is no flapping; `back_helps` where going back can cure a number that got worse.
    """

    name: str
    kind: str
    tier: str
    touches: str
    checked: str
    way_back: str
    watched: str
    takes_back: bool
    recurs: bool
    back_helps: bool

    def blast(self, evidence: Done) -> Blast:
        """What it would touch at most, from the evidence alone."""

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        """Each step that it would do, as a sentence. It is the check before, too: raises Refused where it must not act now."""

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        """Do it. Raises Refused or OSError; then `happened` tells whether anything did."""

    def happened(self, done: Done) -> bool:
        """Whether the change took place, or a part of it."""

    def finish(self, done: Done) -> None:
        """Complete a change that was interrupted after it took place."""

    def holds(self, done: Done) -> str:
        """What is wrong with the result, or nothing."""

    def revert(self, done: Done, kept: Path) -> None:
        """Put everything back byte for byte. Raises Refused when that would destroy what came later. Safe to repeat."""

    def discard(self, done: Done) -> None:
        """Remove what a change that did not happen has left."""

    def said(self, done: Done) -> str:
        """What was done, for the brief."""

    def facts(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        """What is to be written into the store for it (kind and data); most change files only."""

    def facts_back(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        """The same for its undo."""


class OnFiles:
    """What the playbooks have in common that change files and nothing else."""

    takes_back = back_helps = True
    recurs = False

    def discard(self, done: Done) -> None:
        """Nothing was changed, and what was kept goes with the note's folder."""

    def finish(self, done: Done) -> None:
        """The change is one step; there is nothing in between."""

    def facts(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        """None: the files are all."""
        return []

    def facts_back(self, done: Done) -> list[tuple[str, dict[str, Any]]]:
        """None."""
        return []

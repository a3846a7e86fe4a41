"""How are the safe fixes run, checked, taken back and closed after an interruption?

A fix is tried once a session, checks itself, goes back at once when its check fails, and can be undone byte for byte. Nothing is deleted.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes import notes
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.execution.fixes.playbooks import PLAYBOOKS, Done, Playbook
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.ledger import Row
from jarvis_lib.model.problem import Fix, Problem
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.problem_predictor.looking import readings
from jarvis_lib.problem_predictor.rules import find
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place


def fix_safe(place: Place, *, now: datetime, session: str | None) -> list[Fix]:
    """Run the safe playbooks on the open problems, each problem once in a session, and tell how each went.

    A session leaves alone what the person has undone before; without a session (the person asks) it is tried again.
    Raises Refused (busy) while another process is fixing.
    """
    with _fixing(place):
        _tidy(place, now=now)
        with place.store.reading() as reader:
            rows = reader.rows("problem_predictor.safe_open")
            tried = {r["problem"] for r in reader.rows("problem_predictor.tried", session=session)} if session else set()
            busy = {path for r in reader.rows("problem_predictor.running") for path in r["changes"]}
        over = {p.key: p for p in find(readings(place, now=now))}
        wanted = [over[r["key"]] for r in rows if r["key"] in over and r["key"] not in tried and r["subject"] not in busy]
        return [_fix(place, problem, now=now, session=session) for problem in wanted if problem.safe]


def undo_fix(place: Place, fix_id: str, *, now: datetime) -> str:
    """Put back what a fix changed, byte for byte, and say so. Raises Refused when there is no such fix or it was changed since."""
    with _fixing(place):
        _tidy(place, now=now)
        row = _fix_row(place, fix_id)
        undo = json.loads(row["undo"])
        playbook = _playbook(row["playbook"])
        if "done" not in undo:
            raise Refused(f"Fix {row['id']} left nothing changed, so there is nothing to undo.")
        playbook.revert(undo["done"], notes.folder(place.home) / row["id"])
        place.store.write(place.fact("fix.undone", at=now, fix=row["id"]))
        return f"Undone: {row['said']}. Everything is as it was before the fix."


# --- one fix -------------------------------------------------------------------------------------------------------------


def _fix(place: Place, problem: Problem, *, now: datetime, session: str | None) -> Fix:
    playbook = PLAYBOOKS[problem.kind]
    note = Note(place.home, new_id(), problem.key, playbook.name, problem.subject, stamp(now), session)
    try:
        done = playbook.act(note, problem.evidence, now=now, day=f"{now.astimezone(place.zone):%Y-%m-%d}")
    except (Refused, OSError) as error:
        return _record(place, note, _gone_wrong(note, playbook, _sentence(error)), now=now)
    return _record(place, note, _checked(place, note, playbook, done, now=now), now=now)


def _checked(place: Place, note: Note, playbook: Playbook, done: Done, *, now: datetime) -> Fix:
    """The fix, after its own check and a new reading; where one of them fails it goes back at once."""
    still = {p.key: p for p in find(readings(place, now=now))}.get(note.problem)
    wrong = playbook.holds(done) or (f"the problem is still there: {still.what}" if still else "")
    if wrong:
        return _gone_wrong(note, playbook, wrong)
    said = f"{clean(note.subject)}: {playbook.said(done)}"
    return Fix(note.problem, playbook.name, said, True, f"measured again, within its limit; {playbook.checked}", {"fix": note.fact_id, "done": done})


def _gone_wrong(note: Note, playbook: Playbook, why: str) -> Fix:
    """A fix that did not work, with its files back as they were; what could not be put back stays in `undo`."""
    left: dict[str, Any] = {}
    try:
        if note.undo is not None:
            playbook.revert(note.undo, note.folder) if playbook.happened(note.undo) else playbook.discard(note.undo)
    except (Refused, OSError) as error:
        left = {"done": note.undo}
        why = f"{why} It could not be put back: {_sentence(error)}"
    return Fix(note.problem, playbook.name, f"{clean(note.subject)}: not fixed. {why}", False, why, {"fix": note.fact_id} | left)


def _record(place: Place, note: Note, fix: Fix, *, now: datetime) -> Fix:
    actor = f"session:{note.session}" if note.session else None
    fact = place.fact("fix.applied", at=now, actor=actor, fix=fix.to_json(), session=note.session)
    place.store.write(replace(fact, id=note.fact_id))
    note.done() if "done" in fix.undo else note.forget()
    return fix


# --- after an interruption -----------------------------------------------------------------------------------------------


def tidy_if_free(place: Place, *, now: datetime) -> None:
    """Close what an interruption left open, unless somebody is fixing right now."""
    if notes.unfinished(place.home) and lock.is_free(_lock(place)):
        with _fixing(place):
            _tidy(place, now=now)


def _tidy(place: Place, *, now: datetime) -> None:
    """Close what an interruption left open: a change that took place gets its fact, one that did not leaves no trace."""
    for note in notes.unfinished(place.home):
        with place.store.reading() as reader:
            known = reader.one("problem_predictor.fixes_by_prefix", prefix=note.id)
        playbook = _playbook(note.playbook)
        if known:
            note.done() if "done" in json.loads(known["undo"]) else note.forget()
        elif note.undo is None or not playbook.happened(note.undo):
            playbook.discard(note.undo) if note.undo else None
            note.forget()
        else:
            note.resumed += 1
            note.save()
            playbook.finish(note.undo)
            _record(place, note, _checked(place, note, playbook, note.undo, now=now), now=now)


def _lock(place: Place) -> Path:
    return place.home / "data" / "fixing.lock"


@contextmanager
def _fixing(place: Place) -> Iterator[None]:
    """One process fixes or undoes at a time; a fix that it finds half done is a dead one's."""
    with lock.held(_lock(place), wait_s=1.0, what="Fixing"):
        yield


def _fix_row(place: Place, fix_id: str) -> Row:
    """The fix that `fix_id` (whole, or at least 5 characters of it) names, if it can be undone now."""
    with place.store.reading() as reader:
        rows = reader.rows("problem_predictor.fixes_by_prefix", prefix=fix_id) if len(fix_id) >= 5 else []
        if len(rows) != 1:
            many = f"{plural(len(rows), 'fix', 'fixes')} begin with" if rows else "There is no fix"
            raise Refused(f"{many} {clean(fix_id)[:40]!r}; `jarvis problems list` shows the fixes.", code="missing")
        row = rows[0]
        later = reader.one("problem_predictor.later_fix", problem=row["problem"], at=row["at"], id=row["id"])
    if row["undone_at"] is not None:
        raise Refused(f"Fix {row['id']} was undone already, on {row['undone_at']:%Y-%m-%d %H:%M} UTC.")
    if later is not None:
        raise Refused(f"Fix {later['id']} came later and builds on it; undo that one first.")
    return row


def _playbook(name: str) -> Playbook:
    found = {p.name: p for p in PLAYBOOKS.values()}.get(name)
    if found is None:
        raise Refused(f"There is no playbook {clean(name)[:40]!r}; the fix may come from a newer Jarvis.")
    return found


def _sentence(error: Refused | OSError) -> str:
    if isinstance(error, Refused):
        return error.sentence
    return f"{error.strerror or error} ({clean(str(error.filename))})." if error.filename else f"{error.strerror or error}."

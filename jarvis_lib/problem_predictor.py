"""What is wrong here, or will be soon, and can it be put right safely?

Promise: a scan is quick, opens nothing of Jarvis's own and writes a fact only when something changed. A fix is tried once a
session, checks itself, goes back at once when its check fails, and can be undone byte for byte. Nothing is deleted.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes import notes, watch
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.execution.fixes.playbooks import PLAYBOOKS, Done, Playbook
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.ledger import Row
from jarvis_lib.model.problem import Fix, Problem
from jarvis_lib.model.prose import clean, hint, plural
from jarvis_lib.model.prose import listed as in_words
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place

WATCH = timedelta(hours=24)
"""A fix holds when its problem did not come back for this long."""
MOVED = 0.10
"""A known problem is told again when its number moved by this share."""
_NUMBER = {"oversized_log": "bytes", "bloated_database": "share", "full_disk": "share", "old_logs": "count", "unreadable_database": ""}


# --- rules ---------------------------------------------------------------------------------------------------------------


def find(readings: Sequence[Reading]) -> list[Problem]:
    """The problems in these readings, in their order."""
    return [_problem(r) for r in readings if r.over]


def _problem(r: Reading) -> Problem:
    name = clean(r.subject)
    if r.kind == "log":
        how = "high" if r.detail["bytes"] > 100 * r.detail["limit"] else "low"
        return _stated("oversized_log", r, f"{name} has grown over its limit: {r.said}", how, "rotate and compress it", safe=True)
    if r.kind == "old_logs":
        detail = r.detail | {"count": len(r.detail["files"])}
        return _stated("old_logs", replace(r, detail=detail), f"{name}: {r.said}", "low", "move them to the dated trash", safe=True)
    if r.kind == "disk":
        how = "critical" if (r.value or 0) < 0.01 else "high"
        return _stated("full_disk", r, f"The disk of this workspace is nearly full: {r.said}", how, "free some space", safe=False)
    if r.value is None:
        return _stated("unreadable_database", r, r.said, "high", "restore it from a backup", safe=False)
    suggested = "compact it from its own program (it is in use, or keeps a write-ahead log)" if r.detail["in_use"] else "compact it"
    return _stated("bloated_database", r, f"{name}: {r.said}", "low", suggested, safe=not r.detail["in_use"])


def _stated(kind: str, r: Reading, what: str, severity: str, suggested: str, *, safe: bool) -> Problem:
    return Problem(f"{kind}:{r.subject}", kind, r.subject, what, r.detail, 1.0, severity, suggested, safe)


def is_news(problem: Problem, known: Row | None) -> bool:
    """Whether a problem is worth a fact: new, back again, another remedy, or its number moved by a tenth. A dismissed one is not."""
    if known is None or known["state"] in ("fixed", "gone"):
        return True
    if known["state"] == "dismissed":
        return False
    if (problem.severity, problem.safe, problem.suggested) != (known["severity"], known["safe"], known["suggested"]):
        return True
    key = _NUMBER[problem.kind]
    old, new = json.loads(known["evidence"]).get(key, 0), problem.evidence.get(key, 0)
    return bool(abs(new - old) > MOVED * abs(old))


def has_gone(row: Row, found: Sequence[Problem], readings: Sequence[Reading]) -> bool:
    """Whether an open problem is no longer there. What could not be measured now has not gone."""
    unmeasured = {r.subject for r in readings if r.over is None}
    return row["state"] == "open" and row["key"] not in {p.key for p in found} and row["subject"] not in unmeasured


def standing(row: Row, *, now: datetime) -> str:
    """Where a problem stands: open, came back, watching (fixed under a day ago), held, gone or dismissed."""
    if row["state"] == "open":
        return "came back" if row["came_back"] else "open"
    if row["state"] != "fixed":
        return str(row["state"])
    since = row["fixed_at"] or row["last_seen"]
    return "watching" if now - since < WATCH else "held"


# --- verbs ---------------------------------------------------------------------------------------------------------------


def scan(place: Place, *, now: datetime) -> list[Problem]:
    """The problems that stand now, dismissed ones left out. Facts are written for what is new, changed or gone, for nothing else."""
    _tidy_if_free(place, now=now)
    readings = _readings(place, now=now)
    found = find(readings)
    with place.store.reading() as reader:
        known = {row["key"]: row for row in reader.rows("problem_predictor.problems")}
    facts = [place.fact("problem.found", at=now, problem=p.to_json()) for p in found if is_news(p, known.get(p.key))]
    facts += [place.fact("problem.gone", at=now, key=row["key"]) for row in known.values() if has_gone(row, found, readings)]
    if facts:
        place.store.write(*facts)
    return [p for p in found if known.get(p.key, {}).get("state") != "dismissed"]


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
        over = {p.key: p for p in find(_readings(place, now=now))}
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


def dismiss(place: Place, key: str, *, now: datetime) -> str:
    """Never tell this problem again; returns its key. `key` may be a part of it that fits only one."""
    with place.store.reading() as reader:
        keys = [row["key"] for row in reader.rows("problem_predictor.problems")]
    fitting = [key] if key in keys else [k for k in keys if key and key in k]
    if len(fitting) != 1:
        which = f"{clean(key)[:80]!r} fits {in_words([clean(k) for k in fitting])}" if fitting else f"There is no problem {clean(key)[:80]!r}"
        raise Refused(f"{which}; `jarvis problems list` shows all.{'' if fitting else hint(key, keys)}", code="missing")
    place.store.write(place.fact("problem.dismissed", at=now, key=fitting[0]))
    return fitting[0]


def listed(place: Place, *, now: datetime | None = None) -> list[Row]:
    """Every problem that was ever found, open ones first, with where it stands (`standing`) and its last fix."""
    when = now or place.now()
    with place.store.reading() as reader:
        rows = reader.rows("problem_predictor.listed")
    return [row | {"evidence": json.loads(row["evidence"]), "standing": standing(row, now=when)} for row in rows]


def metrics(place: Place, *, now: datetime | None = None) -> list[Row]:
    """What is watched with its numbers at this moment, one row each; what could not be measured says why."""
    return [asdict(r) for r in _readings(place, now=now or place.now())]


# --- one fix -------------------------------------------------------------------------------------------------------------


def _readings(place: Place, *, now: datetime) -> list[Reading]:
    return watch.readings(place.home, place.settings.values["problems"], now=now)


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
    still = {p.key: p for p in find(_readings(place, now=now))}.get(note.problem)
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


def _tidy_if_free(place: Place, *, now: datetime) -> None:
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


if __name__ == "__main__":
    from jarvis_lib.cli.entry import component_main

    component_main("problems")

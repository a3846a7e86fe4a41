"""How are fixes run, checked, watched, taken back and closed after an interruption?

A low one runs alone, once a session; the others by the person's word. Each checks itself, goes back at once when its check fails, counts as
held only when the same check is green a day later, goes back by itself when it made things worse, and can be undone byte for byte for a week.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes import notes, trash
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.execution.fixes.playbooks import PLAYBOOKS, Done, Playbook
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.problem import KEPT, Fix, Problem
from jarvis_lib.model.prose import clean, hint, listed, plural, size
from jarvis_lib.model.risk import FLAP_SPAN
from jarvis_lib.problem_predictor.looking import readings
from jarvis_lib.problem_predictor.rules import find
from jarvis_lib.problem_predictor.tiers import stands_at
from jarvis_lib.problem_predictor.watching import noted, verdict
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place

# --- verbs ---------------------------------------------------------------------------------------------------------------


def fix_safe(place: Place, *, now: datetime, session: str | None) -> list[Fix]:
    """Run the playbooks of the tier low on the open problems, each problem once in a session, and tell how each went.

    A session leaves alone what was undone before; without a session (the person asks) it is tried again.
    Raises Refused (busy) while another process is fixing.
    """
    with _fixing(place):
        _tidy(place, now=now)
        taken = readings(place, now=now)
        with place.store.reading() as reader:
            rows = reader.rows("problem_predictor.safe_open")
            tried = {r["problem"] for r in reader.rows("problem_predictor.tried", session=session)} if session else set()
            busy = {path for r in reader.rows("problem_predictor.running") for path in r["changes"]}
            past = reader.rows("problem_predictor.histories", since=now - FLAP_SPAN)
        over = {p.key: p for p in find(taken)}
        wanted = [over[r["key"]] for r in rows if r["key"] in over and r["key"] not in tried and r["subject"] not in busy]
        tiers = {p.key: stands_at(p.to_json(), past, now=now)[0] for p in wanted}
        low = [p for p in wanted if p.safe and tiers[p.key] == "low"]
        return [_fix(place, problem, taken, now=now, session=session, tier="low") for problem in low]


def fix_one(place: Place, key: str, *, now: datetime) -> Fix:
    """Run the playbook for one open problem by the person's word, whatever its tier but critical. `key` may be a part that fits only one.

    Raises Refused when nobody answers to the key, no playbook does, an attempt works on it, or somebody else than the person asks.
    """
    if not place.actor.startswith("person"):
        raise Refused("Only the person runs a single fix; a session runs the low ones by itself.")
    with _fixing(place):
        _tidy(place, now=now)
        taken = readings(place, now=now)
        found = find(taken)
        problem, tier, _ = _asked_for(place, key, found, now=now)
        with place.store.reading() as reader:
            known = {r["key"] for r in reader.rows("problem_predictor.problems")}
        if problem.key not in known:
            place.store.write(place.fact("problem.found", at=now, problem=problem.to_json()))
        return _fix(place, problem, taken, now=now, session=None, tier=tier)


def would_fix(place: Place, key: str | None = None, *, now: datetime) -> list[Row]:
    """What `fix` would do (all of the tier low, or the one problem `key`), step by step, without doing it: one row for each problem.

    `steps` are the sentences; where the check before says no, there are none and `refused` says why. `why` says what raised the tier.
    """
    found = find(readings(place, now=now))
    if key is not None:
        problem, tier, why = _asked_for(place, key, found, now=now)
        return [_would(place, problem, tier, why, now=now)]
    with place.store.reading() as reader:
        known = {r["key"]: r["state"] for r in reader.rows("problem_predictor.problems")}
        past = reader.rows("problem_predictor.histories", since=now - FLAP_SPAN)
    open_ = [p for p in found if p.kind in PLAYBOOKS and known.get(p.key) != "dismissed"]
    stands = [(p, *stands_at(p.to_json(), past, now=now)) for p in open_]
    return [_would(place, p, tier, why, now=now) for p, tier, why in stands if tier == "low" and p.safe]


def undo_fix(place: Place, fix_id: str, *, now: datetime) -> str:
    """Put back what a fix changed, byte for byte, and say so. Raises Refused when there is no such fix or it was changed since."""
    with _fixing(place):
        _tidy(place, now=now)
        row = _fix_row(place, fix_id)
        undo = json.loads(row["undo"])
        playbook = _playbook(row["playbook"])
        if "done" not in undo:
            raise Refused(f"Fix {row['id']} left nothing changed, so there is nothing to undo.")
        if row["emptied_at"] is not None:
            raise Refused(f"What fix {row['id']} had kept was removed on {row['emptied_at']:%Y-%m-%d}, {KEPT.days} days after it, so it stays as it is.")
        _take_back(place, row["id"], playbook, undo["done"], now=now)
        place.store.write(place.fact("fix.undone", at=now, fix=row["id"]))
        how = "Everything is as it was before the fix" if not playbook.facts_back(undo["done"]) else playbook.way_back[0].upper() + playbook.way_back[1:]
        return f"Undone: {row['said']}. {how}."


def recheck(place: Place, *, now: datetime, taken: Sequence[Reading] | None = None) -> list[Row]:
    """Look again at each fix whose check is open, and write what is certain: held (a day later), came back, or worse (it is taken back).

    One row for each that was decided now: fix, problem, how, said, undone. Nothing while another process is fixing.
    """
    with place.store.reading() as reader:
        rows = reader.rows("problem_predictor.to_check")
    if not rows or not lock.is_free(_lock(place)):
        return []
    seen = readings(place, now=now) if taken is None else taken
    found = find(seen)
    with _fixing(place):
        checked = (_rechecked(place, row, seen, found, now=now) for row in rows)
        return [c for c in checked if c is not None]


def empty_trash(place: Place, *, now: datetime) -> str:
    """Remove for good what fixes took away more than KEPT ago, and say how much it was; an empty text when there was nothing."""
    with _fixing(place):
        _tidy(place, now=now)
        with place.store.reading() as reader:
            old = [r["id"] for r in reader.rows("problem_predictor.to_empty", before=now - KEPT)]
            gone = {r["id"] for r in reader.rows("problem_predictor.emptied")} | set(old)
        if old:
            place.store.write(place.fact("fix.emptied", at=now, fixes=old))
        kept = sum(notes.drop(place.home, fix) for fix in notes.kept(place.home) if fix in gone)
        last = (now.astimezone(place.zone) - KEPT).date()
        files, held = trash.emptied(place.home, before=last.isoformat())
        return f"{plural(files, 'file')} ({size(held + kept)}) older than {KEPT.days} days removed from the trash" if files or kept else ""


# --- one fix -------------------------------------------------------------------------------------------------------------


def _asked_for(place: Place, key: str, found: Sequence[Problem], *, now: datetime) -> tuple[Problem, str, str]:
    """The problem that stands now under `key`, with its tier and why that was raised."""
    with place.store.reading() as reader:
        rows = {r["key"]: r for r in reader.rows("problem_predictor.problems")}
        past = reader.rows("problem_predictor.histories", since=now - FLAP_SPAN)
        busy = {path for r in reader.rows("problem_predictor.running") for path in r["changes"]}
    keys = [*rows, *(p.key for p in found if p.key not in rows)]
    fitting = [key] if key in keys else [k for k in keys if key and key in k]
    if len(fitting) != 1:
        which = f"{clean(key)[:80]!r} fits {listed([clean(k) for k in fitting])}" if fitting else f"There is no problem {clean(key)[:80]!r}"
        raise Refused(f"{which}; `jarvis problems list` shows all.{'' if fitting else hint(key, keys)}", code="missing")
    problem = next((p for p in found if p.key == fitting[0]), None)
    if problem is None:
        raise Refused(f"{clean(fitting[0])} is not there at this moment, so there is nothing to fix.")
    if problem.kind not in PLAYBOOKS:
        raise Refused(f"No playbook answers {clean(problem.key)}; what to do: {clean(problem.suggested)}.")
    tier, why = stands_at(problem.to_json(), past, now=now)
    if tier == "critical":
        raise Refused(f"{clean(problem.key)} is only told, never fixed by Jarvis: {why}.")
    if problem.subject in busy:
        raise Refused(f"An attempt is working on {clean(problem.subject)}; try again when it has ended.", code="busy")
    return problem, tier, why


def _would(place: Place, problem: Problem, tier: str, why: str, *, now: datetime) -> Row:
    playbook = PLAYBOOKS[problem.kind]
    row = {"problem": problem.key, "playbook": playbook.name, "tier": tier, "why": why, "touches": playbook.blast(problem.evidence).said()}
    try:
        steps = playbook.would(place.home, problem.subject, problem.evidence, now=now, day=_day(place, now))
    except (Refused, OSError) as error:
        return row | {"steps": [], "refused": _sentence(error)}
    return row | {"steps": steps, "refused": ""}


def _fix(place: Place, problem: Problem, taken: Sequence[Reading], *, now: datetime, session: str | None, tier: str) -> Fix:
    playbook = PLAYBOOKS[problem.kind]
    kind = next((r.kind for r in taken for p in find([r]) if p.key == problem.key), "")
    watch = noted(taken, problem.subject, kind)
    note = Note(place.home, new_id(), problem.key, playbook.name, problem.subject, stamp(now), session, tier=tier, watch=watch)
    return _record(place, note, carry_out(place, note, playbook, problem.evidence, now=now), now=now)


def carry_out(place: Place, note: Note, playbook: Playbook, evidence: dict[str, Any], *, now: datetime) -> Fix:
    """Check before, act, check after, and go back where that fails. The caller holds the fixing lock and records the fix."""
    try:
        playbook.would(place.home, note.subject, evidence, now=now, day=_day(place, now))
        done = playbook.act(note, evidence, now=now, day=_day(place, now))
        _write(place, playbook.facts(done), now=now)
    except (Refused, OSError) as error:
        return _gone_wrong(note, playbook, _sentence(error))
    return _checked(place, note, playbook, done, now=now)


def _write(place: Place, facts: Sequence[tuple[str, dict[str, Any]]], *, now: datetime) -> None:
    if facts:
        place.store.write(*(place.fact(kind, at=now, **data) for kind, data in facts))


def _day(place: Place, now: datetime) -> str:
    return f"{now.astimezone(place.zone):%Y-%m-%d}"


def _checked(place: Place, note: Note, playbook: Playbook, done: Done, *, now: datetime) -> Fix:
    """The fix, after its own check and a new reading; where one of them fails it goes back at once."""
    still = {p.key: p for p in find(readings(place, now=now))}.get(note.problem)
    wrong = playbook.holds(done) or (f"the problem is still there: {still.what}" if still else "")
    if wrong:
        return _gone_wrong(note, playbook, wrong)
    said = f"{clean(note.subject)}: {playbook.said(done)}"
    check = f"measured again, within its limit; {playbook.checked}"
    return Fix(note.problem, playbook.name, said, True, check, {"fix": note.fact_id, "done": done}, note.tier, note.watch)


def _gone_wrong(note: Note, playbook: Playbook, why: str) -> Fix:
    """A fix that did not work, with its files back as they were; what could not be put back stays in `undo`."""
    left: dict[str, Any] = {}
    try:
        if note.undo is not None and playbook.takes_back:
            playbook.revert(note.undo, note.folder) if playbook.happened(note.undo) else playbook.discard(note.undo)
    except (Refused, OSError) as error:
        left = {"done": note.undo}
        why = f"{why} It could not be put back: {_sentence(error)}"
    return Fix(note.problem, playbook.name, f"{clean(note.subject)}: not fixed. {why}", False, why, {"fix": note.fact_id} | left, note.tier, note.watch)


def _record(place: Place, note: Note, fix: Fix, *, now: datetime) -> Fix:
    actor = f"session:{note.session}" if note.session else None
    fact = place.fact("fix.applied", at=now, actor=actor, fix=fix.to_json(), session=note.session)
    place.store.write(replace(fact, id=note.fact_id))
    note.done() if "done" in fix.undo else note.forget()
    return fix


# --- a day after -----------------------------------------------------------------------------------------------------------


def _rechecked(place: Place, row: Row, taken: Sequence[Reading], found: Sequence[Problem], *, now: datetime) -> Row | None:
    playbook, done = _playbook(row["playbook"]), json.loads(row["undo"]).get("done")
    try:
        broken = playbook.holds(done) if playbook.recurs and done else ""
    except (Refused, OSError) as error:
        broken = _sentence(error)
    how, said = verdict(row, playbook, taken, found, now=now, broken=broken)
    if not how:
        return None
    undone = False
    if how == "worse" and done:
        try:
            _take_back(place, row["id"], playbook, done, now=now)
            said, undone = f"{said}; the fix was taken back", True
        except (Refused, OSError) as error:
            said = f"{said}; the fix could not be taken back: {_sentence(error)}"
    facts = [place.fact("fix.checked", at=now, fix=row["id"], how=how, said=said)]
    if undone:
        facts.append(place.fact("fix.undone", at=now, fix=row["id"], by="watch", why=said))
    place.store.write(*facts)
    return {"fix": row["id"], "problem": row["problem"], "how": how, "said": said, "undone": undone}


def _take_back(place: Place, fix_id: str, playbook: Playbook, done: Done, *, now: datetime) -> None:
    playbook.revert(done, notes.folder(place.home) / fix_id)
    _write(place, playbook.facts_back(done), now=now)


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

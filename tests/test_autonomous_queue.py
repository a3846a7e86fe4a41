"""The queue's verbs and its loop, with real commands on real files."""

import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import build_scheduler
from jarvis_lib.autonomous_queue.ended import why_nothing_more
from jarvis_lib.cli.cards import inbox_lines
from jarvis_lib.doors.heartbeat import heartbeat
from jarvis_lib.execution.agent_ready import NONE_ON
from jarvis_lib.execution.engine import LocalEngine
from jarvis_lib.model.fact import Refused
from jarvis_lib.overnight_runner import brief, checkin
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, ended, opened, task
from tests.report_nights import attempt


@pytest.fixture
def live(home: Path) -> Place:
    """The workspace on the real clock, as a session needs it."""
    return open_workspace(home, actor="person:test")


def add(place: Place, title: str = "Write", hours: float = 0.01, category: str = "Documentation", priority: str = "MEDIUM", **more: Any) -> str:
    more = {"command": "true", "checks": ["true"]} | more
    return queue.add(place, title, "", hours, category, priority, now=place.now(), **more).task.id


def state(place: Place, task: str) -> tuple[str, str]:
    row = queue.show(place, task)["task"]
    return row["state"], row["why"]


def session(place: Place, *, seconds: float = 300.0, lanes: int = 3) -> queue.Session:
    now = place.now()
    place.store.write(opened(place, f"s{time.monotonic_ns()}", at=now))
    with place.store.reading() as reader:
        row = reader.rows("autonomous_queue.open_sessions")[0]
    return queue.Session(row["id"], now + timedelta(seconds=seconds), now + timedelta(seconds=seconds + 20), lanes, 7)


def work(place: Place, **more: Any) -> queue.Tally:
    seconds, lanes = more.pop("seconds", 300.0), more.pop("lanes", 3)
    own = session(place, seconds=seconds, lanes=lanes)
    tally = queue.work(place, own, engine=LocalEngine(), **more)
    place.store.write(place.fact("session.closed", session=own.id, outcome="finished"))
    return tally


# --- verbs ---------------------------------------------------------------------------------------------------------------


def test_an_id_is_found_by_a_unique_prefix(place: Place) -> None:
    """Five characters at least, and only if no other task has them."""
    task = add(place)
    assert queue.show(place, task[:5])["task"]["id"] == task
    with pytest.raises(Refused, match="too short"):
        queue.show(place, task[:4])
    with pytest.raises(Refused, match="no task 'zzzzzz'"):
        queue.show(place, "zzzzzz")


def test_add_says_what_became_of_it(place: Place) -> None:
    """Decision, recipe and state in one sentence."""
    said = queue.add(place, "Sell it", "", 1, "New features", "HIGH", command="true", now=place.now()).said
    assert "It is parked. Waits for your approval: New features needs your yes." in said  # said once


def test_the_inbox_says_what_happens_without_you(place: Place) -> None:
    """Each card has its default and the commands to copy."""
    asked = add(place, "Sell it", category="New features")
    bare = queue.add(place, "Think", "", 1, "Bug fixes", "HIGH", now=place.now()).task.id
    cards = {c["task"]: c for c in queue.inbox(place, now=place.now())}
    assert cards[asked]["do_nothing"] == "it waits; it does not run without your yes"
    assert cards[asked]["commands"][0] == f"jarvis queue approve {asked}"
    assert cards[bare]["kind"] == "no_recipe" and "--command" in cards[bare]["commands"][0]


def test_an_approval_holds_for_the_bytes_of_the_script(place: Place) -> None:
    """A script that changes afterwards is decided anew before the next session works."""
    script = place.home / "work.sh"
    script.write_text("echo one\n")
    task = add(place, category="New features", command="sh work.sh")
    queue.approve(place, task, now=place.now())
    assert state(place, task)[0] == "queued"
    script.write_text("echo two\n")
    assert queue.housekeeping(place, now=place.now()) == ["1 task decided anew (policy or files changed)"]
    assert state(place, task)[0] == "parked"


def test_put_off_comes_back_when_its_time_has_come(place: Place, make_place: Callable[[datetime], Place]) -> None:
    """And not before."""
    task = add(place)
    queue.later(place, task, until=place.now() + timedelta(hours=2), now=place.now())
    assert state(place, task)[0] == "parked"
    assert queue.housekeeping(place, now=place.now() + timedelta(hours=1)) == []
    assert queue.housekeeping(place, now=place.now() + timedelta(hours=2)) == ["1 put-off task came back"]
    assert state(place, task)[0] == "queued"


def test_what_failed_for_good_asks_while_its_date_is_to_come(place: Place) -> None:
    """In the inbox, the counts, the brief and the evening until a day after its date, with the line that tries it again; without a date nowhere."""
    dated, free = (task(title, due=due) for title, due in (("Dated", place.now() + timedelta(hours=20)), ("Free", None)))
    refuted = [{"kind": "check", "name": "it", "ok": False, "said": "It did not hold.", "detail": {}}]
    place.store.append(opened(place))
    for one in (dated, free):
        place.store.append(added(place, one), claimed(place, one, f"a-{one.title}"), ended(place, one, f"a-{one.title}", evidence=refuted))
    assert state(place, dated.id)[0] == state(place, free.id)[0] == "failed"
    (card,) = queue.inbox(place, now=place.now())
    assert (card["task"], card["kind"], card["what"]) == (dated.id, "failed", "It did not hold.")
    assert card["commands"] == [f"jarvis queue {verb} {dated.id}".replace("queue show", "show") for verb in ("retry", "show", "drop")]
    assert queue.report(place, now=place.now())["waiting"] == 1 == heartbeat(place, now=place.now()).needs_you
    (need,) = brief(place, as_of=place.now()).needs
    assert need.kind == "failed" and need.do_nothing.startswith("it stays failed and is not tried again, and it is due")
    assert [c.title for c in checkin(place, as_of=place.now()).needs] == ["Dated"]
    assert queue.inbox(place, now=place.now() + timedelta(hours=43)) and not queue.inbox(place, now=place.now() + timedelta(hours=45))
    queue.retry(place, dated.id, now=place.now())
    assert queue.inbox(place, now=place.now()) == []


def test_the_newest_attempt_is_the_last_one_also_after_a_retry(place: Place) -> None:
    """Numbers begin anew then: the card, the list of attempts and hours are of the attempt that came last, not of the one with the highest number."""
    one, at = task("Guide"), place.now() - timedelta(hours=8)
    place.store.append(added(place, one, at=at), opened(place, at=at))
    for n in (1, 2, 3):
        attempt(place, one, f"old{n}", n=n, at=at + timedelta(hours=n), outcome="failed")
    queue.retry(place, one.id, now=place.now())
    attempt(place, one, "new1", n=1, at=place.now(), seconds=60.0)
    assert [a["id"] for a in queue.show(place, one.id)["attempts"]] == ["old1", "old2", "old3", "new1"]
    later = place.now() + timedelta(minutes=5)
    (need,) = brief(place, as_of=later).needs
    assert need.kind == "review" and need.what == "It ended with exit 0; no check was given that would have noticed a failure."


def test_what_comes_by_itself_needs_nobody(place: Place) -> None:
    """Put off until a time it is in no inbox and counted nowhere, and is told with its day; put off without an end it stands in a line of its own."""
    dated, endless = add(place), add(place)
    said = queue.later(place, dated, until=place.now() + timedelta(hours=2), now=place.now())
    assert "comes by itself on" in said and "waits for you" not in said
    assert "put off until you bring it back" in queue.later(place, endless, now=place.now())
    assert queue.inbox(place, now=place.now()) == [] and queue.report(place, now=place.now())["waiting"] == 0
    assert [p["task"] for p in queue.put_off(place, now=place.now())] == [endless]
    (line,) = [line for line in inbox_lines([], queue.put_off(place, now=place.now())) if "bring it back" in line]
    assert endless in line and dated not in line
    assert "comes by itself on" in queue.why(place, dated, now=place.now())[0]
    assert "comes back by itself" in queue.show(place, dated)["task"]["why"]


def test_a_task_for_an_agent_without_one_is_a_question(place: Place) -> None:
    """Queued for an agent while none is switched on: the inbox asks once for all of them, and `why` says that it would not run."""
    one, two = (add(place, title, command=None, checks=["true"], agent="any") for title in ("One", "Two"))
    for one_of in (one, two):
        queue.approve(place, one_of, now=place.now())
    (card,) = queue.inbox(place, now=place.now())
    assert (card["kind"], card["title"]) == ("agent", "2 tasks wait for a coding agent") and "[agent] order" in card["what"]
    assert all("No agent is switched on" in "\n".join(queue.why(place, task, now=place.now())) for task in (one, two))


def test_why_nothing_more_ran_is_told_in_numbers_and_names(place: Place) -> None:
    """Too long for what is left: its need, what is left, and a length that would do; kept out by a rule: the words of that rule."""
    short, other = add(place, "Spaces in names", hours=0.1), add(place, "Fix the login")
    with place.store.reading() as reader:
        tasks = {c.id: c for c in build_scheduler.candidates(reader, place.settings)}
    said = why_nothing_more({short: "…"}, {}, tasks, left_h=290 / 3600, advise=27 / 28)
    need = math.ceil(tasks[short].need_h * 60)
    assert said == f"“Spaces in names” needs about {need} min and 4 min 50 s are left; try jarvis overnight start --for {need + 4}m"
    kept = why_nothing_more({other: NONE_ON}, {other: NONE_ON}, tasks, left_h=1.0)
    assert kept.startswith("no agent is switched on;") and kept.endswith("which keeps out “Fix the login”")


def test_put_off_past_its_due_date_is_warned_of(place: Place) -> None:
    """In the sentence that puts it off; before its date nothing is said of it."""
    task = add(place, due=place.now() + timedelta(days=2))
    assert "will be late" not in queue.later(place, task, until=place.now() + timedelta(days=1), now=place.now())
    assert "which is before that, so it will be late" in queue.later(place, task, until=place.now() + timedelta(days=3), now=place.now())


def test_a_time_in_the_past_is_refused(place: Place) -> None:
    """Later means later."""
    task = add(place)
    with pytest.raises(Refused, match="in the past"):
        queue.later(place, task, until=place.now() - timedelta(minutes=1), now=place.now())


def test_why_explains_decision_plan_and_state(place: Place) -> None:
    """In sentences."""
    task = add(place, "Sell it", category="New features")
    lines = queue.why(place, task, now=place.now())
    assert "waits for your approval" in lines[0].casefold()
    assert any(line.startswith("Decided") and "ask" in line for line in lines)


def test_edit_changes_what_is_given_and_keeps_the_rest(place: Place) -> None:
    """And says so when nothing changed."""
    task = add(place, "Old title", 1.5)
    said = queue.edit(place, task, title="New title", now=place.now())
    row = queue.show(place, task)["task"]
    assert (row["title"], row["hours"], row["revision"]) == ("New title", 1.5, 2) and "Edited" in said
    assert "Nothing changed" in queue.edit(place, task, title="New title", now=place.now())


def test_a_dependency_must_exist(place: Place) -> None:
    """Nothing is half-added."""
    with pytest.raises(Refused, match="no task"):
        add(place, after=["qqqqqqqqqq"])
    assert queue.listing(place, now=place.now()) == []


# --- the loop ------------------------------------------------------------------------------------------------------------


def test_the_loop_ships_what_its_check_proves_and_nothing_else(live: Place) -> None:
    """Four endings in one session, each told by its evidence."""
    proved = add(live, "Proved", command="echo done > proved.md", checks=["grep -q done proved.md"], changes=["proved.md"])
    hollow = add(live, "Hollow", command="true", changes=["hollow.md"])
    refuted = add(live, "Refuted", command="echo x > refuted.md", checks=["false"], changes=["refuted.md"])
    bare = add(live, "Bare", checks=[])
    broken = add(live, "Broken", command="exit 3")
    tally = work(live)
    assert tally.attempts == 5
    verdicts = {task: queue.show(live, task)["attempts"][0]["verdict"] for task in (proved, hollow, refuted, bare, broken)}
    assert list(verdicts.values()) == ["verified", "hollow", "refuted", "unverified", "none"]
    assert [state(live, t)[0] for t in verdicts] == ["accepted", "failed", "failed", "review", "queued"]
    assert (live.home / "proved.md").exists() and not (live.home / "refuted.md").exists()


def test_undo_puts_files_back_and_refuses_what_you_changed(live: Place) -> None:
    """Byte for byte; dependents first; never over the person's own work."""
    path = live.home / "a.md"
    path.write_bytes(b"before\x00\xff")
    task = add(live, command="printf after > a.md", checks=["test -s a.md"], changes=["a.md"])
    work(live)
    assert path.read_bytes() == b"after"
    said = queue.undo(live, task, now=live.now())
    assert path.read_bytes() == b"before\x00\xff" and "Put back: a.md." in said[0]
    assert state(live, task)[0] == "undone"
    queue.retry(live, task, now=live.now())
    work(live)
    path.write_text("mine")
    with pytest.raises(Refused):
        queue.undo(live, task, now=live.now())
    assert path.read_text() == "mine"


def test_undo_last_night_undoes_everything_it_shipped(live: Place) -> None:
    """In one command, newest first."""
    one = add(live, command="echo 1 > one.md", checks=["test -s one.md"], changes=["one.md"])
    two = add(live, command="echo 2 > two.md", checks=["test -s two.md"], changes=["two.md"], after=[one])
    work(live)
    assert state(live, two)[0] == "accepted"
    with pytest.raises(Refused, match="first"):
        queue.undo(live, one, now=live.now())
    said = queue.undo(live, "last-night", now=live.now())
    assert [line.partition("Taken away: ")[2] for line in said] == ["two.md.", "one.md."]  # neither was there before
    assert not (live.home / "one.md").exists() and not (live.home / "two.md").exists()


def test_lanes_work_side_by_side_but_not_on_one_file(live: Place) -> None:
    """Three at once; what changes the same path waits its turn."""
    for i in range(3):
        add(live, f"Side {i}", command=f"sleep 0.6; echo x > s{i}.md", changes=[f"s{i}.md"])
    for i in range(2):
        add(live, f"Same {i}", command="sleep 0.2; echo x >> same.md", changes=["same.md"])
    assert work(live).attempts == 5
    with live.store.reading() as reader:
        spans = reader._con.execute("SELECT t.title, a.claimed_at, a.ended_at FROM attempts a JOIN tasks t ON t.id = a.task ORDER BY a.claimed_at").fetchall()
    at_once = max(sum(b[1] <= a[1] < b[2] for b in spans) for a in spans)
    same = [s for s in spans if s[0].startswith("Same")]
    assert 2 <= at_once <= 3 and same[0][2] <= same[1][1]


def test_the_deadline_ends_what_runs_and_checks_still_fit(live: Place) -> None:
    """Work that does not end is ended, cleanly, and told as timed out; its files are put back."""
    (live.home / "a.md").write_text("before")
    task = add(live, hours=0.0004, command="echo half > a.md; sleep 60", changes=["a.md"])
    begin = time.monotonic()
    work(live, seconds=4.0)
    attempt = queue.show(live, task)["attempts"][0]
    assert time.monotonic() - begin < 25 and attempt["outcome"] == "timed_out"
    assert (live.home / "a.md").read_text() == "before"


def test_what_does_not_fit_the_time_left_is_not_started(live: Place) -> None:
    """And it is said why."""
    task = add(live, hours=3.0)
    tally = work(live, seconds=30.0)
    assert tally.attempts == 0 and "needed" in tally.passed_over[task]


def test_stop_finish_lets_what_runs_end_and_stop_now_does_not(live: Place) -> None:
    """Once and twice."""
    slow = [add(live, f"Slow {i}", command="sleep 1", priority="HIGH") for i in range(2)]
    stop = queue.Stop()
    stop.how = ""

    def say(line: str) -> None:
        if "started" in line:
            stop.ask("finish")

    tally = work(live, lanes=1, stop=stop, say=say)
    assert tally.attempts == 1 and tally.why_ended == "you stopped it"
    rest = [t for t in slow if state(live, t)[0] == "queued"]
    stop = queue.Stop()

    def now(line: str) -> None:
        if "started" in line:
            stop.ask("now")

    work(live, lanes=1, stop=stop, say=now)
    assert queue.show(live, rest[0])["attempts"][-1]["outcome"] == "stopped"
    assert state(live, rest[0])[0] == "queued"


def test_a_critical_task_that_is_added_late_joins(live: Place) -> None:
    """Others wait for the next plan."""
    first = add(live, command="sleep 2")
    late: list[str] = []

    def say(line: str) -> None:
        if "started" in line and not late:
            late.extend([add(live, "Urgent", priority="CRITICAL"), add(live, "Not urgent", priority="HIGH")])

    work(live, only={first}, say=say)
    assert [state(live, t)[0] for t in late] == ["accepted", "queued"]


def test_progress_shows_the_last_line_and_calls_time_time(live: Place) -> None:
    """A percentage is not proof."""
    add(live, command="echo working; sleep 1.5")
    seen: list[dict[str, Any]] = []

    class Watching(LocalEngine):
        def poll(self, handle: Any) -> Any:
            if handle.step == "recipe":
                seen.extend(queue.progress(live, now=live.now()))
            return super().poll(handle)

    own = session(live)
    queue.work(live, own, engine=Watching())
    assert any(p["last_line"] == "working" and "time, not proof" in p["said"] for p in seen)


def test_the_report_counts_the_last_hours(live: Place) -> None:
    """Added, ended and how, waiting."""
    add(live)
    add(live, category="New features")
    work(live)
    report = queue.report(live, now=live.now(), hours=8)
    assert (report["added"], report["verdicts"], report["waiting"]) == (2, {"verified": 1}, 1)
    old = queue.report(live, now=live.now() + timedelta(hours=9), hours=8)
    assert (old["added"], old["attempts"]) == (0, 0)


def test_an_attempt_without_an_ending_is_abandoned_never_success(live: Place) -> None:
    """Its session died; the task goes back, the file is put back."""
    task = add(live)
    own = session(live)
    row = queue.show(live, task)["task"]
    fact = live.fact(
        "attempt.claimed", attempt="a1", task=task, n=1, session=own.id, content_hash=row["content_hash"], spec={}, place="data/attempts/a1", log=None
    )
    live.store.write(fact)
    said = queue.close_dead(live, now=datetime.now(UTC))
    assert "abandoned" in said[0] and state(live, task)[0] == "queued"
    assert queue.show(live, task)["attempts"][0]["outcome"] == "abandoned"
    assert queue.close_dead(live, now=datetime.now(UTC)) == []


def test_a_lane_is_not_blamed_for_what_another_one_declared(live: Place) -> None:
    """A documentation task beside a task that changes code; its own code change would be a question."""
    (live.home / "code.py").write_text("x = 1\n")
    begun = live.home.parent / f"{live.home.name}-begun"
    docs = add(live, "Docs", command=f"touch {begun}; until test -e sly.py; do sleep 0.05; done; echo d > d.md", checks=["test -s d.md"], changes=["d.md"])
    code = add(live, "Code", category="Refactoring", command="sleep 0.3; echo 'x = 2' > code.py", checks=["grep -q 2 code.py"], changes=["code.py"])
    waits = f"until test -e {begun}; do sleep 0.05; done"
    sly = add(live, "Sly", command=f"{waits}; echo s > s.md; echo 'y = 3' > sly.py", checks=["test -s s.md"], changes=["s.md"])
    work(live)
    assert [state(live, t)[0] for t in (docs, code, sly)] == ["review", "shipped", "review"]
    (live.home / "sly.py").unlink()
    again = add(live, "Again", command="sleep 1; echo d > e.md", checks=["test -s e.md"], changes=["e.md"])
    other = add(live, "Other", category="Refactoring", command="sleep 0.3; echo 'x = 4' > code.py", checks=["grep -q 4 code.py"], changes=["code.py"])
    work(live)
    assert [state(live, t)[0] for t in (again, other)] == ["accepted", "shipped"]


def test_what_cannot_be_put_back_is_told_and_the_night_goes_on(live: Place) -> None:
    """A recipe that leaves a pipe where a file was declared."""
    bad = add(live, "Bad", command="rm -f p.md; mkfifo p.md; exit 1", changes=["p.md"])
    good = add(live, "Good", command="sleep 0.5; echo g > g.md", checks=["test -s g.md"], changes=["g.md"])
    work(live)
    assert state(live, good)[0] == "accepted" and state(live, bad)[0] == "queued"


def test_a_recipe_that_rewrites_the_policy_changes_nothing(live: Place) -> None:
    """The file is put back, the task is a question, and the next decision is made under the person's own policy."""
    before = (live.home / "jarvis.toml").read_bytes()
    trick = "sed -i 's/ask = .*/ask = []/; s/auto = \\[/auto = [\"New features\", /' jarvis.toml"
    sly = add(live, "Sly", command=f"{trick}; echo x > x.md", checks=["test -s x.md"], changes=["x.md"])
    loud = add(live, "Loud", command=f"{trick}; exit 1")
    work(live)
    assert (live.home / "jarvis.toml").read_bytes() == before
    assert state(live, sly)[0] == "review" and state(live, loud)[0] == "queued"
    assert len(list((live.home / "data" / "kept").glob("settings-*.toml"))) >= 1


def test_a_stop_from_another_process_is_seen_while_something_runs(live: Place) -> None:
    """Its fact is drained by that process; the session notices that the journal has grown."""
    task = add(live, command="sleep 30")
    own = session(live)
    asked: list[str] = []

    class Asking(LocalEngine):
        def poll(self, handle: Any) -> Any:
            if handle.step == "recipe" and not asked:
                other = open_workspace(live.home)
                for how in ("finish", "now"):
                    other.store.write(other.fact("session.stop", session=own.id, how=how))
                asked.append(own.id)
            return super().poll(handle)

    begin = time.monotonic()
    queue.work(live, own, engine=Asking())
    assert time.monotonic() - begin < 15
    assert queue.show(live, task)["attempts"][0]["outcome"] == "stopped"


def test_a_recipe_that_rewrites_its_own_check_is_a_question(live: Place) -> None:
    """The files that the proof uses are as they were when it was claimed, or nothing is proved."""
    (live.home / "tools").mkdir()
    (live.home / "tools" / "check.sh").write_text("grep -q right out.md\n")
    sly = add(live, command="echo true > tools/check.sh; echo wrong > out.md", checks=["sh tools/check.sh"], changes=["out.md"])
    work(live)
    assert state(live, sly)[0] == "review" and "tools/check.sh" in state(live, sly)[1]


@pytest.mark.parametrize("kind", ["task.decided", "task.parked", "attempt.ended"])
def test_what_only_follows_or_only_a_session_says_is_not_taken_from_the_spool(live: Place, kind: str) -> None:
    """A confused program cannot decide, and cannot end somebody else's attempt."""
    task = add(live, "Sell", category="New features")
    decided = {"verdict": "auto", "rule": "r", "risk": "low", "reasons": [], "policy_hash": "x", "content_hash": "x", "why": "", "parked_kind": ""}
    data = decided | {"task": task, "attempt": "none", "outcome": "finished"}
    with pytest.raises(Refused):
        live.store.write(live.fact(kind, **data))
    assert state(live, task)[0] == "parked"


def test_your_own_edit_after_a_crash_is_left_alone(live: Place) -> None:
    """The session died at night, the person went on with the file: recovery keeps its hands off and says so."""
    import os

    from jarvis_lib.autonomous_queue.in_flight import HEARTBEAT
    from jarvis_lib.autonomous_queue.putting_back import put_back
    from jarvis_lib.execution import keep
    from jarvis_lib.model.task_row import content_of

    path = live.home / "a.md"
    path.write_text("before")
    task = add(live, changes=["a.md"])
    before = keep.keep(live.home, ["a.md"], live.home / "data" / "kept" / "a1" / "before")
    (live.home / HEARTBEAT).touch()
    path.write_text("mine")
    os.utime(path, (time.time() + 3600, time.time() + 3600))
    content = content_of(queue.show(live, task)["task"] | {"content": json.dumps(queue.show(live, task)["task"]["content"])})
    said = put_back(live.home, content, before, "a1", not_after=(live.home / HEARTBEAT).stat().st_mtime + 25)
    assert path.read_text() == "mine" and said[0]["ok"] is False and "left as it is" in said[0]["said"]
    assert put_back(live.home, content, before, "a1")[0]["ok"] is True and path.read_text() == "before"


def test_undo_waits_for_a_running_task_on_the_same_file(live: Place) -> None:
    """Otherwise the next attempt would be proved against a file that changed under it."""
    one = add(live, command="echo one > a.md", checks=["test -s a.md"], changes=["a.md"])
    work(live)
    two = add(live, command="true", changes=["a.md"])
    own = session(live)
    row = queue.show(live, two)["task"]
    live.store.write(live.fact("attempt.claimed", attempt="a9", task=two, n=1, session=own.id, content_hash=row["content_hash"], spec={}, place="p", log=None))
    with pytest.raises(Refused, match="running task is changing a.md") as caught:
        queue.undo(live, one, now=live.now())
    assert caught.value.code == "busy" and (live.home / "a.md").read_text() == "one\n"

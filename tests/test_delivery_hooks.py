"""Do hooks hear what happened, without ever standing in the night's way? Commands with their limits, addresses on loopback, the night itself."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.doors import delivery
from jarvis_lib.doors.delivery.events import fire, shown
from jarvis_lib.doors.delivery.outbox import queue_new
from jarvis_lib.execution.engine import LocalEngine
from jarvis_lib.execution.hooks import run_hook
from jarvis_lib.execution.postman import LOG, call
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.problem import Problem
from jarvis_lib.workspace import open_workspace
from tests.delivery_parts import Clock, ending, messages, night, secret, workspace
from tests.facts import opened
from tests.receivers import closed_port, http_receiver, silent_server

EVENT = {"schema": "jarvis.event/1", "id": "e1", "event": "failed", "at": "2026-11-24T08:00:00.000000Z", "task": None, "attempt": None, "problem": None}


def hook(line: str, folder: Path, *, limit_s: float = 10.0, document: str = '{"a": 1}') -> Any:
    return run_hook(line, document, cwd=folder, limit_s=limit_s, extra={"JARVIS_EVENT": "failed"})


def gone(mark: str) -> bool:
    """Is no process alive whose command line holds this mark?"""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark.encode() in Path("/proc", pid, "cmdline").read_bytes():
                return False
        except OSError:
            continue
    return True


# --- commands ------------------------------------------------------------------------------------------------------------


def test_a_command_reads_the_event_and_its_output_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of JSON on its input; what it prints on both streams; of the environment only the basics."""
    monkeypatch.setenv("MY_TOKEN", "tell-nobody")
    ended = hook("cat; echo oops >&2; env", tmp_path, document='{"title": "a\\nb"}')
    assert ended.ok and ended.printed.startswith('{"title": "a\\nb"}\noops') and "JARVIS_EVENT=failed" in ended.printed
    assert "tell-nobody" not in ended.printed


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Daemons in sessions of their own and what ignores TERM are dead, too."""
    mark = f"sleep 61{os.getpid() % 1000:03d}"
    begin = time.monotonic()
    ended = hook(f"trap '' TERM; setsid {mark} & (trap '' TERM; {mark}) & {mark}; {mark}", tmp_path, limit_s=0.7)
    assert not ended.ok and not ended.again and "did not end within 0.7 s" in ended.said
    assert gone(mark.replace(" ", "\0")) and time.monotonic() - begin < 8


@pytest.mark.parametrize(
    ("line", "ok", "again", "said"), [("exit 3", False, False, "exit 3"), ("exit 75", False, True, "exit 75"), ("no-such-program-here", False, False, "127")]
)
def test_a_command_is_run_again_only_when_it_asks_for_it(tmp_path: Path, line: str, ok: bool, again: bool, said: str) -> None:
    """Exit 75 means later; every other failure may have done its work already."""
    ended = hook(line, tmp_path)
    assert (ended.ok, ended.again) == (ok, again) and said in ended.said


def test_a_command_that_floods_its_output_costs_no_memory(tmp_path: Path) -> None:
    ended = hook("yes | head -c 50000000", tmp_path)
    assert ended.ok and len(ended.printed) <= 4000


def test_each_ending_runs_its_hook_once(tmp_path: Path) -> None:
    """Shipped, failed, needs you and problem; with the task, the attempt and its verdict; a second post runs nothing."""
    hooks = {name: f"cat >> {name}.jsonl" for name in ("shipped", "failed", "needs_you", "problem")}
    place = workspace(tmp_path, Clock(), hooks=hooks)
    night(place)
    good, bad = ending(place, "Good", attempt="a1"), ending(place, "Bad", ok=False, attempt="a2")
    unproved = ending(place, "Unproved", evidence=[], checks=(), attempt="a3")
    problem = Problem("disk:/", "disk", "/", "the disk is full", {}, 1.0, "high", "tidy up", False)
    place.store.write(place.fact("problem.found", problem=problem.to_json()))
    assert sorted((p.channel, p.ok) for p in delivery.post(place)) == [(f"hook:{n}", True) for n in ("failed", "needs_you", "problem", "shipped")]
    assert delivery.post(place) == []
    told = {name: [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()] for name in hooks}
    assert {name: len(events) for name, events in told.items()} == dict.fromkeys(hooks, 1)
    assert {e["schema"] for events in told.values() for e in events} == {"jarvis.event/1"}
    assert (told["shipped"][0]["task"]["id"], told["shipped"][0]["attempt"]["verdict"]) == (good, "verified")
    assert (told["failed"][0]["task"]["id"], told["failed"][0]["attempt"]["verdict"]) == (bad, "refuted")
    assert told["needs_you"][0]["task"] | {"id": unproved, "state": "review"} == told["needs_you"][0]["task"]
    assert told["problem"][0]["problem"]["what"] == "the disk is full" and told["problem"][0]["task"] is None


def test_a_command_that_a_crash_cut_off_is_not_run_a_second_time(tmp_path: Path) -> None:
    """It may have done its work; that it was cut off is told."""
    place = workspace(tmp_path, Clock(), hooks={"shipped": "touch ran.txt"})
    night(place)
    ending(place)
    assert queue_new(place, now=place.now()) == 1
    place.store.write(place.fact("delivery.tried", key=messages(place)[0]["key"], n=1))
    assert [p.ok for p in delivery.post(place)] == [False] and not (tmp_path / "ran.txt").exists()
    assert "died in the middle" in messages(place)[0]["said"] and messages(place)[0]["state"] == "failed"


# --- addresses -----------------------------------------------------------------------------------------------------------


def test_an_address_gets_a_post_and_is_tried_again_under_the_same_key(tmp_path: Path) -> None:
    """503 is tried again after a minute; the second one arrives, and both say which event it is."""
    clock = Clock()
    with http_receiver() as posts:
        posts.status = [503, 200]
        place = workspace(tmp_path, clock, hooks={"shipped": f"{posts.url}/hook?x=1"})
        night(place)
        task = ending(place)
        posted = delivery.post(place, stay=True, pause=clock.pause)
    assert [(p.ok, p.again) for p in posted] == [(False, True), (True, False)] and 60 <= clock.paused < 70
    assert posts.paths == ["/hook?x=1"] * 2 and json.loads(posts.bodies[0])["task"]["id"] == task
    assert len({h["Idempotency-Key"] for h in posts.headers}) == 1 and posts.headers[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize(("status", "again"), [(302, False), (404, False), (429, True), (500, True)])
def test_only_an_answer_of_200_is_a_success_and_nothing_is_followed(tmp_path: Path, status: int, again: bool) -> None:
    with http_receiver() as posts:
        posts.status = [status]
        outcome = fire(workspace(tmp_path, Clock(), hooks={"failed": posts.url}), "failed", EVENT)
    assert (outcome.ok, outcome.again) == (False, again) and f"answered {status}: thank you" in outcome.said and posts.paths == ["/"]


def test_an_address_that_never_answers_is_left_after_the_limit(tmp_path: Path) -> None:
    """Whether it is silent, sends its answer byte by byte, or is not there."""
    begin = time.monotonic()
    with silent_server() as port:
        silent = fire(workspace(tmp_path, Clock(), hooks={"failed": f"http://127.0.0.1:{port}/", "seconds": 0.5}), "failed", EVENT)
    with http_receiver() as posts:
        posts.drips = True
        drips = fire(workspace(tmp_path, Clock(), hooks={"failed": posts.url, "seconds": 0.5}), "failed", EVENT)
    down = fire(workspace(tmp_path, Clock(), hooks={"failed": f"http://127.0.0.1:{closed_port()}/"}), "failed", EVENT)
    assert [o.ok or not o.again for o in (silent, drips, down)] == [False] * 3 and time.monotonic() - begin < 8
    assert "0.5 s" in silent.said and "took longer than 0.5 s" in drips.said and "cannot be reached" in down.said


def test_an_address_with_a_token_is_a_secret_and_stays_one(tmp_path: Path) -> None:
    with http_receiver() as posts:
        secret(tmp_path, HOOK=f"{posts.url}/token-0123456789", BAD="not-an-address")
        own = {"secrets": {"file": str(tmp_path / "secrets.env")}}
        outcome = fire(workspace(tmp_path, Clock(), hooks={"failed": "secret:HOOK"}, **own), "failed", EVENT)
        assert outcome.ok and posts.paths == ["/token-0123456789"] and "token" not in outcome.said
        with pytest.raises(Refused, match="holds no address"):
            fire(workspace(tmp_path, Clock(), hooks={"failed": "secret:BAD"}, **own), "failed", EVENT)
        (tmp_path / "secrets.env").chmod(0o644)
        with pytest.raises(Refused, match="must be yours alone"):
            fire(workspace(tmp_path, Clock(), hooks={"failed": "secret:HOOK"}, **own), "failed", EVENT)
    for wrong in ("http://", "http://host:port/", "https://a b/"):
        with pytest.raises(Refused, match="no address"):
            fire(workspace(tmp_path, Clock(), hooks={"failed": wrong}), "failed", EVENT)


def test_elsewhere_an_address_is_told_no_more_than_the_detail_lets_out() -> None:
    """Counts: ids and kinds; titles: what a list shows; full: all."""
    task = {"id": "t1", "title": "Zebrafish", "description": "secret", "category": "Documentation", "priority": "LOW", "state": "failed", "why": "quagga"}
    event = EVENT | {"task": task, "attempt": {"id": "a1", "n": 1, "outcome": "finished", "verdict": "refuted", "verdict_why": "quagga", "log": "data/x"}}
    assert "Zebrafish" not in json.dumps(shown(event, "counts")) and shown(event, "counts")["task"] == {"id": "t1"}
    titles = json.dumps(shown(event, "titles"))
    assert "Zebrafish" in titles and "quagga" not in titles and "data/x" not in titles
    assert shown(event, "full") == event
    problem = EVENT | {"problem": {"key": "log:/home/me/x.log", "kind": "log", "severity": "high", "what": "x"}}
    assert shown(problem, "counts")["problem"] == {"kind": "log"}


# --- the night -----------------------------------------------------------------------------------------------------------


def test_the_postman_is_not_called_where_nothing_is_switched_on(tmp_path: Path) -> None:
    place = workspace(tmp_path, Clock())
    assert not call(place.home, place.settings) and not (tmp_path / LOG).exists()


def test_a_session_never_waits_for_a_hook_that_hangs(tmp_path: Path) -> None:
    """The session is over while its hook still runs; the hook has heard of the ending, and is ended after its own limit."""
    mark = f"sleep 62{os.getpid() % 1000:03d}"
    place = workspace(tmp_path, Clock(), hooks={"shipped": f"cat > told.json; echo begun > begun.txt; {mark}", "seconds": 4.0})
    place = open_workspace(tmp_path, actor="person:test")
    queue.add(place, "Write", "", 0.01, "Documentation", "MEDIUM", now=place.now(), command="true", checks=["true"])
    place.store.write(opened(place, at=place.now()))
    now = place.now()
    own = queue.Session("s1", now + timedelta(seconds=60), now + timedelta(seconds=80), 3, 7)
    assert queue.work(place, own, engine=LocalEngine()).attempts == 1
    assert messages(place) == [] or messages(place)[0]["state"] in ("waiting", "trying")  # it has not ended: the session did not wait for it
    until = time.monotonic() + 60
    while (not messages(place) or messages(place)[0]["state"] in ("waiting", "trying")) and time.monotonic() < until:
        time.sleep(0.2)
    assert json.loads((tmp_path / "told.json").read_text())["event"] == "shipped"
    assert gone(mark.replace(" ", "\0")) and "did not end within 4.0 s" in messages(place)[0]["said"]

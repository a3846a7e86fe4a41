"""The logs: every line comes from a fact, is safe to print, and reaches who follows the file, across a rotation too."""

import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.model.fact import Fact, new_id
from jarvis_lib.model.ledger import RULES
from jarvis_lib.store.logs import lines, rotate, write_logs
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, ended, opened, passed, task

AT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


def fact(kind: str, /, **data: Any) -> Fact:
    return Fact(new_id(), AT, "person:test", kind, data)


def until(true: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait for something that must happen; fail when it does not."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_a_night_is_readable_in_the_five_files(place: Place) -> None:
    """A real store writes them: who did what, what was started with which limits, what was decided and why."""
    one = task("Write the guide")
    place.store.write(added(place, one), opened(place))
    phase = place.fact("session.phase", session="s1", name="plan", event="ended", said="1 task planned", seconds=0.25)
    place.store.write(phase, claimed(place, one, "a1"), ended(place, one, "a1", evidence=[passed()]))
    place.store.write(place.fact("session.closed", session="s1", outcome="completed", said="1 of 1 verified"))
    logs = place.home / "logs"
    night = (logs / "overnight_execution.log").read_text()
    assert "2026-11-23T23:30:00.000000Z  session s1  opened" in night
    assert "phase plan ended  1 task planned  (0.2 s)" in night
    assert f"attempt a1 of task {one.id}  ended finished  exit 0  (1.5 s)" in night
    spawn = json.loads((logs / "subagent_spawns.jsonl").read_text())
    assert (spawn["recipe"], spawn["limits"], spawn["place"]) == ({"kind": "command", "argv": ["true"], "cwd": "."}, {}, "data/attempts/a1")
    queue = (logs / "queue_actions.log").read_text()
    assert f'person:test  added  {one.id}  "Write the guide"' in queue
    assert f"policy  accepted  {one.id}" in queue
    assert f"{one.id}  auto  rule " in (logs / "decisions.log").read_text()


def test_no_text_of_a_task_reaches_the_terminal_as_more_than_text(tmp_path: Path) -> None:
    """Line ends, colours and direction marks in a title cannot forge a line or move the cursor."""
    nasty = "a\nb\x1b[31mred\u202e\x07 <script>"
    write_logs(
        tmp_path,
        [fact("task.added", task={"id": "t1", "title": nasty}), fact("attempt.claimed", attempt="a", spec={"recipe": {"argv": [nasty]}})],
    )
    for path in tmp_path.iterdir():
        text = path.read_text()
        assert len(text.splitlines()) == 1 and not any(c in text for c in "\x1b\u202e\x07")


@pytest.mark.parametrize("kind", sorted(RULES))
@pytest.mark.parametrize("data", [{}, {k: ["x"] for k in ("task", "fix", "spec", "reasons", "seconds", "session")}])
def test_any_fact_has_its_lines(kind: str, data: dict[str, Any]) -> None:
    """A fact with missing or strange values never stops the drain."""
    assert all("\n" not in text for _, text in lines(fact(kind, **data)))


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """The store goes on; the reason is told."""
    (tmp_path / "logs").write_text("a file where the folder should be")
    said = write_logs(tmp_path / "logs", [fact("notice", kind="x", sentence="hello")])
    assert said.startswith("The logs in ") and said.endswith(".")


def test_deleted_logs_come_back(tmp_path: Path) -> None:
    """The files are safe to delete."""
    for _ in range(2):
        assert write_logs(tmp_path / "logs", [fact("notice", kind="x", sentence="hello")]) == ""
        (tmp_path / "logs" / "overnight_execution.log").unlink()


def test_a_rotation_keeps_five_and_loses_no_line(tmp_path: Path) -> None:
    """All lines stand once, in order, over the copies and the file."""
    for n in range(60):
        write_logs(tmp_path, [fact("notice", kind="x", sentence=f"line {n}.")], rotate_bytes=500)
    files = sorted(tmp_path.glob("overnight_execution.log*"), key=lambda p: -int(p.suffix[1:]) if p.suffix[1:].isdigit() else 0)
    found = [line.rpartition(" ")[2] for p in files for line in p.read_text().splitlines()]
    assert len(files) == 6
    assert found == [f"{n}." for n in range(60 - len(found), 60)]


def test_tail_follows_a_log_across_a_rotation(tmp_path: Path) -> None:
    """A plain `tail -f` shows every line once, before and after."""
    log, seen = tmp_path / "overnight_execution.log", tmp_path / "seen"
    write_logs(tmp_path, [fact("notice", kind="x", sentence="line 0.")])
    with seen.open("wb") as out:
        tail = subprocess.Popen(["tail", "-n", "+1", "-f", str(log)], stdout=out, stderr=subprocess.DEVNULL)
    try:
        for n in range(40):
            write_logs(tmp_path, [fact("notice", kind="x", sentence=f"line {n}.")] if n else [], rotate_bytes=800)
            until(lambda: f"line {n}." in seen.read_text())  # noqa: B023 - called before n moves on
    finally:
        tail.terminate()
        tail.wait()
    assert [text.rpartition("  ")[2] for text in seen.read_text().splitlines()] == [f"line {n}." for n in range(40)]
    assert (tmp_path / "overnight_execution.log.1").exists()


def test_rotation_empties_the_same_file(tmp_path: Path) -> None:
    """The file keeps its inode, so no descriptor goes stale."""
    log = tmp_path / "x.log"
    log.write_text("old\n")
    before = log.stat().st_ino
    rotate(log)
    assert (log.stat().st_ino, log.stat().st_size) == (before, 0)
    assert (tmp_path / "x.log.1").read_text() == "old\n"
    assert timedelta(0) <= timedelta(seconds=log.stat().st_mtime - (tmp_path / "x.log.1").stat().st_mtime)

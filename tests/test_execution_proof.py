"""Proof: what changed, what the guards saw, what the checks and measures said; and the verdict that follows from it."""

import sqlite3
import sys
from pathlib import Path

import pytest

from jarvis_lib.execution.keep import restore
from jarvis_lib.execution.measuring import judged, last_number
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.task import Check, Measure
from tests.execution_parts import Bench, bench, command

__all__ = ["bench"]


def of(evidence: list[Evidence], kind: str) -> list[Evidence]:
    return [e for e in evidence if e.kind == kind]


def test_a_task_with_a_good_check_and_a_change_is_verified(bench: Bench) -> None:
    """The check's own last line is the proof that people read."""
    (bench.home / "a.txt").write_text("old")
    task = command("echo new words > a.txt; echo more > b.txt", changes=("a.txt", "b.txt"), checks=(Check("grep -c new a.txt; echo 'a.txt says new'"),))
    verdict, evidence, _ = bench.night(task)
    assert verdict.word == "verified" and "a.txt says new" in verdict.why
    assert [(e.name, e.detail["how"]) for e in of(evidence, "change")] == [("a.txt", "changed"), ("b.txt", "created")]
    assert all(e.ok for e in of(evidence, "guard"))


def test_a_check_that_fails_refutes(bench: Bench) -> None:
    """The sentence has the check, its code and its last line."""
    verdict, _, _ = bench.night(command("true", checks=(Check("echo 3 links are broken; exit 1", name="links"),)))
    assert verdict.word == "refuted"
    assert "the check 'links' ended with exit 1" in verdict.why and "3 links are broken" in verdict.why


def test_a_check_that_hangs_has_failed_and_is_gone(bench: Bench) -> None:
    """A check has a limit of its own; its daemons die with it."""
    verdict, _, _ = bench.night(command("true", checks=(Check("setsid sleep 60 & sleep 60", name="slow"),)), check_s=0.7)
    assert verdict.word == "refuted" and "'slow' did not end within 0.7 s" in verdict.why
    assert bench.alive() == []


def test_checks_cut_by_the_end_of_the_session_do_not_refute(bench: Bench) -> None:
    """A check that had no time is no proof against the task."""
    bench.run(command("true"), "baseline")
    result = bench.run(command("true", checks=(Check("sleep 60"),)), "prove", left=1.0)
    assert result["outcome"] == "timed_out" and "no time left" in result["said"]


def test_a_change_that_was_promised_and_is_not_there_is_hollow(bench: Bench) -> None:
    """Exit 0 and a green check do not make up for it."""
    (bench.home / "a.txt").write_text("old")
    verdict, evidence, _ = bench.night(command("true", changes=("a.txt", "b.txt"), checks=(Check("true"),)))
    assert verdict.word == "hollow"
    assert [(e.name, e.detail["how"]) for e in of(evidence, "change")] == [("a.txt", "as it was"), ("b.txt", "still not there")]


def test_a_bug_fix_needs_a_check_that_was_red(bench: Bench) -> None:
    """Red before and green after is verified; green before proves nothing."""
    task = command("echo 42 > answer", category="Bug fixes", changes=("answer",), checks=(Check("grep -q 42 answer"),))
    verdict, evidence, _ = bench.night(task)
    assert verdict.word == "verified" and of(evidence, "check_before")[0].ok is False
    again, _, _ = Bench(bench.home).night(command("echo 43 >> answer", category="Bug fixes", changes=("answer",), checks=(Check("grep -q 42 answer"),)))
    assert again.word == "unverified"


@pytest.mark.parametrize(
    "line",
    [
        "echo '# x' >> jarvis.toml",
        "mkdir -p .github && echo x > .github/ci.yml",
        "mkdir -p .ci && echo x > .ci/run",
        "echo '[alias]' >> .git/config",
        "mkdir -p notebooks/reports && echo '{}' > notebooks/reports/morning_brief.ipynb",
    ],
)
def test_a_change_of_settings_ci_or_git_trips_the_guard(bench: Bench, line: str) -> None:
    """It becomes a question, whatever its checks say."""
    (bench.home / ".git").mkdir()
    (bench.home / ".git" / "config").write_text("[core]\n")
    verdict, evidence, _ = bench.night(command(line, checks=(Check("true"),)))
    assert (verdict.word, verdict.state) == ("unverified", "review")
    assert any(e.ok is False for e in of(evidence, "guard"))


def test_documentation_may_change_documentation_only(bench: Bench) -> None:
    """A declared page is fine; code that it also touched, declared or not, trips the guard."""
    (bench.home / "app.py").write_text("x = 1\n")
    good, _, _ = bench.night(command("mkdir -p docs; echo text > docs/api.md", category="Documentation", changes=("docs",), checks=(Check("true"),)))
    assert good.word == "verified"
    bad, _, _ = Bench(bench.home).night(
        command("echo y >> app.py; echo t >> docs/api.md", category="Documentation", changes=("docs",), checks=(Check("true"),))
    )
    assert bad.word == "unverified" and "app.py changed" in bad.why


def test_a_file_that_became_a_link_out_trips_the_guard(bench: Bench) -> None:
    """A recipe cannot smuggle a way out of the workspace into a declared folder."""
    (bench.home / "docs").mkdir()
    verdict, _, results = bench.night(command("ln -s /etc docs/etc", changes=("docs",), checks=(Check("true"),)))
    assert verdict.word == "unverified" and "leads out of the workspace" in verdict.why
    assert restore(bench.home, results["baseline"]["before"], results["prove"]["after"]) == ["docs/etc"]


def test_checks_see_what_was_kept_and_cannot_harm_it(bench: Bench) -> None:
    """{kept} and JARVIS_KEPT lead to a copy laid out by path; spoiling it does not spoil undo."""
    (bench.home / "d").mkdir()
    (bench.home / "d" / "a.txt").write_text("old")
    check = Check(
        'test "$(cat {kept}/d/a.txt)" = old && test "$(cat $JARVIS_KEPT/d/a.txt)" = old && echo spoiled > {kept}/d/a.txt && test "$(cat {changed})" = new'
    )
    verdict, _, results = bench.night(command("printf new > d/a.txt", changes=("d/a.txt",), checks=(check,)))
    assert verdict.word == "verified", verdict
    assert restore(bench.home, results["baseline"]["before"], results["prove"]["after"]) == ["d/a.txt"]
    assert (bench.home / "d" / "a.txt").read_text() == "old"


def test_a_faster_file_is_measured_in_turns(bench: Bench) -> None:
    """Kept copy against live file, interleaved, with ratio, interval and n; the live file stays what the recipe left."""
    (bench.home / "delay").write_text("0.06")
    measure = Measure(
        f"{sys.executable} -c \"import time; d = float(open('{{changed}}').read()); b = time.perf_counter(); time.sleep(d); print(time.perf_counter() - b)\"",
        name="wait",
        repeats=5,
        target=2,
    )
    verdict, evidence, _ = bench.night(command("printf 0.02 > delay", category="Performance optimization", changes=("delay",), measures=(measure,)))
    assert verdict.word == "verified", verdict
    detail = of(evidence, "measure")[0].detail
    assert detail["n"] == 5 and detail["interleaved"] and 1 < detail["low"] <= detail["ratio"] <= detail["high"]
    assert 2 < detail["ratio"] < 4 and verdict.why.startswith("wait ") and "x faster (" in verdict.why and "n=5): " in verdict.why


def test_a_database_measured_on_a_copy_can_still_be_undone(bench: Bench) -> None:
    """Opening the kept database in WAL mode writes to it: only to the copy."""
    path = bench.home / "app.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t AS SELECT 1 AS x")
    db.close()
    original = path.read_bytes()
    line = f"{sys.executable} -c \"import sqlite3; c = sqlite3.connect('app.db'); c.execute('CREATE INDEX i ON t (x)'); c.commit()\""
    measure = Measure(
        f"{sys.executable} -c \"import sqlite3; c = sqlite3.connect('{{changed}}'); c.execute('INSERT INTO t VALUES (2)'); print(1)\"", unit="rows", repeats=3
    )
    _, evidence, results = bench.night(command(line, changes=("app.db",), measures=(measure,)))
    assert of(evidence, "measure")[0].ok is False
    assert restore(bench.home, results["baseline"]["before"], results["prove"]["after"])[0] == "app.db"
    assert path.read_bytes() == original and not (bench.home / "app.db-wal").exists()


def test_a_measure_without_a_kept_copy_is_taken_before_and_after(bench: Bench) -> None:
    """It says that it was not interleaved."""
    (bench.home / "size").write_text("100")
    task = command("echo 50 > size", category="Performance optimization", measures=(Measure("cat size", name="size", unit="KB"),))
    verdict, evidence, results = bench.night(task)
    assert results["baseline"]["measured"] == {"size": [100.0] * 7}
    assert verdict.why == "size 2.0x lower (2.0 to 2.0, n=7, not interleaved): 100 KB -> 50 KB"
    assert of(evidence, "measure")[0].detail["target"] == 0


def test_a_measure_that_prints_nothing_or_fails_refutes(bench: Bench) -> None:
    """No number is no proof; the sentence says why."""
    (bench.home / "a").write_text("1")
    task = command("echo 2 > a", changes=("a",), measures=(Measure("echo none {changed} | tr -d '0-9'"), Measure("echo no such table >&2; exit 4; {changed}")))
    verdict, evidence, _ = bench.night(task)
    assert verdict.word == "refuted" and "printed no number" in verdict.why
    assert "no such table" in of(evidence, "measure")[1].said


@pytest.mark.parametrize(
    ("before", "after", "ok", "said"),
    [
        ([2.41] * 7, [0.46] * 7, True, "q 5.2x faster (5.2 to 5.2, n=7): 2.41 s -> 0.46 s"),
        ([1.0, 1.1, 0.9], [1.0, 0.9, 1.1], False, "q: no difference shown"),
        ([1.0] * 5, [2.0] * 5, False, "q 2.0x slower (2.0 to 2.0, n=5): 1 s -> 2 s"),
        ([12.0] * 3, [0.0] * 3, True, "q better (n=3): 12 s -> 0 s"),
    ],
)
def test_the_sentence_of_a_measure(before: list[float], after: list[float], ok: bool, said: str) -> None:
    """Better only when the whole interval lies on the better side."""
    found = judged(Measure("x", name="q"), "q", before, after, seed=1, interleaved=True)
    assert found.ok is ok and found.said.startswith(said)


def test_a_target_that_is_missed_is_not_ok() -> None:
    """Twice as fast is not the three times that were asked for."""
    found = judged(Measure("x", target=3), "q", [2.0] * 5, [1.0] * 5, seed=1, interleaved=True)
    assert found.ok is False and "short of the 3x that was asked for" in found.said


@pytest.mark.parametrize(
    ("text", "value"),
    [("took 0.46 s", 0.46), ("n 7\n1,234.5", 1234.5), ("1e-3", 0.001), ("sqlite3 v2", None), ("-4\n", -4), ("x=5ms", 5), ("nothing", None), ("1e999", None)],
)
def test_the_last_number(text: str, value: float | None) -> None:
    """Digits inside of words are no numbers."""
    assert last_number(text) == value


def test_a_baseline_that_cannot_keep_is_a_failure_with_its_reason(bench: Bench) -> None:
    """Nothing runs on files that could not be put back."""
    result = bench.run(command("true", changes=("../outside",)), "baseline")
    assert result["outcome"] == "failed" and "does not lie below the workspace" in result["said"]
    assert not Path(bench.home.parent / "outside").exists()

"""`jarvis doctor`: one line for each thing a night needs; it reaches the last line whatever is broken."""

import grp
import json
import os
import pwd
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue
from jarvis_lib.cli import render
from jarvis_lib.cli.entry import main
from jarvis_lib.doors.doctor import Finding, examine, worst
from jarvis_lib.workspace import open_workspace

NOW = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
NAMES = [
    *("Workspace", "Python", "Disk", "Folders", "Access", "Store", "Clock", "Windows", "Calendar", "Holidays", "Sources"),
    *("Notebooks", "Cron", "Git", "Sandbox", "Agent"),
]


def found(home: Path | None) -> dict[str, Finding]:
    return {f.name: f for f in examine(home, now=NOW)}


def test_a_whole_workspace_has_no_problem(home: Path) -> None:
    findings = examine(home, now=NOW)
    assert [f.name for f in findings] == NAMES
    assert [f for f in findings if f.level == "problem"] == []
    assert all(f.todo for f in findings if f.level != "ok")
    assert "nobody holds it" in found(home)["Store"].said


def test_a_task_for_an_agent_without_one_is_not_well(home: Path) -> None:
    """An open task asks for an agent and none is switched on: the line says so and what to do; a sentence ends once."""
    place = open_workspace(home, actor="person:test")
    assert found(home)["Agent"].level == "ok"
    said = autonomous_queue.add(place, "Fix the login", "", 1.0, "Bug fixes", "MEDIUM", now=place.now(), agent="any").said
    assert "No agent is switched on; name one in jarvis.toml: [agent] order" in said
    told = found(home)["Agent"]
    assert told.level == "warning" and "Fix the login waits for a coding agent: No agent is switched on" in told.said and told.todo
    assert all(".." not in line for line in render.findings([told, Finding("Program", "problem", "It is not there.", "install it")]))


def test_what_others_may_write_is_told(home: Path) -> None:
    """Whoever may write a notebook or the spool decides what runs at night; a group of which nobody else is a member is nobody else."""
    assert found(home)["Access"].level == "ok"
    (home / "notebooks").mkdir()
    (home / "notebooks").chmod(0o775)
    own = pwd.getpwuid(os.geteuid()).pw_gid
    if {p.pw_uid for p in pwd.getpwall() if p.pw_gid == own} <= {0, os.geteuid()} and not set(grp.getgrgid(own).gr_mem) - {"root"}:
        assert found(home)["Access"].level == "ok"
    (home / "data" / "spool").mkdir(parents=True, exist_ok=True)
    (home / "data" / "spool").chmod(0o777)
    told = found(home)["Access"]
    assert told.level == "warning" and "everybody may write data/spool" in told.said and told.todo.startswith("keep it to yourself: chmod -R go-w ")


def test_a_disk_that_would_hold_every_task_back_is_told(home: Path) -> None:
    """By the rule that a session asks, so that nobody reads `ok` and finds in the morning that nothing was started."""
    assert found(home)["Disk"].level in ("ok", "warning") and "nothing more is started" not in found(home)["Disk"].said
    text = (home / "jarvis.toml").read_text()
    (home / "jarvis.toml").write_text(text.replace("disk_floor_gb = 0", "disk_floor_gb = 1000000"))
    finding = found(home)["Disk"]
    assert finding.level == "warning" and "less than [limits] disk_floor_gb = 1e+06; nothing more is started" in finding.said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_others_or_to_a_group_with_others_is_told(home: Path) -> None:
    other = next(p for p in pwd.getpwall() if p.pw_uid not in (0, os.geteuid()) and p.pw_gid != 0)
    os.chown(home / "jarvis.toml", other.pw_uid, 0)
    (home / "notebooks").mkdir()
    os.chown(home / "notebooks", 0, other.pw_gid)
    (home / "notebooks").chmod(0o775)
    said = found(home)["Access"].said
    assert f"jarvis.toml belongs to {other.pw_name}" in said and f"the group {grp.getgrgid(other.pw_gid).gr_name} may write notebooks" in said
    os.chown(home / "jarvis.toml", 54_321, 0)
    os.chown(home / "notebooks", 0, 54_321)
    assert "jarvis.toml belongs to user 54321" in found(home)["Access"].said and "(chown -R)" in found(home)["Access"].todo


def test_without_a_workspace_the_rest_is_still_looked_at() -> None:
    findings = found(None)
    assert findings["Workspace"].level == "problem" and findings["Workspace"].todo == "make a workspace with: jarvis init"
    assert {"Python", "Notebooks", "Git"} <= set(findings)


def test_every_mistake_of_the_settings_is_told(home: Path) -> None:
    (home / "jarvis.toml").write_text("[nigth]\nlanes = 3\n[goals]\nbuilds_per_day = 3\n")
    said = found(home)["Workspace"].said
    assert "line 1: unknown section [nigth]. Did you mean 'night'?" in said and "line 4" in said


def test_a_source_that_is_not_there_is_a_warning(home: Path) -> None:
    (home / "jarvis.toml").write_text('[sources]\ndatabase = "data/none.sqlite"\n')
    finding = found(home)["Sources"]
    assert finding.level == "warning" and "database = 'data/none.sqlite'" in finding.said


def test_a_foreign_program_that_holds_the_file_is_named(home: Path) -> None:
    """The store goes on from the journal, and the doctor names who is in the way."""
    assert found(home)["Store"].level == "ok"
    program = "import duckdb, sys; con = duckdb.connect('data/jarvis.duckdb'); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as foreign:
        assert foreign.stdout is not None and foreign.stdout.readline() == "held\n"
        finding = found(home)["Store"]
        foreign.communicate("")
    assert finding.level == "warning" and f"PID {foreign.pid}" in finding.said


def test_a_file_that_is_not_a_store_is_a_problem(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data/jarvis.duckdb").write_bytes(b"something else entirely" * 1000)
    before = (home / "data/jarvis.duckdb").read_bytes()
    assert found(home)["Store"].level == "problem"
    assert (home / "data/jarvis.duckdb").read_bytes() == before


def test_the_worst_level_counts() -> None:
    assert worst([Finding("a", "ok", ""), Finding("b", "warning", "")]) == "warning"
    assert worst([Finding("a", "problem", ""), Finding("b", "warning", "")]) == "problem"


@pytest.mark.parametrize(("toml", "code"), [("", 0), ("[nigth]\n", 5)])
def test_the_exit_code_says_whether_a_problem_stands(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, toml: str, code: int
) -> None:
    (home / "jarvis.toml").write_text(toml)
    monkeypatch.chdir(home)
    assert main(["doctor"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert all(line.split()[0] in ("ok", "warning", "problem") for line in lines)
    assert main(["doctor", "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "jarvis.doctor/1" and {"name", "level", "said", "todo"} == set(told["data"][0])


def test_folders_that_cannot_be_written_are_a_problem(home: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    (home / "logs").mkdir(mode=0o500)
    assert found(home)["Folders"].level == "problem"

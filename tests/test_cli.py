"""The command line: what it prints where, what it refuses with which exit code, and what it never loads."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import psutil
import pytest

from jarvis_lib.cli.entry import CODES, PARTS, main, top
from jarvis_lib.cli.shape import Group, WithExample
from jarvis_lib.store.place import Place

ADD = ("add", "Test task", "Testing system", "1.0", "Documentation", "MEDIUM")
Jarvis = Callable[..., tuple[int, str, str]]


@pytest.fixture
def jarvis(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Jarvis:
    """Run a command line in the workspace: (exit code, standard output, standard error)."""
    monkeypatch.chdir(home)

    def run(*argv: str) -> tuple[int, str, str]:
        code = main(argv)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def process(home: Path, *argv: str, env: dict[str, str] | None = None, code: str = "") -> subprocess.CompletedProcess[str]:
    """The same in a process of its own; `code` runs after the command line."""
    program = f"import sys\nfrom jarvis_lib.cli.entry import main\ncode = main({argv!r})\n{code or 'sys.exit(code)'}"
    return subprocess.run([sys.executable, "-c", program], cwd=home, env=os.environ | (env or {}), capture_output=True, text=True, check=False)


def spooled(home: Path) -> list[Path]:
    return sorted((home / "data/spool").glob("*.json")) if (home / "data/spool").is_dir() else []


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below `group` with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


# --- add -----------------------------------------------------------------------------------------------------------------


def test_add_records_one_fact_and_says_what_it_took(jarvis: Jarvis, home: Path) -> None:
    """The acknowledgement is one file in the spool; the echo names id, hours, category and priority."""
    code, out, _ = jarvis("add", "Write docs", "", "1.5", "docs", "low", "--command", "echo hi", "--check", "true")
    (file,) = spooled(home)
    task = json.loads(file.read_text())["data"]["task"]
    assert code == 0
    said = "It is safe on disk. Whether it may run without your yes, you see with: jarvis inbox"
    assert out == f"Added {task['id']}: Write docs (1.5 h, Documentation, LOW). Recipe: echo hi (yours). 1 check. {said}\n"


def test_add_without_a_fitting_recipe_names_the_one_command(jarvis: Jarvis) -> None:
    _, out, _ = jarvis(*ADD)
    assert "so it will be parked. Make it runnable: jarvis queue edit" in out


@pytest.mark.parametrize("category", ["Documentation", "Performance optimization", "New features"])
def test_add_never_loads_what_is_slow(home: Path, category: str) -> None:
    """Plain `add` needs neither the database nor any of the analytic libraries."""
    heavy = ["duckdb", "polars", "altair", "sklearn", "papermill", "numpy", "psutil", "jarvis_lib.store.store"]
    ran = process(home, "add", "T", "D", "1", category, "LOW", "--command", "echo hi", code=f"print([m for m in {heavy!r} if m in sys.modules])")
    assert ran.stdout.splitlines()[-1] == "[]", ran.stderr


@pytest.mark.parametrize("verb", [["list"], ["next"], ["scheduler", "stats"], ["queue", "list"]])
def test_reading_verbs_never_load_the_analytic_libraries(home: Path, verb: list[str]) -> None:
    heavy = ["polars", "altair", "sklearn", "papermill", "nbconvert"]
    ran = process(home, *verb, code=f"print(code, [m for m in {heavy!r} if m in sys.modules])")
    assert ran.stdout.splitlines()[-1] == "0 []", ran.stderr


def test_the_entry_loads_click_and_nothing_heavy(home: Path) -> None:
    program = "import sys, jarvis_lib.cli.entry; print([m for m in sys.modules if m.startswith('jarvis_lib.') and '.cli' not in m])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_settings_file_is_read_anew_after_any_change(jarvis: Jarvis, home: Path) -> None:
    """What `add` remembers of jarvis.toml holds for that very text only."""
    assert jarvis(*ADD)[0] == 0
    assert jarvis(*ADD)[0] == 0
    (home / "jarvis.toml").write_text("[sources]\ndatabse = 'x'\n[goals]\nbuilds_per_day = 3\n")
    code, out, err = jarvis(*ADD)
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "jarvis: jarvis.toml line 2: unknown key 'databse' in [sources]. Did you mean 'database'?",
        "jarvis: jarvis.toml line 4: [goals] builds_per_day: must be a list, not 3",
    ]


def test_add_with_after_opens_the_store_and_says_what_was_applied(jarvis: Jarvis) -> None:
    _, out, _ = jarvis("add", "One", "", "1", "docs", "LOW", "--command", "echo hi", "--json")
    first = json.loads(out)["data"]["task"]["id"]
    code, out, _ = jarvis("add", "Two", "", "1", "docs", "LOW", "--command", "echo hi", "--after", first[:6])
    assert code == 0 and "It is queued." in out
    code, _, err = jarvis("add", "Three", "", "1", "docs", "LOW", "--command", "echo hi", "--depends", "zzzzzz")
    assert code == 3 and "There is no task 'zzzzzz'" in err


def test_paths_are_seen_from_where_they_are_typed(jarvis: Jarvis, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "notes").mkdir()
    (home / "notes/a.txt").write_text("a")
    monkeypatch.chdir(home / "notes")
    _, out, _ = jarvis("add", "T", "", "1", "docs", "LOW", "--command", "echo hi", "--changes", "a.txt", "--json")
    assert json.loads(out)["data"]["task"]["changes"] == ["notes/a.txt"]


# --- refusals and exit codes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "code", "part"),
    [
        (("add", "", "d", "1", "docs", "LOW"), 2, "The title is empty"),
        (("add", "x" * 10_000, "d", "1", "docs", "LOW"), 2, "10,000 characters"),
        (("add", "T", "d", "0", "docs", "LOW"), 2, "more than 0"),
        (("add", "T", "d", "-1", "docs", "LOW"), 2, "-1 is below 0"),
        (("add", "T", "d", "-0.5", "docs", "LOW"), 2, "-0.5 is below 0"),
        (("add", "T", "d", "NaN", "docs", "LOW"), 2, "more than 0"),
        (("add", "T", "d", "500", "docs", "LOW"), 2, "split the task"),
        (("add", "T", "d", "1", "cooking", "LOW"), 2, "Categories: Performance optimization, New features, Bug fixes"),
        (("add", "T", "d", "1", "docs", "URGENT"), 2, "Priorities: CRITICAL, HIGH, MEDIUM, LOW, BACKLOG"),
        (("add", "T", "d", "1", "docs"), 2, "PRIORITY is missing"),
        (("add", "T", "d", "1", "docs", "LOW", "--notebook", "no.ipynb"), 2, "There is no notebook"),
        (("add", "T", "d", "1", "docs", "LOW", "--command", "no-such-program"), 2, "was not found on the PATH"),
        (("add", "T", "d", "1", "docs", "LOW", "-p", "half"), 2, "is not NAME=VALUE"),
        (("add", "T", "d", "1", "docs", "LOW", "--due", "someday"), 2, "is not a time"),
        (("add", "T", "d", "1", "docs", "LOW", "--due", "2026-02-30 10:00"), 2, "is not a time"),
        (("list", "--at", "next week"), 2, "--at 'next week' is not a time"),
        (("queue", "list", "--state", "qeued"), 2, "Did you mean 'queued'?"),
        (("lst",), 2, "Did you mean 'list'?"),
        (("queue", "aprove", "x"), 2, "Did you mean 'approve'?"),
        (("show", "zzzzzz"), 3, "There is no task"),
        (("show", "zz"), 2, "too short"),
        (("approve", "zzzzzz"), 3, "There is no task"),
        (("undo", "zzzzzz"), 3, "There is no task"),
        (("overnight", "stop"), 3, "No session is open"),
        (("overnight", "report"), 3, "No session has run yet"),
        (("store", "repair", "--from", "none.duckdb"), 3, "There is no file"),
        (("--home", "nowhere", "list"), 3, "There is no jarvis.toml in nowhere"),
    ],
)
def test_each_refusal_is_one_sentence_with_its_exit_code(jarvis: Jarvis, home: Path, argv: tuple[str, ...], code: int, part: str) -> None:
    got, out, err = jarvis(*argv)
    assert (got, out) == (code, "")
    assert err.startswith("jarvis: ") and len(err.splitlines()) == 1
    assert part in err
    assert spooled(home) == []


def test_an_error_is_json_where_json_was_asked_for(jarvis: Jarvis) -> None:
    code, out, err = jarvis("show", "zzzzzz", "--json")
    assert (code, out) == (3, "")
    told = json.loads(err)["error"]
    assert told["code"] == "missing" and told["message"].startswith("There is no task 'zzzzzz'")


def test_outside_of_a_workspace_every_verb_says_how_to_make_one(tmp_path: Path) -> None:
    ran = process(tmp_path, "list")
    assert ran.returncode == 3
    assert ran.stderr.startswith("jarvis: There is no jarvis.toml in") and "jarvis init" in ran.stderr


@pytest.mark.parametrize(
    "argv",
    [ADD, ("approve", "zzzzzz"), ("accept", "zzzzzz"), ("undo", "last-night"), ("queue", "edit", "zzzzzz", "--hours", "2"), ("store", "rebuild")],
)
def test_an_attempt_cannot_write(jarvis: Jarvis, home: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]) -> None:
    """What runs inside of an attempt may read; it never queues, approves, accepts or undoes."""
    monkeypatch.setenv("JARVIS_ATTEMPT", "a1")
    code, _, err = jarvis(*argv)
    assert code == CODES["refused"] and "may read but not write" in err
    assert spooled(home) == []
    assert jarvis("list")[0] == 0


def test_a_folder_that_takes_no_files_is_told_and_nothing_is_left(home: Path) -> None:
    """A read-only file system, or here a file where the folder should be."""
    (home / "data").write_text("")
    ran = process(home, *ADD)
    assert ran.returncode == 1 and ran.stdout == ""
    assert ran.stderr.startswith("jarvis: Nothing was recorded") and len(ran.stderr.splitlines()) == 1


def test_a_disk_that_takes_no_more_is_told_and_nothing_is_left(home: Path) -> None:
    """The first byte of the spool file is refused by the system, as on a full disk."""
    assert process(home, *ADD).returncode == 0
    before = spooled(home)
    program = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); from jarvis_lib.cli.entry import main; sys.exit(main(sys.argv[1:]))"
    ran = subprocess.run([sys.executable, "-c", program, *ADD], cwd=home, capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and ran.stderr.startswith("jarvis: Nothing was recorded")
    assert list((home / "data/spool").iterdir()) == before


@pytest.fixture
def held_store(home: Path) -> Iterator[None]:
    """Another process has the store's lock."""
    program = "import fcntl, sys; f = open('data/store.lock', 'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    (home / "data").mkdir()
    with subprocess.Popen([sys.executable, "-c", program], cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        yield
        other.communicate("")


def test_a_busy_store_is_told_and_add_does_not_wait(home: Path, jarvis: Jarvis, held_store: None) -> None:
    (home / "jarvis.toml").write_text("[store]\nwait_seconds = 0.2\n")
    code, _, err = jarvis("list")
    assert code == CODES["busy"] and "is busy" in err
    assert jarvis(*ADD)[0] == 0


def test_an_interrupt_ends_with_130_and_no_traceback(home: Path, held_store: None) -> None:
    """Ctrl-C while the command waits for its turn."""
    # Tests that a shell runs in the background inherit that Ctrl-C is ignored, and so would the command.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from jarvis_lib.cli.entry import main"
    program += "; print('up', flush=True); sys.exit(main(['list']))"
    with subprocess.Popen([sys.executable, "-c", program], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None and running.stdout.readline() == "up\n"
        while not is_waiting(running.pid):
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _, err = running.communicate()
    assert (running.returncode, err.strip()) == (130, "")


def is_waiting(pid: int) -> bool:
    """True once the process has a second thread, which is the one that queues for the lock."""
    return psutil.Process(pid).num_threads() > 1


def test_a_fault_of_our_own_is_one_sentence_and_a_crash_file(home: Path) -> None:
    """Even what nobody foresaw prints no traceback; it stands in logs/."""
    (home / "logs").mkdir()
    code = "from jarvis_lib.cli import trouble\nprint(trouble.explain(ZeroDivisionError('boom'), ['list'])[0])"
    ran = process(home, "--help", code=code)
    (crash,) = (home / "logs").glob("crash-*.txt")
    assert str(crash) in ran.stdout and "ZeroDivisionError: boom" in ran.stdout
    assert "ZeroDivisionError" in crash.read_text()


def test_a_reader_that_goes_away_is_no_error(home: Path) -> None:
    assert process(home, *ADD).returncode == 0
    line = f"{sys.executable} -m jarvis_lib.build_scheduler list -h | true"
    ran = subprocess.run(["sh", "-c", line], cwd=home, capture_output=True, text=True, check=False)
    assert ran.stderr == ""


def test_a_title_full_of_tricks_is_harmless(jarvis: Jarvis) -> None:
    title = "<script>x</script> \x1b[31mred\x1b[0m\n'q' \"$(touch pwned)\""
    assert jarvis("add", title, "", "1", "docs", "LOW")[0] == 0
    _, out, _ = jarvis("list")
    assert "\x1b" not in out and len(out.splitlines()) == 1
    assert "<script>x</script> red 'q' \"$(touch pwned)\"" in out


# --- output --------------------------------------------------------------------------------------------------------------


def test_a_pipe_gets_tabs_and_no_escapes(jarvis: Jarvis, monkeypatch: pytest.MonkeyPatch) -> None:
    jarvis(*ADD)
    _, out, _ = jarvis("list")
    assert "\x1b" not in out
    assert out.rstrip("\n").split("\t")[1:6] == ["parked", "MEDIUM", "1", "Documentation", "Test task"]


def test_a_terminal_gets_a_table_that_fits(jarvis: Jarvis, home: Path) -> None:
    """On a terminal: a head, colour that repeats a word, and no line wider than the window."""
    jarvis("add", "A title that is much longer than any window is wide " * 3, "", "1", "docs", "LOW")
    lines = on_terminal(home, "list", columns=80)
    plain = [click.unstyle(line) for line in lines]
    assert plain[0].split() == ["ID", "STATE", "PRIORITY", "HOURS", "CATEGORY", "TITLE", "PLANNED"]
    assert all(len(line) <= 80 for line in plain)
    assert any("\x1b[33mparked" in line for line in lines)


def test_no_color_is_respected(jarvis: Jarvis, home: Path) -> None:
    jarvis(*ADD)
    assert "\x1b" not in "".join(on_terminal(home, "list", columns=80, env={"NO_COLOR": "1"}))
    assert "\x1b" not in "".join(on_terminal(home, "--no-color", "list", columns=80))


def on_terminal(home: Path, *argv: str, columns: int, env: dict[str, str] | None = None) -> list[str]:
    """The lines that a command prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    program = f"import sys\nfrom jarvis_lib.cli.entry import main\nsys.exit(main({argv!r}))"
    around = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")} | {"COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-c", program], cwd=home, env=around | (env or {}), stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        chunks = []
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                break  # the other side is closed
            if not chunk:
                break
            chunks.append(chunk)
        assert running.wait() == 0
    os.close(ours)
    return b"".join(chunks).decode().splitlines()


@pytest.mark.parametrize(
    ("argv", "schema", "kind"),
    [
        (("list",), "jarvis.tasks/1", list),
        (("queue", "list"), "jarvis.tasks/1", list),
        (("next",), "jarvis.next/1", dict),
        (("scheduler", "stats"), "jarvis.stats/1", dict),
        (("inbox",), "jarvis.inbox/1", list),
        (("queue", "progress"), "jarvis.progress/1", list),
        (("queue", "report"), "jarvis.queue_report/1", dict),
        (("scheduler", "schedule"), "jarvis.plan/1", list),
        (("problems", "list"), "jarvis.problems/1", list),
        (("problems", "metrics"), "jarvis.metrics/1", list),
        (("overnight", "status"), "jarvis.status/1", dict),
        (("overnight", "is-overnight"), "jarvis.is_overnight/1", bool),
        (("store", "verify"), "jarvis.verify/1", dict),
    ],
)
def test_json_has_a_versioned_schema_everywhere(jarvis: Jarvis, argv: tuple[str, ...], schema: str, kind: type) -> None:
    jarvis(*ADD)
    code, out, _ = jarvis(*argv, "--json")
    told = json.loads(out)
    assert code in (0, 1)
    assert set(told) == {"schema", "generated_at", "data", "warnings"}
    assert told["schema"] == schema and isinstance(told["data"], kind) and told["generated_at"].endswith("Z")


def test_another_moment_can_be_asked_for(jarvis: Jarvis) -> None:
    """`--at` is the local clock of the workspace, or ISO 8601 with an offset."""
    assert jarvis("overnight", "is-overnight", "--at", "2026-11-24 23:30")[:2] == (0, "yes\n")
    assert jarvis("overnight", "is-overnight", "--at", "2026-11-24 12:00")[:2] == (1, "no\n")
    assert jarvis("overnight", "is-overnight", "--at", "2026-11-24T12:00:00-11:00")[:2] == (0, "yes\n")
    assert jarvis("overnight", "is-overnight", "-q", "--at", "2026-11-24 12:00")[:2] == (1, "")


def test_the_session_is_refused_outside_of_its_window(home: Path, jarvis: Jarvis) -> None:
    """By day `start` is refused; a window that never opens makes that true at any time of this test."""
    (home / "jarvis.toml").write_text("[windows.overnight]\non = false\n")
    code, _, err = jarvis("overnight", "start")
    assert code == CODES["refused"] and "--anyway" in err


# --- the tree ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "command"), [pytest.param(p, c, id=" ".join(p)) for p, c in commands(top)])
def test_each_command_has_help_that_begins_with_an_example(path: tuple[str, ...], command: click.Command, jarvis: Jarvis) -> None:
    assert isinstance(command, WithExample) and command.help
    for flag in ("-h", "--help"):
        code, out, _ = jarvis(*path, flag)
        assert code == 0 and out.startswith("Example:\n  jarvis ")
    assert " ".join(path[-1:]) in command.example
    assert isinstance(command, Group) or any("--json" in p.opts for p in command.params)


@pytest.mark.parametrize(("part", "component"), PARTS.items())
def test_a_part_is_found_by_all_its_names(jarvis: Jarvis, part: str, component: str) -> None:
    """`scheduler`, `build_scheduler` and `build-scheduler` are one part."""
    for name in (part, component, component.replace("_", "-")):
        assert top.get_command(click.Context(top), name) is top.get_command(click.Context(top), part)
        assert jarvis(name, "-h")[0] == 0


@pytest.mark.parametrize(("part", "component"), PARTS.items())
def test_each_component_runs_as_a_module(home: Path, part: str, component: str) -> None:
    """`python -m jarvis_lib.X` is `jarvis <part>`."""
    ran = subprocess.run([sys.executable, "-m", f"jarvis_lib.{component}", "-h"], cwd=home, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    group = top.get_command(click.Context(top), part)
    assert isinstance(group, Group)
    assert all(f"\n  {verb} " in ran.stdout for verb in group.members)


def test_a_bare_overnight_runner_starts(home: Path) -> None:
    (home / "jarvis.toml").write_text("[windows.overnight]\non = false\n")
    ran = subprocess.run([sys.executable, "-m", "jarvis_lib.overnight_runner"], cwd=home, capture_output=True, text=True, check=False)
    assert ran.returncode == CODES["refused"] and "outside the overnight window" in ran.stderr


def test_bare_jarvis_lists_its_commands(jarvis: Jarvis) -> None:
    code, out, _ = jarvis()
    assert code == 0 and "\n  inbox " in out


# --- deciding ------------------------------------------------------------------------------------------------------------


def test_a_task_can_be_shown_approved_put_off_dropped_and_queued_again(jarvis: Jarvis) -> None:
    """The verbs of a decision, each with the applied state in its answer."""
    _, out, _ = jarvis("add", "Feature", "", "1", "New features", "LOW", "--command", "echo hi", "--json")
    task = json.loads(out)["data"]["task"]["id"]
    assert "Waits for your approval" in jarvis("inbox")[1]
    assert "title" in jarvis("show", task[:5])[1]
    assert "is now queued" in jarvis("approve", task)[1]
    assert jarvis("approve", task)[0] == CODES["refused"]
    assert "comes by itself on Thu 01 Jan 10:00" in jarvis("queue", "later", task, "--until", "2099-01-01 10:00")[1]
    assert "is now dropped" in jarvis("queue", "drop", task)[1]
    assert "is now" in jarvis("queue", "retry", task)[1]
    assert len(jarvis("why", task)[1].splitlines()) >= 2


def test_an_edit_names_what_it_changes(jarvis: Jarvis) -> None:
    _, out, _ = jarvis(*ADD, "--json")
    task = json.loads(out)["data"]["task"]["id"]
    assert jarvis("queue", "edit", task)[0] == 2
    assert jarvis("queue", "edit", task, "--check", "true", "--no-check")[0] == 2
    assert "is now queued" in jarvis("queue", "edit", task, "--command", "echo hi", "--check", "true")[1]
    _, out, _ = jarvis("show", task, "--json")
    assert json.loads(out)["data"]["task"]["content"]["recipe"]["argv"] == ["echo", "hi"]
    assert "Nothing changed" in jarvis("queue", "edit", task, "--hours", "1")[1]


def test_a_backup_opens_in_plain_duckdb(jarvis: Jarvis, home: Path, place: Place) -> None:
    import duckdb

    jarvis(*ADD)
    code, out, _ = jarvis("store", "backup", "--to", "copy.duckdb", "--json")
    assert code == 0
    with duckdb.connect(json.loads(out)["data"]["path"], read_only=True) as con:
        assert con.sql("SELECT count(*) FROM tasks").fetchall() == [(1,)]
    assert jarvis("store", "rebuild")[0] == 0
    assert jarvis("store", "verify")[0] == 0


def test_next_tells_what_the_persons_own_word_changes(jarvis: Jarvis) -> None:
    """A session follows the context at once; who looks at the plan is told of it."""
    assert "by your own word" not in jarvis("next")[1] + jarvis("next")[2]
    assert jarvis("context", "set", "gym")[0] == 0
    _, out, err = jarvis("next")
    assert "You are gym, by your own word: at most 2 at once" in out + err

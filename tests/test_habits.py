"""Does one line mean one task, can every change be rehearsed and taken back, and can a session be watched?"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.cli.entry import top
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.quick_line import due, parse
from jarvis_lib.model.task import CATEGORIES
from jarvis_lib.overnight_runner.following import Follower, read_from
from jarvis_lib.store.place import Place
from jarvis_lib.store.rehearsal import Rehearsal
from tests.conftest import NIGHT
from tests.facts import added, claimed, ended, opened, passed, task
from tests.test_cli import Jarvis, commands, jarvis, process

__all__ = ["jarvis"]
BERLIN = ZoneInfo("Europe/Berlin")
WEDNESDAY = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


# --- a line --------------------------------------------------------------------------------------------------------------


def test_the_line_of_the_guide_is_read_and_said_back() -> None:
    """Every mark of it, with the date in full."""
    line = parse("Refresh churn notebook due:fri-17:00 ~90m @overnight !high #docs +data after:j3f9x project:churn", BERLIN, now=WEDNESDAY)
    assert (line.title, line.hours, line.priority, line.category, line.window) == ("Refresh churn notebook", 1.5, "HIGH", "Documentation", "overnight")
    assert (line.tags, line.after, line.project, line.due) == (("data",), ("j3f9x",), "churn", datetime(2026, 11, 27, 16, 0, tzinfo=UTC))
    said = "1.5 h, HIGH, Documentation, in the next overnight window, due Fri 27 Nov 2026 17:00 CET, after j3f9x, tags data, project churn"
    assert line.reading(BERLIN) == f"'Refresh churn notebook': {said}"


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("x ~90", ("90 minutes", "90 hours")),
        ("x !1", ("BACKLOG", "CRITICAL")),
        ("x !high !low", ("!high", "!low")),
        ("x @work @weekend", ("@work", "@weekend")),
        ("x due:wed", ("today", "2026-12-02")),
        ("x due:next-fri", ("2026-11-27", "2026-12-04")),
        ("x due:12/01", ("2026-12-01", "2027-01-12")),
        ("x due:fri due:sat", ("due:fri", "due:sat")),
        ("x every:'mon 9'", ("09:00", "21:00")),
    ],
)
def test_a_line_that_reads_two_ways_is_refused_with_both(jarvis: Jarvis, home: Path, text: str, readings: tuple[str, str]) -> None:
    """Both readings are shown, and nothing is added."""
    with pytest.raises(Refused, match="reads two ways") as caught:
        parse(text, BERLIN, now=WEDNESDAY)
    assert all(r in caught.value.sentence for r in readings)
    if "wed" not in text:
        assert jarvis("add", text)[0] == 2 and not (home / "data/spool").exists()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("x !hihg", "Did you mean 'high'"),
        ("x @weekned", "Did you mean 'weekend'"),
        ("x #documentaton", "Did you mean 'Documentation'"),
        ("x due:2026-11-01", "has passed"),
        ("x due:2026-02-30", "no day"),
        ("x due:soon", "is not a time"),
        ("x due:25/12", "due:2026-12-25"),
        ("x ~0m", "not a span"),
        ("~90m !high", "title is empty"),
        ("x ~300h", "do not fit any window"),
    ],
)
def test_a_mark_that_means_nothing_is_refused(text: str, part: str) -> None:
    """With the nearest right one, or the form to write."""
    with pytest.raises(Refused) as caught:
        parse(text, BERLIN, now=WEDNESDAY)
    assert part in caught.value.sentence and caught.value.code == "usage"


def test_words_that_only_look_like_marks_belong_to_the_title() -> None:
    """Issue numbers, addresses, and what has a backslash before it."""
    line = parse(r"Fix issue #12 for a@b.c via http://x.y +1 ~about \@home \!now", BERLIN, now=WEDNESDAY)
    assert line.title == "Fix issue #12 for a@b.c via http://x.y +1 ~about @home !now" and not line.tags and not line.window


MARKS = ("~90m", "~9", "!high", "!x", "@work", "@", "#docs", "#x", "+a", "due:fri", "due:12/01", "due:'fri 17:00'", "every:mon-9", "after:", "\\", "~1h\n")


@given(st.lists(st.sampled_from(MARKS) | st.text(max_size=20), max_size=6).map(" ".join))
def test_any_text_is_a_task_or_one_sentence(text: str) -> None:
    """Whatever is typed: a title of one clean line, or a refusal; never another error."""
    try:
        line = parse(text, BERLIN, now=WEDNESDAY)
    except Refused as error:
        assert error.code == "usage" and "\n" not in error.sentence
        return
    assert line.title and line.title == clean(line.title)


@given(st.sampled_from(["mon", "tue", "thu", "fri", "sat", "sun", "tomorrow", "+3d", "+2w", "2026-12-24"]), st.integers(0, 23), st.integers(0, 59))
def test_a_due_date_is_ahead_and_on_the_local_clock(word: str, hour: int, minute: int) -> None:
    """It is the next such day, at just the time that was written."""
    at = due(f"{word}-{hour:02d}:{minute:02d}", BERLIN, now=WEDNESDAY)
    local = at.astimezone(BERLIN)
    assert at > WEDNESDAY and (local.hour, local.minute) == (hour, minute)
    assert len(word) != 3 or word == "+3d" or local.strftime("%a").casefold() == word or word == "+2w"


def test_add_takes_a_line_or_all_five(jarvis: Jarvis) -> None:
    """Two to four arguments are refused with what is missing; one is a line; a mark and its option together are refused."""
    assert "DESCRIPTION" not in jarvis("add", "Refresh it ~90m #docs --", "--command", "true")[2]
    code, _, err = jarvis("add", "T", "d", "1")
    assert code == 2 and "CATEGORY, PRIORITY are missing" in err
    assert "given twice" in jarvis("add", "x due:+3d", "--due", "2030-01-01 10:00")[2]


def test_a_line_is_echoed_pinned_and_recorded(jarvis: Jarvis) -> None:
    """The echo names the reading and the window; the store has both, in one go."""
    code, out, _ = jarvis("add", "Refresh churn notebook ~90m @overnight !high #docs +data", "--command", "true", "--check", "true")
    assert (
        code == 0
        and out.startswith("Read as 'Refresh churn notebook': 1.5 h, HIGH, Documentation, in the next overnight window")
        and "Pinned to Overnight" in out
    )
    (row,) = json.loads(jarvis("list", "--json")[1])["data"]
    assert (row["title"], row["state"]) == ("Refresh churn notebook", "queued")
    assert "pinned" in jarvis("undo", "--list")[1]


def test_every_category_can_be_named_in_a_line() -> None:
    """By its name with a dash for each blank or stroke."""
    for name in CATEGORIES:
        word = name.replace(" ", "-").replace("/", "-")
        assert parse(f"x #{word}", BERLIN, now=WEDNESDAY).category == name


# --- rehearsal -----------------------------------------------------------------------------------------------------------


def tree(home: Path) -> dict[str, str]:
    """Every file that holds something of the person's; locks and memories hold nothing."""
    memory = {"store.lock", "settings-read.json", "session.lock"}
    files = [p for p in home.rglob("*") if p.is_file() and p.name not in memory]
    return {str(p.relative_to(home)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


REHEARSED = {
    "jarvis add": ("Another task ~1h #docs",),
    "jarvis approve": ("{asked}",),
    "jarvis decline": ("{asked}",),
    "jarvis queue later": ("{queued}",),
    "jarvis queue drop": ("{queued}",),
    "jarvis queue edit": ("{queued}", "--hours", "3"),
    "jarvis queue retry": ("{dropped}",),
    "jarvis accept": ("{review}",),
    "jarvis undo": (),
    "jarvis scheduler schedule": (),
    "jarvis scheduler pin": ("{queued}", "tonight"),
    "jarvis context set": ("working", "--for", "1h"),
    "jarvis agents hold": ("claude", "--until", "2030-01-01 08:00"),
    "jarvis improver log-time": ("search", "5400"),
    "jarvis improver log-failure": ("weather", "504"),
    "jarvis improver log-correction": ("approvals", "do not"),
    "jarvis patterns log": ("standup",),
    "jarvis problems scan": (),
    "jarvis store rebuild": (),
    "jarvis overnight start": (),
    "jarvis memory write": (),
    "jarvis new recipe": ("clean_orders",),
}


@pytest.mark.parametrize("command", REHEARSED)
def test_a_rehearsal_leaves_no_trace(place: Place, jarvis: Jarvis, command: str) -> None:
    """It says what it would do, exits 0, and not a byte of the workspace has changed; really done, something has."""
    ids = {}
    for name, category in (("asked", "New features"), ("queued", "Documentation"), ("dropped", "Documentation"), ("review", "Documentation")):
        one = task(name, category=category)
        ids[name] = one.id
        place.store.append(added(place, one))
        if name == "review":
            place.store.append(opened(place), claimed(place, one, "a1"), ended(place, one, "a1"), place.fact("session.closed", session="s1", outcome="done"))
    jarvis("queue", "drop", ids["dropped"])
    words = [word.format(**ids) for word in (*command.split()[1:], *REHEARSED[command])]
    jarvis("list")
    before = tree(place.home)
    code, out, err = jarvis(*words, "--dry-run")
    assert code == 0 and "ry run" in out + err, (out, err)
    assert tree(place.home) == before
    if command not in ("jarvis overnight start", "jarvis problems scan", "jarvis memory write"):
        assert jarvis(*words)[0] == 0 and tree(place.home) != before


NO_REHEARSAL = {
    "cron catch-up": "cron calls it; what it would run is what `cron show` and `overnight plan` say",
}


def test_every_writer_has_a_dry_run() -> None:
    """Each verb that is refused inside of an attempt, because it writes, can be tried first, but for those that are named with their reason."""
    writers = {" ".join(path): command for path, command in commands(top) if getattr(command, "writes", False)}
    assert len(writers) > 50
    assert {w for w, command in writers.items() if "--dry-run" not in {o for p in command.params for o in p.opts}} == set(NO_REHEARSAL)


def test_a_rehearsal_tells_what_a_rule_would_refuse(place: Place) -> None:
    """The real rules decide: an approval of nothing is refused, what is allowed is seen applied, and the store has neither."""
    one = task("One", category="New features")
    place.store.append(added(place, one))
    stage = Rehearsal(place.store)
    with pytest.raises(Refused, match="There is no task"):
        stage.write(place.fact("task.dropped", task="nothere"))
    stage.write(place.fact("task.dropped", task=one.id))
    with stage.reading() as reader:
        assert reader.rows("autonomous_queue.task", id=one.id)[0]["state"] == "dropped"
    with place.store.reading() as reader:
        assert reader.rows("autonomous_queue.task", id=one.id)[0]["state"] == "parked"


# --- taking back, watching, completion -----------------------------------------------------------------------------------


def test_undo_without_words_takes_the_newest_change_back(jarvis: Jarvis) -> None:
    """It says what it took back; the list shows it as taken back; a second one takes the one before."""
    jarvis("add", "First ~1h #docs", "--command", "true")
    jarvis("add", "Second ~1h #docs", "--command", "true")
    code, out, _ = jarvis("undo")
    assert code == 0 and "added" in out and "(Second)" in out
    assert "(First)" in jarvis("undo")[1]
    code, _, err = jarvis("undo")
    assert code == 3 and "changed nothing" in err
    assert [r["taken_back"] for r in json.loads(jarvis("undo", "--list", "--json")[1])["data"]] == [True, True]


def test_a_watcher_sees_each_line_once(place: Place) -> None:
    """An attempt begins, prints, prints more, and ends: each is told in its order, and no line twice."""
    from jarvis_lib.store import lock

    one = task("Long work")
    place.store.append(added(place, one), opened(place), claimed(place, one, "a1"))
    log = place.home / "data/attempts/a1/output.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"old {n}\n" for n in range(20)))
    watcher = Follower(place, lines=2)
    with lock.held(place.home / "data/session.lock", wait_s=1, what="The session"):
        first = watcher.look(now=NIGHT)
        assert [line.split("] ")[1] for line in first if "old" in line] == ["old 18", "old 19"] and not watcher.over
        with log.open("a") as stream:
            stream.write("new 1\n\x1b[31mnew 2\nhalf")
        assert [line.split("] ")[1] for line in watcher.look(now=NIGHT)] == ["new 1", "new 2"]
        with log.open("a") as stream:
            stream.write(" a line\n")
        assert [line.split("] ")[1] for line in watcher.look(now=NIGHT)] == ["half a line"]
        place.store.append(ended(place, one, "a1", evidence=[passed()]))
        assert any("has ended" in line for line in watcher.look(now=NIGHT))
    place.store.append(place.fact("session.closed", session="s1", outcome="done"))
    assert watcher.look(now=NIGHT) == ["No session is open."] and watcher.over


def test_a_log_that_was_emptied_is_read_from_its_beginning(tmp_path: Path) -> None:
    """Rotated while it is watched; and one that floods is cut, which is said."""
    log = tmp_path / "x.log"
    log.write_text("one\ntwo\n")
    assert read_from(log, 4) == ("two\n", 8, False)
    log.write_text("new\n")
    assert read_from(log, 8) == ("new\n", 4, False)
    log.write_text("x" * 70_000 + "\nlast\n")
    text, end, skipped = read_from(log, 0)
    assert skipped and text.endswith("last\n") and end == 70_006
    assert read_from(tmp_path / "none", 3) == ("", 3, False)


def test_status_follows_until_the_session_is_over(jarvis: Jarvis) -> None:
    """Without a session it says so and ends."""
    assert jarvis("status", "--follow")[:2] == (0, "No session is open.\n")
    assert json.loads(jarvis("status", "--json")[1])["schema"] == "jarvis.status/1"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(jarvis: Jarvis, tmp_path: Path, shell: str) -> None:
    """It is printed, and the shell itself finds no fault in it where the machine has that shell."""
    code, out, _ = jarvis("completion", shell)
    assert code == 0 and "_JARVIS_COMPLETE" in out
    script = tmp_path / "completion"
    script.write_text(out)
    if shutil.which(shell):
        done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_completion_knows_verbs_options_and_open_tasks(jarvis: Jarvis, home: Path) -> None:
    """As the shells ask for it: in a process of its own, with the words so far."""
    jarvis("add", "First ~1h #docs", "--command", "true")
    (row,) = json.loads(jarvis("list", "--json")[1])["data"]

    def completed(words: str, at: int) -> list[str]:
        env = {"_JARVIS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
        program = "import sys; from jarvis_lib.cli.entry import main; sys.argv = ['jarvis']; main()"
        done = subprocess.run([sys.executable, "-c", program], cwd=home, env=os.environ | env, capture_output=True, text=True, check=False)
        return [line.split(",", 1)[1] for line in done.stdout.splitlines()]

    assert {"add", "queue", "undo"} <= set(completed("jarvis ", 1)) and "--check" in completed("jarvis add --ch", 2)
    assert completed("jarvis show ", 2) == [row["id"]]


def test_an_import_and_an_export_are_told_on_the_command_line(jarvis: Jarvis, tmp_path: Path) -> None:
    """Exit 1 when a file was refused, 0 otherwise; --json has the whole report; an export is refused where something lies."""
    old = tmp_path / "old"
    old.mkdir()
    (old / "build_queue.json").write_text('{"tasks": [{"id": 1, "title": "One"}]}')
    (old / "problems.json").write_text("{")
    code, out, _ = jarvis("import", str(old), "--json")
    told = json.loads(out)
    assert code == 1 and told["schema"] == "jarvis.import/1" and [f["imported"] for f in told["data"]["files"]] == [1, 0]
    (old / "problems.json").unlink()
    assert jarvis("import", str(old))[0] == 0 and "One" in jarvis("imported")[1]
    assert jarvis("export", str(tmp_path / "out"), "--parquet")[0] == 0 and jarvis("export", str(tmp_path / "out"))[0] == 4
    assert jarvis("export", str(tmp_path / "old2"), "--classic")[0] == 0


def test_add_by_a_line_loads_nothing_heavy(home: Path) -> None:
    """A quick line answers without the database and its friends."""
    code = "sys.stderr.write(' '.join(sorted({'duckdb', 'polars', 'altair', 'papermill', 'sklearn', 'numpy'} & set(sys.modules))))"
    done = process(home, "add", "Refresh it ~90m @overnight #docs due:+3d every:mon-09:00".replace("due:+3d ", ""), code=code)
    assert (done.returncode, done.stderr) == (0, ""), done

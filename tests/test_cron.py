"""`jarvis cron install | show | remove`: what is written into the crontab and the units, and that nothing else is ever changed."""

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.cli.entry import main
from jarvis_lib.doors.cron import block, lines, managing, units
from jarvis_lib.doors.cron.condition import condition
from jarvis_lib.doors.cron.memory import Memory, remember
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import template
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.conftest import NIGHT
from tests.cron_parts import Machine, machine

Jarvis = Callable[..., tuple[int, str, str]]
OWN = b"# mine\nMAILTO=me@example.org\n15 3 * * 1 /usr/bin/true # weekly\n"


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = machine(tmp_path_factory.mktemp("machine") / "m")
    monkeypatch.setenv("PATH", f"{made.folder / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(made.folder / "config"))
    return made


@pytest.fixture
def jarvis(home: Path, here: Machine, capfd: pytest.CaptureFixture[str]) -> Jarvis:
    def run(*args: str) -> tuple[int, str, str]:
        code = main(["--home", str(home), "cron", *args])
        out, err = capfd.readouterr()
        return code, out, err

    return run


# --- the block -----------------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.sampled_from("# *%\n\r\t0aé>< jarvis"), max_size=120), st.text(alphabet="ab /%", min_size=1, max_size=20))
def test_a_table_is_the_same_after_install_and_remove(table: str, home: str) -> None:
    """Byte for byte, also without a last newline; a second install changes nothing; an upgrade replaces."""
    if block.BEGIN in table or block.END in table:
        return
    text = block.block(home, ["0 23 * * * one"])
    with_it = block.with_block(table, home, text)
    assert block.without(with_it, [home]) == table
    assert block.with_block(with_it, home, text) == with_it
    newer = block.with_block(with_it, home, block.block(home, ["0 22 * * * two"]))
    assert "one" not in newer.replace(table, "") and block.without(newer, [home]) == table


@pytest.mark.parametrize(
    "table",
    [
        "# >>> jarvis /a\n* * * * * x\n",
        "* * * * * x\n# <<< jarvis /a\n",
        "# >>> jarvis /a\n# >>> jarvis /b\n# <<< jarvis /b\n# <<< jarvis /a\n",
        "# >>> jarvis /a\n# <<< jarvis /b\n",
        "# >>> jarvis /a\n# <<< jarvis /a\n# >>> jarvis /a\n# <<< jarvis /a\n",
    ],
)
def test_broken_markers_are_refused_and_nothing_is_written(jarvis: Jarvis, here: Machine, table: str) -> None:
    here.has(table.encode())
    for verb in ("install", "remove"):
        code, _, err = jarvis(verb, "--yes")
        assert code == 4 and "crontab" in err
    assert here.table == table.encode()


def test_two_workspaces_have_two_blocks(make_place: Callable[[datetime], Place], here: Machine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each is installed and removed by itself; one that is gone is taken out with the next change."""
    other = tmp_path_factory.mktemp("other")
    (other / "jarvis.toml").write_text(template())
    two = open_workspace(other, clock=lambda: NIGHT, actor="person:test")
    one = make_place(NIGHT)
    here.has(OWN)
    for place in (one, two):
        managing.apply(place, managing.plan_install(place, "cron"))
    table = (here.table or b"").decode()
    assert [b.home for b in block.blocks(table)] == [str(two.home), str(one.home)]
    shutil.rmtree(other)
    change = managing.plan_install(one, "cron")
    assert change.notes == (f"{other} is no workspace any more, so its lines are taken out.",)
    managing.apply(one, change)
    assert [b.home for b in block.blocks((here.table or b"").decode())] == [str(one.home)]
    managing.apply(one, managing.plan_remove(one, "cron"))
    assert here.table == OWN


# --- install and remove --------------------------------------------------------------------------------------------------


def test_install_twice_and_remove_leave_the_table_as_it_was(jarvis: Jarvis, here: Machine, home: Path) -> None:
    here.has(OWN)
    code, out, err = jarvis("install", "--yes")
    assert code == 0 and "+0 23 * * *" in err and "The crontab starts Jarvis now" in out
    first = here.table
    assert first is not None and first.endswith(OWN) and b"MAILTO" not in first.removesuffix(OWN)
    assert jarvis("install", "--yes")[1] == "Nothing to change: it stands there as it should.\n" and here.table == first
    kept = list((home / "data/crontab-backups").iterdir())
    assert [p.read_bytes() for p in kept] == [OWN] and stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert jarvis("remove", "--yes")[0] == 0 and here.table == OWN
    assert "Nothing to remove" in jarvis("remove", "--yes")[1]


def test_without_a_table_there_is_none_afterwards(jarvis: Jarvis, here: Machine) -> None:
    assert jarvis("install", "--yes")[0] == 0 and here.table
    assert jarvis("remove", "--yes")[0] == 0 and here.table is None


def test_a_dry_run_and_a_question_that_nobody_answers_change_nothing(jarvis: Jarvis, here: Machine) -> None:
    here.has(OWN)
    code, out, _ = jarvis("install", "--dry-run")
    assert code == 0 and out.startswith("--- crontab (now)") and here.table == OWN
    code, out, _ = jarvis("install", "--dry-run", "--json")
    assert json.loads(out)["data"]["changes"] is True
    code, _, err = jarvis("install")
    assert code == 4 and "--yes" in err and here.table == OWN


def test_a_crontab_that_cannot_be_read_is_never_written(jarvis: Jarvis, here: Machine) -> None:
    """`no crontab for` is an empty table; every other failure stops everything."""
    here.has(OWN)
    here.fails("read")
    for args in (["install", "--yes"], ["remove", "--yes"], ["install", "--dry-run"], ["show"]):
        code, _, err = jarvis(*args)
        assert code == 1 and "cannot reach the spool" in err, args
    assert here.table == OWN


def test_a_crontab_that_takes_nothing_or_changes_it_is_told(jarvis: Jarvis, here: Machine) -> None:
    here.has(OWN)
    here.fails("write")
    code, _, err = jarvis("install", "--yes")
    assert code == 1 and "no space left" in err and here.table == OWN
    here.fails("mangle")
    code, _, err = jarvis("install", "--yes")
    assert code == 1 and "not what was written" in err and "data/crontab-backups" in err


def test_a_table_that_changed_meanwhile_is_not_written_over(place: Place, here: Machine) -> None:
    change = managing.plan_install(place, "cron")
    here.has(OWN)
    with pytest.raises(Refused, match="has changed since"):
        managing.apply(place, change)
    assert here.table == OWN


def test_without_a_crontab_program_one_sentence_says_what_to_do(jarvis: Jarvis, here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(here.folder / "none"))
    code, _, err = jarvis("install", "--yes")
    assert code == 3 and "jarvis overnight start" in err
    assert jarvis("show")[0] == 0


def test_never_two_schedulers_at_once(jarvis: Jarvis, here: Machine) -> None:
    """The crontab and systemd's timers refuse each other, with the line that takes the first one out."""
    assert jarvis("install", "--systemd", "--yes")[0] == 0
    code, _, err = jarvis("install", "--cron", "--yes")
    assert code == 4 and "jarvis cron remove --systemd" in err and here.table is None
    assert jarvis("remove", "--yes")[0] == 0
    assert jarvis("install", "--yes")[0] == 0
    code, _, err = jarvis("install", "--systemd", "--yes")
    assert code == 4 and "jarvis cron remove --cron" in err
    assert list(units.folder().iterdir()) == []


def test_the_papermill_lines_take_the_place_of_the_reports(jarvis: Jarvis, here: Machine, place: Place) -> None:
    """The four reports are plain papermill lines, the rest is as before; it is one block, so one scheduler."""
    jarvis("install", "--yes")
    code, _, err = jarvis("install", "--papermill", "--yes")
    table = (here.table or b"").decode()
    assert code == 0, err
    assert [table.count(f"{w}.ipynb") for w in ("morning_brief", "evening_checkin", "weekend_report", "weekly_review")] == [2] * 4
    assert "overnight start --from-cron" in table and "overnight brief" not in table
    assert table.count(f" --cwd {place.home}/notebooks/reports ") == 4, "no module comes from the top of the workspace, which tasks may write"
    assert managing.standing(place, now=NIGHT).scheduler == "papermill"
    with place.store.reading() as reader:
        assert [r["scheduler"] for r in reader.rows("cron.installed")] == ["papermill"]


# --- the lines -----------------------------------------------------------------------------------------------------------


def test_the_times_are_those_of_the_windows(place: Place) -> None:
    told = {e.job: lines.said(e) for e in lines.entries(place)}
    assert told == {
        "start": "23:00 every day",
        "report": "06:30 every day",
        "brief": "07:00 every day",
        "checkin": "19:00 every day",
        "suggest": "18:00 Fri",
        "summary": "20:00 Sun",
        "review": "21:00 Sun",
        "catchup": "every 15 min",
    }
    (place.home / "jarvis.toml").write_text('[windows.overnight]\nstart = "22:00"\nend = "06:15"\ndays = ["Mon", "Sun"]\n')
    moved = open_workspace(place.home)
    made = {e.job: lines.cron_line(e, home=place.home, env=[]).split(" cd ")[0] for e in lines.entries(moved)}
    assert (made["start"], made["report"], made["brief"]) == ("0 22 * * 1,0", "45 5 * * *", "15 6 * * *")


def test_percent_signs_spaces_and_quotes_reach_the_program(tmp_path: Path) -> None:
    """What cron makes of a line (a bare % would be a newline) is given to sh: the program gets its arguments as they are, and its log is there.

    Also where somebody has deleted logs/. The service of systemd runs the same words.
    """
    home = tmp_path / "a b%d 'q' $x"
    home.mkdir()
    (home / "jarvis.toml").write_text(template())
    echo = home / "jarvis"
    echo.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n')
    echo.chmod(0o755)
    for entry in lines.entries(open_workspace(home), program=echo):
        shutil.rmtree(home / "logs", ignore_errors=True)
        line = lines.cron_line(entry, home=home, env=["PATH=/usr/bin:/bin"])
        command = line.split(" ", 5)[5]
        assert "%" not in command.replace("\\%", "")
        done = subprocess.run(["/bin/sh", "-c", command.replace("\\%", "%")], env={}, cwd="/", check=False)
        assert done.returncode == 0
        assert entry.log.read_text().splitlines() == [*entry.argv[1:]]
        shutil.rmtree(home / "logs")
        subprocess.run(["/bin/sh", "-c", lines.script(entry, units.RUN), *entry.argv], env={}, cwd=home, check=True)
        assert entry.log.read_text().splitlines() == [*entry.argv[1:]]


def test_a_path_that_no_line_can_hold_is_refused(tmp_path: Path) -> None:
    for name, words in (
        ("a\nb", "line break"),
        ("a\\%b", "backslash before a percent sign"),
        ("x" * 200 + "/" + "y" * 200 + "/" + "z" * 200, "characters, and cron takes 990"),
    ):
        home = tmp_path / name
        home.mkdir(parents=True)
        (home / "jarvis.toml").write_text(template())
        with pytest.raises(Refused, match=words):
            [lines.cron_line(e, home=home, env=[]) for e in lines.entries(open_workspace(home), program=Path("/bin/true"))]


def test_a_folder_of_programs_with_a_line_break_reaches_no_line(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind the break would be a line of the crontab, or of a unit."""
    odd = tmp_path / "a\n* * * * * touch x #"
    odd.mkdir()
    (odd / "git").write_text("#!/bin/sh\n")
    (odd / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{odd}:/usr/bin:/bin")
    env = lines.environment(place)
    assert not [word for word in env if "\n" in word]
    assert all("\n" not in lines.cron_line(e, home=place.home, env=env) for e in lines.entries(place, program=Path("/bin/true")))


def test_by_another_clock_than_crons_only_the_catch_up_is_a_line(place: Place, here: Machine) -> None:
    (place.home / "jarvis.toml").write_text('[person]\nzone = "Pacific/Chatham"\n')
    far = open_workspace(place.home, clock=lambda: NIGHT, actor="person:test")
    managing.apply(far, managing.plan_install(far, "cron"))
    text = (here.table or b"").decode()
    assert text.count("--from-cron") == 1 and "cron catch-up" in text and "Pacific/Chatham" in text
    assert not lines.same_clock("Europe/Berlin", ZoneInfo("Europe/London"), now=NIGHT)
    assert lines.same_clock("Etc/UTC", ZoneInfo("UTC"), now=NIGHT)


def test_a_zone_of_the_shell_alone_goes_into_the_lines(place: Place, here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """TZ of the person's shell is not there under cron, so the lines carry it; a zone in the settings needs no line."""
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    far = open_workspace(place.home, clock=lambda: NIGHT, actor="person:test")
    assert managing.plan_install(far, "cron").after["crontab"].count(" TZ=Pacific/Chatham ") == 1
    (place.home / "jarvis.toml").write_text('[person]\nzone = "Pacific/Chatham"\n')
    named = open_workspace(place.home, clock=lambda: NIGHT, actor="person:test")
    assert "TZ=" not in managing.plan_install(named, "cron").after["crontab"]


def test_units_are_verified_by_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`systemd-analyze verify` finds nothing to say about any unit, with a `%`, a space and a quote in the path, and each time can be read."""
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not here")
    home = tmp_path / "a b%d"
    home.mkdir()
    (home / "jarvis.toml").write_text('[person]\nzone = "Europe/Berlin"\n')
    program = home / "jarvis"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    made = units.texts(home, lines.entries(open_workspace(home), program=program), env=["PATH=/usr/bin:/bin"], zone="Europe/Berlin")
    assert len(made) == 16
    folder = tmp_path / "units"
    folder.mkdir()
    for name, text in made.items():
        (folder / name).write_text(text)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    done = subprocess.run([verify, "verify", "--user", *map(str, folder.iterdir())], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if units.stem(home) in line]
    assert (done.returncode, told) == (0, []), done.stderr
    times = [line.partition("=")[2] for text in made.values() for line in text.splitlines() if line.startswith("OnCalendar=")]
    read = subprocess.run([verify, "calendar", *times], capture_output=True, text=True, check=False)
    assert read.returncode == 0 and "Fri *-*-* 18:00:00 Europe/Berlin" in read.stdout, read.stderr


def test_timers_are_started_and_stopped(jarvis: Jarvis, here: Machine, home: Path) -> None:
    """Files first, then daemon-reload and enable; at the end disable, then the files go."""
    code, out, _ = jarvis("install", "--systemd", "--yes")
    assert code == 0 and "8 timers" in out
    assert "daemon-reload" in here.asked[1] + here.asked[2] and here.asked[-1].startswith(f"--user enable --now {units.stem(home)}-start.timer")
    assert jarvis("install", "--systemd", "--yes")[1].startswith("Nothing to change")
    assert jarvis("show")[1].startswith("Started by systemd")
    assert jarvis("remove", "--yes")[0] == 0 and any(line.startswith("--user disable --now") for line in here.asked)
    assert list(units.folder().iterdir()) == []


def test_without_a_systemd_of_ones_own_no_unit_is_written(jarvis: Jarvis, here: Machine) -> None:
    here.fails("bus")
    code, _, err = jarvis("install", "--systemd", "--yes")
    assert code == 1 and "No medium found" in err and not units.folder().exists()


# --- what the doctor says ------------------------------------------------------------------------------------------------


def test_the_doctor_believes_the_last_run_only(place: Place, here: Machine) -> None:
    """Nothing installed, installed and silent, alive, silent for hours, entries that are not what the settings want."""
    assert condition(place, now=NIGHT)[1] == "nothing starts the night by itself"
    here.has(b"0 23 * * * cd /a && .venv/bin/python -m jarvis_lib.overnight_runner start\n")
    assert condition(place, now=NIGHT)[:2] == ("ok", "1 line of your own in the crontab start Jarvis; there is no catch-up after a sleep")
    assert managing.plan_install(place, "cron").notes[0].startswith("1 line of your own starts Jarvis too; that does not clash")
    managing.apply(place, managing.plan_install(place, "cron"))
    assert "has not run yet" in condition(place, now=NIGHT)[1]
    remember(place.home, Memory(beat=NIGHT - timedelta(minutes=7)))
    assert condition(place, now=NIGHT) == ("ok", "started by cron; catch-up last ran 7 min ago", "")
    assert condition(place, now=NIGHT + timedelta(hours=5))[0] == "warning"
    (place.home / "jarvis.toml").write_text('[windows.overnight]\nstart = "22:00"\nend = "07:00"\n')
    changed = open_workspace(place.home, clock=lambda: NIGHT, actor="person:test")
    assert "not what the settings want" in condition(changed, now=NIGHT)[1]


# --- under cron's own environment ----------------------------------------------------------------------------------------


def test_the_lines_run_in_crons_environment(home: Path, here: Machine, jarvis: Jarvis, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`env -i` with cron's five variables, from the home folder: each line ends well and is quiet where there is nothing to say."""
    (home / "jarvis.toml").write_text("[windows.overnight]\non = false\n[cron]\nwindows = []\n")
    jarvis("install", "--yes")
    own = tmp_path_factory.mktemp("own")
    env = {"HOME": str(own), "LOGNAME": "somebody", "PATH": "/usr/bin:/bin", "PWD": str(own), "SHELL": "/bin/sh"}
    rows = [line for line in (here.table or b"").decode().splitlines() if not line.startswith("#")]
    quick = [row for row in rows if any(f"# jarvis:{job}" in row for job in ("checkin", "suggest", "catchup"))]
    assert len(quick) == 3
    for row in quick:
        done = subprocess.run(["/bin/sh", "-c", row.split(" ", 5)[5].replace("\\%", "%")], env=env, cwd=own, check=False)
        log = home / row.split(">>")[1].split(" ")[0]
        assert (done.returncode, log.read_text()) == (0, ""), row


def test_lines_of_the_old_kind_work(home: Path) -> None:
    """`cd … && python -m jarvis_lib.<component> <verb>`, as the older Jarvis told people to write them, for all eight."""
    (home / "jarvis.toml").write_text("[windows.overnight]\non = false\n")
    words = {
        "build_scheduler next": 0,
        "autonomous_queue progress": 0,
        "context_scheduler detect": 0,
        "problem_predictor list": 0,
        "pattern_learner list": 0,
        "self_improver stats": 0,
        "overnight_runner start": 4,
        "weekend_planner progress": 0,
    }
    env = {"HOME": "/nonexistent", "LOGNAME": "somebody", "PATH": "/usr/bin:/bin", "PWD": "/", "SHELL": "/bin/sh"}
    for line, code in words.items():
        command = f"cd {shlex.quote(str(home))} && {shlex.quote(sys.executable)} -m jarvis_lib.{line}"
        done = subprocess.run(["/bin/sh", "-c", command], env=env, cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == code and "Traceback" not in done.stderr, (line, done.stderr)


def test_each_change_keeps_the_table_before_it(place: Place, here: Machine) -> None:
    """Two changes in one moment keep two tables, in a folder for their owner alone."""
    here.has(OWN)
    managing.apply(place, managing.plan_install(place, "cron"))
    managing.apply(place, managing.plan_remove(place, "cron"))
    kept = list((place.home / managing.BACKUPS).iterdir())
    assert len(kept) == 2 and OWN in [p.read_bytes() for p in kept]
    assert os.stat(place.home / managing.BACKUPS).st_mode & 0o777 == 0o700

"""The slot ledger: due, claimed, done or missed by the local clock; one of many knocks works; a morning without a brief does not exist."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.cli.entry import main
from jarvis_lib.doors.cron import last_resort
from jarvis_lib.doors.cron.catching_up import catch_up
from jarvis_lib.doors.cron.knocking import answer, at
from jarvis_lib.doors.cron.memory import Memory, recall, remember
from jarvis_lib.doors.cron.slots import claimed, is_dead, look, newest, this_process
from jarvis_lib.model.fact import Fact, Refused, stamp
from jarvis_lib.model.settings import parse, template
from jarvis_lib.model.timetable import Job, Occasion, decide, jobs, occasions, sessions
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import opened

BERLIN = ZoneInfo("Europe/Berlin")
SETTINGS = parse("")
JOBS = jobs(SETTINGS.windows, finish_by="20:00")
KINDS = ("overnight", "quick_win", "work_hours", "weekend")
QUIET = "[windows.overnight]\non = false\n[cron]\nwindows = []\n"


def local(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def slots(begin: str, end: str, zone: ZoneInfo = BERLIN) -> dict[str, tuple[str, str]]:
    """Key -> (due, until) on the local clock."""
    found = occasions(JOBS, zone, local(begin), local(end)) + sessions(SETTINGS.windows, KINDS, zone, local(begin), local(end))
    return {o.key: (f"{o.due.astimezone(zone):%a %H:%M}", f"{o.until.astimezone(zone):%a %H:%M}") for o in found}


# --- the rules -----------------------------------------------------------------------------------------------------------


def test_a_week_has_these_slots_and_no_others() -> None:
    """Start until 05:00, brief until 18:00, check-in until 23:00, the weekend's suggestion until Sunday 08:00."""
    found = slots("2026-11-27 12:00", "2026-11-30 12:00")
    assert found == {
        "checkin@2026-11-27": ("Fri 19:00", "Fri 23:00"),
        "suggest@2026-11-27": ("Fri 18:00", "Sun 08:00"),
        "quick_win@2026-11-27": ("Fri 19:00", "Fri 22:00"),
        "overnight@2026-11-27": ("Fri 23:00", "Sat 05:00"),
        "report@2026-11-28": ("Sat 06:30", "Sat 18:00"),
        "brief@2026-11-28": ("Sat 07:00", "Sat 18:00"),
        "weekend@2026-11-28": ("Sat 09:00", "Sat 19:00"),
        "checkin@2026-11-28": ("Sat 19:00", "Sat 23:00"),
        "overnight@2026-11-28": ("Sat 23:00", "Sun 05:00"),
        "report@2026-11-29": ("Sun 06:30", "Sun 18:00"),
        "brief@2026-11-29": ("Sun 07:00", "Sun 18:00"),
        "weekend@2026-11-29": ("Sun 09:00", "Sun 19:00"),
        "checkin@2026-11-29": ("Sun 19:00", "Sun 23:00"),
        "summary@2026-11-29": ("Sun 20:00", "Mon 18:00"),
        "review@2026-11-29": ("Sun 21:00", "Mon 18:00"),
        "overnight@2026-11-29": ("Sun 23:00", "Mon 05:00"),
        "report@2026-11-30": ("Mon 06:30", "Mon 18:00"),
        "brief@2026-11-30": ("Mon 07:00", "Mon 18:00"),
        "work_hours@2026-11-30": ("Mon 09:00", "Mon 15:00"),
    }


@pytest.mark.parametrize(("night", "hours"), [("2026-03-28", 5), ("2026-10-24", 7), ("2026-11-24", 6)])
def test_the_nights_of_a_clock_change_have_one_slot_of_their_own_length(night: str, hours: int) -> None:
    """23:00 to 05:00 by the local clock is five, seven and six real hours; there is one key for each night."""
    found = sessions(SETTINGS.windows, ["overnight"], BERLIN, local(f"{night} 12:00"), local(f"{night} 12:00") + timedelta(days=1))
    assert [(o.key, (o.until - o.due) / timedelta(hours=1)) for o in found] == [(f"overnight@{night}", hours)]


def test_a_job_in_a_skipped_or_repeated_hour_is_due_once() -> None:
    """02:30 does not exist on 29 March (due at the jump, 03:00), and is twice on 25 October (due the first time)."""
    job = Job("brief", "the brief", tuple(range(7)), time(2, 30), timedelta(hours=2))
    spring = occasions([job], BERLIN, local("2026-03-28 12:00"), local("2026-03-29 12:00"))
    autumn = occasions([job], BERLIN, local("2026-10-24 12:00"), local("2026-10-25 12:00"))
    assert [o.due for o in spring] == [datetime(2026, 3, 29, 1, tzinfo=UTC)]
    assert [(o.due, o.until) for o in autumn] == [(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 3, 30, tzinfo=UTC))]


@given(st.integers(0, 400 * 24 * 60), st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Pacific/Apia"]))
def test_every_slot_has_one_key_and_a_time_to_run_in(minute: int, name: str) -> None:
    """At any moment of a year in any zone: no key twice, each ends after it was due, and decide says what the clock says."""
    zone = ZoneInfo(name)
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    found = occasions(JOBS, zone, begin, begin + timedelta(days=3)) + sessions(SETTINGS.windows, KINDS, zone, begin, begin + timedelta(days=3))
    assert len({o.key for o in found}) == len(found)
    for one in found:
        assert begin <= one.due < one.until
        stands = [decide(one, None, now=moment) for moment in (one.due - timedelta(seconds=1), one.due, one.until - timedelta(seconds=1), one.until)]
        assert stands == ["early", "run", "run", "missed"]
        assert decide(one, {"state": "claimed"}, now=one.until) == "claimed"


# --- the ledger ----------------------------------------------------------------------------------------------------------


def claim(place: Place, key: str = "brief@2026-11-24", *, at: datetime, pid: int = 1, **more: Any) -> Fact:
    due = datetime(2026, 11, 24, 7, tzinfo=UTC)
    data = {"slot": key, "job": "brief", "due": stamp(due), "until": stamp(due + timedelta(hours=11)), "owner": owner(pid)}
    return place.fact("slot.claimed", actor="cron", at=at, **(data | more))


def owner(pid: int) -> dict[str, Any]:
    return {"pid": pid, "started": 0.0, "booted": 0.0, "host": "here"}


def refusal(place: Place, fact: Fact) -> str:
    return place.store.append(fact)[0].refused or ""


MORNING = datetime(2026, 11, 24, 7, 5, tzinfo=UTC)


def test_a_slot_is_claimed_once_and_never_late_or_early(place: Place) -> None:
    assert "not yet there" in refusal(place, claim(place, at=MORNING - timedelta(minutes=6)))
    assert "is over; nothing is run late" in refusal(place, claim(place, at=MORNING + timedelta(hours=11)))
    assert refusal(place, claim(place, at=MORNING)) == ""
    assert "is claimed since 2026-11-24 07:05" in refusal(place, claim(place, at=MORNING, pid=2))


def test_a_claim_of_a_dead_process_passes_on_and_not_for_ever(place: Place) -> None:
    """Whoever names the owner that it saw dead takes the slot; of two who saw the same only one; after three deaths nobody."""
    from jarvis_lib.model.fact import text

    place.store.write(claim(place, at=MORNING))
    assert refusal(place, claim(place, at=MORNING, pid=2, dead=text(owner(1)))) == ""
    assert "is claimed since" in refusal(place, claim(place, at=MORNING, pid=3, dead=text(owner(1))))
    assert refusal(place, claim(place, at=MORNING, pid=3, dead=text(owner(2)))) == ""
    assert "begun 3 times" in refusal(place, claim(place, at=MORNING, pid=4, dead=text(owner(3))))


def test_only_who_claimed_ends_it_and_a_failure_is_told(place: Place) -> None:
    place.store.write(claim(place, at=MORNING))
    done = {"slot": "brief@2026-11-24", "outcome": "failed", "said": "no disk"}
    assert "not yours to end" in refusal(place, place.fact("slot.done", at=MORNING, owner=owner(2), **done))
    assert refusal(place, place.fact("slot.done", at=MORNING, owner=owner(1), **done)) == ""
    with place.store.reading() as reader:
        assert [n["sentence"] for n in reader.rows("store.notices_since", since=MORNING)] == ["brief@2026-11-24 failed: no disk"]
    missed = {k: claim(place, at=MORNING).data[k] for k in ("slot", "job", "due", "until")}
    assert "has its row already" in refusal(place, place.fact("slot.missed", at=MORNING + timedelta(days=1), why="", **missed))
    assert "not missed yet" in refusal(place, place.fact("slot.missed", at=MORNING, why="", **(missed | {"slot": "report@2026-11-24"})))


def test_a_session_by_hand_holds_the_slot_of_its_window(place: Place) -> None:
    """Nothing starts a second one; its end is the slot's end; a session that died leaves the slot to be begun anew."""

    def row() -> dict[str, Any]:
        with place.store.reading() as reader:
            return reader.one("cron.slot", slot="overnight@2026-11-23") or {}

    place.store.write(opened(place))
    assert (row()["state"], row()["session"]) == ("claimed", "s1")
    place.store.write(place.fact("session.closed", session="s1", outcome="died", said="it died"))
    assert row()["state"] == "claimed"
    place.store.write(opened(place, "s2"), place.fact("session.closed", session="s2", outcome="finished", said="done"))
    assert (row()["state"], row()["outcome"], row()["said"]) == ("done", "worked", "done")


def test_a_session_of_other_hours_than_the_windows_holds_no_slot(place: Place) -> None:
    """`overnight start --for 20m` at 23:00 does not take the night from the one that cron starts."""
    fact = opened(place)
    place.store.write(Fact(fact.id, fact.at, fact.actor, fact.kind, fact.data | {"whole": False}))
    with place.store.reading() as reader:
        assert reader.one("cron.slot", slot="overnight@2026-11-23") is None


def test_a_process_is_dead_only_when_that_is_sure(place: Place) -> None:
    """This one lives; its number with another start is somebody else; a process of another machine is taken for alive."""
    own = this_process()
    assert not is_dead(json.dumps(own))
    assert is_dead(json.dumps(own | {"started": own["started"] - 100}))
    assert not is_dead(json.dumps(own | {"started": 0, "host": "elsewhere"}))
    set_back = {"started": own["started"] + 3600, "booted": own["booted"] + 3600}
    assert not is_dead(json.dumps(own | set_back)), "the clock was set by an hour since it claimed, and it works on"
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert is_dead(json.dumps(own | {"pid": gone.pid}))


def test_of_many_claims_at_once_one_holds(place: Place) -> None:
    """Eight threads claim one slot through the store; one works, the others are told that it is taken (75)."""
    from concurrent.futures import ThreadPoolExecutor

    due = open_workspace(place.home, clock=lambda: MORNING, actor="person:test")
    slot = newest(due, "brief", now=MORNING)
    assert slot is not None and slot.stands == "run"

    def try_it(number: int) -> str:
        mine = open_workspace(place.home, clock=lambda: MORNING, actor="person:test")
        try:
            with claimed(mine, slot, now=MORNING):
                return "worked"
        except Refused as error:
            return error.code

    with ThreadPoolExecutor(8) as many:
        found = sorted(many.map(try_it, range(8)))
    assert found == ["busy"] * 7 + ["worked"]


# --- knocks --------------------------------------------------------------------------------------------------------------


def quiet(make_place: Callable[[datetime], Place], now: datetime, settings: str = QUIET) -> Place:
    place = make_place(now)
    (place.home / "jarvis.toml").write_text(settings)
    return make_place(now)


def test_a_knock_works_once_and_says_nothing_without_need(make_place: Callable[[datetime], Place]) -> None:
    """An empty queue gives a quiet check-in; the second knock is busy; one after its time is told and does nothing."""
    evening = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
    place = quiet(make_place, evening)
    assert at(place, "checkin") == at(quiet(make_place, evening - timedelta(days=0)), "report")  # both have nothing to say
    second = at(place, "checkin")
    assert second.code == "busy" and "done already" in second.said
    late = at(make_place(datetime(2026, 11, 25, 23, 30, tzinfo=UTC)), "checkin")
    assert late.code == "" and "nothing is run late" in late.said
    assert "is missed" in at(make_place(datetime(2026, 11, 23, 18, 0, tzinfo=UTC)), "summary").said
    assert at(make_place(datetime(2026, 11, 26, 6, 0, tzinfo=UTC)), "summary").said == ""


def test_a_start_waits_while_a_session_runs(make_place: Callable[[datetime], Place]) -> None:
    """The slot stays free for the next catch-up."""
    place = make_place(datetime(2026, 11, 24, 23, 0, tzinfo=UTC))
    fd = lock.take(place.home / "data" / "session.lock", wait_s=1, what="a session")
    try:
        assert at(place, "start").code == "busy"
    finally:
        os.close(fd)
    slot = newest(place, "overnight", now=place.now())
    assert slot is not None and (slot.stands, slot.row) == ("run", None)


def test_a_busy_context_leaves_the_slot_free(make_place: Callable[[datetime], Place]) -> None:
    """A window in which the context allows no work is not claimed; the next catch-up asks again, and the reason is known when it is missed."""
    noon = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
    place = quiet(make_place, noon, '[cron]\nwindows = ["weekend"]\n[windows.overnight]\non = false\n[context.allows]\nweekend = { start_work = false }\n')
    done = catch_up(place)
    assert done.ran == [] or not any("weekend" in key for key in done.ran)
    assert "allows no work" in recall(place.home).kept_out["weekend@2026-11-28"]
    with place.store.reading() as reader:
        assert reader.one("cron.slot", slot="weekend@2026-11-28") is None


def installed(place: Place, when: datetime) -> None:
    place.store.write(place.fact("cron.installed", at=when, scheduler="cron"))


def test_what_was_slept_over_is_a_row_and_a_line_in_the_brief(make_place: Callable[[datetime], Place]) -> None:
    """Three days asleep: every slot whose time is over has a row, one notice tells them with the silence, and nothing of it is run."""
    from jarvis_lib import overnight_runner

    monday = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    place = make_place(monday)
    installed(place, monday)
    assert catch_up(place).failed == []
    awake = make_place(datetime(2026, 11, 26, 18, 20, tzinfo=UTC))
    done = catch_up(awake)
    assert done.ran == [] and len(done.said) == 1
    assert (
        "the session of Overnight of Mon 23 Nov 23:00" in done.said[0]
        and "nothing of Jarvis ran here from Mon 23 Nov 12:00 to Thu 26 Nov 18:20" in done.said[0]
    )
    with awake.store.reading() as reader:
        rows = reader.rows("cron.slots_since", since=monday)
    assert {r["state"] for r in rows} == {"missed"}
    assert {r["slot"] for r in rows} == {f"{job}@2026-11-{day}" for job in ("checkin", "overnight") for day in (23, 24, 25)} | {
        f"{job}@2026-11-{day}" for job in ("report", "brief") for day in (24, 25, 26)
    }
    assert catch_up(awake).said == []
    made = overnight_runner.brief(awake, as_of=awake.now() + timedelta(hours=13))
    assert any(line.name == "Cron" and "Missed and not run late" in line.said for line in made.system)


def test_nothing_is_missed_where_nothing_was_installed(make_place: Callable[[datetime], Place]) -> None:
    place = quiet(make_place, datetime(2026, 11, 26, 18, 20, tzinfo=UTC), "[cron]\nwindows = []\n")
    assert catch_up(place).said == []
    assert [s.occasion.key for s in look(place, now=place.now()) if s.row is not None] == []


def test_a_series_comes_again_without_a_session(make_place: Callable[[datetime], Place]) -> None:
    """Its Monday has come and no session worked: the catch-up puts the next task into the queue, once."""
    from jarvis_lib import autonomous_queue

    friday = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
    place = quiet(make_place, friday, "[cron]\nwindows = []\n")
    first = autonomous_queue.add(place, "Weekly", "", 0.5, "docs", "LOW", now=friday, command="true", checks=["true"], every="mon 09:00")
    autonomous_queue.drop(place, first.task.id, now=friday)
    monday = make_place(datetime(2026, 11, 30, 9, 20, tzinfo=UTC))
    for _ in range(2):
        assert catch_up(monday).failed == []
        come = [r for r in autonomous_queue.listing(monday, now=monday.now()) if r["id"] != first.task.id]
        assert [(r["title"], r["added_at"]) for r in come] == [("Weekly", monday.now())]


def test_the_catch_up_does_what_is_still_worth_doing(make_place: Callable[[datetime], Place]) -> None:
    """Awake at 19:30: the check-in of 19:00 is done now, the suggestion of Friday too; context and metrics are noted."""
    friday = datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
    place = quiet(make_place, friday)
    installed(place, friday)
    awake = make_place(friday + timedelta(hours=2, minutes=30))
    done = catch_up(awake)
    assert (sorted(done.ran), done.failed) == (["checkin@2026-11-27", "suggest@2026-11-27"], [])
    with awake.store.reading() as reader:
        assert reader.one("context_scheduler.last_transition", now=awake.now())
        assert {r["outcome"] for r in reader.rows("cron.slots_since", since=friday)} == {"nothing"}
    assert catch_up(awake).ran == []


def test_a_window_that_was_worked_by_hand_is_not_worked_again(make_place: Callable[[datetime], Place]) -> None:
    """A hand-written line started the night at 23:00 and it has ended; the catch-up of 23:45 and the managed line leave it alone."""
    place = make_place(datetime(2026, 11, 23, 23, 0, tzinfo=UTC))
    installed(place, place.now() - timedelta(hours=1))
    place.store.write(opened(place), place.fact("session.closed", session="s1", outcome="finished", said="done"))
    later = make_place(datetime(2026, 11, 23, 23, 45, tzinfo=UTC))
    assert at(later, "start").code == "busy"
    assert (catch_up(later).ran, catch_up(later).failed) == ([], [])


def test_the_catch_up_opens_the_window_that_is_on_once(make_place: Callable[[datetime], Place]) -> None:
    """Saturday 09:15: a session of the weekend, worked to its end, and no second one at 09:30."""
    place = quiet(make_place, datetime(2026, 11, 28, 9, 15, tzinfo=UTC), '[windows.overnight]\non = false\n[cron]\nwindows = ["weekend"]\n')
    installed(place, place.now() - timedelta(minutes=10))
    done = catch_up(place)
    assert (done.ran, done.failed) == (["weekend@2026-11-28"], []) and "has ended: 0 attempts" in done.said[0]
    later = make_place(datetime(2026, 11, 28, 9, 30, tzinfo=UTC))
    assert catch_up(later).ran == []
    with later.store.reading() as reader:
        row = reader.one("cron.slot", slot="weekend@2026-11-28") or {}
        assert (row["state"], row["outcome"], row["n"]) == ("done", "worked", 1) and row["session"]


def test_a_slot_with_its_own_knock_is_left_to_it_for_a_moment(make_place: Callable[[datetime], Place]) -> None:
    """The catch-up of 19:00 leaves the check-in to the line of 19:00; the one of 19:15 does it if that did not."""
    place = quiet(make_place, datetime(2026, 11, 24, 19, 0, 2, tzinfo=UTC))
    assert catch_up(place).ran == []
    assert catch_up(make_place(datetime(2026, 11, 24, 19, 15, 2, tzinfo=UTC))).ran == ["checkin@2026-11-24"]


def test_a_catch_up_with_nothing_due_loads_nothing_heavy(home: Path) -> None:
    """It runs every fifteen minutes: no papermill, frames, learners or charts, and none of the parts that work a night."""
    (home / "jarvis.toml").write_text(QUIET)
    program = (
        "import sys\nfrom jarvis_lib.cli.entry import main\ncode = main(['cron', 'catch-up', '--from-cron'])\n"
        "heavy = {'papermill', 'polars', 'altair', 'sklearn', 'numpy', 'nbconvert', 'pandas', 'jarvis_lib.overnight_runner'}\n"
        "heavy |= {'jarvis_lib.autonomous_queue.loop', 'jarvis_lib.autonomous_queue.sessions'}\n"
        "sys.stderr.write(' '.join(sorted(heavy & set(sys.modules))))\nsys.exit(code)"
    )
    place = open_workspace(home)
    with place.store.reading():
        pass
    for slot in look(place, now=place.now()):
        if slot.stands == "run":
            at(place, slot.occasion.of)
    done = subprocess.run([sys.executable, "-c", program], cwd=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_init_asks_on_a_terminal_and_only_there(tmp_path: Path) -> None:
    """Two questions, yes and no; with an answer on the command line, or without a terminal, none."""
    import pty

    theirs, ours = pty.openpty()
    os.write(theirs, b"y\nn\n")
    program = "from jarvis_lib.cli.entry import main; main()"
    for name, words, stdin, asked in (("a", [], ours, 2), ("b", ["--no-quick-win", "--work-hours"], ours, 0), ("c", [], subprocess.DEVNULL, 0)):
        argv = [sys.executable, "-c", program, "init", str(tmp_path / name), *words]
        done = subprocess.run(argv, stdin=stdin, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("[y/N]")) == (0, asked), done.stderr
    os.close(theirs)
    os.close(ours)
    chosen = [open_workspace(tmp_path / name).settings.get("cron", "windows") for name in "abc"]
    assert chosen == [["overnight", "quick_win", "weekend"], ["overnight", "work_hours", "weekend"], ["overnight", "weekend"]]


def test_a_memory_that_is_damaged_costs_nothing(make_place: Callable[[datetime], Place]) -> None:
    place = quiet(make_place, datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    remember(place.home, Memory(beat=place.now(), kept_out={"a": "b"}))
    assert recall(place.home).kept_out == {"a": "b"}
    for text in ("", "{", "[]", '{"beat": 3}', '{"beat": null, "looked": null, "kept_out": []}'):
        (place.home / "data/catch-up.json").write_text(text)
        assert recall(place.home) == Memory()
    assert catch_up(place).failed == []


# --- the dead man's switch -----------------------------------------------------------------------------------------------


def test_a_broken_settings_file_still_gives_a_plain_brief(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it found, why there is no other brief, and what to do; exit 1, so that the scheduler tells it too."""
    (home / "jarvis.toml").write_text("[nigth]\n")
    assert main(["--home", str(home), "overnight", "brief", "--from-cron"]) == 1
    out = capsys.readouterr().out
    path = Path(out.rsplit(" stands in ", 1)[1].strip())
    text = path.read_text()
    assert path.is_relative_to(home / "reports") and path.name.endswith("-brief.txt")
    assert "unknown section [nigth]" in text and "Session: none is open" in text and "jarvis doctor" in text
    assert "unknown section [nigth]" in (home / "reports/latest-brief.html").read_text()


def test_a_damaged_journal_still_gives_a_plain_brief(make_place: Callable[[datetime], Place]) -> None:
    """With the record of the night and the last lines of its log, which need no store."""
    place = make_place(MORNING)
    for _ in range(3):
        place.store.write(place.fact("notice", kind="test", sentence="x"))
    journal = next((place.home / "data/journal").glob("*.jsonl"))
    journal.write_bytes(journal.read_bytes().replace(b'"notice"', b'"nitwit"', 1))
    record = {"tasks_completed": 2, "tasks_spawned": 3, "outcome": "finished", "tasks": [{"title": "Docs", "outcome": "finished", "verdict": "verified"}]}
    (place.home / "logs").mkdir(exist_ok=True)
    (place.home / "logs/overnight_report_2026-11-23.json").write_text(json.dumps(record))
    (place.home / "logs/overnight_execution.log").write_text("\x1b[31mlast words\n")
    (place.home / "data/jarvis.duckdb").unlink()
    found = answer(place.home, "brief", clock=lambda: MORNING)
    assert found.code == "failed"
    text = Path(found.said.rsplit(" stands in ", 1)[1]).read_text()
    assert "2 of 3 tasks verified" in text and "Docs: finished, verified" in text and "last words" in text and "\x1b" not in text


@pytest.mark.parametrize("job", ["brief", "checkin"])
def test_a_slot_whose_starts_all_died_is_told_and_leaves_a_plain_brief(make_place: Callable[[datetime], Place], job: str) -> None:
    """A machine without the memory for it kills the brief each time; the morning has a page all the same, and the slot is not silently held for ever."""
    now = MORNING if job == "brief" else datetime(2026, 11, 24, 19, 10, tzinfo=UTC)
    place = make_place(now)
    slot = newest(place, job, now=now)
    assert slot is not None
    from jarvis_lib.model.fact import text

    dead = [{"pid": 2**22 + n, "started": 0.0, "booted": 0.0, "host": os.uname().nodename} for n in range(3)]
    data = {"slot": slot.occasion.key, "job": job, "due": stamp(slot.occasion.due), "until": stamp(slot.occasion.until)}
    for n, owner_ in enumerate(dead):
        before = {"dead": text(dead[n - 1])} if n else {}
        place.store.write(place.fact("slot.claimed", actor="cron", at=now, **data, owner=owner_, **before))
    done = catch_up(place)
    assert [f for f in done.failed if "begun 3 times, and each time its process died" in f]
    ended = newest(place, job, now=now)
    assert ended is not None and ended.row is not None and (ended.row["state"], ended.row["outcome"]) == ("done", "failed")
    pages = sorted(p.name for p in (place.home / "reports").rglob("2026-11-24-brief.txt"))
    assert pages == (["2026-11-24-brief.txt"] if job == "brief" else [])
    assert not catch_up(place).failed


def test_the_plain_brief_is_written_wherever_there_is_room(tmp_path: Path) -> None:
    """No workspace at all, a file in the place of reports/: it still lands somewhere, and every part that fails says so itself."""
    (tmp_path / "reports").write_text("a file in the way")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/overnight_report_x.json").write_text("{")
    path = last_resort.write(tmp_path, ValueError("bad\nnews"), now=MORNING)
    text = path.read_text()
    assert path.parent == tmp_path / "logs" and "Why: bad news" in text and "Record: could not be looked at" in text


def test_another_job_than_the_brief_fails_plainly(home: Path) -> None:
    (home / "jarvis.toml").write_text("[nigth]\n")
    assert main(["--home", str(home), "overnight", "checkin", "--from-cron"]) == 2
    assert main(["--home", str(home), "overnight", "checkin", "--from-cron", "--at", "2026-11-24"]) == 2


def test_the_template_has_the_key_that_init_asks_for(tmp_path: Path) -> None:
    """Quick win and work hours are opened by themselves only where the person said so."""
    from jarvis_lib.doors.init import init

    init(tmp_path / "a")
    assert (tmp_path / "a/jarvis.toml").read_text() == template()
    init(tmp_path / "b", also=["work_hours"])
    assert open_workspace(tmp_path / "b").settings.get("cron", "windows") == ["overnight", "work_hours", "weekend"]
    assert main(["init", str(tmp_path / "c"), "--quick-win"]) == 0
    assert open_workspace(tmp_path / "c").settings.get("cron", "windows") == ["overnight", "quick_win", "weekend"]


def test_an_occasion_is_a_session_by_its_window() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert [Occasion("x", of, "", moment, moment).is_session for of in ("overnight", "brief")] == [True, False]

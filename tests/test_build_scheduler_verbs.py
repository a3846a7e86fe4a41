"""The plan before it is written: what-if, pins, rebuild, the night's timeline. Real stores; nothing is written that only looks."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import build_scheduler
from jarvis_lib.build_scheduler import foresight, supposed
from jarvis_lib.build_scheduler.night import Job, finishes, simulate
from jarvis_lib.cli.entry import main
from jarvis_lib.cli.plan_cards import change_lines, night_lines, view_lines
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Forecast, Luck
from jarvis_lib.store.place import Place
from jarvis_lib.store.rows import Rows
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, opened, task
from tests.test_build_scheduler import BERLIN, DEFAULTS, NOW, hours_from_now, made, one

PlaceAt = Callable[[datetime], Place]


@pytest.fixture
def at_seven(make_place: PlaceAt) -> Place:
    """A workspace in Berlin on a Tuesday at 19:00, when the quick win opens."""
    return replace(make_place(NOW), zone=BERLIN)


def facts(place: Place) -> int:
    return sum(1 for path in (place.home / "data" / "journal").iterdir() for _ in path.read_text().splitlines())


def tonight(place: Place, count: int = 3, hours: float = 3.0) -> list[str]:
    tasks = [task(f"Night {i}", hours=hours, priority="HIGH") for i in range(count)]
    place.store.write(*[added(place, t) for t in tasks])
    return [t.id for t in tasks]


# --- what-if -------------------------------------------------------------------------------------------------------------


def test_a_supposed_task_says_where_it_would_land_and_writes_nothing(at_seven: Place) -> None:
    """Thirty minutes land in the quick win and move nothing; the journal is as long as before."""
    tonight(at_seven)
    build_scheduler.make_plan(at_seven, now=NOW)
    before = facts(at_seven)
    view = build_scheduler.view(at_seven, now=NOW, with_text="30m fix the login !high due:fri")
    assert view.what_if.startswith("“fix the login” would land Tue 24 Nov 19:00 to 19:46 (Quick win of Tue 24 Nov); moves nothing. Due Fri 27 Nov 23:59")
    assert facts(at_seven) == before


def test_a_supposed_task_names_what_it_would_move(at_seven: Place) -> None:
    """Tomorrow's night is full of low work; an urgent one would move one of it, from where to where."""
    at_seven.store.write(*[added(at_seven, task(f"Low {i:02d}", hours=5.9, priority="LOW")) for i in range(12)])
    build_scheduler.make_plan(at_seven, now=NOW)
    view = build_scheduler.view(at_seven, now=NOW, with_text="4h urgent !critical due:2026-11-26T06:45")
    assert [c.what for c in view.changes] == ["moved"]
    assert "moves " in view.what_if and "(Low " in view.what_if and "from Wed 25 Nov" in view.what_if


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fix the login", "needs how long"),
        ("0m nothing", "more than 0"),
        ("300h x", "limit is 200"),
        ("30m x foo:bar", "does not know 'foo:bar'"),
        ("30m x #tag", "does not know '#tag'"),
        ("30m x !urgent", "Unknown priority"),
        ("30m x @nothing", "Unknown category"),
        ("30m x !high !low", "names the priority twice"),
        ("30m x due:someday", "is not a day"),
        ("30m x due:2026-02-30", "is not a day"),
        ("30m x due:2020-01-01", "is in the past"),
    ],
)
def test_what_is_unclear_in_a_supposed_task_is_refused(text: str, why: str) -> None:
    """One sentence, which says what to write."""
    with pytest.raises(Refused, match=why) as told:
        supposed.read(text, DEFAULTS, BERLIN, now=NOW)
    assert told.value.code == "usage"


@pytest.mark.parametrize(
    ("text", "hours", "due"),
    [
        ("1h30 a", 1.5, None),
        ("1h30m a", 1.5, None),
        ("1.5h a", 1.5, None),
        ("90min a", 1.5, None),
        ("2h a due:tue", 2.0, "2026-11-24T22:59"),
        ("1h due:2026-11-25T08:00", 1.0, "2026-11-25T07:00"),
    ],
)
def test_the_small_grammar_of_a_supposed_task(text: str, hours: float, due: str | None) -> None:
    """Lengths in four spellings; a weekday is the coming one's end, and today counts; times are local."""
    found = supposed.read(text, DEFAULTS, BERLIN, now=NOW)
    assert found.hours == hours
    assert (found.due and found.due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")) == due


# --- pins ----------------------------------------------------------------------------------------------------------------


def test_a_pin_is_a_fact_and_the_plan_follows(at_seven: Place) -> None:
    """Pinned to Friday's night, planned there, shown as pinned, and let go again."""
    first, *_ = tonight(at_seven)
    build_scheduler.make_plan(at_seven, now=NOW)
    said = build_scheduler.pin(at_seven, first[:6], "overnight fri", now=NOW)
    assert said.startswith(f"Pinned {first} (Night 0) to Overnight of Fri 27 Nov. You pinned it to Overnight of Fri 27 Nov")
    row = next(r for r in build_scheduler.plan_rows(at_seven, now=NOW) if r["task"] == first)
    assert (row["window"], row["code"]) == ("overnight@2026-11-27", "pinned")
    assert build_scheduler.unpin(at_seven, first, now=NOW).startswith(f"Unpinned {first} (Night 0). Kept where it was")
    with pytest.raises(Refused, match="is not pinned"):
        build_scheduler.unpin(at_seven, first, now=NOW)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("tonight", "overnight@2026-11-24"),
        ("overnight", "overnight@2026-11-24"),
        ("Overnight THU", "overnight@2026-11-26"),
        ("quick win tomorrow", "quick_win@2026-11-25"),
        ("work_hours@2026-11-25", "work_hours@2026-11-25"),
        ("weekend", "weekend@2026-11-28"),
        ("sunday weekend", "weekend@2026-11-29"),
    ],
)
def test_windows_are_named_in_words(at_seven: Place, text: str, key: str) -> None:
    """A key, tonight, a kind with a day in any order."""
    with at_seven.store.reading() as reader:
        windows = build_scheduler.open_windows(reader, at_seven.settings, BERLIN, now=NOW)
    from jarvis_lib.build_scheduler.pins import named_window

    assert named_window(text, windows, place=at_seven, now=NOW) == key


@pytest.mark.parametrize(
    ("text", "why"),
    [("yesterday", "names no window"), ("thu", "could be"), ("weekend mon", "There is no window"), ("overnight@2020-01-01", "There is no window")],
)
def test_an_unclear_window_is_refused(at_seven: Place, text: str, why: str) -> None:
    """And nothing is pinned."""
    first, *_ = tonight(at_seven, 1)
    with pytest.raises(Refused, match=why):
        build_scheduler.pin(at_seven, first, text, now=NOW)
    with at_seven.store.reading() as reader:
        assert reader.one("build_scheduler.pin_of", task=first) is None


def test_a_pin_without_a_place_needs_a_window(at_seven: Place) -> None:
    """No plan was made, so there is no window to take."""
    first, *_ = tonight(at_seven, 1)
    with pytest.raises(Refused, match="name the window"):
        build_scheduler.pin(at_seven, first, now=NOW)


def test_the_ledger_refuses_pins_of_what_is_over_and_of_programs(at_seven: Place) -> None:
    """An ended task, a window that has passed, an actor that is no person."""
    first, second, *_ = tonight(at_seven)
    data = {"window": "overnight@2026-11-24", "ends": "2026-11-25T05:45:00Z"}
    at_seven.store.write(at_seven.fact("task.dropped", task=first))
    with pytest.raises(Refused, match="only what is still open"):
        at_seven.store.write(at_seven.fact("plan.pinned", task=first, **data))
    with pytest.raises(Refused, match="is over"):
        at_seven.store.write(at_seven.fact("plan.pinned", task=second, at=NOW + timedelta(days=2), **data))
    with pytest.raises(Refused, match="Only a person"):
        at_seven.store.write(at_seven.fact("plan.pinned", actor="agent:x", task=second, **data))
    at_seven.store.write(at_seven.fact("plan.pinned", task=second, **data))
    with at_seven.store.reading() as reader:
        assert reader.rows("build_scheduler.pin_of", task=second)[0]["window"] == "overnight@2026-11-24"


# --- the repaired plan in the store --------------------------------------------------------------------------------------


def test_planning_again_moves_nothing_and_an_old_fact_still_reads(at_seven: Place) -> None:
    """The second plan equals the first; a plan of before parts and finishes is applied as it was."""
    tonight(at_seven, 5)
    first = build_scheduler.make_plan(at_seven, now=NOW)
    second = build_scheduler.make_plan(at_seven, now=NOW)
    assert [(s.task, s.start) for s in second.slots] == [(s.task, s.start) for s in first.slots]
    book = Rows(None)
    from jarvis_lib.model.ledger import apply

    old = {k: v for k, v in first.slots[0].to_json().items() if k not in ("part", "parts")}
    apply(book, at_seven.fact("plan.made", at=NOW, slots=[old], omissions=[], horizon="2026-12-08T18:00:00Z"))


def test_each_window_has_its_finish_probability_in_the_store(at_seven: Place) -> None:
    """Of the next seven days; the rows stand beside the plan's slots."""
    tonight(at_seven, 4)
    build_scheduler.make_plan(at_seven, now=NOW)
    with at_seven.store.reading() as reader:
        rows = reader.rows("build_scheduler.finishes")
    assert [(r["window"], r["tasks"]) for r in rows] == [("overnight@2026-11-24", 3), ("work_hours@2026-11-25", 1)]
    assert 0.5 < rows[0]["probability"] <= 1 and NOW < rows[0]["p50_end"] <= rows[0]["p80_end"]


def test_rebuild_shows_the_difference(at_seven: Place) -> None:
    """Three critical tasks wait for room that a low one has; once written, a plan from nothing would be the same."""
    at_seven.store.write(added(at_seven, task("Low", hours=5.0, priority="LOW")))
    build_scheduler.make_plan(at_seven, now=NOW)
    at_seven.store.write(*[added(at_seven, task(f"High {i}", hours=5.0, priority="CRITICAL")) for i in range(3)])
    build_scheduler.make_plan(at_seven, now=NOW)
    new, changes = build_scheduler.rebuilt(at_seven, now=NOW)
    assert {c.what for c in changes} == {"moved"} and len(changes) == 2
    assert "2 moved" in change_lines(changes, zone=BERLIN)[0]
    build_scheduler.write_plan(at_seven, new, now=NOW)
    assert build_scheduler.rebuilt(at_seven, now=NOW)[1] == ()


def test_rebuild_in_a_pipe_is_refused_without_a_yes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 4, one sentence, and the journal as it was; `--yes` writes it."""
    place = open_workspace(home, actor="person:test")
    place.store.write(added(place, task("Low", hours=5.0, priority="LOW")))
    build_scheduler.make_plan(place, now=place.now())
    place.store.write(*[added(place, task(f"High {i}", hours=5.0, priority="CRITICAL")) for i in range(3)])
    build_scheduler.make_plan(place, now=place.now())
    before = facts(place)
    words = ["--home", str(home), "scheduler", "schedule", "--rebuild"]
    assert main(words) == 4
    said = capsys.readouterr().err
    assert "moved" in said and "Say it with --yes." in said
    assert facts(place) == before
    assert main([*words, "--yes", "--json"]) == 0
    assert facts(place) == before + 1
    assert {c["what"] for c in json.loads(capsys.readouterr().out)["data"]["changes"]} == {"moved"}


# --- the night -----------------------------------------------------------------------------------------------------------


def test_the_night_is_told_with_times_probability_and_commands(at_seven: Place) -> None:
    """Three tasks on three lanes; what fits no window is told with its reason; nothing is written."""
    tonight(at_seven, 3)
    at_seven.store.write(added(at_seven, task("Huge", hours=40.0)))
    build_scheduler.make_plan(at_seven, now=NOW)
    before = facts(at_seven)
    night = build_scheduler.night_plan(at_seven, now=NOW)
    assert night.said.startswith("Overnight Tue 24 Nov 23:00 to 06:45: 3 tasks, up to 3 at once; ")
    assert night.probability is not None and 0.5 < night.probability <= 1
    assert [t.lane for t in night.tasks[:3]] == [0, 1, 2]
    assert all(t.p50_end and t.p80_end and t.start < t.p50_end <= t.p80_end for t in night.tasks)
    assert [(o.title, o.reserve) for o in night.not_fitting] == [("Huge", False)]
    lines = "\n".join(night_lines(night, zone=BERLIN))
    assert "Will not fit:" in lines and f"$ jarvis queue later {night.tasks[0].task}" in lines and "overnight@2026-11-24" in lines
    assert facts(at_seven) == before


def test_a_night_that_is_on_counts_what_runs(at_seven: Place) -> None:
    """Two hours into the night, the running task is planned for its rest."""
    first, *_ = tonight(at_seven, 1)
    build_scheduler.make_plan(at_seven, now=NOW)
    at_eleven = NOW + timedelta(hours=4)
    with at_seven.store.reading() as reader:
        row = reader.one("autonomous_queue.task", id=first)
    assert row is not None
    own = replace(task("Night 0", hours=3.0, priority="HIGH"), id=first)
    at_seven.store.write(opened(at_seven, at=at_eleven))
    at_seven.store.write(replace(claimed(at_seven, own, "a1"), at=at_eleven))
    night = build_scheduler.night_plan(at_seven, now=at_eleven + timedelta(hours=2))
    assert [t.code for t in night.tasks] == ["running"]
    p50 = night.tasks[0].p50_end
    assert p50 is not None and timedelta(0) < p50 - (at_eleven + timedelta(hours=2)) < timedelta(hours=1.5)


def test_an_empty_night_says_so(at_seven: Place) -> None:
    """No task, no probability."""
    night = build_scheduler.night_plan(at_seven, now=NOW)
    assert night.said.endswith("nothing is planned for it.") and night.probability is None


def test_a_sure_night_is_sure_and_a_full_one_is_not() -> None:
    """One hour of eight is always done; eight hours at the median are done in half of the nights; what past nights have taught counts."""
    hour, eight = Job("a", (0.5, 1.0, 1.3, 1.6)), Job("b", (4.0, 8.0, 8.0, 12.0))
    assert simulate([hour], hours=8, lanes=1, seed=1).all_done > 0.99
    assert simulate([eight], hours=8.01, lanes=1, seed=1).all_done == pytest.approx(0.5, abs=0.35)
    short = simulate([hour] * 5, hours=8, lanes=1, seed=1).all_done
    assert 0 < short < 1
    assert simulate([hour] * 5, hours=8, lanes=1, seed=1, luck=Luck(shift=-1.0)).all_done < short
    assert simulate([hour] * 5, hours=8, lanes=1, seed=1, luck=Luck(shared=0.9)).all_done != short
    assert [Luck(shift=-1.0).means(p) for p in (0.0, 1.0)] == [0.0, 1.0] and Luck().means(0.3) == pytest.approx(0.3)
    wide = Job("w", (3.0, 6.5, 9.0, 12.0), need_h=7.5)
    assert 0.4 < simulate([wide], hours=7.75, lanes=1, seed=1).all_done < 0.9  # it starts, though its p80 is longer than the window


def test_simulated_quantiles_are_those_of_the_forecast() -> None:
    """p50 and p80 of one job are its own, and the same seed gives the same night."""
    job = Job("a", (1.0, 2.0, 3.0, 4.0))
    found = simulate([job], hours=100, lanes=1, seed=3)
    assert found.jobs[0].p50 == pytest.approx(2.0, rel=0.06) and found.jobs[0].p80 == pytest.approx(3.0, rel=0.06)
    assert simulate([job], hours=100, lanes=1, seed=3) == found


def test_lanes_order_and_files_count_in_the_simulation() -> None:
    """Two jobs side by side take the longer one's time; on one file, or one after the other, they take the sum."""
    flat = (1.0, 1.0, 1.0, 1.0)
    a, b = Job("a", flat), Job("b", flat)
    assert simulate([a, b], hours=3, lanes=2, seed=1).p80 == pytest.approx(1.0, rel=0.01)
    for pair in ([a, replace(b, after=("a",))], [replace(a, changes=("x",)), replace(b, changes=("x",))]):
        assert simulate(pair, hours=3, lanes=2, seed=1).p80 == pytest.approx(2.0, rel=0.01)


def test_what_no_longer_fits_is_not_started() -> None:
    """With 1.5 hours for two jobs of one hour the second is never begun, unless it is resumable: then it begins and is not done."""
    flat = (1.0, 1.0, 1.0, 1.0)
    whole = simulate([Job("a", flat), Job("b", flat)], hours=1.5, lanes=1, seed=1).jobs[1]
    assert (whole.done, whole.start_p50) == (0.0, None)
    parts = simulate([Job("a", (0.4,) * 4), Job("b", flat, resumable=True)], hours=1.5, lanes=1, seed=1).jobs[1]
    assert parts.start_p50 == pytest.approx(0.4, rel=0.01)


def test_a_forecast_counts_more_than_the_estimate() -> None:
    """The window's probability comes from the learned hours where there are some."""
    windows = hours_from_now((0, 8))
    plain = one("a", 4.0, need_h=5.0)
    slow = replace(plain, forecast=Forecast(4.0, 7.9, 8.5, 12.0, "learned"))
    chances = []
    for own in (plain, slow):
        found = finishes(made(own, windows=windows), [own], windows, now=NOW, lanes=1, seed=1)
        chances.append(found[0].probability)
    assert chances[0] > 0.95 and chances[1] < 0.6


# --- looking -------------------------------------------------------------------------------------------------------------


def test_the_view_shows_windows_with_their_load(at_seven: Place) -> None:
    """A line above, a bar for each window counting lanes, slots with reasons, and what was left out."""
    tonight(at_seven, 4)
    at_seven.store.write(added(at_seven, task("Huge", hours=40.0)))
    build_scheduler.make_plan(at_seven, now=NOW)
    view = build_scheduler.view(at_seven, now=NOW, days=2)
    lines = view_lines(view, zone=BERLIN)
    assert lines[0] == "Booked 9% of the next 7 nights; 9 h 18 free tonight; 1 unplaced."
    assert any("Overnight Tue 24 Nov 23:00" in line and "######---- 13 h 57 of 23 h 15; " in line for line in lines)
    assert any("Quick win Tue 24 Nov 19:00" in line and "---------- 0 min of 12 h" in line for line in lines)
    assert "Huge" in "\n".join(lines)


def test_the_line_above_counts_late_ones() -> None:
    """And says when no night is open at all."""
    assert foresight.load_said([], late=1, unplaced=2, now=NOW) == "No night is open in the next 7 days; 1 task LATE; 2 unplaced."


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["scheduler", "plan"], 0),
        (["scheduler", "plan", "--json"], 0),
        (["scheduler", "plan", "--with", "30m task"], 0),
        (["scheduler", "plan", "--with", "task"], 2),
        (["overnight", "plan"], 0),
        (["overnight", "plan", "--json"], 0),
        (["scheduler", "pin", "zzzzz"], 3),
        (["scheduler", "split", "zzzzz"], 3),
        (["scheduler", "schedule", "--rebuild"], 0),
    ],
)
def test_every_new_verb_answers_on_an_empty_store(home: Path, words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """With a sentence, never with a trace."""
    assert main(["--home", str(home), *words]) == code
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err and (told.out + told.err).strip()


def test_split_is_an_edit_and_says_what_it_means(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A task that had to be approved waits again; `--whole` takes it back."""
    place = open_workspace(home, actor="person:test")
    ask = task("Ask", category="New features", hours=20.0)
    place.store.write(added(place, ask))

    def state() -> tuple[Any, ...]:
        with place.store.reading() as reader:
            row = reader.one("autonomous_queue.task", id=ask.id)
        assert row is not None
        return row["state"], row["resumable"]

    assert main(["--home", str(home), "approve", ask.id]) == 0 and state() == ("queued", False)
    assert main(["--home", str(home), "scheduler", "split", ask.id]) == 0
    assert state() == ("parked", True) and "Waits for your approval" in capsys.readouterr().out
    assert main(["--home", str(home), "scheduler", "split", ask.id, "--whole"]) == 0 and state()[1] is False

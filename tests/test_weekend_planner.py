"""The weekend: its real hours, what is offered for them, what a choice becomes, and how sure the end is."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import weekend_planner
from jarvis_lib.cli.weekend_cards import bar, chosen_lines, progress_lines, suggestion_lines
from jarvis_lib.learning.groups import similar
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.phase import main_of, read_template
from jarvis_lib.model.settings import BadSettings, parse
from jarvis_lib.model.task import CATEGORIES
from jarvis_lib.model.weekend import Weekend, weekend_at, weekend_before, weekend_of
from jarvis_lib.model.window import Cuts
from jarvis_lib.store import recover
from jarvis_lib.store.place import Place
from jarvis_lib.store.tasks import find
from jarvis_lib.weekend_planner import candidates as rules
from jarvis_lib.weekend_planner.candidates import LIKELY, Candidate
from jarvis_lib.weekend_planner.chances import Work, lay_out, outlook
from jarvis_lib.weekend_planner.phases import changed, divided, runnable
from jarvis_lib.weekend_planner.pieces import Piece
from tests.facts import claimed, ended, opened, passed
from tests.weekend_parts import BERLIN, FRIDAY, RULES, Clock, local, piece, workspace

NEW_YORK = ZoneInfo("America/New_York")
BY = time(20)
TEMPLATES = {c: parse("").phases_of(c) for c in CATEGORIES}


def weekend(now: datetime = FRIDAY, cuts: Cuts | None = None) -> Weekend:
    return weekend_at(RULES, BERLIN, now, BY, cuts or Cuts())


def offers(*pieces: Piece, alike: list[tuple[str, ...]] | None = None, now: datetime = FRIDAY, most: int = 5, own: Weekend | None = None) -> list[Candidate]:
    found = own or weekend(now)
    return rules.suggest(pieces, alike or [], found, now=now, lanes=3, zone=BERLIN, single_hours=(8, 12), most=most, templates=TEMPLATES)


# --- the hours -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "friday", "day", "hours"),
    [
        (BERLIN, (2026, 10, 23, 18, 0), "2026-10-24", [12.0, 12.0]),  # the clock goes back on Sunday at 03:00, before the window
        (NEW_YORK, (2026, 10, 30, 18, 0), "2026-10-31", [12.0, 12.0]),
        (BERLIN, (2026, 3, 27, 18, 0), "2026-03-28", [12.0, 12.0]),
        (NEW_YORK, (2026, 3, 6, 18, 0), "2026-03-07", [12.0, 12.0]),
    ],
)
def test_the_weekends_of_a_clock_change_keep_their_local_hours(zone: ZoneInfo, friday: tuple[int, ...], day: str, hours: list[float]) -> None:
    """09:00 to 21:00 local on both days, twelve real hours each; the days between begin and end have 47 or 49, and 20:00 is local."""
    now = local(*friday, zone=zone)
    found = weekend_at(RULES, zone, now, BY)
    assert found.key == day and [w.hours for w in found.spans] == hours
    assert [w.start.astimezone(zone).hour for w in found.spans] == [9, 9]
    assert found.finish_by.astimezone(zone).strftime("%a %H:%M") == "Sun 20:00"
    assert (found.ends - found.begins) / timedelta(hours=1) == (49 if friday[1] > 6 else 47)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
def test_a_window_over_the_clock_change_has_its_real_hours(zone: ZoneInfo) -> None:
    """A weekend window from 00:00 to 08:00 has nine hours on the day on which the clock goes back, not eight."""
    own = parse('[windows.overnight]\non = false\n[windows.quick_win]\non = false\n[windows.weekend]\nstart = "00:00"\nend = "08:00"').windows
    now = local(2026, 10, 23 if zone is BERLIN else 30, 18, 0, zone=zone)
    assert [w.hours for w in weekend_at(own, zone, now, BY).spans] == [8.0, 9.0]


def test_the_weekend_is_this_one_until_it_is_over() -> None:
    """On Sunday evening after its last window's day it is still this one; on Monday the next; and the last one can be asked for."""
    keys = [weekend(local(2026, 11, d, h, 0)).key for d, h in ((23, 0), (27, 18), (28, 12), (29, 22), (30, 0))]
    assert keys == ["2026-11-28"] * 4 + ["2026-12-05"]
    assert weekend(local(2026, 11, 29, 12, 0)).free_h == 9.0 and weekend(local(2026, 11, 29, 22, 0)).free_h == 0.0
    assert weekend_before(RULES, BERLIN, local(2026, 11, 30, 9, 0), BY).key == "2026-11-28"
    assert weekend_before(RULES, BERLIN, local(2026, 11, 28, 0, 0), BY).key == "2026-11-28"
    assert weekend_of(RULES, BERLIN, "2026-11-28", local(2026, 12, 9, 9, 0), BY).free_h == 0.0


def test_the_weekend_is_where_the_person_says() -> None:
    """Friday and Saturday where those are the days; a week of seven is one run from Monday; a single day is its own weekend."""
    for days, first, last in ((["Fri", "Sat"], 27, 28), (["Sun"], 29, 29), (["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], 23, 29)):
        text = f"[windows.quick_win]\non = false\n[windows.work_hours]\non = false\n[windows.weekend]\ndays = {json.dumps(days)}"
        found = weekend_at(parse(text).windows, BERLIN, local(2026, 11, 26, 12, 0), BY)
        assert (found.first, found.last) == (date(2026, 11, first), date(2026, 11, last))


def test_the_calendar_takes_its_hours() -> None:
    """A busy afternoon shortens a day; a busy weekend leaves nothing."""
    afternoon = Cuts(busy=((local(2026, 11, 28, 12, 0), local(2026, 11, 28, 18, 0)),))
    assert [w.hours for w in weekend(cuts=afternoon).spans] == [3.0, 3.0, 12.0]
    away = Cuts(busy=((local(2026, 11, 28, 0, 0), local(2026, 11, 30, 0, 0)),))
    assert (weekend(cuts=away).free_h, weekend(cuts=away).whole_h) == (0.0, 24.0)


def test_a_weekend_that_is_switched_off_is_said() -> None:
    with pytest.raises(Refused, match="switched off"):
        weekend_at(parse("[windows.weekend]\non = false").windows, BERLIN, FRIDAY, BY)


# --- the chance ----------------------------------------------------------------------------------------------------------


def work(name: str, hours: float = 3.0, **more: object) -> Work:
    own: dict[str, object] = {"p50": hours, "p80": hours * 1.5, "need_h": hours * 1.5} | more
    return Work(name, **own)  # type: ignore[arg-type]  # the fields of Work


def test_the_p80_of_a_sum_is_less_than_the_sum_of_p80s() -> None:
    """And more than if the tasks had nothing in common."""
    seen = outlook([work(f"t{i}") for i in range(6)], weekend(), lanes=3, now=FRIDAY, seed=1, draws=4000)
    alone = 6 * 3.0 + 0.8416 * 3.0 * 0.55 * 6**0.5  # a normal sum without a shared part, roughly
    assert alone < seen.p80 < 6 * 4.5
    assert 17.5 < seen.p50 < 20.5


def test_the_hours_of_one_task_are_its_own() -> None:
    """p50 and p80 come out as they went in."""
    seen = outlook([work("a", 8.0, p80=10.0, need_h=10.0)], weekend(), lanes=1, now=FRIDAY, seed=3)
    assert seen.p50 == pytest.approx(8.0, rel=0.01) and seen.p80 == pytest.approx(10.0, rel=0.03)


def test_the_chance_knows_windows_lanes_and_the_hour_it_is() -> None:
    """Less with a chain than side by side, less on Sunday than on Friday, none without a place, all of it with nothing left to do."""
    chain = [work("a", 7), work("b", 7, after=("a",)), work("c", 5, after=("b",))]
    side = [work("a", 7), work("b", 7), work("c", 5)]
    on_friday = [outlook(w, weekend(), lanes=3, now=FRIDAY, seed=1).chance for w in (chain, side)]
    sunday = local(2026, 11, 29, 9, 0)
    on_sunday = outlook(side, weekend(sunday), lanes=3, now=sunday, seed=1).chance
    assert on_friday[0] < on_sunday < on_friday[1]
    assert outlook([work("a", 13, need_h=13.0)], weekend(), lanes=3, now=FRIDAY, seed=1).chance == 0.0
    assert outlook([], weekend(), lanes=3, now=FRIDAY, seed=1).chance == 1.0
    assert outlook(chain, weekend(), lanes=3, now=FRIDAY, seed=1) == outlook(chain, weekend(), lanes=3, now=FRIDAY, seed=1)


def test_what_has_run_long_already_is_not_expected_to_end_at_once() -> None:
    """After 6 h of an expected 3 h there is still time to come, and a task that just began has nearly all of its own."""
    late = outlook([work("a", 3, spent_h=6.0)], weekend(), lanes=1, now=FRIDAY, seed=1)
    fresh = outlook([work("a", 3, spent_h=0.001)], weekend(), lanes=1, now=FRIDAY, seed=1)
    assert 0.1 < late.p50 < 4.0 and fresh.p50 == pytest.approx(3.0, rel=0.05)


def test_a_resumable_task_goes_on_on_sunday() -> None:
    """Sixteen hours have no day of twelve, but two halves of them have."""
    whole, halves = work("a", 16, need_h=16.0), work("a", 16, need_h=16.0, resumable=True)
    assert lay_out([whole], weekend(), lanes=1, now=FRIDAY) == {}
    spot = lay_out([halves], weekend(), lanes=1, now=FRIDAY)["a"]
    assert (spot.window, spot.end.astimezone(BERLIN).strftime("%a %H:%M")) == ("weekend@2026-11-28", "Sun 13:00")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.5, 8), st.lists(st.integers(0, 7), max_size=2), st.booleans()), min_size=1, max_size=8),
    st.integers(1, 3),
)
def test_a_layout_breaks_no_rule(drawn: list[tuple[float, list[int], bool]], lanes: int) -> None:
    """Inside the windows (unless resumable), blockers first, never more at once than lanes, one at a time on a shared file."""
    works = [
        work(f"t{i}", h, after=tuple(f"t{b}" for b in {*after} if b < i), changes=("same.md",) if shared else ()) for i, (h, after, shared) in enumerate(drawn)
    ]
    laid = lay_out(works, weekend(), lanes=lanes, now=FRIDAY)
    for w in works:
        if w.id in laid:
            spot = laid[w.id]
            assert any(s.start <= spot.start and spot.end <= s.end + timedelta(seconds=1) for s in weekend().spans)
            assert all(laid[b].end <= spot.start + timedelta(seconds=1) for b in w.after)
    tick = timedelta(seconds=1)
    for spot in laid.values():
        assert sum(o.start <= spot.start + tick < o.end for o in laid.values()) <= lanes
    files = sorted((laid[w.id].start, laid[w.id].end) for w in works if w.changes and w.id in laid)
    assert all(a[1] <= b[0] + tick for a, b in pairwise(files))


# --- what is offered -----------------------------------------------------------------------------------------------------


def test_a_large_task_is_a_candidate_alone() -> None:
    """From 8 to 12 h; with its template as phases, of which only the largest runs anything."""
    found = offers(piece("big", hours=10.0), piece("small", hours=2.0), piece("huge", hours=13.0))
    assert [(c.kind, c.tasks) for c in found] == [("single", ("big",))]
    assert [p.name for p in found[0].phases] == ["outline", "write", "check"]
    kept, left = runnable(found[0].phases)
    assert [(p.name, p.hours) for p in kept] == [("write", pytest.approx(10.0))] and [p.name for p in left] == ["outline", "check"]


def test_groups_belong_together_for_a_reason() -> None:
    """A chain, a project, a folder and alike texts; each with at least two tasks."""
    chain = offers(piece("a"), piece("b", after=("a",)))
    project = offers(piece("a", project="Desk"), piece("b", project="Desk"), piece("c"))
    folder = offers(piece("a", changes=("docs/a.md",)), piece("b", changes=("docs/b.md",)), piece("c", changes=("c.md",)))
    alike = offers(piece("a"), piece("b"), piece("c"), alike=[("a", "c")])
    assert [c.kind for c in (*chain, *project, *folder, *alike)] == ["chain", "project", "folder", "similar"]
    assert [c.tasks for c in (*chain, *project, *folder, *alike)] == [("a", "b"), ("a", "b"), ("a", "b"), ("a", "c")]
    assert project[0].title == "Desk: 2 related tasks"
    assert offers(piece("a"), piece("b")) == []


def test_a_group_is_cut_to_the_free_hours_and_brings_what_it_waits_for() -> None:
    """Ten tasks of 9 h: six have a place on two days of three lanes, three are likely to be done; the blocker of another project comes along."""
    many = [piece(f"t{i}", hours=9.0, project="Desk") for i in range(10)]
    found = next(c for c in offers(*many) if c.kind == "project")
    assert (len(found.tasks), found.title) == (3, "Desk: 3 related tasks") and found.chance >= LIKELY
    found = offers(piece("base"), piece("a", project="Desk", after=("base",)), piece("b", project="Desk"))
    assert next(c for c in found if "b" in c.tasks).tasks == ("b", "base", "a")


def test_what_cannot_run_is_in_no_candidate() -> None:
    """Put off, escalated, running, or waiting for such a one."""
    for change in ({"state": "parked", "parked_kind": "later"}, {"state": "parked", "parked_kind": "escalated"}, {"state": "running"}, {"state": "review"}):
        assert offers(piece("a", hours=9.0, **change), piece("b", hours=9.0, after=("a",))) == []


def test_what_waits_for_the_person_is_offered_with_what_it_needs() -> None:
    """Approval, recipe, check; each with its command, and until when."""
    waits = piece("a", hours=9.0, state="parked", parked_kind="approval", checks=0)
    bare = piece("b", hours=9.0, state="parked", parked_kind="no_recipe", has_recipe=False, checks=0)
    first, second = offers(bare, waits)
    assert (first.tasks, second.tasks) == (("a",), ("b",))
    found = {"a": first, "b": second}
    assert [n.command for n in found["a"].needs] == ["jarvis queue approve a", "jarvis queue edit a --check '…'"]
    assert [n.command for n in found["b"].needs] == ["jarvis queue edit b --command '…' --check …"]
    assert found["a"].needs_by == local(2026, 11, 28, 9, 0)


def test_the_reasons_say_due_waiting_priority_and_what_it_unblocks() -> None:
    due = local(2026, 12, 1, 17, 0)
    (one,) = offers(piece("a", hours=10.0, due=due, priority="HIGH", unblocks=3, added_at=local(2026, 10, 1, 9, 0)))
    assert one.why == (
        "“Task a” is due Tue 01 Dec 17:00",
        "3 other tasks wait for it",
        "HIGH priority",
        "waiting 57 days",
        "takes 10.0 h; 24.0 h are free",
    )


def test_candidates_that_share_most_of_their_tasks_are_one() -> None:
    """A project whose tasks also change one folder is offered once; five at most, in any order of the input the same."""
    same = [piece(f"t{i}", project="Desk", changes=(f"desk/{i}.md",)) for i in range(3)]
    assert len(offers(*same)) == 1
    many = [piece(f"b{i}", hours=8.0 + i / 4) for i in range(9)]
    assert [c.id for c in offers(*many)] == [c.id for c in offers(*reversed(many))] and len(offers(*many)) == 5
    assert [c.id for c in offers(*many)] != [c.id for c in offers(*many, now=FRIDAY + timedelta(days=7))]


def test_thousands_of_tasks_are_offered_in_moments() -> None:
    """A person with 3,000 open tasks in one project, a third of them large, does not wait."""
    import time as clock

    many = [piece(f"t{i:04}", hours=[2.0, 5.0, 9.0][i % 3], project="All", after=(f"t{i - 1:04}",) if i % 50 else ()) for i in range(3000)]
    begun = clock.process_time()
    assert len(offers(*many)) == 5
    assert clock.process_time() - begun < 10


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0.5, 12), st.sampled_from(["", "A", "B"]), st.lists(st.integers(0, 9), max_size=2)), max_size=10), st.randoms())
def test_any_queue_gives_whole_candidates_that_fit(drawn: list[tuple[float, str, list[int]]], shuffle: object) -> None:
    """Each has all that it waits for, blockers first, a place for all, a chance between 0 and 1; shuffling changes nothing."""
    made = [piece(f"t{i}", hours=h, project=p, after=tuple(sorted({f"t{b}" for b in after if b < i}))) for i, (h, p, after) in enumerate(drawn)]
    found = offers(*made)
    table = {p.id: p for p in made}
    for c in found:
        assert all(b in c.tasks[:at] for at, i in enumerate(c.tasks) for b in table[i].after)
        assert len(lay_out([table[i].work() for i in c.tasks], weekend(), lanes=3, now=FRIDAY)) == len(c.tasks)
        assert 0.0 <= c.chance <= 1.0 and c.p50 <= c.p80
    shuffle.shuffle(made)  # type: ignore[attr-defined]  # hypothesis gives a Random
    assert offers(*made) == found


def test_similar_texts_are_found_without_chance() -> None:
    """By their words; the order of the input and what has no words do not matter."""
    texts = {"a": "Speed up the invoice database", "b": "Invoice database: add an index", "c": "Buy milk", "d": "12 34", "e": ""}
    assert similar(texts) == [("a", "b")] == similar(dict(reversed(texts.items())))
    assert similar({"a": "1", "b": "of the"}) == [] == similar({})


# --- phases --------------------------------------------------------------------------------------------------------------


def test_the_templates_of_the_settings_are_checked_all_at_once() -> None:
    """Shares of 100, names once, lines that can be read; every mistake with its line."""
    with pytest.raises(BadSettings) as found:
        parse('[weekend.phases]\nnew_features = ["design 15", "build 50"]\nbug_fixes = ["fix 50", "fix 50"]\nrefactoring = ["all"]\nnews = ["a 100"]\n')
    assert [m.line for m in found.value.mistakes] == [2, 3, 4, 5]
    assert "add up to 100, not 65" in str(found.value) and "'fix' stands twice" in str(found.value)
    own, wrong = read_template(["Test 20 %: make test", "build 80"])
    assert (wrong, own[0].name, own[0].check, main_of(own)) == ("", "test", "make test", "build")


def test_phases_can_be_changed_before_the_start() -> None:
    """Hours in h, m or %, a new one, one left out, commands and checks; an unknown name gets the known ones."""
    whole = divided(TEMPLATES["New features"], task="t", hours=10.0, p50=10.0, p80=15.0, has_recipe=True)
    found = changed(whole, hours_of={"design": "90m", "document": "0", "review": "10%"}, commands={"test": "make test"}, checks={"test": "test -s a"})
    assert [(p.name, p.hours) for p in found] == [("design", 1.5), ("build", 5.5), ("test", 2.0), ("review", 1.0)]
    assert [(p.name, p.runs, p.check) for p in found if p.command] == [("test", True, "test -s a")]
    assert found[0].p80 == pytest.approx(2.25)
    for bad in ({"hours_of": {"build": "0"}}, {"hours_of": {"build": "six"}}, {"hours_of": {"build": "300"}}, {"commands": {"desing": "true"}}):
        with pytest.raises(Refused) as refused:
            changed(whole, **({"hours_of": {}, "commands": {}, "checks": {}} | bad))
        assert refused.value.code == "usage"


# --- the verbs -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock(FRIDAY)


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Place:
    """Friday 18:00 in Berlin: three related tasks, a large one, and one that stands alone."""
    place = workspace(tmp_path, clock)
    for title, hours, category in (("Index the desk", 4, "Bug fixes"), ("Document the desk", 3, "Documentation"), ("Draw the desk", 2, "New features")):
        add(place, title, hours, category, project="Desk")
    add(place, "Rewrite the importer", 10, "Bug fixes")
    add(place, "Buy milk", 1, "Documentation")
    return place


def add(place: Place, title: str, hours: float, category: str = "Documentation", **more: object) -> str:
    given = {"command": "true", "checks": ["true"]} | more
    return queue.add(place, title, "", hours, category, "MEDIUM", now=place.now(), **given).task.id  # type: ignore[arg-type]  # the arguments of add


def chosen(place: Place, word: str) -> Candidate:
    return next(c for c in weekend_planner.suggest(place, now=place.now()).candidates if word in c.title)


def refusal(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as found:
        call()
    return found.value


def test_an_empty_store_answers_every_verb(tmp_path: Path, clock: Clock) -> None:
    """An answer or one sentence each, at any moment."""
    place = workspace(tmp_path, clock)
    for now in (FRIDAY, local(2026, 11, 29, 20, 30), local(2027, 3, 28, 2, 30)):
        assert weekend_planner.suggest(place, now=now).candidates == ()
        assert "No build" in weekend_planner.progress(place, now=now).said
        assert weekend_planner.summary(place, as_of=now).headline.startswith("Weekend")
    assert refusal(lambda: weekend_planner.select(place, "w12345", now=FRIDAY)).code == "missing"
    assert refusal(lambda: weekend_planner.start(place, now=FRIDAY)).code == "missing"
    assert refusal(lambda: weekend_planner.complete(place, "design", now=FRIDAY)).code == "missing"


def test_a_suggestion_is_kept_and_starts_nothing(desk: Place) -> None:
    """It can be looked at again with the same ids; for another moment nothing is written."""
    made = weekend_planner.suggest(desk, now=FRIDAY)
    assert {c.kind for c in made.candidates} >= {"project", "single"} and "Nothing starts without your choice" in made.said
    assert "Not more, because" in made.said
    with desk.store.reading() as reader:
        rows = reader.rows("weekend_planner.candidate", prefix="w")
    assert [r["id"] for r in rows] == [c.id for c in made.candidates] and rows[0]["title"] == made.candidates[0].title
    before = weekend_planner.suggest(desk, now=FRIDAY + timedelta(days=7), write=False)
    assert before.weekend.key == "2026-12-05"
    with desk.store.reading() as reader:
        assert reader.one("weekend_planner.newest_suggestion", weekend="2026-12-05") is None
    assert {r["state"] for r in queue.listing(desk, now=FRIDAY)} == {"queued", "parked"}


def test_a_weekend_without_a_free_hour_is_one_sentence(desk: Place) -> None:
    """Taken by the calendar, or over: told, not refused, and nothing is written."""
    found = weekend_planner.suggest(desk, now=local(2026, 11, 29, 21, 30))
    assert found.candidates == () and found.said.startswith("The weekend of 28-29 Nov has no free hour left")
    with desk.store.reading() as reader:
        assert reader.one("weekend_planner.newest_suggestion", weekend="2026-11-28") is None


def test_hours_that_are_not_learned_say_so(desk: Place) -> None:
    """Then they are the person's own estimate."""
    assert "nothing is learned yet" in chosen(desk, "importer").hours_from
    assert chosen(desk, "importer").p50 == pytest.approx(10.0, rel=0.01)


def test_a_choice_gives_way_to_another_until_it_starts(desk: Place) -> None:
    first, second = chosen(desk, "importer"), chosen(desk, "Desk")
    weekend_planner.select(desk, first.id, now=FRIDAY)
    weekend_planner.select(desk, second.id[:5], now=FRIDAY)
    assert weekend_planner.start(desk, now=FRIDAY).build == second.id
    assert "started already" in refusal(lambda: weekend_planner.select(desk, second.id, now=FRIDAY)).sentence
    assert refusal(lambda: weekend_planner.start(desk, now=FRIDAY)).code == "missing"
    assert "Desk" not in [c.title for c in weekend_planner.suggest(desk, now=FRIDAY).candidates]


def test_what_has_gone_or_changed_cannot_be_chosen(desk: Place) -> None:
    """Dropped, edited, of a weekend that is over, or too short an id: one clear sentence each."""
    group, single = chosen(desk, "Desk"), chosen(desk, "importer")
    queue.edit(desk, single.tasks[0], now=FRIDAY, hours=11)
    assert "has been edited since" in refusal(lambda: weekend_planner.select(desk, single.id, now=FRIDAY)).sentence
    queue.drop(desk, group.tasks[0], now=FRIDAY)
    assert "is dropped" in refusal(lambda: weekend_planner.select(desk, group.id, now=FRIDAY)).sentence
    monday = local(2026, 11, 30, 9, 0)
    assert "which is over" in refusal(lambda: weekend_planner.select(desk, group.id, now=monday)).sentence
    assert refusal(lambda: weekend_planner.select(desk, "w", now=FRIDAY)).code == "usage"


def test_what_goes_between_choice_and_start_stops_the_start(desk: Place) -> None:
    group = chosen(desk, "Desk")
    weekend_planner.select(desk, group.id, now=FRIDAY)
    queue.drop(desk, group.tasks[1], now=FRIDAY)
    assert "is not open any more" in refusal(lambda: weekend_planner.start(desk, now=FRIDAY)).sentence


def test_the_tasks_of_a_group_are_its_phases(desk: Place) -> None:
    """No new task; each is pinned to a window of the weekend; the one that waits for approval says so."""
    group = chosen(desk, "Desk")
    count = len(queue.listing(desk, now=FRIDAY))
    assert "are its tasks" in refusal(lambda: weekend_planner.select(desk, group.id, now=FRIDAY, hours_of={"build": "2h"})).sentence
    weekend_planner.select(desk, group.id, now=FRIDAY)
    made = weekend_planner.start(desk, now=FRIDAY)
    assert len(queue.listing(desk, now=FRIDAY)) == count and {p.task for p in made.phases} == set(group.tasks)
    assert any("Waits for your approval" in line for line in made.said)
    with desk.store.reading() as reader:
        phases = reader.rows("weekend_planner.phases", build=group.id, now=FRIDAY)
    assert {p["window"] for p in phases} <= {"weekend@2026-11-28", "weekend@2026-11-29"}


def test_a_single_task_without_more_is_one_phase(desk: Place) -> None:
    """Nothing is pretended: phases without anything to run are left out and said, the task keeps its hours and its revision."""
    single = chosen(desk, "importer")
    made = weekend_planner.select(desk, single.id, now=FRIDAY)
    assert [(p.name, p.hours) for p in made.phases] == [("fix", pytest.approx(10.0))]
    assert any("Nothing runs in reproduce and test" in line for line in made.said)
    weekend_planner.start(desk, now=FRIDAY)
    assert queue.show(desk, single.tasks[0])["task"]["revision"] == 1


def test_given_phases_become_tasks_one_after_the_other(desk: Place) -> None:
    """Commands and checks of the person; the main phase keeps the task, with the hours and the check of a phase in which nothing runs."""
    single = chosen(desk, "importer")
    changes = {"hours_of": {"reproduce": "1h"}, "commands": {"reproduce": "true"}, "checks": {"reproduce": "test 1 = 1", "test": "test 2 = 2"}}
    weekend_planner.select(desk, single.id, now=FRIDAY, **changes)  # type: ignore[arg-type]  # three of its arguments
    made = weekend_planner.start(desk, now=FRIDAY)
    assert [p.name for p in made.phases] == ["reproduce", "fix"]
    first, main = (queue.show(desk, p.task)["task"] for p in made.phases)
    assert main["id"] == single.tasks[0] and main["after"] == [first["id"]] and main["hours"] == 7.5
    assert [c["command"] for c in first["content"]["checks"]] == ["test 1 = 1"]
    assert [c["command"] for c in main["content"]["checks"]] == ["true", "test 2 = 2"]
    assert (first["category"], first["priority"], first["title"]) == ("Bug fixes", "MEDIUM", "reproduce: Rewrite the importer")


def test_an_interrupted_start_adds_no_phase_twice(desk: Place) -> None:
    """A start that ended after its tasks were added is said again: the same tasks are taken."""
    from jarvis_lib.weekend_planner import choosing

    single = chosen(desk, "importer")
    weekend_planner.select(desk, single.id, now=FRIDAY, commands={"test": "true"})
    with desk.store.reading() as reader:
        build = reader.one("weekend_planner.chosen")
    kept, _ = runnable(tuple(choosing.phase_from_json(p) for p in json.loads(build["phases"])))  # type: ignore[index]  # it was just chosen
    choosing._as_tasks(desk, build, kept, [], now=FRIDAY)  # type: ignore[arg-type]  # likewise
    count = len(queue.listing(desk, now=FRIDAY))
    weekend_planner.start(desk, now=FRIDAY)
    assert len(queue.listing(desk, now=FRIDAY)) == count


def test_only_a_person_chooses_starts_and_completes(desk: Place) -> None:
    """A session or an agent that writes such a fact is refused by the ledger."""
    group = chosen(desk, "Desk")
    for kind in ("weekend.selected", "weekend.started"):
        fact = desk.fact(kind, actor="agent:x", build=group.id, phases=[])
        with pytest.raises(Refused, match="Only a person"):
            desk.store.write(fact)


def test_progress_follows_what_the_tasks_did(desk: Place, clock: Clock) -> None:
    """To do, needs you, done by proof, done by word; the bar, the chance and the word for it."""
    group = chosen(desk, "Desk")
    weekend_planner.select(desk, group.id, now=FRIDAY)
    assert weekend_planner.progress(desk, now=FRIDAY).builds[0].track == "not started"
    weekend_planner.start(desk, now=FRIDAY)
    (build,) = weekend_planner.progress(desk, now=FRIDAY).builds
    assert build.track == "waits for you" and "jarvis inbox" in build.said and build.hours_planned == 9.0
    waits = next(p for p in build.phases if p.standing == "needs you")
    queue.approve(desk, waits.task, now=FRIDAY)
    assert weekend_planner.progress(desk, now=FRIDAY).builds[0].track == "on track"
    said = weekend_planner.complete(desk, "draw the desk", now=FRIDAY)
    assert "on your word; Jarvis has not verified it" in said
    ship(desk, next(p.task for p in build.phases if "Document" in p.name), clock)
    (build,) = weekend_planner.progress(desk, now=clock.at).builds
    assert (build.hours_done, {p.standing for p in build.phases}) == (5.0, {"done", "to do"})
    assert bar(build) == "[#############-----------]  5.0 h of 9.0 h"
    late = weekend_planner.progress(desk, now=local(2026, 11, 29, 20, 59)).builds[0]
    assert (late.track, late.chance) == ("not on track", 0.0)


def ship(place: Place, task: str, clock: Clock) -> None:
    """One verified attempt on Saturday morning."""
    from jarvis_lib.model.task_row import content_of

    clock.at = local(2026, 11, 28, 9, 5)
    with place.store.reading() as reader:
        row = find(reader, task)
    one = content_of(row)
    claim = claimed(place, one, "a1")
    claim.data["content_hash"] = row["content_hash"]
    place.store.write(opened(place), claim)
    clock.at = local(2026, 11, 28, 9, 35)
    place.store.write(ended(place, one, "a1", evidence=[passed()]))
    place.store.write(place.fact("session.closed", session="s1", outcome="finished", said=""))


def test_completing_what_is_unknown_done_or_running_is_one_sentence(desk: Place) -> None:
    group = chosen(desk, "Desk")
    weekend_planner.select(desk, group.id, now=FRIDAY)
    weekend_planner.start(desk, now=FRIDAY)
    assert "There is no phase 'desgin'" in refusal(lambda: weekend_planner.complete(desk, "desgin", now=FRIDAY)).sentence
    assert "could be" in refusal(lambda: weekend_planner.complete(desk, "desk", now=FRIDAY)).sentence
    weekend_planner.complete(desk, "1", now=FRIDAY)
    assert "is done already" in refusal(lambda: weekend_planner.complete(desk, "1", now=FRIDAY)).sentence


def test_a_phase_done_by_hand_frees_what_waits_for_it(desk: Place) -> None:
    """Its dependents may run, and it counts as no build of Jarvis."""
    from jarvis_lib.report import tally

    single = chosen(desk, "importer")
    weekend_planner.select(desk, single.id, now=FRIDAY, commands={"reproduce": "true"})
    weekend_planner.start(desk, now=FRIDAY)
    weekend_planner.complete(desk, "reproduce", now=FRIDAY)
    with desk.store.reading() as reader:
        assert {p.id: p.after for p in weekend_planner.offering.pieces(reader, desk)}[single.tasks[0]] == ()
        assert tally.counts(reader, FRIDAY - timedelta(days=1), FRIDAY)["accepted"] == 0


def test_the_weekend_is_the_same_after_a_rebuild(desk: Place) -> None:
    """All rows follow from the journal."""
    group = chosen(desk, "Desk")
    weekend_planner.select(desk, group.id, now=FRIDAY)
    weekend_planner.start(desk, now=FRIDAY)
    weekend_planner.complete(desk, "1", now=FRIDAY)
    before = weekend_planner.progress(desk, now=FRIDAY)
    recover.rebuild(desk.store, "a test asked for it")
    assert weekend_planner.progress(desk, now=FRIDAY) == before


def test_it_is_told_on_a_terminal(desk: Place) -> None:
    """Candidates, choice and progress as lines that say what a person must know."""
    made = weekend_planner.suggest(desk, now=FRIDAY)
    told = "\n".join(suggestion_lines(made, zone=desk.zone))
    assert "8 of 10 cases" in told and "Why now:" in told and "Needs you before Sat 28 Nov 09:00" in told
    lines = chosen_lines(weekend_planner.select(desk, chosen(desk, "importer").id, now=FRIDAY))
    assert lines[1] == "  1. fix: 10.0 h"
    weekend_planner.start(desk, now=FRIDAY)
    shown = "\n".join(progress_lines(weekend_planner.progress(desk, now=FRIDAY)))
    assert "[------------------------]  0 of 10.0 h" in shown and "to be done by Sun 20:00" in shown


def test_the_command_line_says_what_happened_by_exit_code_and_json(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Suggest, select, start, progress, complete and summary from a shell; usage 2, missing 3, refused 4."""
    from jarvis_lib.cli.entry import main

    monkeypatch.chdir(home)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["weekend", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    assert run("suggest")[0] == 0 and run("progress", "--json")[0] == 0
    assert [run("select", "w12345")[0], run("start")[0], run("complete", "design")[0], run("select", "w")[0]] == [3, 3, 3, 2]
    for n in (1, 2):
        assert main(["add", f"Desk {n}", "", "3", "Bug fixes", "LOW", "--command", "true", "--check", "true", "--project", "Desk"]) == 0
    capsys.readouterr()
    answer = json.loads(run("suggest", "--json")[1])
    build = answer["data"]["candidates"][0]["id"]
    assert answer["schema"] == "jarvis.weekend_suggestion/1" and run("suggest")[1].split("\t")[0] == build
    assert [run("select", build, "--phase", "build")[0], run("select", build, "--phase", "a=1h", "--phase", "a=2h")[0]] == [2, 2]
    assert run("select", build)[0] == 0 and run("start")[0] == 0 and run("select", build)[0] == 4
    assert len(run("progress")[1].splitlines()) == 2
    assert run("complete", "1")[0] == 0 and "on your word" in run("complete", "2")[1]
    assert json.loads(run("summary", "--json")[1])["data"]["schema"] == "jarvis.weekend/1"
    assert not (home / "reports").exists()


def test_utc_is_used_inside(desk: Place) -> None:
    """Every moment of an answer is aware."""
    answer = weekend_planner.suggest(desk, now=FRIDAY).to_json()
    assert answer["finish_by"] == datetime(2026, 11, 29, 19, 0, tzinfo=UTC) and all(s["start"].tzinfo for s in answer["spans"])

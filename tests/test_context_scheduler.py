"""The context comes from overrides, calendar and clock, says which of them decided, and counts real hours."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib import context_scheduler
from jarvis_lib.context_scheduler import Entry, Known, Override, blocks, context_at, preferred, suits, week_of
from jarvis_lib.execution.idle import idle_minutes
from jarvis_lib.model.context import CONTEXTS
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.settings import parse
from jarvis_lib.model.task import CATEGORIES
from jarvis_lib.model.window import occurrences
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, ended, opened, passed, task

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.fixture
def here(make_place: Callable[[datetime], Place]) -> Place:
    return replace(make_place(at("2026-11-25 12:00")), zone=BERLIN)


@pytest.mark.parametrize(
    ("moment", "state", "until"),
    [
        ("2026-11-24 02:00", "sleeping", "Tue 06:00"),
        ("2026-11-24 06:00", "gym", "Tue 07:30"),
        ("2026-11-24 07:30", "available", "Tue 09:00"),
        ("2026-11-24 09:00", "working", "Tue 17:00"),
        ("2026-11-24 17:00", "gym", "Tue 18:30"),
        ("2026-11-24 18:30", "available", "Tue 23:00"),
        ("2026-11-24 23:00", "sleeping", "Wed 06:00"),
        ("2026-11-28 03:00", "sleeping", "Sat 06:00"),
        ("2026-11-28 12:00", "weekend", "Sat 17:00"),
        ("2026-11-28 17:30", "gym", "Sat 18:30"),
        ("2026-11-29 22:59", "weekend", "Sun 23:00"),
        ("2026-11-30 06:30", "gym", "Mon 07:30"),
    ],
)
def test_the_clock_says_the_context_and_until_when(here: Place, moment: str, state: str, until: str) -> None:
    """Gym before sleeping, sleeping before weekend, weekend before working; the rest is available."""
    found = context_scheduler.detect(here, now=at(moment))
    assert (found.state, f"{found.until.astimezone(BERLIN):%a %H:%M}") == (state, until)


def test_why_names_what_it_knows_and_what_lost(here: Place) -> None:
    """At 06:30 sleep and gym meet; both are said, and that nothing else was asked."""
    found = context_scheduler.detect(here, now=at("2026-11-24 06:30"))
    assert found.why == (
        "It is Tue 06:30 on the clock of Europe/Berlin.",
        "By the clock, gym is 06:00 to 07:30.",
        "Also sleep is 23:00 to 07:00; gym is the more exact.",
        "Nothing but the clock was asked.",
    )
    assert 0 < found.confidence < 1


BY_CLOCK = Known(parse("").habits)
SAYS = parse("").allows


def test_what_is_allowed_follows_the_context_and_the_lanes() -> None:
    """Asleep: three at once and no message; one lane in the settings stays one lane."""
    night = context_at(BY_CLOCK, BERLIN, now=at("2026-11-24 02:00"), allows=SAYS).allows
    assert (night.start_work, night.lanes, night.notify, night.first) == (True, 3, False, "long builds")
    one_lane = parse("[night]\nlanes = 1\n").allows
    assert context_at(BY_CLOCK, BERLIN, now=at("2026-11-24 02:00"), allows=one_lane).allows.lanes == 1
    assert context_at(BY_CLOCK, BERLIN, now=at("2026-11-24 20:00"), allows=SAYS).allows.lanes == 1


some_entries = st.lists(
    st.builds(
        lambda start, length, kind, all_day: Entry(
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start + length), kind, all_day
        ),
        st.integers(0, 368 * 1440),
        st.integers(1, 3 * 1440),
        st.sampled_from(["busy", "tentative", "away"]),
        st.booleans(),
    ),
    max_size=8,
)
some_overrides = st.lists(
    st.builds(
        lambda start, length, state: Override(
            state, datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start + length)
        ),
        st.integers(0, 368 * 1440),
        st.integers(1, 14 * 1440),
        st.sampled_from(CONTEXTS),
    ),
    max_size=3,
)
ZONES = st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("America/Santiago"), ZoneInfo("UTC"), ZoneInfo("Australia/Lord_Howe")])
CLOCKS = st.sampled_from(["", 'sleep = "02:15-02:45"', 'gym = ["02:30-03:15"]', 'work = "00:00-24:00"', 'sleep = "00:30-23:30"', "weekend_days = []"])


@settings(deadline=None)
@given(st.integers(0, 365 * 1440), st.integers(1, 3 * 1440), ZONES, CLOCKS, some_entries, some_overrides)
def test_contexts_cover_all_time_without_gap_or_overlap(
    minute: int, length: int, zone: ZoneInfo, clock: str, entries: list[Entry], overrides: list[Override]
) -> None:
    """From any moment, for any clock (also in hours that are skipped or come twice), with any entries and overrides."""
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    end = begin + timedelta(minutes=length)
    own = parse(f"[context.clock]\n{clock}\n")
    known = Known(own.habits, {date(2026, 5, 1): "May Day"}, tuple(entries), tuple(overrides))
    found = blocks(known, zone, begin, end)
    assert (found[0].start, found[-1].end) == (begin, end)
    assert all(one.end == two.start and one.state != two.state and one.start < one.end for one, two in pairwise(found))
    now = context_at(known, zone, now=begin, allows=own.allows)
    assert now.state == found[0].state and now.until > begin and 0 <= now.confidence <= 1


@settings(deadline=None)
@given(st.integers(0, 368 * 1440), ZONES, some_entries, some_overrides)
def test_what_the_person_set_always_wins(minute: int, zone: ZoneInfo, entries: list[Entry], overrides: list[Override]) -> None:
    """The newest of the overrides that hold is the context, whatever calendar and clock say."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    own = [o for o in overrides if o.since <= now < o.until]
    found = context_at(Known(BY_CLOCK.habits, {}, tuple(entries), tuple(overrides)), zone, now=now, allows=SAYS)
    if own:
        assert (found.state, found.confidence) == (own[-1].state, 1.0)
    assert (found.confidence == 1.0) == bool(own)


@pytest.mark.parametrize(
    ("moment", "zone", "hours", "asleep"),
    [
        ("2026-03-25 12:00", BERLIN, 167, 48),
        ("2026-10-21 12:00", BERLIN, 169, 50),
        ("2026-03-04 12:00", NEW_YORK, 167, 48),
        ("2026-10-28 12:00", NEW_YORK, 169, 50),
        ("2026-11-25 12:00", BERLIN, 168, 49),
    ],
)
def test_a_week_with_a_clock_change_has_its_real_hours(moment: str, zone: ZoneInfo, hours: int, asleep: int) -> None:
    """The hour that is lost or won is one of sleep."""
    begin, end = week_of(zone, now=at(moment, zone))
    found = blocks(BY_CLOCK, zone, begin, end)
    assert sum(b.hours for b in found) == hours
    assert sum(b.hours for b in found if b.state == "sleeping") == asleep


# --- calendar, holidays, nothing -----------------------------------------------------------------------------------------


def entry(start: str, end: str, kind: str = "busy", *, all_day: bool = False, title: str = "") -> Entry:
    return Entry(at(start), at(end), kind, all_day, title)


def known(*entries: Entry, holiday: str = "", overrides: tuple[Override, ...] = (), clock: str = "") -> Known:
    days = {date.fromisoformat(holiday): "St. Nobody's Day"} if holiday else {}
    return Known(parse(f"[context.clock]\n{clock}").habits, days, entries, overrides, has_calendar=bool(entries))


@pytest.mark.parametrize(
    ("what", "moment", "state"),
    [
        (known(entry("2026-11-24 20:00", "2026-11-24 21:00")), "2026-11-24 20:30", "working"),
        (known(entry("2026-11-24 20:00", "2026-11-24 21:00")), "2026-11-24 21:00", "available"),
        (known(entry("2026-11-24 17:00", "2026-11-24 18:00")), "2026-11-24 17:30", "working"),
        (known(entry("2026-11-24 20:00", "2026-11-24 21:00", "tentative")), "2026-11-24 20:30", "working"),
        (known(entry("2026-11-24 09:00", "2026-11-24 21:00"), entry("2026-11-24 12:00", "2026-11-24 13:00", "away")), "2026-11-24 12:30", "away"),
        (known(entry("2026-11-24 00:00", "2026-11-25 00:00", "away", all_day=True)), "2026-11-24 03:00", "away"),
        (known(entry("2026-11-28 00:00", "2026-11-29 00:00", all_day=True)), "2026-11-28 12:00", "working"),
        (known(entry("2026-11-28 00:00", "2026-11-29 00:00", all_day=True)), "2026-11-28 03:00", "sleeping"),
        (known(holiday="2026-11-24"), "2026-11-24 12:00", "holiday"),
        (known(holiday="2026-11-28"), "2026-11-28 12:00", "holiday"),
        (known(holiday="2026-11-24"), "2026-11-24 20:00", "holiday"),
        (known(holiday="2026-11-24"), "2026-11-24 03:00", "sleeping"),
        (known(holiday="2026-11-24"), "2026-11-24 06:30", "gym"),
        (known(entry("2026-11-24 12:00", "2026-11-24 13:00"), holiday="2026-11-24"), "2026-11-24 12:30", "working"),
        (known(clock='sleep = ""\ngym = []\nwork = ""'), "2026-11-24 12:00", "unknown"),
        (known(clock='sleep = ""\ngym = []\nwork = ""\nweekend_days = []'), "2026-11-28 12:00", "unknown"),
        (known(entry("2026-12-01 12:00", "2026-12-01 13:00"), clock='sleep = ""\ngym = []\nwork = ""'), "2026-11-24 12:00", "available"),
        (known(clock='gym = ["06:00-24:00"]'), "2026-11-24 23:59", "gym"),
        (known(clock='work_days = ["Sun"]\nweekend_days = ["Fri", "Sat"]'), "2026-11-29 12:00", "working"),
    ],
)
def test_override_before_calendar_before_clock(what: Known, moment: str, state: str) -> None:
    """Busy is working, out of office is away; a whole day says nothing about the night; a holiday is one until you sleep."""
    assert context_at(what, BERLIN, now=at(moment), allows=SAYS).state == state
    own = Override("gym", at(moment) - timedelta(minutes=1), at(moment) + timedelta(minutes=1))
    assert context_at(replace(what, overrides=(own,)), BERLIN, now=at(moment), allows=SAYS).state == "gym"


def test_why_tells_each_source_and_what_the_clock_alone_would_say() -> None:
    """An override during a meeting on a holiday."""
    own = Override("available", at("2026-11-24 12:00"), at("2026-11-24 16:00"))
    what = known(entry("2026-11-24 12:00", "2026-11-24 13:00", title="Team"), holiday="2026-11-24", overrides=(own,))
    assert context_at(what, BERLIN, now=at("2026-11-24 12:30"), allows=SAYS).why == (
        "It is Tue 12:30 on the clock of Europe/Berlin.",
        "You set available on Tue 12:00; that ends on Tue 16:00.",
        "Your calendar has an entry, which does not decide here.",
        "Today is a holiday: St. Nobody's Day.",
    )
    found = context_at(replace(what, overrides=()), BERLIN, now=at("2026-11-24 12:30"), allows=SAYS)
    assert found.why[1] == "Your calendar has “Team” until Tue 13:00." and found.confidence == 0.9


def test_nothing_known_is_unknown_and_starts_nothing_risky() -> None:
    """Documentation and tests only, one at a time, with no confidence at all."""
    found = context_at(known(clock='sleep = ""\ngym = []\nwork = ""'), BERLIN, now=at("2026-11-24 12:00"), allows=SAYS)
    assert (found.state, found.confidence, found.allows.lanes) == ("unknown", 0.0, 1)
    assert "nothing is known" in found.why[1]
    assert [c for c in CATEGORIES if suits(found.allows, candidate(c))] == ["Documentation", "Test coverage"]


@pytest.mark.parametrize(
    ("state", "idle", "change"), [("sleeping", 2, -0.3), ("sleeping", 90, 0.1), ("sleeping", 30, 0), ("working", 2, 0), ("working", 90, -0.3)]
)
def test_idle_time_only_changes_how_sure_it_is(state: str, idle: float, change: float) -> None:
    now = at("2026-11-24 02:00" if state == "sleeping" else "2026-11-24 12:00")
    plain, looked = (context_at(BY_CLOCK, BERLIN, now=now, allows=SAYS, idle_min=m) for m in (None, idle))
    assert (plain.state, looked.state) == (state, state)
    assert looked.confidence == pytest.approx(plain.confidence + change)
    assert any("terminal" in line for line in looked.why)


def test_idle_minutes_are_those_of_the_newest_terminal(tmp_path: Path) -> None:
    """Only devices of this user count; without any nothing is known."""
    (tmp_path / "plain").write_text("no device")
    assert idle_minutes(now=at("2026-11-24 12:00"), terminals=[tmp_path / "plain", tmp_path / "none"]) is None
    ours, theirs = os.openpty()
    name = Path(os.ttyname(theirs))
    used = datetime.fromtimestamp(name.stat().st_atime, UTC)
    assert idle_minutes(now=used + timedelta(minutes=3), terminals=[name, tmp_path / "plain"]) == pytest.approx(3)
    os.close(ours)
    os.close(theirs)


# --- what may run --------------------------------------------------------------------------------------------------------


def candidate(category: str = "Documentation", hours: float = 1.0, tags: tuple[str, ...] = ()) -> Candidate:
    return Candidate("t", "T", "queued", "LOW", category, hours, hours, (), (), None, at("2026-11-24 12:00"), tags=tags)


def test_what_goes_first_in_each_context() -> None:
    """As the settings say: research and tests while working, fitness in the gym, quick while available, long builds at night."""
    first = {
        "working": [candidate("Research/analysis"), candidate("Test coverage")],
        "gym": [candidate(tags=("Fitness",)), candidate(tags=("data", "health"))],
        "available": [candidate(hours=2.0)],
        "sleeping": [candidate(hours=2.5)],
        "away": [candidate(hours=2.5)],
    }
    for state, some in first.items():
        assert [preferred(SAYS(state), c) for c in some] == [True] * len(some)
        assert not preferred(SAYS(state), candidate("Bug fixes", hours=3.0 if state == "available" else 1.0, tags=("data",)))
    assert [SAYS(s).lanes for s in CONTEXTS] == [3, 3, 2, 1, 3, 3, 3, 1]


def test_what_a_context_allows_can_be_changed() -> None:
    """In a line or in a section of its own; what is not named keeps its default; no work at all is possible."""
    own = parse('[context.allows]\ngym = { lanes = 1 }\n[context.allows.working]\nstart_work = false\nonly = ["Documentation"]\n').allows
    assert (own("gym").lanes, own("gym").tags) == (1, ("fitness", "health"))
    assert not suits(own("working"), candidate())
    assert suits(own("gym"), candidate("Bug fixes"))


# --- overrides -----------------------------------------------------------------------------------------------------------


def test_an_override_holds_until_its_end_and_never_longer(here: Place) -> None:
    """Four hours unless said; the next one replaces it; after its end calendar and clock decide again."""
    now = at("2026-11-25 12:00")
    assert context_scheduler.set_context(here, "away", now=now).until == now + timedelta(hours=4)
    assert context_scheduler.detect(here, now=now + timedelta(hours=3)).state == "away"
    assert context_scheduler.detect(here, now=now + timedelta(hours=4)).state == "working"
    context_scheduler.set_context(here, "gym", now=now + timedelta(minutes=1), for_minutes=30)
    found = context_scheduler.detect(here, now=now + timedelta(minutes=2))
    assert (found.state, found.until, found.confidence) == ("gym", now + timedelta(minutes=31), 1.0)
    assert context_scheduler.detect(here, now=now + timedelta(minutes=40)).state == "working"


def test_clear_ends_what_was_set_and_says_what_holds_without(here: Place) -> None:
    now = at("2026-11-25 12:00")
    context_scheduler.set_context(here, "away", now=now)
    assert context_scheduler.clear_context(here, now=now + timedelta(hours=1)).state == "working"
    with pytest.raises(Refused, match="nothing to clear"):
        context_scheduler.clear_context(here, now=now + timedelta(hours=1))
    context_scheduler.set_context(here, "away", now=now + timedelta(hours=2), for_minutes=10)
    with pytest.raises(Refused, match="nothing to clear"):
        context_scheduler.clear_context(here, now=now + timedelta(hours=3))


@pytest.mark.parametrize(
    ("word", "more", "sentence"),
    [
        ("wroking", {}, "There is no context 'wroking'. Did you mean 'working'\\? Contexts: sleeping"),
        ("away", {"until": at("2026-11-25 11:00")}, "away would end on Wed 2026-11-25 11:00, which is not in the future"),
        ("away", {"until": at("2026-11-25 12:00")}, "not in the future"),
        ("away", {"for_minutes": 0.0}, "not in the future"),
        ("away", {"for_minutes": -5.0}, "not in the future"),
        ("away", {"for_minutes": 14 * 1440 + 1.0}, "at most 14 days, so now until Wed 2026-12-09 12:00"),
        ("away", {"for_minutes": 1e12}, "at most 14 days"),
        ("away", {"until": at("2027-11-25 12:00")}, "at most 14 days"),
        ("away", {"until": at("2026-11-25 13:00"), "for_minutes": 5.0}, "not both"),
    ],
)
def test_an_override_that_means_nothing_is_one_sentence(here: Place, word: str, more: dict[str, Any], sentence: str) -> None:
    """Unknown, over already, too long: exit code 2, and nothing is written."""
    with pytest.raises(Refused, match=sentence) as caught:
        context_scheduler.set_context(here, word, now=at("2026-11-25 12:00"), **more)
    assert caught.value.code == "usage"
    with here.store.reading() as reader:
        assert (reader.one("store.counts") or {})["facts"] == 0


def test_only_a_person_sets_the_context(here: Place) -> None:
    """Neither an agent nor a session, by whatever fact; and no fact makes an override that never ends."""
    for actor in ("agent:a", "session:s", "policy"):
        with pytest.raises(Refused, match="Only a person"):
            context_scheduler.set_context(replace(here, actor=actor), "away", now=at("2026-11-25 12:00"))
    endless = here.fact("context.set", state="away", until="2199-01-01T00:00:00.000000Z", starts_work=True)
    with pytest.raises(Refused, match="at most 14 days"):
        here.store.write(endless)


def test_only_an_override_that_allows_no_work_cuts_the_windows(here: Place) -> None:
    """`available` at night does not; a context that starts nothing does, until it is cleared."""
    now, evening, morning = at("2026-11-25 23:30"), at("2026-11-25 23:00"), at("2026-11-26 07:00")

    def night() -> list[tuple[str, float]]:
        with here.store.reading() as reader:
            found = occurrences(here.settings.windows, BERLIN, evening, morning, cuts_of(reader, evening, morning))
        return [(w.kind, w.hours) for w in found]

    context_scheduler.set_context(here, "available", now=now, for_minutes=60)
    assert night() == [("overnight", 8.0)]
    strict = replace(here, settings=parse("[context.allows]\navailable = { start_work = false }"))
    context_scheduler.set_context(strict, "available", now=now, for_minutes=60)
    assert night() == [("overnight", 0.5), ("overnight", 6.5)]
    context_scheduler.clear_context(strict, now=now + timedelta(minutes=30))
    assert night() == [("overnight", 0.5), ("overnight", 7.0)]


def test_transitions_are_noted_once_each(here: Place) -> None:
    """The first, then only a change; `summary` lists those of this week."""
    for moment, expected in (("12:00", "working"), ("13:00", None), ("17:30", "gym"), ("18:00", None), ("19:00", "available")):
        noted = context_scheduler.note_transition(here, now=at(f"2026-11-25 {moment}"))
        assert (noted.state if noted else None) == expected
    found = context_scheduler.summary(here, now=at("2026-11-25 20:00"))["transitions"]
    assert [(t["before"], t["state"]) for t in found] == [("", "working"), ("working", "gym"), ("gym", "available")]


# --- ahead and back ------------------------------------------------------------------------------------------------------


def test_upcoming_shows_the_windows_inside(here: Place) -> None:
    """From Tuesday 18:00: the gym, the evening with its quick win, and the night, cut where the twelve hours end."""
    rows = context_scheduler.upcoming(here, now=at("2026-11-24 18:00"))
    assert [(r["state"], round(r["hours"], 2), [w["key"] for w in r["windows"]]) for r in rows] == [
        ("gym", 0.5, []),
        ("available", 4.5, ["quick_win@2026-11-24"]),
        ("sleeping", 7.0, ["overnight@2026-11-24"]),
    ]
    evening = rows[1]["windows"][0]
    assert (evening["start"], evening["end"]) == (at("2026-11-24 19:00"), at("2026-11-24 23:00"))


@pytest.mark.parametrize("hours", [0, -1, float("nan"), 10_000])
def test_upcoming_refuses_hours_that_mean_nothing(here: Place, hours: float) -> None:
    """One sentence, exit code 2."""
    with pytest.raises(Refused, match="Hours must be more than 0") as caught:
        context_scheduler.upcoming(here, now=at("2026-11-24 18:00"), hours=hours)
    assert caught.value.code == "usage"


def test_summary_counts_this_week_and_the_attempts_in_each_context(here: Place) -> None:
    """One attempt at noon on Wednesday, while working; its ending is verified."""
    one = task()
    here.store.write(added(here, one))
    here.store.write(opened(here))
    here.store.write(claimed(here, one, "a1"))
    here.store.write(ended(here, one, "a1", evidence=[passed()]))
    found = context_scheduler.summary(here, now=at("2026-11-25 18:00"))
    rows = {r["state"]: r for r in found["contexts"]}
    assert (found["week_start"], found["week_end"]) == (at("2026-11-23 00:00"), at("2026-11-30 00:00"))
    assert (rows["working"]["attempts"], rows["working"]["verified"], rows["sleeping"]["attempts"]) == (1, 1, 0)
    assert {s: r["hours"] for s, r in rows.items()} == {"sleeping": 49, "gym": 21, "working": 40, "weekend": 28, "available": 30}
    assert rows["working"]["hours_so_far"] == 24
    assert rows["working"]["work_hours"] == pytest.approx(1.5 / 3600, abs=1e-3)
    assert context_scheduler.summary(here, now=at("2026-12-02 18:00"))["attempts"] == 0


def test_summary_of_an_empty_store_is_the_clock_alone(here: Place) -> None:
    """No attempts, all hours."""
    found = context_scheduler.summary(here, now=at("2026-11-25 12:00"))
    assert found["attempts"] == 0
    assert sum(r["hours"] for r in found["contexts"]) == 168

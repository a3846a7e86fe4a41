"""Does a task come again when it should, once, on the local clock, and is what was missed told?"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib import autonomous_queue
from jarvis_lib.autonomous_queue import taking_back
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused, new_id
from jarvis_lib.model.recurring import after, between, occurrences, parse
from jarvis_lib.store.place import Place
from jarvis_lib.store.recover import verify
from jarvis_lib.workspace import open_workspace
from tests.conftest import NIGHT

BERLIN = ZoneInfo("Europe/Berlin")
MakePlace = Callable[[datetime], Place]
MONDAY = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
"""NIGHT is a Monday evening; this is the next one, at nine."""


# --- rules ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mon 09:00", "every Mon at 09:00"),
        ("every Mondays at 9:00", "every Mon at 09:00"),
        ("mon, thu 18:30", "every Mon and Thu at 18:30"),
        ("fri-mon 10:00", "every Mon, Fri, Sat and Sun at 10:00"),
        ("weekdays 07:30,17:00", "every Mon, Tue, Wed, Thu and Fri at 07:30 and 17:00"),
        ("06:00", "every day at 06:00"),
        ("monthly 1 09:00", "day 1 of the month at 09:00"),
        ("1st,15th 08:00", "day 1 and day 15 of the month at 08:00"),
        ("last 17:00", "the last day of the month at 17:00"),
        ("hourly", "every day every hour"),
        ("30 7 * * 1-5", "every Mon, Tue, Wed, Thu and Fri at 07:30"),
        ("0 9 * * sun", "every Sun at 09:00"),
        ("0 9 * * 7", "every Sun at 09:00"),
        ("0 */12 * jan,jul *", "every day in Jan and Jul at 00:00 and 12:00"),
    ],
)
def test_a_rule_is_said_back(text: str, said: str) -> None:
    """Natural and cron-like forms mean the same thing in the same words."""
    assert parse(text).said() == said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mon 9", "reads two ways"),
        ("0 9 1 * mon", "reads two ways"),
        ("mon", "at what time"),
        ("* * * * *", "times a day"),
        ("0 0 31 2 *", "never comes"),
        ("0 24 * * *", "is no rule"),
        ("mon 25:00", "is no rule"),
        ("blursday 09:00", "is no rule"),
        ("", "is no rule"),
        ("monthly 32 09:00", "is no rule"),
        ("0 9 * *", "is no rule"),
        ("5-1 9 * * *", "is no rule"),
        ("*/0 9 * * *", "is no rule"),
        ("0 ² * * *", "is no rule"),
        ("*/² 9 * * *", "is no rule"),
    ],
)
def test_an_unclear_rule_is_refused(text: str, why: str) -> None:
    """With both readings where there are two, and with the forms that there are."""
    with pytest.raises(Refused, match=why) as caught:
        parse(text)
    assert caught.value.code == "usage"


def test_a_skipped_time_comes_with_the_jump_and_a_repeated_one_once() -> None:
    """02:30 in Berlin: on the spring day at 03:00, on the autumn day the first of two, on every day exactly once."""
    daily = parse("02:30")
    spring = between(daily, BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC))
    assert [f"{at.astimezone(BERLIN):%d %H:%M}" for at in spring] == ["29 03:00", "30 02:30"]
    autumn = between(daily, BERLIN, datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC))
    assert autumn == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]


def test_hours_over_a_clock_change_come_once_each() -> None:
    """Hourly over the day of 23 hours: 23 times; over the day of 25: 24, since each wall-clock time comes once."""
    for day, count in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 24)):
        start = datetime.combine(day, time(0), BERLIN).astimezone(UTC) - timedelta(seconds=1)
        end = datetime.combine(day + timedelta(days=1), time(0), BERLIN).astimezone(UTC) - timedelta(seconds=1)
        found = between(parse("hourly"), BERLIN, start, end)
        assert len(found) == len(set(found)) == count


ZONES = st.sampled_from([ZoneInfo(z) for z in ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")])
MOMENTS = st.integers(0, 4 * 366 * 24 * 60).map(lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))


@given(ZONES, MOMENTS, st.sets(st.integers(0, 6), min_size=1), st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
def test_the_next_time_is_the_first_that_the_clock_shows(zone: ZoneInfo, moment: datetime, days: set[int], hour: int, minute: int) -> None:
    """Against a walk over the minutes of two weeks: nothing on such a day and time is passed over, and nothing else is given."""
    rule = parse(f"{','.join(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'][d] for d in sorted(days))} {hour:02d}:{minute:02d}")
    found = after(rule, zone, moment)
    assert found > moment
    local = found.astimezone(zone)
    shown = (local.weekday() in days, (local.hour, local.minute) == (hour, minute))
    at = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    walked = next((t for n in range(60 * 24 * 15) if _shows(t := at + timedelta(minutes=n), zone, days, hour, minute)), None)
    if all(shown):
        first = walked is not None and (walked == found or walked.astimezone(zone).fold == 1)
        assert first
    else:
        assert walked is None or walked > found  # the clock skips it: it comes with the jump


def _shows(at: datetime, zone: ZoneInfo, days: set[int], hour: int, minute: int) -> bool:
    local = at.astimezone(zone)
    return local.minute == minute and local.hour == hour and local.weekday() in days


@given(ZONES, MOMENTS, st.sampled_from(["hourly", "daily 02:30", "weekdays 01:59,02:00", "last 00:00", "monthly 31 23:30", "15 1,2,3 * * *"]))
def test_times_rise_and_none_comes_twice(zone: ZoneInfo, moment: datetime, text: str) -> None:
    """Whatever the zone: asking after each answer for the next gives the same row of times as asking once."""
    rule = parse(text)
    row = []
    for at in occurrences(rule, zone, moment):
        row.append(at)
        if len(row) == 20:
            break
    assert all(a < b for a, b in pairwise(row))
    step, asked = moment, []
    for _ in row:
        step = after(rule, zone, step)
        asked.append(step)
    assert asked == row


# --- series --------------------------------------------------------------------------------------------------------------


def weekly(place: Place, **how: object) -> str:
    own: dict[str, object] = {"command": "true", "checks": ["true"], "every": "mon 09:00"} | how
    category = own.pop("category", "docs")
    return autonomous_queue.add(place, "Weekly report", "", 0.5, str(category), "MEDIUM", now=place.now(), **own).task.id  # type: ignore[arg-type]  # as a caller has them


def all_of(place: Place) -> list[Row]:
    with place.store.reading() as reader:
        return reader.rows("exporting.tasks", since=NIGHT)


def series(place: Place) -> Row:
    with place.store.reading() as reader:
        return reader.rows("autonomous_queue.series_going_on")[0]


def test_it_waits_for_its_time_and_then_may_run(place: Place, make_place: MakePlace) -> None:
    """Added on a Monday evening it is put off until the next Monday at nine; then housekeeping queues it."""
    weekly(place)
    (row,) = all_of(place)
    assert (row["state"], row["parked_kind"], row["until"]) == ("parked", "later", MONDAY)
    early = make_place(MONDAY - timedelta(minutes=1))
    autonomous_queue.housekeeping(early, now=early.now())
    assert [r["state"] for r in all_of(early)] == ["parked"]
    ripe = make_place(MONDAY + timedelta(minutes=1))
    autonomous_queue.housekeeping(ripe, now=ripe.now())
    assert [r["state"] for r in all_of(ripe)] == ["queued"]
    assert verify(ripe.store) == []


def test_what_comes_again_is_no_question(place: Place) -> None:
    """It is not in the inbox, no evening calls it put off, and every sentence of it tells when it comes by itself."""
    first = weekly(place)
    assert autonomous_queue.inbox(place, now=NIGHT) == [] == autonomous_queue.put_off(place, now=NIGHT)
    with place.store.reading() as reader:
        assert reader.rows("report.deferred", now=NIGHT) == []
    assert all_of(place)[0]["why"] == "It comes by itself on Mon 30 Nov 09:00 (every Mon at 09:00)."
    assert "comes by itself on Mon 30 Nov 09:00." in autonomous_queue.why(place, first, now=NIGHT)[0]


def test_an_early_approval_says_when_it_comes(place: Place) -> None:
    """Approved before its time it is neither queued nor waiting for the person."""
    first = weekly(place, category="New features")
    said = autonomous_queue.approve(place, first, now=NIGHT)
    assert said.endswith("it comes by itself on Mon 30 Nov 09:00.") and "waits for you" not in said
    assert "waits for you" not in autonomous_queue.why(place, first, now=NIGHT)[0]


def test_the_next_is_made_when_the_last_is_over(place: Place, make_place: MakePlace) -> None:
    """Dropped, it comes again at its next time; twice looked, it is made once."""
    first = weekly(place)
    ripe = make_place(MONDAY + timedelta(hours=1))
    autonomous_queue.housekeeping(ripe, now=ripe.now())
    said = autonomous_queue.drop(ripe, first, now=ripe.now())
    assert "It comes again" in said and "--series" in said
    for _ in range(2):
        autonomous_queue.housekeeping(ripe, now=ripe.now())
    rows = all_of(ripe)
    assert sorted(r["state"] for r in rows) == ["dropped", "parked"]
    new = next(r for r in rows if r["state"] == "parked")
    assert new["until"] == MONDAY + timedelta(days=7) and new["id"] != first and series(ripe)["made"] == 2


def test_missed_times_are_told_once_and_never_made_up_for(place: Place, make_place: MakePlace) -> None:
    """Open for three weeks: two missed, told in one sentence and counted; there is still one task."""
    weekly(place)
    late = make_place(MONDAY + timedelta(days=15))
    for _ in range(3):
        autonomous_queue.housekeeping(late, now=late.now())
    assert len(all_of(late)) == 1 and series(late)["missed"] == 2
    with late.store.reading() as reader:
        told = [r["sentence"] for r in reader.rows("store.notices_since", since=NIGHT)]
    assert len(told) == 1 and "missed 2 times" in told[0] and "Mon 07 Dec 09:00" in told[0]


def test_after_a_long_pause_the_newest_time_counts(place: Place, make_place: MakePlace) -> None:
    """Over before three times passed with nobody there: the newest comes now, the two before it are told."""
    first = weekly(place)
    autonomous_queue.drop(place, first, now=NIGHT)
    late = make_place(MONDAY + timedelta(days=14, hours=2))
    autonomous_queue.housekeeping(late, now=late.now())
    rows = all_of(late)
    assert sorted(r["state"] for r in rows) == ["dropped", "queued"] and series(late)["missed"] == 1


def test_an_approval_holds_for_the_next_while_nothing_changes(place: Place, make_place: MakePlace) -> None:
    """The person said yes to it as it comes again: the next is not asked about; an edit asks anew."""
    first = weekly(place, category="New features")
    assert all_of(place)[0]["parked_kind"] == "approval"
    autonomous_queue.approve(place, first, now=NIGHT)
    (row,) = all_of(place)
    assert (row["state"], row["parked_kind"]) == ("parked", "later")  # approved, and its time has not come
    ripe = make_place(MONDAY + timedelta(hours=1))
    autonomous_queue.housekeeping(ripe, now=ripe.now())
    autonomous_queue.drop(ripe, first, now=ripe.now())
    autonomous_queue.housekeeping(ripe, now=ripe.now())
    second = next(r for r in all_of(ripe) if r["state"] == "parked")
    assert second["parked_kind"] == "later" and second["approved_hash"] == second["content_hash"]
    autonomous_queue.edit(ripe, second["id"], now=ripe.now(), command="false")
    autonomous_queue.drop(ripe, second["id"], now=ripe.now())
    autonomous_queue.housekeeping(ripe, now=ripe.now())
    third = next(r for r in all_of(ripe) if r["state"] == "parked")
    assert third["parked_kind"] == "approval" and third["approved_hash"] is None


def test_a_changed_file_voids_the_standing_approval(place: Place, make_place: MakePlace) -> None:
    """The script that the approved task runs is another one the next time: it is asked about."""
    script = place.home / "weekly.sh"
    script.write_text("#!/bin/sh\ntrue\n")
    script.chmod(0o755)
    first = weekly(place, category="New features", command="./weekly.sh")
    autonomous_queue.approve(place, first, now=NIGHT)
    script.write_text("#!/bin/sh\nrm -rf everything\n")
    autonomous_queue.drop(place, first, now=NIGHT)
    autonomous_queue.housekeeping(place, now=NIGHT)
    second = next(r for r in all_of(place) if r["state"] == "parked")
    assert second["parked_kind"] == "approval"


def test_another_policy_voids_the_standing_approval(place: Place) -> None:
    """What was approved under one policy is asked about again under the next."""
    first = weekly(place, category="New features")
    autonomous_queue.approve(place, first, now=NIGHT)
    autonomous_queue.drop(place, first, now=NIGHT)
    file = place.home / "jarvis.toml"
    file.write_text(file.read_text().replace("cost_limit = 10.0", "cost_limit = 7.0", 1))
    stricter = open_workspace(place.home, clock=lambda: NIGHT, actor="person:test")
    assert stricter.settings.policy.hash != place.settings.policy.hash
    autonomous_queue.housekeeping(stricter, now=NIGHT)
    second = next(r for r in all_of(stricter) if r["state"] == "parked")
    assert second["parked_kind"] == "approval" and second["approved_hash"] is None


def test_a_series_ends_by_the_persons_word(place: Place, make_place: MakePlace) -> None:
    """With drop --series, or by an edit that takes the rule away; show says so, and nothing is made any more."""
    first = weekly(place)
    assert "next Mon 30 Nov 09:00" in autonomous_queue.show(place, first)["series"]["said"]
    assert "It comes no more" in autonomous_queue.drop(place, first, now=NIGHT, series=True)
    second = weekly(place)
    autonomous_queue.edit(place, second, now=NIGHT, every="")
    late = make_place(MONDAY + timedelta(days=30))
    autonomous_queue.housekeeping(late, now=late.now())
    assert {r["id"] for r in all_of(late)} == {first, second}
    assert "comes no more" in autonomous_queue.show(late, first)["series"]["said"]
    assert next(r for r in all_of(late) if r["id"] == second)["state"] == "queued"


def test_an_edit_of_the_rule_moves_the_next_time(place: Place) -> None:
    """Monday becomes Tuesday: the task that waits moves with it."""
    first = weekly(place)
    autonomous_queue.edit(place, first, now=NIGHT, every="tue 10:00")
    (row,) = all_of(place)
    assert row["until"] == datetime(2026, 11, 24, 10, tzinfo=UTC) and series(place)["every"] == "tue 10:00"


def test_only_a_person_makes_a_task_come_again(place: Place) -> None:
    """An agent's proposal with a rule is refused, and so is a made-up occurrence with other content."""
    import json
    from dataclasses import replace

    from jarvis_lib.model.task import task_from_json

    first = weekly(place)
    (row,) = all_of(place)
    own = task_from_json(json.loads(row["content"]))
    forged = replace(own, id=new_id(), description="something else")
    fresh = replace(own, id=new_id(), series=new_id())
    autonomous_queue.drop(place, first, now=NIGHT)
    for content, data in ((fresh, {}), (forged, {"series": own.series})):
        with pytest.raises(Refused):
            place.store.write(place.fact("task.added", actor="agent:x", task=content.to_json(), content_hash="x", comes_at="2026-12-01T00:00:00Z", **data))
    assert [r["id"] for r in all_of(place)] == [first]


def test_a_due_date_and_a_rule_do_not_go_together(place: Place) -> None:
    """A task that comes again has no single due date."""
    with pytest.raises(Refused, match="no single due date"):
        weekly(place, due=MONDAY)
    assert all_of(place) == []


# --- taking back ---------------------------------------------------------------------------------------------------------


def test_each_change_is_taken_back_by_its_inverse(place: Place) -> None:
    """Add, edit, approve, drop and put off: the state of before stands again, and each is taken back once."""
    one = autonomous_queue.add(place, "One", "", 1, "New features", "LOW", now=NIGHT, command="true").task.id

    def state() -> tuple[str, str, float]:
        row = next(r for r in all_of(place) if r["id"] == one)
        return row["state"], row["parked_kind"], row["hours"]

    for act in (
        lambda: autonomous_queue.edit(place, one, now=NIGHT, hours=3),
        lambda: autonomous_queue.approve(place, one, now=NIGHT),
        lambda: autonomous_queue.drop(place, one, now=NIGHT),
        lambda: autonomous_queue.decline(place, one, now=NIGHT),
    ):
        before = state()
        act()
        assert state() != before
        taking_back.take_back(place, now=NIGHT)
        assert state() == before
    taking_back.take_back(place, now=NIGHT)
    assert state()[0] == "dropped"
    with pytest.raises(Refused, match="changed nothing"):
        taking_back.take_back(place, now=NIGHT)
    assert all(c.taken_back for c in taking_back.changes(place, now=NIGHT))
    assert verify(place.store) == []


def test_a_change_can_be_taken_back_for_seven_days(place: Place, make_place: MakePlace) -> None:
    """On the eighth day it is not offered, and neither is what somebody else did."""
    autonomous_queue.add(place, "One", "", 1, "docs", "LOW", now=NIGHT, command="true")
    assert taking_back.changes(make_place(NIGHT + timedelta(days=6)), now=NIGHT + timedelta(days=6))
    late = make_place(NIGHT + timedelta(days=8))
    with pytest.raises(Refused, match="7 days"):
        taking_back.take_back(late, now=late.now())
    with pytest.raises(Refused, match="no change 99"):
        taking_back.take_back(place, 99, now=NIGHT)


def test_an_edit_that_was_edited_again_is_not_taken_back(place: Place) -> None:
    """The older edit's inverse would throw the newer one away."""
    one = autonomous_queue.add(place, "One", "", 1, "docs", "LOW", now=NIGHT, command="true").task.id
    autonomous_queue.edit(place, one, now=NIGHT, hours=2)
    autonomous_queue.edit(place, one, now=NIGHT, hours=3)
    older = taking_back.changes(place, now=NIGHT)[1]
    with pytest.raises(Refused, match="edited again since"):
        taking_back.take_back(place, older.number, now=NIGHT)

"""What the ledger refuses at its doors: slots that cron begins, tasks that come again, messages that are sent."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from jarvis_lib.model.delivery_rules import MOST_TRIES
from jarvis_lib.model.fact import Fact, stamp
from jarvis_lib.model.task import Task, content_hash
from jarvis_lib.model.timetable import MOST_STARTS
from jarvis_lib.store.place import Place
from tests.facts import added, opened, task
from tests.refusing import Ledger

HOUR = timedelta(hours=1)
ME, YOU = {"pid": 1}, {"pid": 2}


@pytest.fixture
def ledger(place: Place) -> Ledger:
    return Ledger(place)


# --- slots ---------------------------------------------------------------------------------------------------------------


def slot(ledger: Ledger, kind: str, *, at: datetime | None = None, **data: Any) -> Fact:
    own = {"slot": "report@2026-11-24", "job": "report", "due": stamp(ledger.now), "until": stamp(ledger.now + HOUR), "owner": ME}
    return ledger.fact(kind, by="session:cron", at=at or ledger.now, **own | data)


def test_a_slot_is_begun_in_its_time_and_by_one(ledger: Ledger) -> None:
    ledger.refuses("is not yet there; nothing is run late", slot(ledger, "slot.claimed", at=ledger.now - HOUR))
    ledger.refuses("is over; nothing is run late", slot(ledger, "slot.claimed", at=ledger.now + HOUR))
    ledger.refuses("is not yours to end", slot(ledger, "slot.done", outcome="worked", said=""))
    ledger.write(slot(ledger, "slot.claimed"))
    ledger.refuses("is claimed since", slot(ledger, "slot.claimed", owner=YOU))
    ledger.refuses("is not yours to end", slot(ledger, "slot.done", owner=YOU, outcome="worked", said=""))
    ledger.refuses("malformed: ValueError outcome", slot(ledger, "slot.done", outcome="splendid", said=""))
    ledger.refuses("has its row already", slot(ledger, "slot.missed", at=ledger.now + HOUR, why="asleep"))
    ledger.write(slot(ledger, "slot.done", outcome="failed", said="no page"))
    assert [n["sentence"] for n in ledger.rows._added["notices"]] == ["report@2026-11-24 failed: no page"]
    ledger.refuses("is done already", slot(ledger, "slot.claimed"))


def test_a_slot_whose_process_dies_each_time_is_given_up(ledger: Ledger) -> None:
    ledger.write(slot(ledger, "slot.claimed"))
    for _ in range(MOST_STARTS - 1):
        ledger.write(slot(ledger, "slot.claimed", dead=ledger.row("cron_slots", "report@2026-11-24")["owner"]))
    ledger.refuses(f"was begun {MOST_STARTS} times", slot(ledger, "slot.claimed", dead=ledger.row("cron_slots", "report@2026-11-24")["owner"]))


def test_a_slot_is_missed_when_its_time_is_over(ledger: Ledger) -> None:
    ledger.refuses("can still be run", slot(ledger, "slot.missed", why="asleep"))
    ledger.write(slot(ledger, "slot.missed", at=ledger.now + HOUR, why="asleep"))
    ledger.refuses("is missed already", slot(ledger, "slot.claimed"))


@pytest.mark.parametrize(("outcome", "state", "told"), [("done", "done", "worked"), ("failed", "done", "failed"), ("died", "claimed", "")])
def test_a_session_of_a_whole_window_holds_its_slot(ledger: Ledger, outcome: str, state: str, told: str) -> None:
    """Its end is the slot's; one that died leaves it to be begun anew."""
    begun = opened(ledger.place)
    ledger.write(begun)
    key = begun.data["window"]
    assert ledger.row("cron_slots", key)["session"] == "s1"
    ledger.write(ledger.fact("session.closed", by="session:s1", session="s1", outcome=outcome, said="x"))
    row = ledger.row("cron_slots", key)
    assert (row["state"], row["outcome"]) == (state, told)


@pytest.mark.parametrize(("window", "whole"), [("for@now", True), ("splendid@2026-11-23", True), ("overnight@2026-11-23", False)])
def test_a_session_by_hand_holds_none(ledger: Ledger, window: str, whole: bool) -> None:
    begun = opened(ledger.place)
    ledger.write(Fact(begun.id, begun.at, begun.actor, begun.kind, begun.data | {"window": window, "whole": whole}))
    assert ledger.rows.get("cron_slots", window) is None


def test_only_a_person_says_what_starts_by_itself_and_only_one_thing_does(ledger: Ledger) -> None:
    for kind in ("cron.installed", "cron.removed"):
        ledger.refuses("Only a person says what starts by itself", ledger.fact(kind, by="session:s1", scheduler="cron"))
        ledger.refuses("malformed: ValueError scheduler", ledger.fact(kind, scheduler="at"))
    ledger.write(ledger.fact("cron.removed", scheduler="cron"), ledger.fact("cron.installed", scheduler="cron"))
    ledger.refuses("is started by cron already", ledger.fact("cron.installed", scheduler="systemd"))
    again = ledger.fact("cron.installed", at=ledger.now + HOUR, scheduler="cron")
    ledger.write(again)
    assert ledger.row("cron_installed", "cron")["changed_at"] == again.at > ledger.row("cron_installed", "cron")["since"]
    ledger.write(ledger.fact("cron.removed", scheduler="cron"), ledger.fact("cron.installed", scheduler="systemd"))
    assert ledger.row("cron_installed", "systemd")["removed_at"] is None


# --- tasks that come again -----------------------------------------------------------------------------------------------


def coming(ledger: Ledger, one: Task, *, by: str = "person:test", after: timedelta = HOUR, **data: Any) -> Fact:
    own = {"task": one.to_json(), "content_hash": content_hash(one, {}), "comes_at": stamp(ledger.now + after)}
    return ledger.fact("task.added", by=by, **own | data)


def test_a_series_is_begun_by_a_person_once_and_goes_on_with_what_it_was(ledger: Ledger) -> None:
    own = task(id="first00000", every="daily 06:00", series="r1")
    ledger.refuses("Only a person makes a task come again", coming(ledger, own, by="session:s1"))
    ledger.write(coming(ledger, own))
    assert ledger.row("tasks", own.id)["parked_kind"] == "later"
    ledger.refuses("There is already a series r1", coming(ledger, task(id="second0000", every="daily 06:00", series="r1")))
    ledger.refuses("the one before is not over, or was changed", coming(ledger, task(id="second0000", every="daily 06:00", series="r1"), series="r1"))
    ledger.refuses("is no occurrence of r9", coming(ledger, task(id="second0000", every="daily 06:00", series="r9"), series="r9"))
    ledger.write(ledger.fact("task.dropped", task=own.id))
    ledger.refuses("was changed since", coming(ledger, task(id="second0000", title="Another", every="daily 06:00", series="r1"), series="r1"))
    ledger.write(coming(ledger, task(id="second0000", every="daily 06:00", series="r1"), series="r1", after=-HOUR))
    assert ledger.row("series", "r1")["made"] == 2 and ledger.row("tasks", "second0000")["state"] == "queued"


def test_what_a_series_missed_is_told_once_and_its_end_is_the_persons(ledger: Ledger) -> None:
    ledger.write(coming(ledger, task(id="first00000", every="daily 06:00", series="r1")))
    missed = {"series": "r1", "until": stamp(ledger.now + 2 * HOUR), "count": 2, "said": "asleep"}
    ledger.refuses("There is no series 'r9'", ledger.fact("series.missed", **missed | {"series": "r9"}))
    ledger.refuses("told already", ledger.fact("series.missed", **missed | {"count": 0}))
    ledger.refuses("told already", ledger.fact("series.missed", **missed | {"until": stamp(ledger.now)}))
    ledger.write(ledger.fact("series.missed", **missed))
    ledger.refuses("told already", ledger.fact("series.missed", **missed))
    assert "was missed 2 times: asleep." in ledger.rows._added["notices"][-1]["sentence"]
    ledger.refuses("Only a person ends a series", ledger.fact("series.ended", by="session:s1", series="r1"))
    ledger.write(ledger.fact("series.ended", series="r1"))
    ledger.refuses("that still goes on", ledger.fact("series.ended", series="r1"))


def edit(ledger: Ledger, one: Task, **changes: Any) -> Fact:
    new = Task(**{n: getattr(one, n) for n in one.__slots__} | changes)
    own = {"task": one.id, "content": new.to_json(), "content_hash": content_hash(new, {}), "revision": None}
    return ledger.fact("task.edited", **own, comes_at=stamp(ledger.now + 3 * HOUR), comes_said="Mon 09:00")


def test_a_rule_is_given_changed_and_taken_away_by_an_edit(ledger: Ledger) -> None:
    one = task(id="first00000")
    ledger.write(added(ledger.place, one), edit(ledger, one, every="daily 06:00", series="r1"))
    assert ledger.row("tasks", one.id)["parked_kind"] == "later" and "Mon 09:00" in ledger.row("tasks", one.id)["why"]
    rule = Task(**{n: getattr(one, n) for n in one.__slots__} | {"every": "daily", "series": "r1"})
    ledger.write(edit(ledger, rule, every="weekdays 07:30"))
    assert ledger.row("series", "r1")["every"] == "weekdays 07:30"
    ledger.write(edit(ledger, rule, every=""))
    assert ledger.row("series", "r1")["ended_why"] == "its rule was taken away" and ledger.row("tasks", one.id)["state"] == "queued"


def test_only_the_newest_of_a_series_is_edited_to_another_rule(ledger: Ledger) -> None:
    one, two = (task(id=name, every="daily 06:00", series="r1") for name in ("first00000", "second0000"))
    ledger.write(coming(ledger, one))
    ledger.write(ledger.fact("task.dropped", task=one.id), coming(ledger, two, series="r1"), ledger.fact("task.retried", task=one.id))
    ledger.refuses("is not the newest of its series; edit second0000", edit(ledger, one, every="weekdays 07:30"))


# --- messages ------------------------------------------------------------------------------------------------------------


def message(ledger: Ledger, kind: str, *, by: str = "session:post", at: datetime | None = None, **data: Any) -> Fact:
    own = {"key": "m1", "happening": "h1", "channel": "email", "kind": "report", "about": "morning", "alert": False}
    return ledger.fact(kind, by=by, at=at, **own | data)


def test_a_channel_is_one_that_exists_and_opens_once(ledger: Ledger) -> None:
    ledger.refuses("malformed: ValueError channel", ledger.fact("delivery.opened", channel="pigeon", since=stamp(ledger.now)))
    ledger.write(ledger.fact("delivery.opened", channel="email", since=stamp(ledger.now)))
    ledger.refuses("is open already", ledger.fact("delivery.opened", channel="email", since=stamp(ledger.now)))
    ledger.write(ledger.fact("delivery.tested", channel="apprise", ok=False, said="no answer"))
    assert ledger.row("channels", "apprise")["why"] == "no answer"
    ledger.write(ledger.fact("delivery.tested", channel="apprise", ok=True, said=""))
    assert ledger.row("channels", "apprise")["failing_since"] is None


def test_a_message_is_sent_once_and_each_ending_is_that_of_its_own_try(ledger: Ledger) -> None:
    ledger.refuses("There is no message 'm1'", message(ledger, "delivery.tried", n=1))
    ledger.write(message(ledger, "delivery.queued"))
    ledger.refuses("is in the outbox already", message(ledger, "delivery.queued"))
    ledger.refuses("it is not sent now", message(ledger, "delivery.tried", n=2))
    ledger.refuses("is waiting after 0 tries; this is not the ending", message(ledger, "delivery.sent", n=0, said=""))
    ledger.write(message(ledger, "delivery.tried", n=1))
    ledger.refuses("not the ending of its last one", message(ledger, "delivery.failed", n=2, why="x", again=True))
    ledger.refuses("Only a person has a message sent once more", message(ledger, "delivery.again"))
    ledger.refuses("is being sent right now", message(ledger, "delivery.again", by="person:test"))
    ledger.write(message(ledger, "delivery.sent", n=1, said="250 ok"))
    ledger.refuses("it is not sent now", message(ledger, "delivery.tried", n=2))
    ledger.refuses("there is nothing to drop", message(ledger, "delivery.dropped", why="old"))


def test_a_message_is_tried_a_few_times_and_then_dropped_or_sent_by_the_persons_word(ledger: Ledger) -> None:
    ledger.write(message(ledger, "delivery.queued"))
    for n in range(1, MOST_TRIES + 1):
        ledger.write(message(ledger, "delivery.tried", n=n), message(ledger, "delivery.failed", n=n, why="no answer", again=True))
    row = ledger.row("deliveries", "m1")
    assert (row["state"], row["next_at"]) == ("failed", None) and ledger.row("channels", "email")["why"] == "no answer"
    ledger.write(message(ledger, "delivery.again", by="person:test"))
    assert ledger.row("deliveries", "m1")["tries"] == 0
    ledger.write(message(ledger, "delivery.dropped", why="too old"))
    assert ledger.row("deliveries", "m1")["state"] == "dropped"

"""Is each message sent once, at its hour, as often as it takes, and told when it cannot be? The outbox with a real SMTP server on loopback."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib import overnight_runner
from jarvis_lib.cli.entry import main
from jarvis_lib.doors import delivery
from jarvis_lib.doors.delivery.outbox import queue_new, standing
from jarvis_lib.model.delivery import MOST_TRIES, RETRIES, quiet_until
from jarvis_lib.model.fact import Fact, Refused, digest, new_id, stamp
from jarvis_lib.model.ledger import apply
from jarvis_lib.model.problem import Problem
from jarvis_lib.model.settings import BadSettings, parse
from jarvis_lib.store import lock, recover
from jarvis_lib.store.rows import Rows
from jarvis_lib.workspace import open_workspace
from tests.delivery_parts import EIGHT, PASSWORD, Clock, ending, escalation, everything, mailing, messages, night, report, workspace
from tests.facts import added, task
from tests.receivers import Mailbox, closed_port, mail_server
from tests.report_nights import brief_of

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server(Mailbox()) as served:
        yield served


@pytest.fixture
def clock() -> Clock:
    return Clock()


# --- when ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-23 21:59", None),
        ("2026-11-23 22:00", "2026-11-24 07:00"),
        ("2026-11-24 06:59", "2026-11-24 07:00"),
        ("2026-11-24 07:00", None),
        ("2026-03-29 01:30", "2026-03-29 07:00"),
        ("2026-10-25 02:30", "2026-10-25 07:00"),
    ],
)
def test_the_quiet_hours_are_those_of_the_local_clock(at: str, until: str | None) -> None:
    """Also in the nights in which the clock is changed; their last minute is quiet, and 07:00 is not."""
    moment = datetime.fromisoformat(at).replace(tzinfo=BERLIN)
    found = quiet_until("22:00-07:00", moment, BERLIN)
    assert (None if found is None else f"{found.astimezone(BERLIN):%Y-%m-%d %H:%M}") == until
    assert quiet_until("", moment, BERLIN) is None and quiet_until("12:00-13:00", moment, BERLIN) is None


@given(
    minutes=st.integers(0, 2 * 366 * 1440),
    begin=st.integers(0, 23),
    length=st.integers(1, 23),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]),
)
def test_a_quiet_hour_always_ends_at_its_end(minutes: int, begin: int, length: int, zone: str) -> None:
    """Whatever the moment, the span and the zone: it ends later than now, within a day and an hour, when the local clock shows the end."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    end = (begin + length) % 24
    found = quiet_until(f"{begin:02d}:00-{end:02d}:00", at, ZoneInfo(zone))
    if found is not None:
        assert timedelta(0) < found - at <= timedelta(hours=25)
        assert found.astimezone(ZoneInfo(zone)).hour in (end, end + 1) and quiet_until(f"{begin:02d}:00-{end:02d}:00", found, ZoneInfo(zone)) is None


def test_a_brief_waits_for_the_morning_and_an_alert_does_not(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """Made at 02:00, the brief is sent at 07:00; what was stopped is told at 02:00."""
    clock.at = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    place = mailing(tmp_path, clock, box, quiet="22:00-07:00")
    night(place)
    ending(place, evidence=escalation())
    report(place)
    delivery.post(place)
    assert [m["Subject"] for m in box.mails] == ["[Jarvis] Stopped at 02:00: a task needs you (Tue 24 Nov)"]
    assert "waits until today 07:00 (quiet hours)" in next(m["said"] for m in messages(place) if not m["alert"])
    clock.at = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
    delivery.post(place)
    assert box.mails[1]["Subject"] == "[Jarvis] 0 of 1 shipped; 1 needs you (Tue 24 Nov)"


def test_an_alert_that_was_answered_meanwhile_is_not_sent(tmp_path: Path, clock: Clock) -> None:
    box = Mailbox(port=closed_port())
    place = mailing(tmp_path, clock, box)
    night(place)
    stopped = ending(place, evidence=escalation())
    delivery.post(place)
    place.store.write(place.fact("task.dropped", task=stopped, reason="not wanted"))
    clock.at += timedelta(minutes=2)
    with mail_server(box):
        delivery.post(place)
    assert box.mails == [] and [(m["state"], m["said"]) for m in messages(place)] == [("dropped", "it was answered meanwhile")]


def test_alerts_can_be_switched_off(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    place = mailing(tmp_path, clock, box, alerts=False)
    night(place)
    ending(place, evidence=escalation())
    assert delivery.post(place) == [] and box.mails == []


# --- once ----------------------------------------------------------------------------------------------------------------


def test_a_brief_is_sent_once_however_often_it_is_made_and_posted(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """The same day's brief made again is the same brief; the next day's is another."""
    place = mailing(tmp_path, clock, box)
    report(place)
    delivery.post(place)
    delivery.post(place)
    report(place, headline="All is well, a second time")
    delivery.post(place)
    assert len(box.mails) == 1
    clock.at += timedelta(days=1)
    report(place)
    delivery.post(place)
    assert len(box.mails) == 2 and len({m["Message-ID"] for m in box.mails}) == 2
    assert box.mails[0]["References"] == box.mails[1]["References"]


def test_two_posts_at_once_send_one_mail(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """The second one is told that the first is at it, or gives way when it was asked to stay."""
    box.slow_s = 0.6
    place = mailing(tmp_path, clock, box)
    report(place)
    first = threading.Thread(target=delivery.post, args=(place,))
    first.start()
    time.sleep(0.3)
    other = open_workspace(tmp_path, clock=clock, actor="person:test")
    with pytest.raises(Refused, match="The outbox is busy") as refused:
        delivery.post(other)
    assert refused.value.code == "busy" and delivery.post(other, stay=True) == []
    first.join()
    assert len(box.mails) == 1


def test_a_message_that_was_cut_off_by_a_crash_is_sent_again_under_the_same_id(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """A process died between the server's answer and its own note: the second copy has the id of the first, and the try is counted."""
    place = mailing(tmp_path, clock, box)
    report(place)
    delivery.post(place)
    first = box.mails[0]["Message-ID"]
    with place.store.reading() as reader:
        key = reader.rows("delivery.listing", now=place.now(), most=1)[0]["key"]
    place.store.write(place.fact("delivery.again", key=key))
    place.store.write(place.fact("delivery.tried", key=key, n=1))
    clock.at += timedelta(minutes=1)
    delivery.post(place)
    assert [m["Message-ID"] for m in box.mails] == [first, first] and messages(place)[0]["tries"] == 2


def test_a_new_channel_is_not_told_the_whole_past(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """What was made in the hour before it was switched on is sent, and nothing older."""
    place = workspace(tmp_path, clock)
    report(place, at=EIGHT - timedelta(days=1))
    report(place, at=EIGHT - timedelta(hours=3), kind="evening")
    report(place, at=EIGHT - timedelta(minutes=5))
    delivery.post(mailing(tmp_path, clock, box))
    assert [m["Subject"] for m in box.mails] == ["[Jarvis] Nothing ran; nothing needs you (Tue 24 Nov)"]


def test_only_the_reports_that_were_asked_for_are_sent(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """And a report that says of itself that there is nothing to say stays a file."""
    place = mailing(tmp_path, clock, box, reports=["weekend", "evening"])
    report(place)
    report(place, kind="weekend")
    report(place, kind="evening", send=False)
    report(place, kind="problem_predictor")
    delivery.post(place)
    assert [m["Subject"] for m in box.mails] == ["[Jarvis] Weekend: nothing ran; nothing needs you (Tue 24 Nov)"]


# --- when it fails -------------------------------------------------------------------------------------------------------


def test_a_refused_login_is_tried_after_1_5_and_15_minutes_and_then_told_in_the_next_brief(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """Four tries; the brief says what is wrong and since when; the password stands nowhere; a success ends the complaint."""
    box.password = "another one"
    place = mailing(tmp_path, clock, box, login=True)
    report(place)
    posted = delivery.post(place, stay=True, pause=clock.pause)
    assert [p.ok for p in posted] == [False] * MOST_TRIES and len(box.logins) >= MOST_TRIES
    assert sum(RETRIES, timedelta()) <= timedelta(seconds=clock.paused) < sum(RETRIES, timedelta()) + timedelta(minutes=1)
    (row,) = messages(place)
    assert (row["state"], row["tries"]) == ("failed", 4) and row["said"].startswith("login refused by 127.0.0.1")
    told = [line.said for line in brief_of(place, clock.at + timedelta(hours=23)).system if line.name == "Delivery"]
    assert len(told) == 1 and told[0].startswith("email failed: login refused by 127.0.0.1") and "since Tue 08:00; 1 message not sent" in told[0]
    assert PASSWORD not in everything(place)
    assert "fails since today 08:00" in standing(place, now=clock.at)[1]
    box.password = PASSWORD
    clock.at += timedelta(days=1)
    report(place)
    delivery.post(place)
    assert len(box.mails) == 1 and [line for line in brief_of(place, clock.at).system if line.name == "Delivery"] == []


def test_a_server_that_breaks_off_in_the_middle_gets_the_same_mail_again(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """One mail arrives, on the second try."""
    box.breaks = 1
    place = mailing(tmp_path, clock, box)
    report(place)
    posted = delivery.post(place, stay=True, pause=clock.pause)
    assert [(p.ok, p.again) for p in posted] == [(False, True), (True, False)] and "broke off" in posted[0].said
    assert len(box.mails) == 1 and 60 <= clock.paused < 70


def test_a_server_that_is_down_is_tried_again_when_it_is_up(tmp_path: Path, clock: Clock) -> None:
    """The first call ends at once and says when it goes on; the next one, two minutes later, sends."""
    box = Mailbox(port=closed_port())
    place = mailing(tmp_path, clock, box)
    report(place)
    (first,) = delivery.post(place)
    assert not first.ok and first.again and "cannot be reached" in first.said
    assert "waits until today 08:01; last try: 127.0.0.1" in messages(place)[0]["said"]
    assert delivery.post(place) == []
    clock.at += timedelta(minutes=2)
    with mail_server(box):
        assert [p.ok for p in delivery.post(place)] == [True]


def test_what_the_server_will_never_take_is_not_tried_again(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    box.refuse = "554 this is spam"
    place = mailing(tmp_path, clock, box)
    report(place)
    (only,) = delivery.post(place, stay=True, pause=clock.pause)
    assert (only.ok, only.again) == (False, False) and "554 this is spam" in only.said and clock.paused == 0


def test_a_busy_store_loses_no_message_and_sends_none_twice(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """Somebody holds the store while a message is being sent: its end is written down when the store is free."""
    box.slow_s = 0.5
    place = mailing(tmp_path, clock, box)
    report(place)
    done: list[Any] = []
    sender = threading.Thread(target=lambda: done.extend(delivery.post(place)))
    sender.start()
    while not box.peers and not messages_tried(tmp_path):
        time.sleep(0.02)
    with lock.held(tmp_path / "data" / "store.lock", wait_s=10, what="The store"):
        time.sleep(1.5)
        assert sender.is_alive()
    sender.join(20)
    assert [p.ok for p in done] == [True] and len(box.mails) == 1 and messages(place)[0]["state"] == "sent"
    assert delivery.post(place) == []


def messages_tried(home: Path) -> bool:
    return any('"delivery.tried"' in p.read_text() for p in (home / "data" / "journal").glob("*"))


def test_a_process_that_stays_hears_a_call(tmp_path: Path, clock: Clock) -> None:
    """While it waits for a second try, another brief is made and called for: it is sent at once."""
    box = Mailbox(port=closed_port())
    place = mailing(tmp_path, clock, box)
    report(place)

    def pause(seconds: float) -> None:
        clock.pause(seconds)
        if clock.paused == 10:
            report(place, kind="weekend")
            (tmp_path / "data" / "delivery.called").touch()

    posted = delivery.post(place, stay=True, pause=pause)
    assert [p.key.partition("@")[0] for p in posted][:2] == ["morning", "weekend"]
    with place.store.reading() as reader:
        rows = reader.rows("delivery.listing", now=place.now(), most=9)
    assert {r["about"].partition("@")[0]: (r["tried_at"] - EIGHT).total_seconds() // 60 for r in rows if r["tries"] == 4} == {"morning": 21, "weekend": 21}


def test_a_message_that_cannot_be_sent_keeps_no_other_back(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """The secret of one channel is nowhere: that is told, not tried again, and the hook has run all the same."""
    place = mailing(tmp_path, clock, box, more={"user": "me", "password": "NOT_THERE"})
    text = (tmp_path / "jarvis.toml").read_text() + '[hooks]\nshipped = "touch ran.txt"\n'
    (tmp_path / "jarvis.toml").write_text(text)
    place = open_workspace(tmp_path, clock=clock, actor="person:test")
    night(place)
    report(place)
    ending(place)
    told = {p.channel: p for p in delivery.post(place)}
    assert told["hook:shipped"].ok and (tmp_path / "ran.txt").exists()
    assert not told["email"].ok and not told["email"].again and "The secret NOT_THERE was granted, but it is not anywhere" in told["email"].said


def test_a_page_that_leads_out_of_the_workspace_is_not_attached(tmp_path: Path, clock: Clock, box: Mailbox) -> None:
    """Something put a link in the place of the page: the letter goes without it."""
    home = tmp_path / "jarvis"
    home.mkdir()
    (tmp_path / "private.html").write_text("my diary")
    place = mailing(home, clock, box, detail="full")
    page = report(place)
    page.unlink()
    page.symlink_to(tmp_path / "private.html")
    delivery.post(place)
    (home / "secrets.env").write_text("TOKEN=my diary\n")
    data = {"kind": "weekend", "as_of": stamp(EIGHT), "path": "reports/../secrets.env", "headline": "x", "sha256": "0" * 64}
    place.store.write(place.fact("brief.made", **data))
    delivery.post(place)
    assert len(box.mails) == 2 and [list(m.iter_attachments()) for m in box.mails] == [[], []]
    assert "diary" not in "".join(m.as_string() for m in box.mails)


def test_a_killed_process_loses_no_mail(tmp_path: Path, box: Mailbox) -> None:
    """A real process is killed while the server takes the letter; the next one sends it, under the same id, as its second try."""
    clock = Clock(datetime.now(UTC))
    box.slow_s = 3.0
    place = mailing(tmp_path, clock, box)
    report(place)
    program = f"from jarvis_lib.cli.entry import main; main(['--home', {str(tmp_path)!r}, 'delivery', 'send'])"
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not messages_tried(tmp_path) and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.3)
    process.kill()
    process.wait()
    clock.at = datetime.now(UTC)
    assert messages(place)[0]["state"] == "trying"
    box.slow_s = 0.0
    assert [p.ok for p in delivery.post(place)] == [True]
    assert messages(place)[0]["tries"] == 2 and len({m["Message-ID"] for m in box.mails}) == 1


def test_a_brief_is_on_its_way_when_it_is_made(tmp_path: Path, box: Mailbox) -> None:
    """Whoever makes the brief calls the postman, a process of its own, and does not wait for it; here without a notebook, so as plain text."""
    place = mailing(tmp_path, Clock(), box, detail="full")
    place = open_workspace(tmp_path, actor="person:test")
    made = overnight_runner.make_brief(place, as_of=place.now())
    assert made.suffix == ".txt" and box.mails == []
    until = time.monotonic() + 60
    while (not messages(place) or messages(place)[0]["state"] != "sent") and time.monotonic() < until:
        time.sleep(0.1)
    assert [m["Subject"].partition(" (")[0] for m in box.mails] == ["[Jarvis] Nothing ran; nothing needs you"]
    assert [p.get_filename() for p in box.mails[0].iter_attachments()] == [made.name]


# --- the rules -----------------------------------------------------------------------------------------------------------


KEY = "morning@2026-11-24:email"


def stated(kind: str, actor: str = "delivery", at: datetime = EIGHT, **data: Any) -> Fact:
    return Fact(new_id(16), at, actor, f"delivery.{kind}", data)


def queued(key: str = KEY, channel: str = "email") -> Fact:
    data = {"key": key, "happening": "h1", "channel": channel, "kind": "report", "about": "morning@2026-11-24", "alert": False}
    return Fact(new_id(16), EIGHT, "delivery", "delivery.queued", data)


STEP = st.tuples(st.sampled_from(["tried", "tried", "tried", "sent", "failed", "failed", "dropped", "queued"]), st.sampled_from([0, 0, 1, -1]), st.booleans())
STEPS = st.lists(STEP, min_size=6, max_size=30)
"""What is stated of a message, with the number of its try: the right one (0), one more or one less."""


@given(STEPS)
def test_no_order_of_facts_sends_twice_or_tries_a_fifth_time(steps: list[tuple[str, int, bool]]) -> None:
    """Whatever is stated, in whatever order: one end, at most four tries, and an end only of the try that runs."""
    book, ends, tries = Rows(None), 0, 0
    apply(book, queued())
    for kind, offset, again in steps:
        n = tries + (kind == "tried") + offset
        fact = queued() if kind == "queued" else stated(kind, key=KEY, n=n, said="x", why="y", again=again)
        before = book.get("deliveries", KEY)
        try:
            apply(book, fact)
        except Refused:
            assert book.get("deliveries", KEY) == before
            continue
        row = book.get("deliveries", KEY)
        assert row is not None
        tries += kind == "tried"
        ends += row["state"] in ("sent", "failed", "dropped")
        assert row["tries"] == tries <= MOST_TRIES and ends <= 1
        assert kind != "tried" or n == tries
        assert kind != "sent" or (before is not None and before["state"] == "trying" and before["tries"] == n)


def test_only_a_person_has_a_message_sent_again() -> None:
    book = Rows(None)
    apply(book, queued())
    with pytest.raises(Refused, match="Only a person"):
        apply(book, stated("again", key=KEY))
    with pytest.raises(Refused, match="malformed"):
        apply(book, queued(key="other", channel="telegraph"))
    with pytest.raises(Refused, match="There is no message"):
        apply(book, stated("tried", key="nothing", n=1))


def happenings(place: Any) -> list[tuple[str, str, bool]]:
    with place.store.reading() as reader:
        found = [reader.rows("delivery.happened", channel="x", since=EIGHT - timedelta(days=1), now=EIGHT + timedelta(days=1), kinds=[k]) for k in KINDS]
    rows = sorted((r for rows in found for r in rows), key=lambda r: (r["at"], r["id"]))
    return [(r["kind"], r["about"], r["alert"]) for r in rows]


KINDS = ("shipped", "failed", "needs_you", "problem", "report")


def test_each_thing_that_happens_is_noted_once_with_the_fact_itself(tmp_path: Path, clock: Clock) -> None:
    """Shipped, failed, stopped, proposed, a problem and a report; not what the person did in their own terminal. A rebuild notes the same."""
    place = workspace(tmp_path, clock)
    night(place)
    good, bad = ending(place, attempt="a1"), ending(place, ok=False, attempt="a2")
    stopped = ending(place, evidence=escalation(), attempt="a3")
    own, others = task("Ask me", category="New features"), task("An idea")
    place.store.write(added(place, own))
    place.store.write(added(place, others, actor="agent:claude"))
    problem = Problem("disk:/", "disk", "/", "the disk is full", {}, 1.0, "high", "tidy up", False)
    for _ in range(3):
        place.store.write(place.fact("problem.found", problem=problem.to_json()))
    place.store.write(place.fact("problem.gone", key=problem.key))
    place.store.write(place.fact("problem.found", problem=problem.to_json()))
    report(place, kind="morning")
    report(place, kind="problem_predictor")
    expected = {("shipped", good, False), ("failed", bad, False), ("needs_you", stopped, True), ("needs_you", others.id, False), ("problem", "disk:/", False)}
    found = happenings(place)
    assert {f for f in found if f[0] != "report"} == expected and own.id not in {about for _, about, _ in found}
    assert [f[0] for f in found].count("problem") == 2 and [f[1].partition("@")[0] for f in found if f[0] == "report"] == ["morning"]
    recover.rebuild(place.store, "a test")
    assert happenings(place) == found


def test_a_problem_that_is_over_is_not_told(tmp_path: Path, clock: Clock) -> None:
    place = workspace(tmp_path, clock, hooks={"problem": "true"})
    problem = Problem("disk:/", "disk", "/", "the disk is full", {}, 1.0, "high", "tidy up", False)
    place.store.write(place.fact("problem.found", problem=problem.to_json()))
    place.store.write(place.fact("problem.gone", key=problem.key))
    assert queue_new(place, now=place.now()) == 0


# --- settings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[delivery]\nchannels = ["email"]', "has no host, sender and to"),
        ('[delivery]\nchannels = ["pigeon"]', "'pigeon' is not one of email, apprise"),
        ('[delivery]\nchannels = ["apprise"]', "urls names no secret"),
        ('[delivery]\ndetail = "all"', "must be one of counts, titles, full"),
        ('[delivery]\nreports = ["mornings"]', "Did you mean 'morning'?"),
        ('[delivery.email]\nsender = "me\\nBcc: you@example.org"', "must be an address"),
        ('[delivery.email]\nto = ["me@example.org", "nobody"]', "not 'nobody'"),
        ('[delivery.email]\nhost = "mail.example.org"\nsecurity = "none"', "only for this machine's own server"),
        ("[delivery.email]\nport = 70000", "at most 65535"),
        ('[hooks]\nshiped = "true"', "Did you mean 'shipped'?"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(BadSettings) as wrong:
        parse(text)
    assert said in str(wrong.value) and "line " in str(wrong.value)


# --- the command line ----------------------------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], home: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    code = main(["--home", str(home), "delivery", *words, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else {}, err


def test_the_verbs_send_list_and_test(tmp_path: Path, capsys: pytest.CaptureFixture[str], box: Mailbox) -> None:
    """A dry run writes and sends nothing; send sends; list shows message and file; again sends again; a test says how the channel is."""
    clock = Clock(datetime.now(UTC))
    place = mailing(tmp_path, clock, box, detail="titles")
    report(place, headline="Two things done")
    code, seen, _ = run(capsys, tmp_path, "send", "--dry-run")
    assert (code, box.mails) == (0, []) and seen["schema"] == "jarvis.delivery_preview/1" and "Two things done" in seen["data"][0]["text"]
    with place.store.reading() as reader:
        assert reader.rows("delivery.listing", now=clock.at, most=9) == []
    code, seen, _ = run(capsys, tmp_path, "send")
    assert code == 0 and [(p["channel"], p["ok"]) for p in seen["data"]] == [("email", True)] and len(box.mails) == 1
    code, seen, _ = run(capsys, tmp_path, "list")
    assert [(m["channel"], m["state"]) for m in seen["data"]["messages"]] == [("email", "sent"), ("file", "sent")]
    key = seen["data"]["messages"][0]["key"]
    assert run(capsys, tmp_path, "send", "--again", key[:12])[0] == 0 and len(box.mails) == 2
    assert run(capsys, tmp_path, "send", "--again", "nothing")[0] == 3
    assert "Nothing but alerts" not in run(capsys, tmp_path, "test", "email", "--dry-run")[1]["data"]["said"] and len(box.mails) == 2
    code, seen, _ = run(capsys, tmp_path, "test", "email")
    assert code == 0 and box.mails[2]["Subject"].startswith("[Jarvis] A test of email") and "Two things" not in box.mails[2].as_string()
    assert run(capsys, tmp_path, "test", "apprise")[0] == 3
    box.refuse = "451 later"
    code, seen, _ = run(capsys, tmp_path, "test", "email")
    assert code == 1 and "451 later" in seen["data"]["said"]


def test_nothing_is_sent_under_other_settings_than_the_callers(tmp_path: Path, capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    """What runs at night may write a command into jarvis.toml for a moment; the process that the night starts then does nothing."""
    before = digest(workspace(tmp_path, clock, hooks={"failed": "true"}).settings.values)
    place = workspace(tmp_path, clock, hooks={"failed": "touch evil.txt"})
    code, _, err = run(capsys, tmp_path, "send", "--as-set", before)
    assert code == 4 and "not as it was" in err
    assert run(capsys, tmp_path, "send", "--as-set", digest(place.settings.values))[0] == 0

"""Does Jarvis find its own shortfalls and nothing else, change only what it may, and tell what became of that?"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import self_improver as improver
from jarvis_lib.cli.entry import main
from jarvis_lib.doors.simulated.shortfalls import HEALTHY, PLANTED, simulate_shortfalls
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.study import read_study
from jarvis_lib.self_improver.effects import compared, spared
from jarvis_lib.self_improver.measures import MEASURES, Observation, grouped, interval_of, shared_level, unused_days
from jarvis_lib.self_improver.proposals import propose
from jarvis_lib.self_improver.weaknesses import found, gone
from jarvis_lib.store import recover, spool
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, ended, opened, passed, task

UNTIL = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def at(home: Path, now: datetime) -> Place:
    return open_workspace(home, clock=lambda: now, actor="person:test")


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight weeks with known shortfalls, made once; a test that writes takes a copy."""
    from tests.roomy import roomy

    home = tmp_path_factory.mktemp("weeks")
    (home / "jarvis.toml").write_text(roomy())
    simulate_shortfalls(at(home, UNTIL), until=UNTIL, seed=5)
    return home


@pytest.fixture
def short(weeks: Path, tmp_path: Path) -> Place:
    """The eight weeks, to write in."""
    import shutil

    shutil.copytree(weeks, tmp_path / "w")
    return at(tmp_path / "w", UNTIL)


def take(place: Place, kind: str, *, now: datetime = UNTIL) -> str:
    """The id of the first open suggestion of this kind, or about this measure."""
    for one in improver.suggest(place, now=now).suggestions:
        if one.kind == kind:
            return one.id
    raise AssertionError(f"nothing of the kind {kind} is suggested")


def wide(place: Place, now: datetime = UNTIL) -> Place:
    """The same workspace with room for every suggestion at once."""
    file = place.home / "jarvis.toml"
    file.write_text(file.read_text().replace("most_open = 5 ", "most_open = 50 "))
    return at(place.home, now)


# --- what is found -------------------------------------------------------------------------------------------------------


def seen(measure: str, subject: str, xs: list[float], *, per_day: int = 1, until: datetime = UNTIL) -> list[Observation]:
    """Observations whose last day is the day of `until`, `per_day` on each."""
    days = -(-len(xs) // per_day)
    made = []
    for i, x in enumerate(xs):
        when = until - (days - 1 - i // per_day) * DAY - timedelta(minutes=1)
        made.append(Observation(measure, subject, when, when.date().isoformat(), x, f"r{i}", f"told {i}"))
    return made


def test_what_was_planted_is_found_and_what_is_healthy_is_not(weeks: Path) -> None:
    """Nine shortfalls in eight made-up weeks, each with its figures; nothing beside them is called one."""
    place = at(weeks, UNTIL)
    with place.store.reading() as reader:
        look = improver.look(reader, place, now=UNTIL, seed=1)
    keys = {w.key for w in look.weaknesses}
    assert keys == set(PLANTED) and not keys & set(HEALTHY)
    for one in look.weaknesses:
        measure = MEASURES[one.measure]
        assert one.evidence and one.n >= measure.least and one.low <= one.value <= one.high
        assert not measure.is_healthy(one.low) and not measure.is_healthy(one.high), one.said
        assert one.test["said"] and one.trend["word"] in ("better", "worse", "steady", "too little to say")


def test_noise_finds_nothing() -> None:
    """200 looks at a Jarvis that is healthy, but only just, with luck that a day's attempts share: at most 5 in 100 looks cry wolf."""
    wrong = 0
    for world in range(200):
        luck = Random(world)
        own: list[Observation] = []
        for subject in range(12):
            for day in range(40):
                bad_night = luck.random() < 0.1
                p = 0.6 if bad_night else 0.1  # the mean of both is the healthy end, 0.15
                when = UNTIL - day * DAY - timedelta(minutes=1)
                own += [Observation("failures", f"s{subject}", when, str(day), float(luck.random() < p), "", "") for _ in range(luck.randint(0, 5))]
        wrong += bool(found(grouped(own), now=UNTIL, seed=world))
    assert wrong <= 16


def test_a_bad_night_is_no_weakness_though_its_count_would_be() -> None:
    """Thirty failures of one night are one observation's worth, not thirty."""
    calm = seen("failures", "recipe: command", [0.0] * 40)
    storm = seen("failures", "recipe: command", [1.0] * 30, per_day=30, until=UNTIL - 10 * DAY)
    spread = seen("failures", "recipe: command", [1.0, 0.0] * 30, per_day=2)
    assert found(grouped(calm + storm), now=UNTIL, seed=1) == []
    assert [w.key for w in found(grouped(spread), now=UNTIL, seed=1)] == ["failures/recipe: command"]


def test_a_weakness_closes_by_its_own_test_and_does_not_flap() -> None:
    """Four healthy weeks after four bad ones: closed, and not found again in the same look though eight weeks together are bad."""
    bad = seen("failures", "recipe: command", [1.0, 0.0] * 28, per_day=2, until=UNTIL - 28 * DAY)
    good = seen("failures", "recipe: command", [0.0] * 28)
    assert found(grouped(bad), now=UNTIL - 28 * DAY, seed=1)
    known = [{"key": "failures/recipe: command", "measure": "failures", "subject": "recipe: command", "state": "open"}]
    assert gone(known, grouped(bad + good), now=UNTIL) == [("failures/recipe: command", "0% over the last 28 days (n=28)")]
    assert found(grouped(bad + good), now=UNTIL, seed=1) == []
    assert gone(known, {}, now=UNTIL) == [("failures/recipe: command", "nothing of it was seen any more")]


@pytest.mark.parametrize(
    ("measure", "xs", "is_weak"),
    [
        ("forecast_bias", [0.5, 0.6, 0.4] * 8, True),
        ("forecast_bias", [-0.6, -0.5, -0.4] * 8, True),
        ("forecast_bias", [0.3, -0.2, 0.1] * 8, False),
        ("forecast_p80", [1.0, 0.0] * 25, True),
        ("forecast_p80", [1.0] * 60, True),
        ("forecast_p80", [1.0, 1.0, 1.0, 1.0, 0.0] * 8, False),
        ("same_answer", [0.0] * 25, True),
        ("same_answer", [1.0] * 9 + [0.0], False),
        ("corrections", [1.0] * 3, True),
        ("corrections", [1.0] * 2, False),
        ("skill", [0.2, 0.3, 0.1] * 8, True),
        ("skill", [0.2, -0.3, 0.1] * 8, False),
        ("unproved", [1.0, 0.0] * 15, True),
        ("hollow", [1.0, 0.0, 0.0] * 10, True),
        ("timeouts", [1.0, 0.0, 0.0] * 15, True),
        ("came_back", [1.0] * 8, True),
        ("unread", [1.0] * 20, True),
        ("failures", [1.0] * 9, False),
    ],
)
def test_each_measure_has_its_healthy_range_and_its_least(measure: str, xs: list[float], is_weak: bool) -> None:
    """Outside with the whole interval and enough seen: a weakness. Inside, or too little: none."""
    assert bool(found(grouped(seen(measure, "s", xs)), now=UNTIL, seed=1)) is is_weak


def test_the_level_is_shared_among_what_is_looked_at() -> None:
    """More groups, wider intervals."""
    one = grouped(seen("failures", "a", [1.0, 0.0] * 10))
    many = grouped([o for i in range(50) for o in seen("failures", f"s{i}", [1.0, 0.0] * 10)])
    widths = [interval_of(MEASURES["failures"], next(iter(g.values())), level=shared_level(g)) for g in (one, many)]
    assert widths[1].low < widths[0].low < widths[0].value == 0.5


def test_windows_left_unused_count_by_day(place: Place) -> None:
    """A planned evening without a session is 1, one that was worked and one that was not planned are 0."""
    rows: list[dict[str, Any]] = [
        {"kind": "quick_win", "window": "quick_win@1", "at": UNTIL - 2 * DAY, "tasks": 2, "worked": False},
        {"kind": "quick_win", "window": "quick_win@2", "at": UNTIL - DAY, "tasks": 1, "worked": True},
    ]
    own = unused_days(rows, {"quick_win": UNTIL - 2 * DAY}, place.zone, since=UNTIL - 56 * DAY, until=UNTIL)
    assert [o.x for o in own] == [1.0, 0.0]


def test_a_fix_that_does_not_hold_is_seen(place: Place) -> None:
    """The same problem fixed eight times in eight days is a fix that comes back."""
    facts = []
    problem = {"key": "log:a", "kind": "log", "subject": "a", "what": "it is large", "evidence": {}, "probability": 1.0, "severity": "low"}
    for n in range(8):
        when = UNTIL - (10 - n) * DAY
        fix = {"problem": "log:a", "playbook": "rotate", "said": "rotated", "verified": True, "check": "small", "undo": {}}
        facts += [place.fact("problem.found", at=when, problem=problem | {"suggested": "rotate", "safe": True})]
        facts += [place.fact("fix.applied", at=when + timedelta(minutes=1), fix=fix)]
    place.store.write(*facts)
    with place.store.reading() as reader:
        look = improver.look(reader, place, now=UNTIL, seed=1)
    assert [w.key for w in look.weaknesses] == ["came_back/rotate"]


def test_briefs_count_as_unread_only_once_reading_is_told(place: Place) -> None:
    """Without a word about reading nothing is measured, and `stats` says so; with it, the mornings after it count."""
    made = [
        place.fact("brief.made", at=UNTIL - n * DAY, kind="morning", as_of=(UNTIL - n * DAY).isoformat(), path="p", headline="h", sha256="x")
        for n in range(40, 0, -1)
    ]
    place.store.write(*made)
    assert any("whether briefs are read" in line for line in improver.stats(place, now=UNTIL)["not_measured"])
    improver.log_read(place, now=UNTIL - 40 * DAY + timedelta(hours=1))
    data = improver.stats(place, now=UNTIL)
    assert not any("read" in line for line in data["not_measured"])
    with place.store.reading() as reader:
        look = improver.look(reader, place, now=UNTIL, seed=1)
    assert [w.key for w in look.weaknesses] == ["unread/morning"] and (look.weaknesses[0].n, look.weaknesses[0].value) == (40, 39 / 40)


def test_what_ran_without_asking_counts_as_wrong_when_it_was_corrected(place: Place) -> None:
    """A correction that names the task makes it one; one that names nothing is only counted under its topic."""
    now = place.now()
    one, two = task("First"), task("Second")
    place.store.write(added(place, one), added(place, two), opened(place))
    for n, each in enumerate((one, two)):
        place.store.write(claimed(place, each, f"a{n}"), ended(place, each, f"a{n}", evidence=[passed()]))
    improver.log_correction(place, "tone", f"{one.id} should not have been done", now=now)
    improver.log_correction(place, "tone", "be brief", now=now)
    with place.store.reading() as reader:
        rows = reader.rows("self_improver.observations", since=now - DAY, until=now)
    assert {r["ref"]: r["x"] for r in rows if r["measure"] == "wrongly_auto"} == {one.id: 1, two.id: 0}
    assert len([r for r in rows if r["measure"] == "corrections"]) == 2


# --- the study -----------------------------------------------------------------------------------------------------------


def test_a_study_is_repeatable_and_proposes_once(short: Place) -> None:
    """The same store, moment and seed give the same text, which the session takes; its facts written, there is nothing more to say."""
    with short.store.reading() as reader:
        first, second = (improver.study(reader, short, now=UNTIL, seed=3) for _ in range(2))
    assert first.to_text() == second.to_text()
    taken = read_study(first.to_text(), "self_improver", as_of=UNTIL, seed=3)
    short.store.write(*(short.fact(kind, at=UNTIL, actor="session:s9", **data) for kind, data in taken.facts))
    with short.store.reading() as reader:
        assert improver.study(reader, short, now=UNTIL, seed=3).facts == ()
        before = [reader.rows("self_improver.weaknesses"), reader.rows("self_improver.improvements")]
    assert len(before[0]) == len(PLANTED) and len(before[1]) == 5
    short.store.path.unlink()
    with short.store.reading() as reader:
        assert [reader.rows("self_improver.weaknesses"), reader.rows("self_improver.improvements")] == before
    assert recover.verify(short.store) == []


def test_an_empty_store_says_what_it_needs(place: Place) -> None:
    """No figure, no suggestion, one sentence."""
    assert improver.suggest(place, now=UNTIL).said.startswith("Nothing measured yet: needs ")
    data = improver.stats(place, now=UNTIL)
    assert data["said"].startswith("Nothing measured yet") and data["scoreboard"] == [] and len(data["not_measured"]) == 2
    assert improver.measure(place, now=UNTIL) == []
    with place.store.reading() as reader:
        assert improver.study(reader, place, now=UNTIL, seed=1).facts == ()


def test_stats_tell_decisions_and_the_scoreboard(weeks: Path) -> None:
    """Shares with their intervals; each predictor with its Brier score, coverage, precision, lead time and skill."""
    data = improver.stats(at(weeks, UNTIL), now=UNTIL)
    decided = {d["what"]: d for d in data["decisions"]}
    assert sum(decided[w]["count"] for w in ("automatic", "asked", "escalated", "refused")) == decided["automatic"]["of"]
    assert decided["wrongly automatic"]["of"] > 0.25 and decided["wrongly automatic"]["low"] < decided["wrongly automatic"]["share"]
    board = {p["predictor"]: p for p in data["scoreboard"]}
    assert board["routine"]["skill"] < 0 < board["capacity"]["skill"] and board["routine"]["precision"] < 0.4
    assert board["routine"]["said"] == "no better than the simplest baseline" and board["routine"]["lead_h"] == 20
    assert board["capacity"]["coverage"] == 1.0 and board["capacity"]["precision"] is None


# --- yes and no ----------------------------------------------------------------------------------------------------------


def test_accept_changes_one_line_and_undo_puts_every_byte_back(short: Place) -> None:
    """Comments and order stay, the old file is kept, and the life of it stands in logs/improvements.log."""
    file = short.home / "jarvis.toml"
    before = file.read_bytes()
    word = take(short, "setting")
    said = improver.accept(short, word, now=UNTIL)
    changed = [(a, b) for a, b in zip(before.splitlines(), file.read_bytes().splitlines(), strict=True) if a != b]
    assert changed == [(b"on = true", b"on = false")] and "on is now false" in said
    assert [p.read_bytes() for p in (short.home / "data/settings").iterdir()] == [before]
    assert open_workspace(short.home).settings.get("windows.quick_win", "on") is False
    assert improver.undo(short, word, now=UNTIL).endswith("[windows.quick_win] on is true again.")
    assert file.read_bytes() == before
    log = (short.home / "logs/improvements.log").read_text()
    assert [f"{word}  {turn}" in log for turn in ("proposed", "accepted", "undone")] == [True] * 3


def test_decline_keeps_it_away_whatever_the_figures(short: Place) -> None:
    """Not the next night, not with more evidence; after 90 days it may come back."""
    word = take(short, "setting")
    assert "not suggested again within 90 days" in improver.decline(short, word, now=UNTIL, reason="on purpose")
    later = UNTIL + 10 * DAY
    simulate_shortfalls(at(short.home, later), until=later, seed=9, days=10)
    assert word not in {s.id for s in improver.suggest(at(short.home, later), now=later).suggestions}
    with pytest.raises(Refused, match="not proposed again within 90 days"):
        with short.store.reading() as reader:
            row = next(r for r in reader.rows("self_improver.improvements") if r["id"] == word)
        own = {k: row[k] for k in ("id", "weakness", "kind", "title", "why", "measure", "subject")} | {"change": json.loads(row["change"])}
        short.store.write(short.fact("improvement.proposed", at=UNTIL + 89 * DAY, improvement=own))
    short.store.write(short.fact("improvement.proposed", at=UNTIL + 90 * DAY, improvement=own))
    with pytest.raises(Refused, match="is declined already|proposed"):
        improver.undo(short, word, now=UNTIL)


def test_an_accepted_task_is_queued_as_the_persons_and_only_once(short: Place) -> None:
    """The evidence stands in its description; a crash between the task and the acceptance does not make a second one."""
    place = wide(short)
    word = take(place, "task")
    with place.store.reading() as reader:
        row = next(r for r in reader.rows("self_improver.improvements") if r["id"] == word)
    what = json.loads(row["change"])
    args = (what["title"], what["description"], what["hours"], what["category"], what["priority"])
    there = queue.add(place, *args, now=UNTIL, project="jarvis", tags=(f"improvement-{word}",)).task.id
    assert there in improver.accept(place, word, now=UNTIL)
    shown = queue.show(place, there)["task"]
    assert shown["actor"] == "person:test" and "It is gone when" in shown["content"]["description"]
    with place.store.reading() as reader:
        assert len([r for r in reader.rows("report.tasks") if r["title"] == what["title"]]) == 1
    improver.undo(place, word, now=UNTIL)
    assert queue.show(place, there)["task"]["state"] == "dropped"


def test_a_rule_is_shown_and_never_written(short: Place) -> None:
    """ "Do not auto-approve Refactoring" gives the exact line; the file stays as it is, and nothing is measured until the person wrote it."""
    place = wide(short)
    before = (place.home / "jarvis.toml").read_bytes()
    rules = [s for s in improver.suggest(place, now=UNTIL).suggestions if s.title.startswith("Ask before Refactoring")]
    assert len(rules) == 1  # what was undone and what was corrected ask for the same line
    said = improver.accept(place, rules[0].id, now=UNTIL)
    assert '"Research/analysis", "Refactoring"]' in said and "yourself" in said and (place.home / "jarvis.toml").read_bytes() == before
    (one,) = improver.measure(at(place.home, UNTIL + 20 * DAY), now=UNTIL + 20 * DAY)
    assert one.said == "Not measured yet: the line does not stand in jarvis.toml."


def test_accept_refuses_what_is_gone_or_answered(short: Place) -> None:
    """One sentence each, and nothing changed."""
    before = (short.home / "jarvis.toml").read_bytes()
    word = take(short, "setting")
    for wrong in ("zzz", "i", "", "i\n"):
        with pytest.raises(Refused, match="There is no suggestion"):
            improver.accept(short, wrong, now=UNTIL)
    improver.accept(short, word, now=UNTIL)
    with pytest.raises(Refused, match="is accepted already"):
        improver.accept(short, word[:5], now=UNTIL)
    improver.undo(short, word, now=UNTIL)
    with pytest.raises(Refused, match="nothing to take back"):
        improver.undo(short, word, now=UNTIL)
    assert (short.home / "jarvis.toml").read_bytes() == before


def test_at_most_so_many_wait_for_an_answer(short: Place) -> None:
    """Five, the gravest; an answer makes room for the next."""
    first = improver.suggest(short, now=UNTIL).suggestions
    assert len(first) == 5 and len(improver.suggest(short, now=UNTIL).suggestions) == 5
    improver.decline(short, first[0].id, now=UNTIL)
    second = improver.suggest(short, now=UNTIL).suggestions
    assert len(second) == 5 and first[0].id not in {s.id for s in second}
    assert [("high", "medium", "low").index(s.severity) for s in first] == sorted(("high", "medium", "low").index(s.severity) for s in first)


def test_looking_from_another_moment_writes_nothing(short: Place) -> None:
    """`suggest --at` answers for then, and nothing can be accepted from it."""
    journal = sorted((short.home / "data/journal").iterdir())
    size = [p.stat().st_size for p in journal]
    assert improver.suggest(short, now=UNTIL - DAY, write=False).suggestions
    assert [p.stat().st_size for p in sorted((short.home / "data/journal").iterdir())] == size


# --- afterwards ----------------------------------------------------------------------------------------------------------


def test_a_window_that_is_off_has_helped(short: Place) -> None:
    """Two weeks later no plan counts on hours that are not worked, and the verdict has its interval."""
    word = take(short, "setting")
    improver.accept(short, word, now=UNTIL)
    early = UNTIL + 3 * DAY
    (so_far,) = improver.measure(at(short.home, early), now=early)
    assert not so_far.final and so_far.said.startswith("So far, 3 of 14 days")
    later = UNTIL + 15 * DAY
    simulate_shortfalls(at(short.home, later), until=later, seed=9, days=14, better_since=UNTIL)
    (one,) = improver.measure(at(short.home, later), now=later)
    assert one.final and one.effect is not None and one.effect.verdict == "helped" and one.effect.high is not None and one.effect.high < 0
    row = next(i for i in improver.stats(at(short.home, later), now=later)["improvements"] if i["id"] == word)
    assert (row["verdict"], row["state"]) == ("helped", "accepted")
    assert improver.apply_reverts(at(short.home, later), now=later) == []
    assert improver.measure(at(short.home, later), now=later) == []


def silenced(short: Place) -> tuple[Place, str, datetime]:
    """A predictor that was switched off and then would have been right: measured, and harmed."""
    place = wide(short)
    word = take(place, "predictor")
    improver.accept(place, word, now=UNTIL)
    assert 'off = ["routine"]  # Predictors' in (place.home / "jarvis.toml").read_text()
    later = UNTIL + 15 * DAY
    simulate_shortfalls(at(place.home, later), until=later, seed=9, days=14, better_since=UNTIL)
    after = at(place.home, later)
    with after.store.reading() as reader:
        study = improver.study(reader, after, now=later, seed=3)
    after.store.write(*(after.fact(kind, at=later, actor="session:s9", **data) for kind, data in study.facts))
    return after, word, later


def test_a_setting_that_harmed_goes_back_by_itself(short: Place) -> None:
    """The study measures it, the session reverts it: the file is as it was, once, and the log tells it."""
    before = wide(short).home.joinpath("jarvis.toml").read_bytes()
    place, word, later = silenced(short)
    (said,) = improver.apply_reverts(place, now=later)
    assert "has harmed" in said and (place.home / "jarvis.toml").read_bytes() == before
    assert improver.apply_reverts(place, now=later) == []
    assert f"{word}  reverted" in (place.home / "logs/improvements.log").read_text()
    assert word not in {s.id for s in improver.suggest(place, now=later).suggestions}


def test_what_the_person_changed_since_is_left_to_them(short: Place) -> None:
    """A harmful setting whose line was edited meanwhile is told, and the line stays."""
    place, _, later = silenced(short)
    file = place.home / "jarvis.toml"
    file.write_text(file.read_text().replace('off = ["routine"]', 'off = ["routine", "anomaly"]'))
    mine = file.read_bytes()
    (said,) = improver.apply_reverts(place, now=later)
    assert "left as it is" in said and file.read_bytes() == mine
    assert improver.apply_reverts(place, now=later) == []


def test_too_little_is_called_too_little() -> None:
    """Nobody is told a verdict from seven observations, and what waits for its task has not begun."""
    measure = MEASURES["failures"]
    few = compared(measure, seen("failures", "s", [1.0] * 7), seen("failures", "s", [0.0] * 30), days=(28, 14), seed=1)
    assert few.verdict == "too little data" and few.effect is None and "7 before" in few.said
    assert compared(MEASURES["corrections"], [], seen("corrections", "s", [1.0] * 9), days=(28, 14), seed=1).verdict == "too little data"
    assert spared(seen("skill", "s", [0.1] * 9, per_day=9)).verdict == "too little data"


@pytest.mark.parametrize(
    ("measure", "before", "after", "verdict"),
    [
        ("failures", [1.0, 0.0] * 14, [0.0] * 28, "helped"),
        ("failures", [0.0] * 28, [1.0, 0.0] * 14, "harmed"),
        ("failures", [1.0, 0.0] * 14, [1.0, 0.0] * 14, "no effect"),
        ("forecast_p80", [1.0, 0.0, 0.0] * 9, [1.0, 1.0, 1.0, 1.0, 0.0] * 6, "helped"),
        ("forecast_bias", [0.0, 0.1, -0.1] * 9, [0.8, 0.9, 0.7] * 9, "harmed"),
        ("forecast_bias", [-0.8, -0.9, -0.7] * 9, [0.1, 0.0, -0.1] * 9, "helped"),
        ("corrections", [1.0] * 28, [1.0], "helped"),
        ("corrections", [1.0] * 3, [1.0] * 20, "harmed"),
        ("same_answer", [1.0] * 28, [1.0], "helped"),
        ("skill", [0.3, 0.2, 0.4] * 8, [-0.3, -0.2, -0.4] * 8, "helped"),
    ],
)
def test_before_and_after_give_a_verdict_with_its_interval(measure: str, before: list[float], after: list[float], verdict: str) -> None:
    """The interval of a help lies wholly below no change, that of a harm wholly above."""
    own = MEASURES[measure]
    effect = compared(own, seen(measure, "s", before, until=UNTIL - 15 * DAY), seen(measure, "s", after), days=(28, 14), seed=1)
    assert effect.verdict == verdict, effect
    assert effect.low is not None and effect.high is not None and effect.effect is not None and effect.low <= effect.effect <= effect.high


def test_no_effect_is_rarely_called_one() -> None:
    """200 pairs of weeks in which nothing changed: at most 5 in 100 (and some luck) are called helped or harmed."""
    wrong = 0
    for world in range(200):
        luck = Random(world)
        before, after = ([float(luck.random() < 0.4) for _ in range(n)] for n in (56, 28))
        sides = seen("failures", "s", before, per_day=2, until=UNTIL - 15 * DAY), seen("failures", "s", after, per_day=2)
        wrong += compared(MEASURES["failures"], *sides, days=(28, 14), seed=world).verdict != "no effect"
    assert wrong <= 18


# --- what is suggested ---------------------------------------------------------------------------------------------------


def one_weak(measure: str, subject: str, xs: list[float]) -> Any:
    (weak,) = found(grouped(seen(measure, subject, xs)), now=UNTIL, seed=1)
    return weak


def test_deadlines_that_come_too_early_move_the_reserve(place: Place) -> None:
    """From 1.55 to the p80 of what tasks took; where they took no longer, a task looks for the cause."""
    weak = one_weak("timeouts", "all", [1.0, 0.0] * 20)
    made = propose(weak, place.settings, overruns=[1.0 + i / 20 for i in range(40)])
    assert made is not None and made.change == {"section": "night", "key": "reserve", "old": 1.55, "new": 2.55}
    other = propose(weak, place.settings, overruns=[1.0] * 40)
    assert other is not None and other.kind == "task"
    assert propose(weak, place.settings, overruns=[1.0]) is None


def test_every_measure_that_can_be_weak_suggests_one_concrete_change(place: Place) -> None:
    """A setting with both values, a task with title, category and evidence, or a line or command for the person."""
    subjects = {"wrongly_auto": "Refactoring", "unused": "quick_win", "skill": "routine", "same_answer": "category:New features"}
    for name, measure in MEASURES.items():
        bad = {"share": [1.0] * 60, "mean": [1.0, 1.1] * 30, "count": [1.0] * 20}[measure.kind]
        weak = one_weak(name, subjects.get(name, "thing"), bad)
        made = propose(weak, place.settings, overruns=[2.0] * 40)
        assert made is not None and made.title and made.why == weak.said, name
        keys = {"setting": {"section", "old", "new"}, "predictor": {"section", "old", "new"}, "pattern": {"command"}, "rule": {"lines", "where"}}
        assert keys.get(made.kind, {"title", "description", "category", "hours"}) <= made.change.keys(), name


def test_do_not_auto_approve_becomes_a_stricter_line(place: Place) -> None:
    """The category that the correction names moves from auto to ask; a correction of something else becomes a check to add."""
    own = [Observation("corrections", "approvals", UNTIL - n * DAY, str(n), 1.0, "", "please do not auto-approve refactoring") for n in range(1, 5)]
    (weak,) = found(grouped(own), now=UNTIL, seed=1)
    made = propose(weak, place.settings, overruns=())
    assert made is not None and made.kind == "rule" and made.change["to"] == "ask"
    lines = dict(line.split(" = ") for line in made.change["lines"])
    assert "Refactoring" in lines["ask"] and "Refactoring" not in lines["auto"] and "Bug fixes" in lines["auto"]
    other = propose(one_weak("corrections", "tone", [1.0] * 4), place.settings, overruns=())
    assert other is not None and other.kind == "check"


# --- notes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ms", ["soon", "", "-1", "nan", "inf", "1e12", "0x10", "1;DROP TABLE tasks"])
def test_a_duration_that_is_none_is_refused(place: Place, ms: str) -> None:
    """One sentence, nothing noted, and the same for a fact that somebody put into the spool."""
    with pytest.raises(Refused):
        improver.log_time(place, "search", ms, now=UNTIL)
    spool.put(place.home, place.fact("op.timed", op="search", ms=ms))
    assert improver.stats(place, now=UNTIL)["observations"] == 0


def test_notes_are_one_line_and_never_empty(place: Place) -> None:
    """Newlines and colours in a topic become one clean line; an empty one is refused; a long one is cut."""
    improver.log_correction(place, "a\nb\x1b[31m", "no\r\nmore " + "x" * 5000, now=UNTIL - timedelta(hours=1))
    improver.log_failure(place, "api\n", "504\n", now=UNTIL - timedelta(hours=1))
    with place.store.reading() as reader:
        rows = {r["measure"]: r for r in reader.rows("self_improver.observations", since=UNTIL - DAY, until=UNTIL)}
    assert rows["corrections"]["subject"] == "a b" and len(rows["corrections"]["told"]) == 300
    assert (rows["failed_calls"]["subject"], rows["failed_calls"]["told"]) == ("api", "504")
    for empty in ("", " \n", "\x1b[0m"):
        with pytest.raises(Refused, match="is empty"):
            improver.log_correction(place, empty, "text", now=UNTIL)


def test_only_a_person_corrects_accepts_and_reads(place: Place) -> None:
    """A session, an agent and a component are told so."""
    for actor in ("session:s1", "agent:codex", "self_improver"):
        for kind, data in (
            ("correction.noted", {"topic": "a", "said": "b"}),
            ("brief.read", {"kind": "morning"}),
            ("improvement.accepted", {"improvement": "i1"}),
        ):
            with pytest.raises(Refused, match="Only a person"):
                place.store.write(place.fact(kind, actor=actor, **data))
    with pytest.raises(Refused, match="agent"):
        place.store.write(place.fact("weakness.closed", actor="agent:codex", key="x", said="fine"))


# --- the command line ----------------------------------------------------------------------------------------------------

Jarvis = Callable[..., tuple[int, str, str]]


@pytest.fixture
def jarvis(short: Place, capsys: pytest.CaptureFixture[str]) -> Jarvis:
    """A command line in the eight weeks: (exit code, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(("--home", str(short.home), *words))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_the_command_line_answers_with_its_codes(jarvis: Jarvis, short: Place) -> None:
    """0 with rows, 3 for what is not there, 4 for what is refused, 2 for what is no number; JSON has its schema."""
    word = take(short, "setting")
    code, out, _ = jarvis("improver", "suggest", "--at", "2026-11-24T18:00:00Z")
    assert code == 0 and len(out.splitlines()) == 5 and out.splitlines()[0].count("\t") == 4
    code, out, _ = jarvis("improver", "stats", "--at", "2026-11-24T18:00:00Z", "--json")
    assert code == 0 and json.loads(out)["schema"] == "jarvis.improver_stats/1"
    code, out, _ = jarvis("improver", "stats", "--at", "2026-11-24T18:00:00Z")
    assert code == 0 and all(head in out for head in ("Weaknesses", "Improvements", "Decisions", "Predictors", "wrongly automatic"))
    assert jarvis("improver", "accept", "izzzz")[0] == 3
    assert jarvis("improver", "log-time", "x", "abc")[0] == 2
    assert jarvis("improver", "accept", word)[0] == 0
    assert jarvis("improver", "accept", word)[0] == 4
    assert jarvis("improver", "measure")[0] == 0
    assert jarvis("improver", "undo", word)[0] == 0
    assert jarvis("overnight", "brief", "--read")[:2] == (0, "Noted: the brief is read.\n")


@pytest.mark.parametrize("verb", ["suggest", "stats", "measure"])
def test_looking_loads_nothing_heavy(short: Place, verb: str) -> None:
    """Neither frames nor charts nor estimators."""
    heavy = ["polars", "altair", "sklearn", "papermill", "numpy", "scipy", "nbconvert"]
    program = f"import sys\nfrom jarvis_lib.cli.entry import main\nmain(['improver', {verb!r}])\nprint([m for m in {heavy!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], cwd=short.home, env=os.environ.copy(), capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[-1] == "[]", ran.stderr


def test_an_attempt_may_look_but_writes_nothing(jarvis: Jarvis, short: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs inside of an attempt sees suggestions, and accepts, notes and proposes none."""
    monkeypatch.setenv("JARVIS_ATTEMPT", "a1")
    assert jarvis("improver", "suggest")[0] == 0
    for words in (("accept", "iabc"), ("decline", "iabc"), ("undo", "iabc"), ("log-time", "a", "1"), ("log-correction", "a", "b")):
        assert jarvis("improver", *words)[0] == 4
    with short.store.reading() as reader:
        assert reader.rows("self_improver.improvements") == []


def test_hollow_and_agents_work_stand_in_their_groups(place: Place) -> None:
    """An attempt counts for its recipe, its category, each path that it may change, and the agent that asked for it."""
    now = place.now()
    one = task("Write", changes=("docs/a.md",))
    two = task("Other", changes=("docs/b.md",))
    place.store.write(added(place, one), added(place, two, actor="agent:codex"), opened(place))
    place.store.write(claimed(place, one, "a1"), ended(place, one, "a1", evidence=[]))
    with place.store.reading() as reader:
        rows = reader.rows("self_improver.observations", since=now - DAY, until=now)
    subjects = {r["subject"] for r in rows if r["measure"] == "failures"}
    assert subjects == {"recipe: command", "category: Documentation", "repository: docs/a.md"}


@given(st.lists(st.floats(0, 1).map(lambda p: float(p < 0.3)), min_size=1, max_size=60), st.integers(1, 7), st.floats(0.5, 0.999))
def test_the_interval_of_a_share_holds_the_share(xs: list[float], per_day: int, level: float) -> None:
    """Within 0 and 1, around what was seen, and never surer than if every observation were independent."""
    from jarvis_lib.self_improver.intervals import effective, share, wilson, z_of

    days = [str(i // per_day) for i in range(len(xs))]
    own = share(xs, days, level=level)
    assert 0 <= own.low <= own.value <= own.high <= 1
    assert 1 <= effective(xs, days) <= len(xs)
    low, high = wilson(own.value, len(xs), z_of(level))
    assert own.low <= low + 1e-9 and own.high >= high - 1e-9

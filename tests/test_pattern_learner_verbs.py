"""pattern_learner's word and deed: events come in from their sources and can be purged, predictions are scored, offers are made once and never forced."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import pattern_learner
from jarvis_lib.cli.entry import main
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.pattern_rules import AUTOMATIC, MOST_OPEN
from jarvis_lib.model.study import Study, read_study
from jarvis_lib.model.task import content_hash, task_from_json
from jarvis_lib.pattern_learner.events import import_, log, observed, purge
from jarvis_lib.pattern_learner.mined import Pattern
from jarvis_lib.pattern_learner.suggesting import Offer, offers
from jarvis_lib.store.place import Place
from tests.facts import added, task

NOW = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
"""A Tuesday morning; the report is due at half past nine."""
MakePlace = Callable[[datetime], Place]


def report(place: Place, days: int, *, until: datetime = NOW, hour: float = 9.5) -> None:
    """A report on each of the newest `days` days before `until`."""
    start = until.replace(hour=0, minute=0)
    facts = []
    for day in range(days, 0, -1):
        at = start - timedelta(days=day) + timedelta(hours=hour, minutes=(day * 7) % 13)
        facts.append(place.fact("event.logged", at=at, type="status_report", when=stamp(at), source="manual", detail={}))
    place.store.write(*facts)


def apply_study(place: Place, study: Study, now: datetime) -> None:
    """What the session does with a study: read it again, write its facts with its own actor."""
    own = read_study(study.to_text(), "pattern_learner", as_of=now, seed=study.seed)
    if own.facts:
        place.store.write(*(place.fact(kind, actor="session:s1", at=now, **data) for kind, data in own.facts))


def studied(place: Place, now: datetime) -> Study:
    with place.store.reading() as reader:
        found = pattern_learner.study(reader, place, now=now, seed=1)
    apply_study(place, found, now)
    return found


# --- events --------------------------------------------------------------------------------------------------------------


def test_a_logged_event_is_on_disk_when_the_verb_returns(place: Place) -> None:
    """It lies in the spool before anybody opens the store, and counts when somebody does."""
    log(place.home, "status_report", '{"source": "manual", "pages": 3}', at=NOW - timedelta(hours=2), now=NOW, actor="person:test")
    assert len(list((place.home / "data" / "spool").glob("*.json"))) == 1
    with place.store.reading() as reader:
        (row,) = observed(reader, place, since=NOW - timedelta(days=1), until=NOW)
    assert (row["kind"], row["added_at"]) == ("status_report", NOW - timedelta(hours=2))


@pytest.mark.parametrize(
    ("name", "detail", "ahead", "said"),
    [
        ("a" * 100_000, None, 0, "100,000"),
        ("\x1b[31m\x07", None, 0, "1 to 200 characters"),
        ("report", "[1]", 0, "not a JSON object"),
        ("report", "{", 0, "not a JSON object"),
        ("report", '{"a": NaN}', 0, "not a JSON object"),
        ("report", None, 1, "lies in the future"),
    ],
)
def test_bad_events_are_refused_with_one_sentence_and_nothing_is_recorded(place: Place, name: str, detail: str | None, ahead: int, said: str) -> None:
    """What cannot be an event never reaches the spool."""
    with pytest.raises(Refused, match=said) as refused:
        log(place.home, name, detail, at=NOW + timedelta(hours=1) if ahead else None, now=NOW, actor="person:test")
    assert "\n" not in refused.value.sentence and not (place.home / "data" / "spool").exists()


def test_a_name_of_several_lines_becomes_one(place: Place) -> None:
    """With its control characters gone."""
    assert log(place.home, "status\nreport\x1b[31m!", None, at=None, now=NOW, actor="person:test") == "status report!"


def git(folder: Path, *words: str, at: datetime | None = None) -> None:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_AUTHOR_NAME": "T", "GIT_COMMITTER_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org"}
    times = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat()} if at else {}
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env=env | {"GIT_COMMITTER_EMAIL": "t@example.org"} | times)


def with_settings(place: Place, make_place: MakePlace, **values: str) -> Place:
    path = place.home / "jarvis.toml"
    lines = path.read_text().splitlines()
    for name, value in values.items():
        lines = [f"{name} = {value}" if line.startswith(f"{name} = ") else line for line in lines]
    path.write_text("\n".join(lines))
    return make_place(NOW)


def test_commits_of_the_person_are_imported_once_and_can_be_purged(place: Place, make_place: MakePlace) -> None:
    """Twice adds nothing, a folder that is no repository is named while the others are read, and purge leaves nothing on disk."""
    repository, none = place.home / "work", place.home / "nothing"
    repository.mkdir(), none.mkdir()
    git(repository, "init", "-q")
    for day in range(3):
        git(repository, "commit", "--allow-empty", "-qm", "secret words", at=NOW - timedelta(days=3 - day))
    git(repository, "commit", "--allow-empty", "-qm", "x", "--author", "Other <o@example.org>", at=NOW - timedelta(hours=1))
    here = with_settings(place, make_place, repositories='["work", "nothing"]', emails='["T@example.org"]')
    first = import_(here, "git", now=NOW)
    assert first[0] == "commit work: 3 new commits of yours." and "no git repository" in first[1]
    assert import_(here, "git", now=NOW)[0] == "commit work: 0 new commits of yours."
    with here.store.reading() as reader:
        assert [r["title"] for r in observed(reader, here, since=NOW - timedelta(days=9), until=NOW)] == ["commit work"] * 3
    assert "secret" not in (place.home / "data" / "events" / "git.jsonl").read_text()
    assert purge(here, "git") == 3 and not (place.home / "data" / "events" / "git.jsonl").exists()


def test_of_the_shell_only_the_first_word_of_each_command_is_kept(place: Place, make_place: MakePlace) -> None:
    """And nothing at all unless the file was named; words that may hold a secret or a path are left out."""
    with pytest.raises(Refused, match="not read unless you say so"):
        import_(place, "shell", now=NOW)
    at = int(NOW.timestamp()) - 500
    (place.home / "history").write_text(
        f": {at}:0;pytest -k secret1\n#{at + 5}\nmake secret2\nno time\n: {at + 9}:0;TOKEN=secret3 curl\n#{at + 11}\n/home/me/x\n"
    )
    here = with_settings(place, make_place, shell_history='"history"')
    assert import_(here, "shell", now=NOW) == ["2 new commands, the first word of each."]
    kept = (place.home / "data" / "events" / "shell.jsonl").read_text()
    assert "shell pytest" in kept and "shell make" in kept and "secret" not in kept and "home" not in kept


def test_a_damaged_file_of_events_is_named_and_can_be_purged(place: Place, make_place: MakePlace) -> None:
    """One sentence that says what to do; the journal is not concerned."""
    path = place.home / "data" / "events" / "git.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 1, "read_at": "2026-11-01T00:00:00Z"}\n{"id"')
    with pytest.raises(Refused, match="jarvis patterns purge git"):
        pattern_learner.listed(place, now=NOW)
    purge(place, "git")
    assert pattern_learner.listed(place, now=NOW).patterns == ()


# --- learned, enabled, offered -------------------------------------------------------------------------------------------


def test_a_daily_report_is_learned_told_once_and_retired_when_it_ends(place: Place) -> None:
    """The night writes it down once; after it has fallen silent it is retired, once."""
    report(place, 80)
    night = NOW.replace(hour=23)
    first = studied(place, night - timedelta(days=1))
    assert [kind for kind, _ in first.facts].count("pattern.learned") == 1 and first.frames["learned"][0]["title"] == "status_report"
    assert studied(place, night).frames["learned"] == []
    later = night + timedelta(days=9)
    gone = studied(place, later)
    assert [r["title"] for r in gone.frames["retired"]] == ["status_report"]
    assert studied(place, later + timedelta(hours=1)).frames["retired"] == []


def test_predictions_are_written_before_the_day_and_scored_after_it(place: Place) -> None:
    """Happened with its hour, or not, once the whole day is over."""
    report(place, 80)
    night = datetime(2026, 11, 23, 23, 10, tzinfo=UTC)
    made = studied(place, night)
    (said,) = next(d["predictions"] for kind, d in made.facts if kind == "prediction.made")
    assert said["subject"] == "status_report" and said["p"] > 0.8 and said["base"] == pytest.approx(1.0, abs=0.05) and said["detail"]["day"] == "2026-11-24"
    at = NOW.replace(hour=9, minute=40)
    place.store.write(place.fact("event.logged", at=at, type="status_report", when=stamp(at), source="manual", detail={}))
    studied(place, night + timedelta(days=1))
    studied(place, night + timedelta(days=3))
    with place.store.reading() as reader:
        rows = reader.rows("predictions.open_and_scored", since=night - timedelta(days=1))
    assert [(r["happened"], r["actual"]) for r in rows if r["scored_at"]] == [(True, pytest.approx(9 + 40 / 60)), (False, None)]
    assert len(rows) == 3


def test_an_enabled_pattern_queues_its_task_by_itself_and_its_use_is_counted(place: Place, make_place: MakePlace) -> None:
    """With the person's task, three hours before the need; the policy decides it; used because the report came that day."""
    report(place, 80)
    said = pattern_learner.enable(place, "status_report", now=NOW - timedelta(minutes=5), recipe="make report")
    assert "queued by itself" in said
    (offer,) = pattern_learner.suggest(place, now=NOW, seed=1)
    assert offer["state"] == "queued" and offer["need_at"].hour == 9 and offer["need_at"] - offer["build_from"] == timedelta(hours=3)
    with place.store.reading() as reader:
        row = next(r for r in reader.rows("autonomous_queue.listing", open_only=False, state="", most=10) if r["id"] == offer["task"])
    assert row["state"] == "queued" and row["title"] == "Prepare: status_report"
    assert [o["id"] for o in pattern_learner.suggest(place, now=NOW + timedelta(minutes=1), seed=1)] == [offer["id"]]
    report(place, 1, until=NOW + timedelta(days=1))
    tomorrow = make_place(NOW + timedelta(days=1))
    pattern_learner.suggest(tomorrow, now=NOW + timedelta(days=1), seed=1)
    used = pattern_learner.stats(tomorrow, now=NOW + timedelta(days=1))["offers"]
    assert (used["hits"], used["waste"], used["open"]) == (1, 0, 1)


def test_what_nobody_enabled_is_asked_about_once(place: Place, make_place: MakePlace) -> None:
    """The first morning an offer, the second one nothing but what was offered; no task is made of it."""
    report(place, 80)
    (first,) = pattern_learner.suggest(place, now=NOW, seed=1)
    assert first["state"] == "asked" and first["task"] is None
    (card,) = [c for c in queue.inbox(place, now=first["made_at"]) if c["kind"] == "offer"]
    assert first["title"] in card["title"] and f"jarvis patterns dismiss {first['pattern']}" in card["commands"]
    assert not [c for c in queue.inbox(place, now=first["need_at"]) if c["kind"] == "offer"]
    report(place, 1, until=NOW + timedelta(days=1))
    assert pattern_learner.suggest(make_place(NOW + timedelta(days=1)), now=NOW + timedelta(days=1), seed=1) == []
    with place.store.reading() as reader:
        assert reader.rows("autonomous_queue.listing", open_only=False, state="", most=10) == []


def test_nobody_but_the_person_enables_and_no_other_task_slips_through(place: Place) -> None:
    """An agent cannot enable; a task that differs from the enabled one, or comes without its offer, is only proposed."""
    report(place, 80)
    pattern_learner.enable(place, "status_report", now=NOW, recipe="make report")
    with place.store.reading() as reader:
        (known,) = reader.rows("pattern_learner.patterns")
    with pytest.raises(Refused, match="Only a person"):
        place.store.write(place.fact("pattern.enabled", actor="agent:x", at=NOW, pattern=known["id"], template=json.loads(known["template"])))
    same = task_from_json(json.loads(known["template"]) | {"id": "aaaaaaaaaa"})
    place.store.write(place.fact("task.added", actor="agent:x", at=NOW, task=same.to_json(), content_hash=content_hash(same, {}), pattern=known["id"]))
    (offer,) = pattern_learner.suggest(place, now=NOW, seed=1)
    other = task_from_json(json.loads(known["template"]) | {"id": "bbbbbbbbbb", "title": "Something else"})
    place.store.write(place.fact("task.added", actor="agent:x", at=NOW, task=other.to_json(), content_hash=content_hash(other, {}), pattern=known["id"]))
    with place.store.reading() as reader:
        states = {r["id"]: r["state"] for r in reader.rows("autonomous_queue.listing", open_only=False, state="", most=10)}
    assert states == {"aaaaaaaaaa": "proposed", "bbbbbbbbbb": "proposed", offer["task"]: "queued"}


def test_what_was_dismissed_never_comes_back(place: Place, make_place: MakePlace) -> None:
    """By the offer's id; neither the verb nor a night nor a fact of somebody else brings it back."""
    report(place, 80)
    (first,) = pattern_learner.suggest(place, now=NOW, seed=1)
    pattern_learner.dismiss(place, first["id"], now=NOW + timedelta(minutes=1))
    for day in range(4):
        at = NOW + timedelta(days=day)
        report(place, 1, until=at)
        assert pattern_learner.suggest(make_place(at), now=at, seed=1) == []
        assert studied(place, at + timedelta(minutes=1)).frames["offers"] == []
    with place.store.reading() as reader:
        (again,) = reader.rows("pattern_learner.suggestions")
    forged = {"id": "zzzzzzzzzz", "pattern": again["pattern"], "p": 0.9, "worth": 30, "cost": 1, "said": "", "need_at": stamp(NOW), "build_from": stamp(NOW)}
    with pytest.raises(Refused, match="You dismissed"):
        place.store.write(place.fact("pattern.suggested", actor="session:s1", at=NOW + timedelta(days=5), suggestion=forged | {"task": None}))


PATTERN = Pattern("t", "c", "learned", "Every day about 09:00", 80, 40, 38, 40, 0.95, 0.83, 0.1, None, "", kind="k")
_ANSWERS = st.sampled_from(["", "enabled", "disabled", "dismissed"])
_STATES = st.sampled_from(["asked", "queued", "used", "wasted", "dismissed"])


@settings(max_examples=200)
@given(
    answers=st.lists(st.tuples(_ANSWERS, st.sampled_from(["learned", "retired"]), st.floats(0, 1), st.floats(0, 50)), max_size=12),
    made=st.lists(st.tuples(st.integers(0, 11), _STATES), max_size=12),
    worth=st.floats(0, 100),
    cost=st.floats(0, 100),
)
def test_offers_keep_their_promises(answers: list[tuple[str, str, float, float]], made: list[tuple[int, str]], worth: float, cost: float) -> None:
    """Never one that was dismissed or retired, at most five open, each worth its cost, asked once, 2 to 36 hours ahead; a task only from 80 % on."""
    from dataclasses import replace

    template = json.dumps(task("Prepare").to_json())
    learned = [replace(PATTERN, id=f"p{i}", low=low, hit_rate=low, next_at=NOW + timedelta(hours=h)) for i, (_, _, low, h) in enumerate(answers)]
    known: dict[str, Any] = {f"p{i}": {"answer": a, "state": s, "template": template if a == "enabled" else ""} for i, (a, s, _, _) in enumerate(answers)}
    rows = [{"id": f"o{n}", "pattern": f"p{i}", "state": state} for n, (i, state) in enumerate(made)]
    found: list[Offer] = offers(learned, known, rows, {}, worth=worth, cost=cost, lead=timedelta(hours=3), now=NOW)
    is_open = sum(r["state"] in ("asked", "queued") for r in rows)
    assert len(found) <= max(MOST_OPEN - is_open, 0)
    for offer in found:
        own, low = known[offer.pattern], next(p.low for p in learned if p.id == offer.pattern)
        assert own["answer"] != "dismissed" and own["state"] == "learned" and offer.p * worth > cost
        assert timedelta(hours=2) <= offer.need_at - NOW <= timedelta(hours=36)
        assert offer.task is None or (own["answer"] == "enabled" and low >= AUTOMATIC)
        assert own["answer"] == "enabled" or offer.pattern not in {r["pattern"] for r in rows}


def test_an_unknown_or_unlearned_pattern_is_refused(place: Place) -> None:
    """Each with one sentence: unknown, not learned yet, and neither task nor recipe."""
    with pytest.raises(Refused, match="no pattern 'nope'"):
        pattern_learner.dismiss(place, "nope", now=NOW)
    report(place, 5)
    with pytest.raises(Refused, match="not learned yet"):
        pattern_learner.enable(place, "status_report", now=NOW, recipe="make report")
    with pytest.raises(Refused, match="Say what to prepare"):
        pattern_learner.enable(place, "status_report", now=NOW)
    with pytest.raises(Refused, match="is no pattern|not learned"):
        pattern_learner.dismiss(place, "status_report", now=NOW)


def test_a_copied_task_is_the_template(place: Place) -> None:
    """`enable --task`: the same content under a new id."""
    report(place, 80)
    one = task("Write the status page")
    place.store.write(added(place, one, at=NOW - timedelta(minutes=9)))
    assert "Write the status page" in pattern_learner.enable(place, "status_report", now=NOW, task=one.id)
    (offer,) = pattern_learner.suggest(place, now=NOW, seed=1)
    assert offer["state"] == "queued" and offer["task"] != one.id


def test_an_empty_store_has_a_study_and_answers_all_verbs(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is predicted, offered or written; each verb says so."""
    found = studied(place, NOW)
    assert found.facts == () and found.said == "no routine yet (no task was added by a person)"
    for verb in ("list", "stats", "predict", "suggest"):
        assert main(["--home", str(place.home), "patterns", verb]) == 0
    assert "Nothing is worth preparing now." in capsys.readouterr().err


def test_list_stats_and_log_load_nothing_heavy(place: Place) -> None:
    """With eighty days of history: no polars, numpy, scikit-learn, altair or papermill."""
    report(place, 80)
    for words in (["list"], ["stats"], ["log", "status_report"]):
        code = (
            "import sys; from jarvis_lib.cli.entry import main\n"
            f"code = main(['--home', {str(place.home)!r}, 'patterns', *{words!r}])\n"
            "heavy = {'polars', 'numpy', 'sklearn', 'altair', 'papermill'} & set(sys.modules)\n"
            "sys.exit(repr(heavy) if heavy or code else 0)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

"""Does an old system's state come in whole, once, and with nothing of it believed? And does everything that leaves come back the same?"""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue, build_scheduler
from jarvis_lib.doors import exporting, importing
from jarvis_lib.doors.classic_out import export_classic
from jarvis_lib.doors.importing.items import Report
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import template
from jarvis_lib.store.place import Place
from jarvis_lib.store.recover import verify
from jarvis_lib.store.samples import Samples
from jarvis_lib.workspace import open_workspace
from tests.conftest import NIGHT
from tests.facts import added, claimed, ended, opened, passed, task

DAY = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


def local(at: datetime) -> str:
    """A time as the old system wrote it: on the local clock, without a zone."""
    return f"{at:%Y-%m-%dT%H:%M:%S}"


def old_task(n: int, **changes: Any) -> dict[str, Any]:
    own = {
        "id": f"build_{n}",
        "title": f"Old task {n}",
        "description": f"What task {n} is about.",
        "estimated_hours": 1.5,
        "category": "Documentation",
        "priority": 3,
        "dependencies": [],
        "auto_approve": True,
        "created_at": local(DAY + timedelta(minutes=n)),
        "scheduled_for": None,
        "status": "queued",
    }
    return own | changes


def realistic(count: int = 60, seed: int = 1) -> dict[str, Any]:
    """The whole state of an old system of so many tasks, as its eight files."""
    draw = random.Random(seed)
    categories = ["Performance optimization", "Bug fixes", "documentation", "Infrastructure", "new_features", "Test coverage", "Research", "API integrations"]
    tasks = [
        old_task(
            n,
            category=draw.choice(categories),
            priority=draw.randint(1, 5),
            estimated_hours=draw.choice([0.5, 1, 2, 4, 8]),
            dependencies=[f"build_{draw.randrange(n)}"] if n and draw.random() < 0.3 else [],
            auto_approve=draw.random() < 0.5,
            status=draw.choice(["queued", "queued", "completed", "completed", "in_progress", "failed"]),
            scheduled_for=local(DAY + timedelta(days=30)) if draw.random() < 0.2 else None,
        )
        for n in range(count)
    ]
    at = [local(DAY - timedelta(days=d)) for d in range(40)]
    return {
        "build_queue.json": {"tasks": tasks},
        "queue_state.json": {"active_agents": [{"id": "agent-1", "task_id": "build_3", "started_at": at[0]}], "completed_today": 4},
        "context_state.json": {"current_context": "working", "history": [{"context": "sleeping", "timestamp": t} for t in at]},
        "problems.json": {"active_problems": [{"id": f"p{n}", "description": f"Problem {n}", "severity": "high"} for n in range(12)]},
        "metrics_history.json": {"metrics": [{"timestamp": t, "cpu": 0.5 + n / 100, "memory": 0.4} for n, t in enumerate(at)]},
        "patterns.json": {
            "patterns": [{"id": "pt1", "trigger": "mon 09:00", "occurrences": 9, "confidence": 0.8}],
            "request_log": [{"type": "status_report", "timestamp": t} for t in at],
        },
        "improvements.json": {"improvements": [{"id": "i1", "title": "Cache the index", "status": "proposed"}]},
        "weekend_plan.json": {"candidates": [{"id": "w1", "title": "Build the dashboard", "estimated_hours": 10}], "selected": {"id": "w1"}},
    }


def write(folder: Path, state: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in state.items():
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def bring(place: Place, path: Path, **how: Any) -> Report:
    return importing.import_state(place, path, now=NIGHT, **how)


def queue(place: Place, folder: Path, *tasks: Any, **how: Any) -> Report:
    return bring(place, write(folder, {"build_queue.json": {"tasks": list(tasks)}}), **how)


def rows(place: Place) -> dict[str, dict[str, Any]]:
    """The tasks by title, whole."""
    with place.store.reading() as reader:
        return {r["title"]: r for r in reader.rows("exporting.tasks", since=NIGHT)}


# --- the old state -------------------------------------------------------------------------------------------------------


def test_a_realistic_state_of_500_tasks_is_complete_and_comes_in_once(place: Place, tmp_path: Path) -> None:
    """Every item of all eight files is accounted for, states are mapped, and a second import writes no fact."""
    state = realistic(500)
    folder = write(tmp_path / "old", state)
    first = bring(place, folder)
    assert first.whole and [f.file for f in first.files] == list(state)
    assert all(f.found == f.imported + len(f.left_out) for f in first.files) and not any(f.left_out for f in first.files)
    found = rows(place)
    assert len(found) == 500
    for raw in state["build_queue.json"]["tasks"]:
        row = found[raw["title"]]
        assert (row["state"] == "accepted") == (raw["status"] == "completed") and (row["state"] == "failed") == (raw["status"] == "failed")
        assert (row["hours"], row["priority_value"], row["approved_hash"]) == (raw["estimated_hours"], raw["priority"], row["approved_hash"])
        assert {found[f"Old task {d.removeprefix('build_')}"]["id"] for d in raw["dependencies"]} == set(row["after"])
    before = verify(place.store), place.store.path.read_bytes()
    again = bring(place, folder)
    assert [f.imported for f in again.files] == [0] * 8
    assert sum(f.there_already for f in again.files) == sum(f.imported for f in first.files)
    assert before[0] == [] and place.store.path.read_bytes() == before[1]


def test_a_dry_run_writes_nothing_and_says_the_same(place: Place, tmp_path: Path) -> None:
    """Its figures are those of the import that follows, and not a byte of the workspace changes."""
    folder = write(tmp_path / "old", realistic())
    rows(place)

    def tree() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in (place.home / "data").rglob("*") if p.is_file() and p.suffix != ".lock"}

    before = tree()
    told = bring(place, folder, dry_run=True)
    assert tree() == before
    done = bring(place, folder)
    assert [(f.found, f.imported, f.left_out) for f in told.files] == [(f.found, f.imported, f.left_out) for f in done.files]


def test_an_approval_of_the_old_system_does_not_count(place: Place, tmp_path: Path) -> None:
    """auto_approve on a new feature and on dangerous words is decided by the policy: asked, and escalated. Without a recipe nothing runs."""
    queue(place, tmp_path / "o", old_task(1, category="New features"), old_task(2, title="Delete all customer data"), old_task(3))
    found = rows(place)
    assert all(r["state"] == "parked" for r in found.values())
    with place.store.reading() as reader:
        verdicts = {t: reader.rows("autonomous_queue.decisions", task=r["id"])[0]["verdict"] for t, r in found.items()}
    assert verdicts["Old task 1"] == "ask" and verdicts["Delete all customer data"] == "escalate"
    assert found["Old task 1"]["approved_hash"] is None and found["Delete all customer data"]["approved_hash"] is None


def test_completed_is_history_without_evidence(place: Place, tmp_path: Path) -> None:
    """It is shown as imported and unverified, counts for no figure of Jarvis, and cannot be undone; what waited for it may run."""
    queue(place, tmp_path / "o", old_task(1, status="completed"), old_task(2, dependencies=["build_1"]))
    found = rows(place)
    done = found["Old task 1"]
    seen = autonomous_queue.show(place, done["id"])
    assert (done["state"], done["accepted_at"], done["shipped_at"]) == ("accepted", None, None) and "unverified" in done["why"]
    assert seen["attempts"] == [] and seen["imported"]["said"] == "completed" and seen["imported"]["old_id"] == "build_1"
    stats = build_scheduler.stats(place, now=NIGHT)
    assert (stats["completed"], stats["accepted"], stats["total"]) == (0, 0, 2)
    with pytest.raises(Refused, match="only shipped or accepted work can be undone"):
        autonomous_queue.undo(place, done["id"], now=NIGHT)
    assert found["Old task 2"]["after"] == [done["id"]]


def test_what_is_left_out_is_told_one_by_one(place: Place, tmp_path: Path) -> None:
    """Each damaged entry has its own reason, and the good ones beside it come in."""
    bad = [7, None, {"title": ""}, old_task(2, estimated_hours=-1), old_task(3, estimated_hours="x"), old_task(4, priority=9), old_task(5, status="maybe")]
    bad += [old_task(6, estimated_hours=10**400), old_task(7, description="x" * 70_000), old_task(8, priority=True), old_task(9, estimated_hours=[1])]
    told = queue(place, tmp_path / "o", old_task(1), *bad).files[0]
    assert (told.found, told.imported, len(told.left_out)) == (12, 1, 11)
    assert all(why and not why.endswith(".") for _, why in told.left_out)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"tasks": [{"id": 1, "title"', "cut off"),
        ("", "empty"),
        ("PK\x03\x04", "no JSON"),
        ("[1, 2", "cut off"),
        ('{"tasks": "none"}', "should be a list"),
        ('{"tasks": null}', "should be a list"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_damaged_file_is_refused_with_one_sentence(place: Place, tmp_path: Path, text: str, why: str) -> None:
    """Nothing of it comes in. In a folder the other files do."""
    folder = write(tmp_path / "o", {"build_queue.json": text})
    with pytest.raises(Refused, match=why) as caught:
        bring(place, folder)
    assert "\n" not in caught.value.sentence
    write(folder, {"patterns.json": {"request_log": [{"type": "standup", "timestamp": "2026-11-02T09:00:00"}]}})
    report = bring(place, folder)
    assert not report.whole and [(f.file, f.imported) for f in report.files] == [("build_queue.json", 0), ("patterns.json", 1)]


def test_a_file_of_another_kind_is_refused(place: Place, tmp_path: Path) -> None:
    """A JSON file of some other program, a folder without any, and a path that is not there."""
    write(tmp_path / "o", {"package.json": {"name": "shop"}})
    for path in (tmp_path / "o" / "package.json", tmp_path / "o", tmp_path / "nowhere"):
        with pytest.raises(Refused):
            bring(place, path)
    assert rows(place) == {}


def test_colliding_ids_both_come_in_and_are_told(place: Place, tmp_path: Path) -> None:
    """Two tasks of one id are two tasks; what waits for that id waits for both. The same task twice comes in once."""
    told = queue(
        place,
        tmp_path / "o",
        old_task(1, title="One"),
        old_task(1, title="Other"),
        old_task(1, title="One"),
        old_task(1, title="One", description="in other words"),
        old_task(2, dependencies=["build_1"]),
    ).files[0]
    found = rows(place)
    assert set(found) == {"One", "Other", "Old task 2"}
    assert set(found["Old task 2"]["after"]) == {found["One"]["id"], found["Other"]["id"]}
    assert any("build_1 stands for 2 tasks" in note for note in told.notes)
    assert [why for _, why in told.left_out] == [
        "it stands twice",
        "it stands twice in different words (same id, title and date); the first was taken",
    ]


def test_what_waits_for_nothing_that_is_there_is_parked_with_the_reason(place: Place, tmp_path: Path) -> None:
    """A missing dependency, one that failed, a circle of two and a task that waits for itself: none may run by itself."""
    queue(
        place,
        tmp_path / "o",
        old_task(1, dependencies=["build_99"]),
        old_task(2, dependencies=["build_3"]),
        old_task(3, status="failed"),
        old_task(4, dependencies=["build_5"]),
        old_task(5, dependencies=["build_4"]),
        old_task(6, dependencies=["build_6"]),
        old_task(7, dependencies=["build_4"]),
        by_default=False,
    )
    found = rows(place)
    assert all("It waited for" in found[f"Old task {n}"]["description"] for n in (1, 2, 4, 5, 6))
    assert "build_99, which was not imported" in found["Old task 1"]["description"] and "has failed" in found["Old task 2"]["description"]
    assert "in a circle" in found["Old task 4"]["description"] and found["Old task 7"]["after"] == [found["Old task 4"]["id"]]


def test_what_changed_there_since_is_told_and_left_as_it_is_here(place: Place, tmp_path: Path) -> None:
    """The old system went on after the first import: its new word changes nothing here, and a new task comes in."""
    queue(place, tmp_path / "o", old_task(1))
    told = queue(place, tmp_path / "o", old_task(1, status="completed"), old_task(2, dependencies=["build_1"])).files[0]
    assert (told.imported, told.there_already) == (1, 1) and any("(queued -> completed)" in note for note in told.notes)
    found = rows(place)
    assert found["Old task 1"]["state"] == "parked" and found["Old task 2"]["after"] == [found["Old task 1"]["id"]]


def test_events_are_learned_from_and_samples_are_metrics(place: Place, tmp_path: Path) -> None:
    """The request log becomes events, the metrics history samples; more samples later add only themselves."""
    write(tmp_path / "o", {"patterns.json": realistic()["patterns.json"], "metrics_history.json": [{"timestamp": "2026-11-20T10:00:00", "cpu": 0.5}]})
    bring(place, tmp_path / "o")
    with place.store.reading() as reader:
        assert len(reader.rows("pattern_learner.logged", since=NIGHT - timedelta(days=90), until=NIGHT)) == 40
    write(
        tmp_path / "o",
        {"metrics_history.json": {"cpu": [{"timestamp": "2026-11-20T10:00:00", "value": 0.5}, {"timestamp": "2026-11-21T10:00:00", "value": 0.7}]}},
    )
    told = next(f for f in bring(place, tmp_path / "o").files if f.file == "metrics_history.json")
    assert (told.found, told.imported, told.there_already) == (2, 1, 1)
    hours = Samples(place.home).hours("plugin:imported.cpu", since=datetime(2026, 11, 19, tzinfo=UTC), until=NIGHT)
    assert [round(h["mid"], 2) for h in hours] == [0.5, 0.7]


def test_all_other_things_are_kept_word_for_word(place: Place, tmp_path: Path) -> None:
    """Problems, patterns, improvements, contexts, agents and weekend builds can be read as they stood."""
    bring(place, write(tmp_path / "o", realistic()))
    kept = importing.kept(place)
    counts = {kind: sum(r["kind"] == kind for r in kept) for kind in ("problem", "pattern", "improvement", "context", "agent", "weekend", "other")}
    assert counts == {"problem": 12, "pattern": 1, "improvement": 1, "context": 41, "agent": 1, "weekend": 2, "other": 1}
    assert {json.loads(r["content"])["id"] for r in importing.kept(place, "problem")} == {f"p{n}" for n in range(12)}
    with pytest.raises(Refused, match="Did you mean 'problem'"):
        importing.kept(place, "problms")


def test_control_characters_and_long_titles_are_made_harmless(place: Place, tmp_path: Path) -> None:
    """Escape sequences are taken out, and a title over the limit is shortened with the whole in the description."""
    queue(place, tmp_path / "o", old_task(1, title="\x1b[31mRed\x07 thing"), old_task(2, title="long " * 100))
    found = rows(place)
    assert "Red thing" in found
    long = next(r for t, r in found.items() if t.startswith("long"))
    assert len(long["title"]) <= 200 and ("long " * 100).strip() in long["description"]


def test_an_imported_task_with_an_agent_still_asks(place: Place, tmp_path: Path) -> None:
    """--agent gives a recipe to what may still run, and the policy decides it; completed work gets none."""
    queue(place, tmp_path / "o", old_task(1, category="New features"), old_task(2, status="completed"), agent="any")
    found = rows(place)
    assert (found["Old task 1"]["recipe"], found["Old task 1"]["parked_kind"]) == ("agent", "approval") and found["Old task 2"]["recipe"] is None


def test_only_a_person_imports(place: Place, tmp_path: Path) -> None:
    """A program that is no person brings nothing in."""
    agent = open_workspace(place.home, clock=lambda: NIGHT, actor="agent:x")
    with pytest.raises(Refused, match="Only a person states 'import.read'"):
        queue(agent, tmp_path / "o", old_task(1))
    assert rows(place) == {}


def test_an_import_survives_a_rebuild(place: Place, tmp_path: Path) -> None:
    """The journal alone gives the imported rows again."""
    bring(place, write(tmp_path / "o", realistic()))
    before = tables(place)
    place.store.path.unlink()
    told = {"notices", "facts", "meta"}  # that it was rebuilt is a fact of its own
    after = tables(place)
    assert {k: v for k, v in after.items() if k not in told} == {k: v for k, v in before.items() if k not in told}


@pytest.mark.long
def test_a_large_queue_comes_in_with_bounded_memory() -> None:
    """20,000 tasks, all of them, once, in a process that never needs half a gigabyte. For more: python -m tests.bench.importing 100000."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.importing", "20000", "--json"], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    found = json.loads(done.stdout)
    assert (found["imported"], found["again"]) == (20_000, 0) and found["peak_mb"] < 512


# --- a checklist ---------------------------------------------------------------------------------------------------------

CHECKLIST = """\
# Shop

- [ ] Fix the rounding ~90m !high #bug +money
    - [ ] Write its test ~30m #tests
* [x] Release 2.0
1. [ ] Read the log due:12/01
- [-] Given up
- a line without a box

```
- [ ] not a task, but an example
```
"""


def test_a_checklist_comes_in_as_tasks(place: Place, tmp_path: Path) -> None:
    """Marks are read as by add, headings are projects, nesting is told, done is history, what reads two ways is left out; twice adds nothing."""
    path = tmp_path / "TODO.md"
    path.write_text(CHECKLIST)
    told = bring(place, path).files[0]
    found = rows(place)
    assert (told.found, told.imported, len(told.left_out)) == (5, 3, 2) and set(found) == {"Fix the rounding", "Write its test", "Release 2.0"}
    fix = found["Fix the rounding"]
    assert (fix["hours"], fix["priority"], fix["category"], fix["project"], fix["tags"]) == (1.5, "HIGH", "Bug fixes", "Shop", ["money"])
    assert found["Write its test"]["description"] == "Part of: Fix the rounding" and found["Release 2.0"]["state"] == "accepted"
    assert "reads two ways" in told.left_out[0][1]
    assert told.notes == ["1 bullet without a box is not taken for tasks (first: line 8); write - [ ]"]
    assert (bring(place, path).files[0].imported, bring(place, path).files[0].there_already) == (0, 3)


def test_a_heading_of_a_hundred_thousand_spaces_is_read_at_once(place: Place, tmp_path: Path) -> None:
    """And hashes behind a heading are no part of it."""
    import time

    page = tmp_path / "TODO.md"
    page.write_text(f"# a{' ' * 100_000}b ##\n- [ ] One\n\n## Home ##\n- [ ] Two\n")
    begun = time.process_time()
    importing.import_state(place, page, now=NIGHT)
    assert time.process_time() - begun < 5
    assert {title: row["project"] for title, row in rows(place).items()} == {"One": "a b", "Two": "Home"}


def test_a_page_without_boxes_is_no_checklist(place: Place, tmp_path: Path) -> None:
    """It is refused with the form that is meant."""
    (tmp_path / "notes.md").write_text("# Notes\n\n- nothing to do\n")
    with pytest.raises(Refused, match=r"- \[ \] Title"):
        bring(place, tmp_path / "notes.md")


# --- out and back --------------------------------------------------------------------------------------------------------


def tables(place: Place) -> dict[str, list[str]]:
    """Every table of the store as sorted text."""
    with place.store.reading() as reader:
        names = [r["name"] for r in reader.rows("store.tables")]
        return {n: sorted(str(r) for r in reader._con.execute(f"SELECT * FROM {n}").fetchall()) for n in names}


def lived_in(place: Place, tmp_path: Path) -> None:
    """A workspace with an imported past, a night, a refusal and samples."""
    bring(place, write(tmp_path / "old", realistic()))
    one = task("Shipped thing")
    place.store.append(added(place, one), opened(place), claimed(place, one, "a1"), ended(place, one, "a1", evidence=[passed()]))
    place.store.append(place.fact("task.approved", task="nothere", content_hash="x"))
    autonomous_queue.add(place, "Weekly", "", 0.5, "docs", "LOW", now=NIGHT, command="true", every="mon 09:00")


@pytest.fixture
def other(tmp_path: Path) -> Place:
    home = tmp_path / "other"
    home.mkdir()
    (home / "jarvis.toml").write_text(template())
    return open_workspace(home, clock=lambda: NIGHT, actor="person:test")


@pytest.mark.parametrize("form", ["json", "parquet"])
def test_what_is_exported_comes_back_as_equal_tables(place: Place, other: Place, tmp_path: Path, form: str) -> None:
    """Every table of the new workspace is equal, samples too; the chain is the same; a second import changes nothing."""
    lived_in(place, tmp_path)
    autonomous_queue.add(place, "May run", "", 1, "Documentation", "LOW", now=NIGHT, command="true")
    out = tmp_path / "export"
    manifest = exporting.export(place, out, form=form, now=NIGHT)
    assert "equal" not in importing.restore(other, out, dry_run=True) and rows(other) == {}
    said = importing.restore(other, out)
    assert said.endswith("1 task of it may run here as it stands: jarvis list --open")
    assert tables(other) == tables(place) and len(tables(other)["tasks"]) == 63
    assert verify(other.store, head=manifest["head"]) == []
    assert [p.name for p in sorted((other.home / "data/metrics").rglob("*.parquet"))] == [
        p.name for p in sorted((place.home / "data/metrics").rglob("*.parquet"))
    ]
    assert "already" in importing.restore(other, out)


def test_an_export_can_be_read_by_anything(place: Place, tmp_path: Path) -> None:
    """Each table is a file of JSON lines with as many lines as the manifest says, and the manifest names each file's hash."""
    lived_in(place, tmp_path)
    out = tmp_path / "export"
    manifest = exporting.export(place, out, form="json", now=NIGHT)
    for name, count in manifest["tables"].items():
        lines = (out / "tables" / f"{name}.jsonl").read_text().splitlines()
        assert len(lines) == count and all(isinstance(json.loads(line), dict) for line in lines)
    assert set(manifest["files"]) == {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} - {"manifest.json"}


def test_an_export_that_is_not_whole_is_refused(place: Place, other: Place, tmp_path: Path) -> None:
    """A fact changed, a line gone, a file missing, a manifest of another kind: nothing comes in."""
    lived_in(place, tmp_path)
    exporting.export(place, tmp_path / "good", form="json", now=NIGHT)

    def spoil(change: Callable[[Path], None]) -> None:
        import shutil

        shutil.rmtree(tmp_path / "bad", ignore_errors=True)
        shutil.copytree(tmp_path / "good", tmp_path / "bad")
        change(tmp_path / "bad")
        with pytest.raises(Refused):
            importing.restore(other, tmp_path / "bad")
        assert rows(other) == {}

    def resealed(folder: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
        facts = folder / "facts.jsonl"
        facts.write_bytes(b"".join(edit(facts.read_bytes().splitlines(keepends=True))))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"]["facts.jsonl"] = exporting.sha256_of(facts)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    spoil(lambda f: (f / "facts.jsonl").write_bytes((f / "facts.jsonl").read_bytes()[:-40]))
    spoil(lambda f: resealed(f, lambda lines: lines[:-1]))
    spoil(lambda f: resealed(f, lambda lines: [lines[0], *lines[2:]]))
    spoil(lambda f: resealed(f, lambda lines: [lines[0].replace(b"Old task", b"New task"), *lines[1:]]))
    spoil(lambda f: (f / "tables" / "tasks.jsonl").unlink())
    spoil(lambda f: (f / "manifest.json").write_text('{"schema": "other/1"}'))
    spoil(lambda f: (f / "manifest.json").write_text("{"))

    def slipped_in(folder: Path) -> None:
        (folder / "files/reports").mkdir(parents=True, exist_ok=True)
        (folder / "files/reports/latest-brief.html").write_text("<p>All is well.</p>")

    spoil(slipped_in)
    assert not (other.home / "reports/latest-brief.html").exists()


def test_an_export_is_brought_into_an_empty_workspace_only(place: Place, other: Place, tmp_path: Path) -> None:
    """Facts of two workspaces are never mixed."""
    lived_in(place, tmp_path)
    exporting.export(place, tmp_path / "out", form="json", now=NIGHT)
    autonomous_queue.add(other, "Own", "", 1, "docs", "LOW", now=NIGHT, command="true")
    with pytest.raises(Refused, match="empty workspace only"):
        importing.restore(other, tmp_path / "out")
    assert set(rows(other)) == {"Own"}


def test_an_export_writes_over_nothing(place: Place, tmp_path: Path) -> None:
    """A folder with something in it, a file, and a missing parent are refused; what was begun is gone."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for target in (tmp_path / "full", tmp_path / "file", tmp_path / "no" / "where"):
        with pytest.raises(Refused):
            exporting.export(place, target, form="json", now=NIGHT)
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == [] and (tmp_path / "full" / "x").read_text() == "mine"


def test_the_old_format_goes_out_and_is_read_again(place: Place, other: Place, tmp_path: Path) -> None:
    """All eight files and the daily report are written; what is proved is completed there and nothing else, and another workspace reads the queue."""
    lived_in(place, tmp_path)
    place.store.append(place.fact("session.closed", session="s1", outcome="done"))
    counts = export_classic(place, tmp_path / "classic", now=NIGHT)
    assert {"build_queue.json", "queue_state.json", "context_state.json", "problems.json", "metrics_history.json"} < set(counts) and len(counts) == 10
    tasks = json.loads((tmp_path / "classic" / "build_queue.json").read_text())["tasks"]
    old = realistic()["build_queue.json"]["tasks"]
    assert sum(t["status"] == "completed" for t in tasks) == sum(t["status"] == "completed" for t in old) + 1
    assert set(old[0]) == set(tasks[0])
    report = bring(other, tmp_path / "classic")
    own = next(f for f in report.files if f.file == "build_queue.json")
    assert (own.found, own.imported) == (62, 62) and len(rows(other)) == 62

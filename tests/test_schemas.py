"""Do the answers of `--json` have the fields that their page says, and does the page know every schema?"""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue
from jarvis_lib.doors import importing
from tests.conftest import NIGHT
from tests.facts import added, claimed, ended, opened, task
from tests.schemas import PAGE, against, answers, declared, documented, fields, lived_in, more, workspace
from tests.test_importing import old_task

KNOWN = documented(PAGE.read_text(encoding="utf-8"))


def test_every_schema_of_the_code_stands_in_the_page() -> None:
    """With its fields, or named as one that was not asked."""
    text = PAGE.read_text(encoding="utf-8")
    assert [s for s in declared() if s not in text] == [], "write the page anew: .venv/bin/python -m tests.schemas"


def test_a_workspace_that_the_page_has_never_seen_answers_as_it_says(tmp_path: Path) -> None:
    """Other tasks, other states, an import with things left out: every field of every answer is in the page with its type."""
    place = workspace(tmp_path / "third")
    old = tmp_path / "old"
    old.mkdir()
    (old / "build_queue.json").write_text(json.dumps({"tasks": [old_task(n, dependencies=["build_0"]) for n in range(5)] + [7]}))
    importing.import_state(place, old, now=place.now())
    failed = task("Fails")
    night = place.now() - timedelta(hours=3)
    place.store.append(added(place, failed, at=night), opened(place, at=night), claimed(place, failed, "a1"))
    place.store.append(ended(place, failed, "a1", outcome="failed"))
    wrong = [said for schema, data in answers(place, ((),), tasks=3, slow=False) for said in against(schema, data, KNOWN)]
    assert sorted(set(wrong)) == []


def test_the_answers_of_verbs_that_change_something_are_as_the_page_says(tmp_path: Path) -> None:
    """Import, undo, export and a note."""
    place = lived_in(tmp_path / "lived")
    asked = [(schema, against(schema, data, KNOWN)) for schema, data in more(place)]
    assert {schema for schema, _ in asked} == {"jarvis.import/1", "jarvis.result/1"} and not any(wrong for _, wrong in asked)


@pytest.mark.parametrize("spoil", ["new field", "other type"])
def test_a_wrong_answer_would_be_found(tmp_path: Path, spoil: str) -> None:
    """The tests above can fail: by a field that the page does not have, and by a type that it does not say."""
    place = workspace(tmp_path / "w")
    autonomous_queue.add(place, "One", "", 1, "docs", "LOW", now=NIGHT, command="true")
    rows = autonomous_queue.listing(place, now=NIGHT)
    data = [{**rows[0], "added_at": "2026-11-24T00:00:00Z", "changed_at": "2026-11-24T00:00:00Z"} | ({"odd": 1} if spoil == "new field" else {"title": 5})]
    assert len(against("jarvis.tasks/1", data, KNOWN)) == 1
    assert ("data[].title", "number" if spoil == "other type" else "text") in set(fields(data))

"""Do the answers of `--json` have the fields that their page says, and does the page know every schema?"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest

from jarvis_lib import autonomous_queue
from jarvis_lib.cli.entry import top
from jarvis_lib.cli.shape import Verb
from jarvis_lib.doors import importing
from tests.conftest import NIGHT
from tests.facts import added, claimed, ended, opened, task
from tests.schemas import PAGE, against, answers, declared, documented, fields, lived_in, more, workspace
from tests.test_importing import old_task

KNOWN = documented(PAGE.read_text(encoding="utf-8"))


def test_every_schema_of_the_code_stands_in_the_page_with_its_fields() -> None:
    """Those of files and of what takes minutes, too."""
    assert [s for s in declared() if not KNOWN.get(s)] == [], "write the page anew: .venv/bin/python -m tests.schemas"


def test_every_verb_that_takes_json_is_asked_or_named_as_one_that_only_says_what_it_did() -> None:
    """Each reading verb stands in the guide's table of schemas; a writing one prints `jarvis.result/1`, and `mcp serve` speaks JSON-RPC."""
    guide = (PAGE.parent / "INTEGRATION_GUIDE.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in guide.splitlines() if line.startswith("| `jarvis."))
    paths = [(path, verb) for path, verb in verbs(top) if any("--json" in p.opts for p in verb.params)]
    missing = [path for path, verb in paths if not verb.writes and path != "mcp serve" and not named(path, table)]
    assert len(paths) > 80 and missing == []


def verbs(group: click.Group, path: str = "") -> Iterator[tuple[str, Verb]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from verbs(command, f"{path} {name}".strip())
        elif isinstance(command, Verb):
            yield f"{path} {name}".strip(), command


def named(path: str, table: str) -> bool:
    """`jarvis queue list` as it stands, or as the short form that one part or none has (`upcoming` beside `jarvis context detect`)."""
    *part, verb = path.split()
    row = next((line for line in table.splitlines() if part and f"`jarvis {part[0]} " in line and re.search(rf"`{verb}[` ]", line)), "")
    return bool(row) or f"`jarvis {path}" in table or (part[:1] in (["queue"], ["scheduler"]) and f"`jarvis {verb}" in table)


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

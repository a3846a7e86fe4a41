"""Which fields does each `--json` answer have? Asked of the real verbs on real workspaces: `python -m tests.schemas` writes docs/SCHEMAS.md.

A field is named by its path, `[]` for each of a list and `*` for names that are data. Its type is what was seen: text, time, number, yes/no, null,
list, object.
"""

import contextlib
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib import autonomous_queue
from jarvis_lib.cli.entry import main
from jarvis_lib.cli.render import plain
from jarvis_lib.doors.delivery import events
from jarvis_lib.doors.demo import DemoResult
from jarvis_lib.doors.weekend_demo import WeekendResult
from jarvis_lib.model.study import Study
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, ended, opened, passed, task
from tests.roomy import roomy

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "SCHEMAS.md"
Fields = dict[str, set[str]]
BY_DATA = re.compile(r"(^|\.)(states|verdicts|parameters|tables|detail|extra|counts|files|effects|changes|env|frames|content\.recipe\.parameters)$")
"""Objects whose names are data and no fields."""


def _next(weekday: int, clock: str) -> tuple[str, ...]:
    day = datetime.now(UTC).date() + timedelta(days=1)
    return ("--at", f"{day + timedelta(days=(weekday - day.weekday()) % 7)} {clock}")


MOMENTS = ((), _next(1, "23:30"), _next(2, "12:00"), _next(5, "10:00"))
"""Now, and a night, an office hour and a weekend to come: what the page says depends on no date."""
READING = (
    *(["list"], ["queue", "list"], ["next"], ["inbox"], ["queue", "progress"], ["queue", "report"], ["scheduler", "stats"], ["scheduler", "plan"]),
    *(
        ["context", "detect"],
        ["context", "upcoming"],
        ["context", "summary"],
        ["problems", "list"],
        ["problems", "metrics"],
        ["problems", "metrics", "--scores"],
    ),
    *(["patterns", "list"], ["patterns", "stats"], ["patterns", "predict"], ["overnight", "report"], ["overnight", "brief"], ["overnight", "status"]),
    *(["overnight", "is-overnight"], ["overnight", "plan"], ["weekend", "suggest"], ["weekend", "progress"], ["weekend", "summary"]),
    *(["improver", "suggest"], ["improver", "stats"], ["improver", "measure"], ["trust", "list"], ["agents", "list"]),
    *(["overnight", "checkin"], ["weekend", "review"], ["heartbeat"], ["cron", "show"], ["delivery", "list"]),
)
STANDING = (
    *(["status"], ["imported"], ["undo", "--list"], ["store", "verify"], ["doctor"], ["completion", "bash"], ["scheduler", "schedule"], ["problems", "scan"]),
    *(["problems", "fix", "--dry-run"], ["problems", "fix"], ["patterns", "suggest"], ["context", "read"], ["cluster", "status"], ["list"], ["undo", "--list"]),
    *(["calendar", "export"], ["cron", "install", "--cron", "--dry-run"], ["delivery", "send", "--dry-run"]),
)
ON_A_TASK = (["show"], ["why"])


def kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "time" if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value) else "text"
    return "list" if isinstance(value, list) else "object"


def fields(value: Any, path: str = "data") -> Iterator[tuple[str, str]]:
    """(path, type) of the value and of all in it."""
    yield path, kind(value)
    if isinstance(value, list):
        for one in value:
            yield from fields(one, f"{path}[]")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from fields(one, f"{path}.{'*' if BY_DATA.search(path) else name}")


def answer(home: Path, words: list[str]) -> tuple[str, Any] | None:
    """(schema, data) that the real command line prints, or None when it refuses."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        main(["--home", str(home), *words, "--json"])
    text = out.getvalue().strip()
    if not text:
        return None
    told = json.loads(text)
    assert set(told) == {"schema", "generated_at", "data", "warnings"} and kind(told["generated_at"]) == "time", words
    return told["schema"], told["data"]


SLOW = (["weekend", "suggest"], ["weekend", "review"], ["overnight", "checkin"], ["doctor"])
"""Verbs that draw many nights, or look at the whole machine."""


def answers(place: Place, moments: tuple[tuple[str, ...], ...] = MOMENTS, *, tasks: int = 12, slow: bool = True) -> Iterator[tuple[str, Any]]:
    """What all the verbs answer on one workspace."""
    with place.store.reading() as reader:
        ids = [r["id"] for r in reader.rows("exporting.tasks", since=place.now())][:tasks]
    lines = [list(words) for words in STANDING if slow or words not in SLOW]
    lines += [[*words, *at] for words in READING for at in moments if slow or words not in SLOW]
    lines += [[*words, one] for words in ON_A_TASK for one in ids]
    if ids:
        lines += [["context", "set", "working", "--for", "1h", "--dry-run"], ["add", "A line ~1h #docs", "--dry-run"]]
    for words in lines:
        found = answer(place.home, words)
        if found is not None:
            yield found


def workspace(home: Path) -> Place:
    home.mkdir(parents=True, exist_ok=True)
    (home / "jarvis.toml").write_text(roomy())
    return open_workspace(home, actor="person:reader")


def lived_in(home: Path) -> Place:
    """A workspace with tasks of most states, a session with evidence, a series, an import, samples and a plan."""
    place = workspace(home)
    now = datetime.now(UTC)
    night = now - timedelta(hours=8)
    shipped, odd, asked, waits = task("Shipped"), task("Odd", checks=()), task("Asked", category="New features"), task("No recipe", recipe=None)
    place.store.append(*(added(place, t, at=night) for t in (shipped, odd, asked, waits)))
    measure = {"ratio": 5.3, "low": 4.9, "high": 5.6, "n": 7, "before": 2.1, "after": 0.4, "unit": "s"}
    told = [passed(), {"kind": "measure", "name": "queries", "ok": True, "said": "5.3x faster", "detail": measure}]
    place.store.append(opened(place, at=night))
    place.store.append(claimed(place, shipped, "a1"), claimed(place, odd, "a2"))
    place.store.append(ended(place, shipped, "a1", evidence=told), ended(place, odd, "a2"))
    place.store.append(place.fact("session.closed", session="s1", outcome="done", said="all done"))
    autonomous_queue.add(place, "Weekly", "", 0.5, "docs", "LOW", now=now, command="true", checks=["true"], every="mon 09:00", tags=["report"])
    autonomous_queue.add(place, "Large one", "", 9, "docs", "HIGH", now=now, command="true", checks=["true"], due=now + timedelta(days=9), project="shop")
    autonomous_queue.add(place, "Large one without a recipe", "", 9, "new features", "HIGH", now=now)
    old = home / "old"
    old.mkdir()
    (old / "build_queue.json").write_text(json.dumps({"tasks": [{"id": "b1", "title": "Old one", "status": "completed"}, {"id": "b2"}]}))
    (old / "patterns.json").write_text(
        json.dumps({"request_log": [{"type": "standup", "timestamp": (now - timedelta(days=d)).isoformat()} for d in range(20)]})
    )
    return place


def more(place: Place) -> Iterator[tuple[str, Any]]:
    """Answers of the verbs that this workspace can be asked once."""
    for words in (["import", str(place.home / "old")], ["undo", "--dry-run"], ["export", str(place.home / "out")], ["improver", "log-time", "search", "900"]):
        found = answer(place.home, words)
        if found is not None:
            yield found


def once(place: Place) -> Iterator[tuple[str, Any]]:
    """Answers that need something first: a problem, a candidate, a mail that waits, a host's configuration, an export."""
    log = place.home / "logs" / "app.log"
    log.write_text("a line of a program that nobody reads\n" * 300_000)
    (place.home / "jarvis.toml").write_text(roomy().replace('email = ""', 'email = "me@example.org"', 1))
    os.environ["HOME"] = str(place.home)
    found = answer(place.home, ["problems", "scan"])
    yield from filter(None, (found, *(answer(place.home, ["problems", "explain", row["key"]]) for row in (found or ("", []))[1])))
    yield from filter(None, (answer(place.home, ["problems", "list"]), answer(place.home, ["mcp", "install", "--host", "codex", "--dry-run"])))
    offer = answer(place.home, ["weekend", "suggest"])
    yield from filter(None, (answer(place.home, ["weekend", "select", c["id"]]) for c in (offer or ("", {"candidates": []}))[1]["candidates"][:1]))
    yield from filter(None, (answer(place.home, ["weekend", "progress"]), answer(place.home, ["weekend", "start"])))
    answer(place.home, ["new", "recipe", "mine"])
    mine = place.home / "notebooks" / "recipes" / "mine.ipynb"
    mine.with_name("untagged.ipynb").write_text(mine.read_text().replace('"parameters"', '"untagged"'))
    yield from filter(None, (answer(place.home, ["recipes", "lint"]), answer(place.home, ["recipes", "list"])))
    manifest = json.loads((place.home / "out" / "manifest.json").read_text())
    yield manifest.pop("schema"), manifest


def built() -> Iterator[tuple[str, Any]]:
    """What is printed or written after minutes of work, or by a network: from the very shapes that are printed, with other words in them."""
    where, at = Path("page.html"), datetime(2026, 11, 24, 7, tzinfo=UTC)
    yield "jarvis.demo/1", plain(DemoResult(where, where, "3 of 4 builds shipped", 366.2, 3, 2, where))
    yield "jarvis.demo/1", plain(DemoResult(where, None, "nothing shipped", 366.2, 0, 0, where))
    yield "jarvis.weekend_demo/1", plain(WeekendResult(where, where, "3 of 3 phases", 301.0, 3, 3))
    yield "jarvis.weekend_demo/1", plain(WeekendResult(where, None, "0 of 3 phases", 301.0, 0, 3))
    yield "jarvis.notebooks/1", [{"notebook": "build_scheduler.ipynb", "failed": ""}]
    yield "jarvis.posted/1", [{"key": "brief-2026-11-24", "channel": "email", "ok": True, "again": False, "said": "accepted by the server"}]
    facts = (("problem.gone", {"key": "log:app.log"}),)
    study = json.loads(Study("problem_predictor", at, 0, "1 problem found", facts, {"board": []}).to_text())
    yield study.pop("schema"), study
    event = events.test_document("test-1", now=at)
    yield event.pop("schema"), event


def seen(folder: Path) -> dict[str, Fields]:
    """Schema -> path -> types, of an empty workspace and of one that was lived in."""
    found: dict[str, Fields] = {}
    empty, lived = workspace(folder / "empty"), lived_in(folder / "lived")
    for schema, data in [*answers(empty, MOMENTS[:2]), *more(lived), *answers(lived), *once(lived), *built()]:
        for path, word in fields(data):
            found.setdefault(schema, {}).setdefault(path, set()).add(word)
    return found


def declared() -> list[str]:
    """Every schema that stands in the code."""
    code = "".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "jarvis_lib").rglob("*.py")))
    return sorted(set(re.findall(r'"(jarvis\.\w+/\d+)"', code)))


HEAD = """\
# Schemas of `--json`

Written by `.venv/bin/python -m tests.schemas`, which asks the real verbs of an empty workspace and of one that was lived in; do not edit. A test asks
again and holds the answers against this page. Which verb prints which schema: [integration guide](INTEGRATION_GUIDE.md#json).

Every answer is one object: `schema`, `generated_at` (UTC), `data` and `warnings` (a list of text). The tables give the fields of `data`. `[]` stands for
each of a list, `*` for names that are data. Times are ISO 8601 in UTC. Where only *null* was seen, the field was empty in those workspaces; any field may
be null where nothing is known. New fields may come at any time; a number behind the stroke rises when a reader would have to change.
"""


def page(found: dict[str, Fields]) -> str:
    """The page of all schemas."""
    parts = [HEAD]
    unseen = [s for s in declared() if s not in found]
    for schema in sorted(found):
        rows = [f"| `{path}` | {', '.join(sorted(types))} |" for path, types in sorted(found[schema].items())]
        parts.append(f"## {schema}\n\n| field | type |\n|---|---|\n" + "\n".join(rows) + "\n")
    if unseen:
        raise LookupError(f"No verb was found that prints {', '.join(unseen)}; ask one in READING, STANDING, once() or built().")
    return "\n".join(parts)


def documented(text: str) -> dict[str, Fields]:
    """The page read back: schema -> path -> types."""
    found: dict[str, Fields] = {}
    for part in re.split(r"(?m)^## ", text)[1:]:
        name, _, body = part.partition("\n")
        if name.startswith("jarvis."):
            found[name] = {path: set(types.split(", ")) for path, types in re.findall(r"(?m)^\| `([^`]+)` \| ([^|]+) \|$", body)}
    return found


def against(schema: str, data: Any, known: dict[str, Fields]) -> list[str]:
    """What of an answer the page does not say."""
    own = known.get(schema, {})
    wrong = []
    for path, word in dict.fromkeys(fields(data)):
        types = own.get(path)
        if types is None:
            parent = own.get(re.sub(r"(\[\]|\.[^.\[\]]+)$", "", path), set())
            if not (parent <= {"null"} or ("[]" in path and not any(p.startswith(f"{path.split('[]')[0]}[]") for p in own))):
                wrong.append(f"{schema}: {path} ({word}) is not in the page")
        elif word != "null" and types != {"null"} and word not in types and {word, *types} - {"null"} != {"time", "text"}:
            wrong.append(f"{schema}: {path} is {word}, the page says {', '.join(sorted(types))}")
    return wrong


if __name__ == "__main__":
    os.environ.pop("JARVIS_HOME", None)
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(seen(Path(folder))), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(documented(PAGE.read_text(encoding='utf-8')))} schemas\n")

"""Which tasks does a Markdown checklist hold? `- [ ] Title ~90m !high` is one; `- [x]` was done, by somebody's word.

A line is read as `jarvis add` reads it. The nearest heading above is its project; a line below another one, further in, names that one.
"""

import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.doors.importing.items import FileReport, Item
from jarvis_lib.doors.importing.reading import LARGEST
from jarvis_lib.doors.importing.tasks import Recipes
from jarvis_lib.execution.draft import draft
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.import_rules import key_of, task_id_of
from jarvis_lib.model.prose import clean, plural, size
from jarvis_lib.model.quick_line import DEFAULT_HOURS, UNKNOWN_CATEGORY, Line, parse
from jarvis_lib.model.task import LABEL_LIMIT
from jarvis_lib.store.place import Place

_BOX = re.compile(r"^(\s*)(?:[-*+]|\d+[.)]) \[([ xX\-/~])\](?:\s+(.*))?$")
_BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\S")
_HEAD = re.compile(r"^#{1,6}\s+(.*)$")
_MEANS = {" ": "queued", "x": "accepted", "X": "accepted"}


def read_checklist(place: Place, path: Path, report: FileReport, *, recipes: Recipes, now: datetime) -> list[Item]:
    """The tasks of a checklist, in its order. A line that reads two ways is left out with both readings; a bullet without a box is no task, and told."""
    found: list[Item] = []
    nth: Counter[tuple[str, str]] = Counter()
    above: list[tuple[int, str]] = []
    bare: list[int] = []
    project, fenced = "", False
    for number, line in enumerate(_lines(path), 1):
        head, box = _HEAD.match(line), _BOX.match(line)
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if fenced:
            continue
        if head:
            project, above = clean(head[1].rstrip().rstrip("#"))[:LABEL_LIMIT], []
        if not box:
            bare += [number] if _BULLET.match(line) else []
            continue
        report.found += 1
        depth, words = len(box[1].expandtabs(4)), clean(box[3] or "")
        above = [(d, t) for d, t in above if d < depth]
        try:
            read = parse(words, place.zone, now=now)
            if box[2] not in _MEANS:
                raise Refused("it is marked as given up")
            nth[project, words] += 1
            key = key_of("checklist", path.name, project, words, nth[project, words])
            found.append(_item(place, key, read, words, _MEANS[box[2]], project, above[-1][1] if above else "", recipes))
            above.append((depth, read.title))
        except Refused as error:
            report.leave_out(f"line {number} ({words[:60]})", str(error).rstrip("."))
    if bare:
        report.notes.append(
            f"{plural(len(bare), 'bullet')} without a box {'is' if len(bare) == 1 else 'are'} not taken for tasks (first: line {bare[0]}); write - [ ]"
        )
    if not report.found:
        raise Refused("It has no line such as `- [ ] Title ~90m !high`.", code="failed")
    return found


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > LARGEST:
            raise Refused(f"It has more than {size(LARGEST)}.", code="failed")
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Refused(f"It is not UTF-8 text (byte {error.start:,}).", code="failed") from error
    except OSError as error:
        raise Refused(f"It cannot be read ({error.strerror}).", code="failed") from error


def _item(place: Place, key: str, line: Line, words: str, state: str, project: str, parent: str, recipes: Recipes) -> Item:
    if line.every:
        raise Refused("a line of a checklist comes once; add it with: jarvis add --every")
    if line.after:
        raise Refused("after: names a task of Jarvis, and a checklist has none; add it with: jarvis add")
    live = state == "queued"
    own: dict[str, Any] = {"agent": recipes.agent, "repo": recipes.repo} if live else {}
    task = draft(
        place.home,
        place.settings,
        title=line.title,
        description=f"Part of: {parent}" if parent else "",
        hours=line.hours or DEFAULT_HOURS,
        category=line.category or UNKNOWN_CATEGORY,
        priority=line.priority or "MEDIUM",
        due=line.due,
        project=line.project or project,
        tags=(*line.tags, line.window) if line.window else line.tags,
        by_default=recipes.by_default and live,
        id=task_id_of(key),
        **own,
    )
    item = Item(key, "task", line.title, {"line": words, "project": project, "part_of": parent}, "", "done" if state == "accepted" else "open", task=task)
    item.state = state
    if line.due:
        item.raw |= {"due": stamp(line.due)}
    return item

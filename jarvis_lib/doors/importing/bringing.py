"""How does what was read come in? In facts of up to a thousand items, each item once; a second import changes nothing."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.doors.importing.checklist import read_checklist
from jarvis_lib.doors.importing.items import FileReport, Item, Report
from jarvis_lib.doors.importing.others import known_until, read_metrics, read_others
from jarvis_lib.doors.importing.reading import FILES, entries, kind_of, load, wrong_kind
from jarvis_lib.doors.importing.tasks import Recipes, ordered, read_tasks
from jarvis_lib.execution.draft import added
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Sample, Samples

BATCH = 1_000
_CHECKLISTS = (".md", ".markdown")


def import_state(
    place: Place,
    path: Path,
    *,
    now: datetime,
    dry_run: bool = False,
    agent: str | None = None,
    repo: str | None = None,
    by_default: bool = False,
    say: Callable[[str], None] | None = None,
) -> Report:
    """Bring in a folder or a file of the old system's JSON state, or a Markdown checklist. With `dry_run` nothing is written.

    What may still run gets the recipe that is asked for: an agent, a copy of `repo`, or the default recipe of its category; else none yet. A file
    that is damaged or of another kind is refused as a whole and the others come in; a lone one raises Refused.
    `say` hears how far a large file has come.
    """
    recipes = Recipes(agent, repo, by_default)
    paths, strangers = _files(path)
    reports = []
    for one in paths:
        report = FileReport(one.name)
        try:
            _bring(place, one, report, recipes=recipes, now=now, dry_run=dry_run, say=say)
        except Refused as error:
            if (len(paths) == 1 and not strangers) or error.code in ("usage", "busy"):
                raise Refused(f"{one}: {error.sentence}" if error.code == "failed" else error.sentence, code=error.code) from error
            report.refused = error.sentence
        reports.append(report)
    for stranger in strangers:
        reports.append(FileReport(stranger.name, refused="It is none of the old system's state files."))
    return Report(reports, dry_run)


def _files(path: Path) -> tuple[list[Path], list[Path]]:
    """(what is read, JSON files of a folder that are none of the old system's)."""
    if path.is_file():
        return [path], []
    if not path.is_dir():
        raise Refused(f"There is no file or folder {clean(str(path))[:120]}; name the old system's folder, one of its files, or a checklist.", code="missing")
    found = [path / name for name in FILES if (path / name).is_file()]
    if not found:
        raise Refused(f"{clean(str(path))[:120]} holds none of {', '.join(FILES)}, and is no export of Jarvis.", code="missing")
    return found, sorted(p for p in path.glob("*.json") if p.name not in FILES)


def _bring(place: Place, path: Path, report: FileReport, *, recipes: Recipes, now: datetime, dry_run: bool, say: Callable[[str], None] | None) -> None:
    samples: list[Sample] = []
    if path.suffix.casefold() in _CHECKLISTS:
        items = read_checklist(place, path, report, recipes=recipes, now=now)
        for item in items:
            assert item.task is not None
            item.content_hash = added(place.home, item.task)["content_hash"]
    else:
        content = load(path)
        name = kind_of(path, content)
        if name == "build_queue.json":
            items = _queue(place, content, report, recipes=recipes, now=now)
        elif name == "metrics_history.json":
            items, samples = read_metrics(place, content, report, now=now, known=known_until(_rows(place, "metrics")))
            report.imported += len(samples)
        else:
            items = read_others(place, name, content, report, now=now)
    fresh = items if samples else _fresh(place, items, report)
    if dry_run:
        report.imported += 0 if samples else len(fresh)
        return
    if samples:
        Samples(place.home).add(samples)
    for batch in _batches(fresh):
        place.store.write(place.fact("import.read", at=now, file=report.file, items=[i.to_json() for i in batch]))
        report.imported += 0 if samples else len(batch)
        if say is not None and len(fresh) > BATCH:
            say(f"{report.file}: {report.imported:,} of {len(fresh):,}")


def _queue(place: Place, content: Any, report: FileReport, *, recipes: Recipes, now: datetime) -> list[Item]:
    pairs = content.get("tasks") if isinstance(content, dict) else content
    if not isinstance(pairs, list | dict):
        raise wrong_kind("tasks", pairs, "a list")
    items = read_tasks(place, entries(pairs), report, source="classic", recipes=recipes, now=now)
    before: dict[str, list[tuple[str, str]]] = {}
    for row in _rows(place, "tasks_by_old_id"):
        before.setdefault(row["old_id"], []).append((row["task"], row["state"]))
    return ordered(place, items, before, report)


def _rows(place: Place, query: str, **given: Any) -> list[Row]:
    with place.store.reading() as reader:
        return reader.rows(f"importing.{query}", **given)


def _fresh(place: Place, items: Sequence[Item], report: FileReport) -> list[Item]:
    """The items that are not there yet. One that has changed since it came in is left as it stands here, and told."""
    there = {r["key"]: r for r in _rows(place, "known", keys=[i.key for i in items])}
    found = []
    for item in items:
        row = there.get(item.key)
        if row is None:
            found.append(item)
            continue
        report.there_already += 1
        if row["digest"] != item.digest:
            moved = f" ({row['said']} -> {item.said})" if row["said"] != item.said else ""
            where = f" as {row['task']}" if row["task"] else ""
            report.notes.append(f"{item.name[:80]} has changed there since it came in{where}{moved}; here it stays as it is")
    return found


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def kept(place: Place, kind: str = "") -> list[Row]:
    """Everything that was imported, newest import first: what it was, what was said of it there, and the task that it became."""
    from jarvis_lib.model.import_rules import KINDS

    if kind and kind not in KINDS:
        from jarvis_lib.model.prose import hint

        raise Refused(f"There is no kind {clean(kind)[:40]!r} of imported things.{hint(kind, KINDS)} Kinds: {', '.join(KINDS)}.", code="usage")
    return _rows(place, "kept", kind=kind)

"""What happened, for a person with `tail -f`? Six files in `logs/`, each a readable view of facts that stand in the store.

Promise: every line comes from an applied fact, is safe to print, and is written whole. The files may be deleted at any time. At
10 MB a file is copied to `NAME.1` (to `NAME.5`) and emptied in place, so that who follows it goes on seeing lines. Times are UTC.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Fact, stamp
from jarvis_lib.model.prose import clean, seconds, shorten

ROTATE_BYTES = 10 * 1024 * 1024
KEEP = 5
_WIDTH = 400
_FOLLOWERS_S = 0.1

EXECUTION = "overnight_execution.log"
SPAWNS = "subagent_spawns.jsonl"
QUEUE = "queue_actions.log"
FIXES = "auto_fixes.log"
DECISIONS = "decisions.log"
IMPROVEMENTS = "improvements.log"

Line = tuple[str, str]


def write_logs(logs_dir: Path, facts: Iterable[Fact], *, rotate_bytes: int = ROTATE_BYTES) -> str:
    """Append the lines of `facts`; returns nothing, or the sentence why that failed. The caller holds the store's lock."""
    by_file: dict[str, list[str]] = {}
    for fact in facts:
        for name, text in lines(fact):
            by_file.setdefault(name, []).append(text)
    try:
        for name, texts in by_file.items():
            _append(logs_dir, logs_dir / name, texts, rotate_bytes)
    except OSError as error:
        return f"The logs in {logs_dir} could not be written ({error.strerror}); nothing is lost, the store has all of it."
    return ""


def lines(fact: Fact) -> list[Line]:
    """The lines of one fact: (file name, text without its line end). Kinds that no log shows give none."""
    found = []
    for prefix, name, say in _VIEWS:
        if fact.kind == prefix or (prefix.endswith(".") and fact.kind.startswith(prefix)):
            found.append((name, say(fact)))
    return found


def rotate(path: Path, *, keep: int = KEEP) -> None:
    """Copy `path` to `NAME.1` (older copies move up, the oldest goes) and empty it in place. The caller holds the store's lock."""
    for n in range(keep - 1, 0, -1):
        older = path.with_name(f"{path.name}.{n}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{n + 1}"))
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.copy2(path, temporary)
    temporary.replace(path.with_name(f"{path.name}.1"))
    time.sleep(_FOLLOWERS_S)  # who follows the file gets a moment to read its last lines before they go
    os.truncate(path, 0)


def _append(folder: Path, path: Path, texts: list[str], rotate_bytes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size >= rotate_bytes:
        rotate(path)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        for text in texts:
            _write_line(fd, (text + "\n").encode("utf-8", "replace"))
    finally:
        os.close(fd)


def _write_line(fd: int, data: bytes) -> None:
    """One write for the line; only a full disk takes less, and then the rest is tried once more to raise the reason."""
    count = os.write(fd, data)
    if count < len(data):
        os.write(fd, data[count:])


# --- views ---------------------------------------------------------------------------------------------------------------


def _said(fact: Fact, *words: Any) -> str:
    """`time  words  words`, cleaned and bounded; what is empty is left out."""
    kept = [shorten(clean(str(w)), _WIDTH) for w in words if w not in (None, "", [], {})]
    return "  ".join([stamp(fact.at), *(k for k in kept if k)])


def _session(fact: Fact) -> str:
    data, event = fact.data, fact.kind.partition(".")[2]
    head = f"session {data.get('session')}"
    if event == "opened":
        more = f"{data.get('window') or data.get('kind')}, until {data.get('deadline')}, at most {data.get('lanes')} at once, {data.get('isolation')}"
        return _said(fact, head, "opened", more)
    if event == "phase":
        return _said(fact, head, f"phase {data.get('name')} {data.get('event')}", data.get("said"), _took(data))
    if event == "stop":
        return _said(fact, head, f"stop asked: {data.get('how')}", fact.actor)
    return _said(fact, head, f"{event} {data.get('outcome', '')}", data.get("said"))


def _attempt(fact: Fact) -> str:
    data, event = fact.data, fact.kind.partition(".")[2]
    head = f"attempt {data.get('attempt')} of task {data.get('task')}"
    if event == "claimed":
        return _said(fact, head, f"started (try {data.get('n')})", f"log {data.get('log')}")
    exit_code = data.get("exit_code")
    return _said(fact, head, f"{event} {data.get('outcome', '')}", "" if exit_code is None else f"exit {exit_code}", _took(data))


def _brief(fact: Fact) -> str:
    return _said(fact, f"brief ({fact.data.get('kind')})", fact.data.get("headline"), fact.data.get("path"))


def _notice(fact: Fact) -> str:
    return _said(fact, "notice", fact.data.get("sentence"))


def _spawn(fact: Fact) -> str:
    """One JSON object: what was started, how it is limited, and where."""
    data = fact.data
    spec = _dict(data.get("spec"))
    recipe = _dict(spec.get("recipe"))
    how = {k: recipe[k] for k in ("kind", "notebook", "parameters", "argv", "shell", "cwd") if recipe.get(k)}
    row = {
        "at": stamp(fact.at),
        "attempt": data.get("attempt"),
        "task": data.get("task"),
        "n": data.get("n"),
        "session": data.get("session"),
    }
    row |= {"recipe": how, "limits": _dict(spec.get("limits")), "deadline": spec.get("deadline")}
    row |= {"place": data.get("place"), "log": data.get("log")}
    return json.dumps(_cleaned(row), ensure_ascii=False)


def _task(fact: Fact) -> str:
    data, event = fact.data, fact.kind.partition(".")[2]
    content = _dict(data.get("task") if event == "added" else data.get("content"))
    task = content.get("id") if event == "added" else data.get("task")
    size = f"{content.get('hours')} h, {content.get('category')}, {content.get('priority')}" if content else ""
    verdict = data.get("verdict") if event == "decided" else ""
    why = data.get("why") or data.get("reason") or data.get("said")
    return _said(fact, fact.actor, event, task, verdict, _quoted(content.get("title")), size, why, _until(data))


def _decision(fact: Fact) -> str:
    data = fact.data
    reasons = data.get("reasons")
    why = "; ".join(map(str, reasons)) if isinstance(reasons, list) else reasons
    return _said(fact, data.get("task"), data.get("verdict"), f"rule {data.get('rule')}", f"risk {data.get('risk')}", why)


def _fix(fact: Fact) -> str:
    if fact.kind == "fix.undone":
        word = "taken back by itself" if fact.data.get("by") == "watch" else "undone"
        return _said(fact, fact.actor, word, f"fix {fact.data.get('fix')}", fact.data.get("why"))
    if fact.kind == "fix.checked":
        return _said(fact, fact.actor, f"check a day later: {fact.data.get('how')}", f"fix {fact.data.get('fix')}", fact.data.get("said"))
    if fact.kind == "fix.emptied":
        return _said(fact, fact.actor, "removed for good what was kept of", ", ".join(map(str, fact.data.get("fixes") or ())))
    fix = _dict(fact.data.get("fix"))
    word = "fixed and re-checked" if fix.get("verified") else "not fixed"
    risk = f"risk {fix.get('tier', 'low')}"
    return _said(fact, fact.actor, word, f"fix {fact.id}", fix.get("playbook"), risk, fix.get("said"), f"check: {fix.get('check')}")


def _cleared(fact: Fact) -> str:
    """How much went; the attempts stand in the fact."""
    data = fact.data
    return _said(fact, f"removed the files of {len(data.get('attempts') or ())} attempts and {data.get('others')} things set aside, {data.get('bytes')} bytes")


def _weakness(fact: Fact) -> str:
    own = _dict(fact.data.get("weakness")) or fact.data
    return _said(fact, f"weakness {fact.kind.partition('.')[2]}", own.get("severity"), own.get("key"), own.get("said"))


def _improvement(fact: Fact) -> str:
    """One line for each turn of its life; the id leads, so that `grep ID` tells all of it."""
    data, event = fact.data, fact.kind.partition(".")[2]
    if event == "proposed":
        own = _dict(data.get("improvement"))
        return _said(fact, own.get("id"), event, own.get("kind"), _quoted(own.get("title")), f"because {own.get('why')}")
    edit = _dict(data.get("edit"))
    changed = f"[{edit.get('section')}] {edit.get('key')}: {edit.get('old')} -> {edit.get('new')}" if edit else ""
    task = f"task {data['task']}" if data.get("task") else ""
    return _said(fact, data.get("improvement"), event, fact.actor, data.get("verdict"), changed, task, data.get("said"))


_VIEWS: tuple[tuple[str, str, Callable[[Fact], str]], ...] = (
    ("session.", EXECUTION, _session),
    ("attempt.", EXECUTION, _attempt),
    ("brief.made", EXECUTION, _brief),
    ("notice", EXECUTION, _notice),
    ("attempts.cleared", EXECUTION, _cleared),
    ("attempt.claimed", SPAWNS, _spawn),
    ("task.", QUEUE, _task),
    ("task.decided", DECISIONS, _decision),
    ("fix.", FIXES, _fix),
    ("weakness.", IMPROVEMENTS, _weakness),
    ("improvement.", IMPROVEMENTS, _improvement),
)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _quoted(title: Any) -> str:
    return f'"{clean(str(title))}"' if title else ""


def _until(data: dict[str, Any]) -> str:
    return f"until {data['until']}" if data.get("until") else ""


def _took(data: dict[str, Any]) -> str:
    took = data.get("seconds")
    return f"({seconds(took)})" if isinstance(took, int | float) and took == took else ""


def _cleaned(value: Any) -> Any:
    """JSON without control characters in any text, whatever its depth."""
    if isinstance(value, dict):
        return {clean(str(k)): _cleaned(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(v) for v in value]
    return shorten(clean(value), 4000) if isinstance(value, str) else value

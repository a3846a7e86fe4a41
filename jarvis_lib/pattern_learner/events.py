"""What has the person done, and when? Events of all sources, and how they come in: logged by hand, imported, or read from the queue as it is.

What stays where: a logged event is a fact in the journal, with its name, time, source and detail, and stays. Of git the hash, the time and the folder's
name; of the shell the first word of each command with its time; of the calendar nothing (its titles are read where they stand). Imports can be purged.
"""

import glob
import hashlib
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Fact, Refused, new_id, stamp
from jarvis_lib.model.pattern_rules import SOURCES, event_name
from jarvis_lib.model.prose import clean, plural, shorten
from jarvis_lib.store import event_files, spool
from jarvis_lib.store.event_files import Imported
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

IMPORTED = ("git", "shell")
AGAIN = timedelta(days=30)
"""An import looks so far back before what it has; commits may arrive late."""
DETAIL_LIMIT = 4_000


def log(home: Path, name: str, detail: str | None = None, *, at: datetime | None, now: datetime, actor: str) -> str:
    """Record that `name` happened (`at`, else now). The fact is on disk when this returns; it needs no open store. Returns the clean name.

    `detail` is a JSON object; its "source" names where the event comes from, manual otherwise.
    """
    tidy = event_name(name)
    if at is not None and at > now:
        raise Refused(f"--at {stamp(at)[:16]} UTC lies in the future; an event is logged when it has happened.", code="usage")
    told = _detail(detail)
    source = clean(str(told.pop("source", "manual")))[:60] or "manual"
    data = {"type": tidy, "when": stamp(at or now), "source": source, "detail": told}
    spool.put(home, Fact(new_id(16), now, actor, "event.logged", data))
    return tidy


def _detail(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    if len(text) > DETAIL_LIMIT:
        raise Refused(f"The detail has {len(text):,} characters; the limit is {DETAIL_LIMIT:,}.", code="usage")
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused(f'The detail {shorten(clean(text), 40)!r} is not a JSON object; write it like \'{{"source": "manual"}}\'.', code="usage")
    return found


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


# --- all of them ---------------------------------------------------------------------------------------------------------


def observed(reader: Reader, place: Place, *, since: datetime, until: datetime) -> list[Row]:
    """Events of (since, until], oldest first: `title`, `category`, `added_at`, `source`, and `kind` where it is not made of title and category."""
    rows = [r | {"source": "tasks"} for r in reader.rows("pattern_learner.added", since=since, until=until)]
    for r in reader.rows("pattern_learner.logged", since=since, until=until):
        rows.append({"title": r["type"], "category": r["source"], "kind": r["type"], "added_at": r["at"], "source": "manual"})
    for source in IMPORTED:
        for e in event_files.read(place.home, source).events:
            if since < e.at <= until:
                rows.append({"title": e.type, "category": source, "kind": e.type, "added_at": e.at, "source": source})
    if place.settings.get("patterns", "calendar"):
        for r in reader.rows("pattern_learner.calendar", since=since, until=until):
            title = clean(r["title"])[:100]
            rows.append({"title": title, "category": "calendar", "kind": f"calendar {title.casefold()}", "added_at": r["start"], "source": "calendar"})
    return sorted(rows, key=lambda r: (r["added_at"], r["title"]))


# --- imports -------------------------------------------------------------------------------------------------------------


def import_(place: Place, source: str, *, now: datetime) -> list[str]:
    """Read `source` (git or shell) and keep what is new; a sentence for each repository or file. Twice adds nothing."""
    if source == "git":
        return _import_git(place, now)
    if source == "shell":
        return [_import_shell(place, now)]
    known = "git, shell" if source not in SOURCES else f"git and shell; {source} events are read where they stand"
    raise Refused(f"There is nothing to import from {clean(source)[:40]!r}; sources are {known}.", code="usage")


def _import_git(place: Place, now: datetime) -> list[str]:
    from jarvis_lib.execution.commits import commits

    folders = repositories(place)
    if not folders:
        raise Refused("No repository is named; list yours in [patterns] repositories of jarvis.toml.", code="missing")
    emails = tuple(place.settings.get("patterns", "emails"))
    kept = event_files.read(place.home, "git").events
    said, refused = [], 0
    for folder in folders:
        name = f"commit {_short_name(folder)}"
        last = max((e.at for e in kept if e.type == name), default=None)
        try:
            found = commits(folder, emails=emails, since=last - AGAIN if last else None)
        except Refused as error:
            said.append(error.sentence)
            refused += 1
            continue
        new = event_files.add(place.home, "git", (Imported(h, name, at) for h, at in found if at <= now), read_at=now)
        said.append(f"{name}: {plural(new, 'new commit')} of yours.")
    if refused == len(folders):
        raise Refused(" ".join(said), code="failed")
    return said


def repositories(place: Place) -> list[Path]:
    """The folders that [patterns] repositories names; a pattern that matches nothing is kept, so that its import can say so."""
    found: list[Path] = []
    for pattern in place.settings.get("patterns", "repositories"):
        whole = os.path.join(place.home, os.path.expanduser(pattern))
        found += [Path(p) for p in sorted(glob.glob(whole)) or [whole]]
    return list(dict.fromkeys(found))


def _short_name(folder: Path) -> str:
    return event_name(folder.resolve().name.removesuffix(".git") or "repository")[:80]


_ZSH = re.compile(r": (\d{9,11}):\d+;(.*)")
_WORD = re.compile(r"[A-Za-z0-9_][\w.+-]{0,39}")


def _import_shell(place: Place, now: datetime) -> str:
    name = place.settings.get("patterns", "shell_history")
    if not name:
        raise Refused("Shell history is not read unless you say so: name its file in [patterns] shell_history of jarvis.toml.")
    path = Path(place.home, os.path.expanduser(name))
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}); correct [patterns] shell_history in jarvis.toml.", code="missing") from error
    events, at = [], None
    for line in lines:
        extended = _ZSH.match(line)
        if extended:
            at, line = int(extended[1]), extended[2]
        elif re.fullmatch(r"#\d{9,11}", line):
            at = int(line[1:])
            continue
        word = _first_word(line)
        if at is not None and word and at <= now.timestamp():
            key = hashlib.sha256(f"{at} {word}".encode()).hexdigest()[:16]
            events.append(Imported(key, f"shell {word}", datetime.fromtimestamp(at, UTC)))
        at = None
    new = event_files.add(place.home, "shell", events, read_at=now)
    without = "" if events or not lines else " It has no times; let your shell write them (bash: HISTTIMEFORMAT, zsh: EXTENDED_HISTORY)."
    return f"{plural(new, 'new command')}, the first word of each.{without}"


def _first_word(line: str) -> str:
    """The command's name. A word with = or / in it may hold a secret or a path; such a command is left out."""
    word = line.split(maxsplit=1)[0] if line.strip() else ""
    return word if _WORD.fullmatch(word) else ""


def purge(place: Place, source: str) -> int:
    """Forget all that was imported from `source`; how many events that were."""
    if source not in IMPORTED:
        raise Refused(f"{clean(source)[:40]!r} cannot be purged: only what was imported can ({', '.join(IMPORTED)}); facts of the journal stay.", code="usage")
    return event_files.forget(place.home, source)

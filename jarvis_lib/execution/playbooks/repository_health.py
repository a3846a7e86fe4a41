"""How is this git repository? Its size, what changes most, what lies around, who works on it, and what would hurt tomorrow.

Promise: it only reads, by git's own plumbing without hooks; every figure is counted in this run and stands in a JSON file, where a check
counts it again.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.execution.repositories.git import git
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural, size

STALE = timedelta(days=90)
LARGE = 5_000_000
MOST = 10
_WHY = "a repository's health was asked for"


@dataclass(frozen=True, slots=True)
class Health:
    """The repository at one commit. Files as (path, number); branches as (name, days since the last commit)."""

    repository: str
    commit: str
    at: str
    files: int
    bytes: int
    largest: tuple[tuple[str, int], ...]
    commits: int
    commits_90: int
    authors_90: int
    busiest_90: tuple[tuple[str, int], ...]
    stale_branches: tuple[tuple[str, int], ...]
    uncommitted: int
    tests: int
    findings: tuple[str, ...]


def look(repository: Path, *, now: datetime) -> Health:
    """Count. Refuses a folder that is no repository, or one without a commit."""
    if not (repository / ".git").exists():
        raise Refused(f"{repository} is not the top of a git repository; name the folder that holds its .git.", code="missing")
    try:
        commit = git(repository, "rev-parse", "--verify", "HEAD", why=_WHY).strip()
    except Refused as error:
        raise Refused(f"{repository} has no commit yet, so there is nothing to look at.") from error
    sizes = dict(_sizes(repository))
    since = f"--since={(now - STALE).isoformat()}"
    recent = git(repository, "log", "--no-merges", since, "--format=%x01%ae", "--name-only", "-z", why=_WHY)
    commits, authors, touched = _read_log(recent)
    found: dict[str, Any] = {
        "repository": repository.as_posix(),
        "commit": commit,
        "at": now.isoformat(),
        "files": len(sizes),
        "bytes": sum(sizes.values()),
        "largest": _most(sizes),
        "commits": int(git(repository, "rev-list", "--count", "HEAD", why=_WHY)),
        "commits_90": commits,
        "authors_90": len(authors),
        "busiest_90": _most(touched),
        "stale_branches": tuple(_stale(repository, now)),
        "uncommitted": len([x for x in git(repository, "status", "--porcelain", "-z", "--untracked-files=normal", why=_WHY).split("\0") if x]),
        "tests": sum("test" in Path(p).name.casefold() for p in sizes),
    }
    return Health(**found, findings=tuple(_findings(found, sizes)))


def _sizes(repository: Path) -> Iterator[tuple[str, int]]:
    for line in git(repository, "ls-tree", "-r", "-l", "-z", "HEAD", why=_WHY).split("\0"):
        head, tab, path = line.partition("\t")
        count = head.split()[-1] if tab else "-"
        if count.isdigit():
            yield path, int(count)


def _read_log(text: str) -> tuple[int, set[str], Counter[str]]:
    """(commits, authors, how often each file was touched) of a log whose commits begin with \\x01."""
    authors: set[str] = set()
    touched: Counter[str] = Counter()
    parts = text.split("\x01")[1:]
    for part in parts:
        author, *files = [word.strip("\n") for word in part.split("\0")]
        authors.add(author.partition("\n")[0])
        touched.update(f for f in files if f)
    return len(parts), authors, touched


def _most(counts: "dict[str, int] | Counter[str]") -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda x: (-x[1], x[0]))[:MOST])


def _stale(repository: Path, now: datetime) -> Iterator[tuple[str, int]]:
    for line in git(repository, "for-each-ref", "--format=%(committerdate:unix) %(refname:short)", "refs/heads", why=_WHY).splitlines():
        at, _, name = line.partition(" ")
        days = int((now.timestamp() - int(at)) // 86400)
        if days > STALE.days:
            yield name, days


def _findings(found: dict[str, Any], sizes: dict[str, int]) -> list[str]:
    large = [p for p, n in sizes.items() if n > LARGE]
    words = [f"{plural(found['uncommitted'], 'path')} changed and not committed"] if found["uncommitted"] else []
    words += [f"{plural(len(found['stale_branches']), 'branch', 'branches')} without a commit for {STALE.days} days"] if found["stale_branches"] else []
    words += [f"{plural(len(large), 'file')} over {size(LARGE)} in the history's tip"] if large else []
    words += ["no file looks like a test"] if not found["tests"] else []
    words += ["one person made every commit of the last 90 days"] if found["authors_90"] == 1 and found["commits_90"] > 5 else []
    return words


def said(found: Health) -> str:
    """The health in one sentence."""
    finds = "; ".join(found.findings) or "nothing stands out"
    return f"{plural(found.files, 'file')} ({size(found.bytes)}), {plural(found.commits, 'commit')}, {found.commits_90} of them in the last 90 days: {finds}"


def save(found: Health, out: Path, figures: Path) -> tuple[Path, Path]:
    """The page as Markdown at `out`, its figures as JSON."""
    for file in (out, figures):
        file.parent.mkdir(parents=True, exist_ok=True)
    for path, text in ((figures, json.dumps(asdict(found), indent=1) + "\n"), (out, _page(found))):
        half = path.with_name(path.name + ".half")
        half.write_text(text, encoding="utf-8", errors="replace")
        half.replace(path)
    return out, figures


def _page(found: Health) -> str:
    lines = [f"# {clean(found.repository)} at {found.commit[:12]}", "", f"{said(found)}.", ""]
    tables = (
        ("Largest files", "bytes", found.largest),
        ("Most often changed in 90 days", "commits", found.busiest_90),
        ("Stale branches", "days", found.stale_branches),
    )
    for title, unit, rows in tables:
        if rows:
            lines += [f"## {title}", "", f"| | {unit} |", "|---|---|", *(f"| {_cell(name)} | {n:,} |" for name, n in rows), ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|").replace("<", "&lt;")

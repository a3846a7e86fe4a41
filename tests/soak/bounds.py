"""Does what lies on the disk stay within what happened? The database, the journal and every folder below data/, against the facts and the days.

The bounds are laws and no measurements: so many bytes for each fact and a constant, or a number of files that no age changes.
"""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb

KB, MB = 1024, 1024**2
DATABASE = (3 * MB, 4 * KB)
"""The database takes at most so much, and so much for each fact."""
JOURNAL = (64 * KB, 4 * KB)
SNAPSHOTS, GRACE_DAYS = 7, 4
LOG_BYTES, LOG_FILES = 11 * MB, 6
OPEN = ("proposed", "queued", "parked", "running", "review", "shipped")


def weight(home: Path) -> dict[str, int]:
    """Bytes of the database, the journal, everything below data/ and the logs; and how many folders of attempts there are."""
    sizes = {p: p.stat().st_size for p in (home / "data").rglob("*") if p.is_file()}
    journal = sum(n for p, n in sizes.items() if "journal" in p.relative_to(home).as_posix())
    logs = sum(p.stat().st_size for p in (home / "logs").rglob("*") if p.is_file())
    return {"database": (home / "data" / "jarvis.duckdb").stat().st_size, "journal": journal, "data": sum(sizes.values()), "logs": logs}


def unbounded(home: Path, database: Path, *, now: datetime, keep_days: int) -> list[str]:
    """The sentences of what has outgrown its bound. What came of age is removed by the next session, and a night may have none."""
    of_age = now - timedelta(days=keep_days + GRACE_DAYS)
    data, found = home / "data", weight(home)
    with duckdb.connect(str(database), read_only=True) as con:
        facts = con.execute("SELECT count(*) FROM facts").fetchall()[0][0]
        rows = con.execute("SELECT a.id, t.state, t.changed_at FROM attempts a JOIN tasks t ON t.id = a.task").fetchall()
        cleared = {a for (a,) in con.execute("SELECT attempt FROM cleared").fetchall()}
    may_stay = {a for a, state, changed in rows if state in OPEN or changed > of_age.replace(tzinfo=None)}
    open_ = {a for a, state, _ in rows if state in OPEN}
    there = {p.name for top in ("attempts", "kept") if (data / top).is_dir() for p in (data / top).iterdir() if p.is_dir()} - {"fixes"}
    wrong = [
        f"the {name} has {found[name]:,} bytes for {facts:,} facts"
        for name, own in (("database", DATABASE), ("journal", JOURNAL))
        if over(found[name], own, facts)
    ]
    wrong += [f"attempt {a} has its files still" for a in sorted(there - may_stay)]
    wrong += [f"attempt {a} is open, and its files were removed" for a in sorted(open_ & cleared)]
    counts = {
        "snapshots": (len(list((data / "snapshots").glob("*"))), SNAPSHOTS),
        "waiting facts": (len([p for p in (data / "spool").iterdir() if p.suffix != ".unreadable"]), 0),
        "write-ahead logs at rest": (len(list(data.glob("*.wal"))), 0),
        "half-written files": (len([p for p in data.rglob(".*.tmp") if p.is_file()]), 0),
        "logs": (len(list((home / "logs").glob("*.log*"))) + len(list((home / "logs").glob("*.jsonl*"))), LOG_FILES * 6),
        "sessions with notebooks": (len([p for p in (data / "sessions").glob("*") if p.is_dir() and p.stat().st_mtime < of_age.timestamp()]), 0),
        "old archives": (len([p for p in (data / "bundles").glob("*") if p.stat().st_mtime < of_age.timestamp()]), 0),
        "files of samples": (len(list((data / "metrics").rglob("*.parquet"))), 64 + 4 * 31 + 31 + 12 * 5),
    }
    wrong += [f"there are {n} {what}, more than {most}" for what, (n, most) in counts.items() if n > most]
    if max((p.stat().st_size for p in (home / "logs").glob("*") if p.is_file()), default=0) > LOG_BYTES:
        wrong.append("a log is larger than that at which it is rotated")
    return wrong


def over(size: int, bound: tuple[int, int], facts: int) -> bool:
    """Is it more than the constant and so much for each fact?"""
    return size > bound[0] + bound[1] * facts

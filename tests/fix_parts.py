"""What tests of fixes are made of: a workspace with one problem of each kind that a playbook for files answers, and pictures of trees."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.roomy import roomy

LATE = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
"""Two months ahead: what a test makes now is old then, by both of its times."""
REPO = "repo"
GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
GIT |= {"GIT_COMMITTER_EMAIL": "a@b", "PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def watching(home: Path, *, at: datetime = LATE, **settings: str) -> Place:
    """A workspace that watches a log, databases, a cache, locks and a repository. `settings` replace lines of `[problems]`."""
    own = {
        "log_max_mb": "0.1",
        "databases": '["data/*.db", "data/*.duckdb"]',
        "caches": '["cache", "tmp/*"]',
        "repositories": f'["{REPO}"]',
        "loose_objects": "100",
        "locks": '["*.pid"]',
        "log_keep_days": "90",
    } | settings
    text = roomy()
    for key, value in own.items():
        before, _, after = text.partition(f"\n{key} = ")
        text = f"{before}\n{key} = {value}\n{after.partition(chr(10))[2]}"
    (home / "jarvis.toml").write_text(text)
    for name in ("logs", "data"):
        (home / name).mkdir(exist_ok=True)
    return open_workspace(home, clock=lambda: at, actor="person:test")


def git(top: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=top, env=GIT, check=True, capture_output=True, text=True).stdout


def oversized_log(home: Path, size: int = 120_000) -> str:
    path = home / "logs" / "app.log"
    path.write_bytes(b"".join(b"line %d of the app\n" % n for n in range(size // 15)))
    return "oversized_log:logs/app.log"


def old_logs(home: Path) -> str:
    (home / "logs" / "app.log").write_text("now\n")
    for n in (1, 2):
        (home / "logs" / f"app.log.{n}").write_text(f"old {n}\n")
        os.utime(home / "logs" / f"app.log.{n}", ((LATE - timedelta(days=100)).timestamp(),) * 2)
    return "old_logs:logs/app.log"


def bloated_sqlite(home: Path) -> str:
    with closing(sqlite3.connect(home / "data" / "app.db")) as con:
        con.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT)")
        con.executemany("INSERT INTO t (words) VALUES (?)", [(f"{n} " + "y" * 200,) for n in range(1500)])
        con.commit()
        con.execute("DELETE FROM t WHERE id > 200")
        con.commit()
    return "bloated_database:data/app.db"


DUCK = """
import duckdb, sys
with duckdb.connect(sys.argv[1]) as con:
    con.execute("CREATE SCHEMA s; CREATE SEQUENCE n START 5; CREATE TYPE mood AS ENUM ('a', 'b'); CREATE MACRO more(x) AS x + 1")
    con.execute("CREATE TABLE s.t (id INTEGER PRIMARY KEY, words VARCHAR DEFAULT 'x', CHECK (id >= 0)); CREATE VIEW v AS SELECT id FROM s.t")
    con.execute("CREATE TABLE m (mood mood, id INTEGER DEFAULT nextval('n')); CREATE INDEX by_id ON m (id); INSERT INTO m (mood) VALUES ('a'), ('b')")
    con.execute("INSERT INTO s.t SELECT i, 'words ' || i || repeat('y', 100 + i % 50) FROM range(150000) r(i); CHECKPOINT")
    con.execute("DELETE FROM s.t WHERE id > 500; CHECKPOINT")
"""


def bloated_duckdb(home: Path) -> str:
    subprocess.run([sys.executable, "-c", DUCK, home / "data" / "app.duckdb"], check=True)
    return "bloated_database:data/app.duckdb"


def old_cache(home: Path) -> str:
    for name in ("a.bin", "deep/b.bin", "deep/er/c.bin"):
        path = home / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 100)
    return "old_cache:cache"


def stale_lock(home: Path) -> str:
    ended = subprocess.Popen(["true"])
    ended.wait()
    (home / "app.pid").write_text(f"{ended.pid}\n")
    return "stale_lock:app.pid"


def garbage(home: Path, *, commits: int = 40) -> str:
    """A repository with many loose objects, a merged branch of Jarvis, one that is not merged, and a worktree whose folder is gone."""
    top = home / REPO
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    lines = []
    for n in range(commits):
        lines.append(f"commit refs/heads/main\ncommitter a <a@b> {1_700_000_000 + n} +0000\ndata 2\nc{n % 10}\n")
        lines.append(f"M 100644 inline f{n % 7}\ndata {len(str(n))}\n{n}\n")
    fed = "".join(lines).encode()
    subprocess.run(["git", "-c", "fastimport.unpackLimit=10000", "fast-import", "--quiet"], cwd=top, env=GIT, input=fed, check=True)
    git(top, "reset", "-q", "--hard")
    git(top, "branch", "jarvis/abc-done", "HEAD~3")
    git(top, "worktree", "add", "-q", "-b", "jarvis/xyz-open", str(home / "data" / "attempts" / "w1"))
    (home / "data" / "attempts" / "w1" / "new").write_text("not merged\n")
    git(home / "data" / "attempts" / "w1", "add", ".")
    git(home / "data" / "attempts" / "w1", "commit", "-q", "-m", "open")
    subprocess.run(["rm", "-r", home / "data" / "attempts"], check=True)
    (top / "f0").write_text("changed and not committed\n")
    return f"repository_garbage:{REPO}"


MAKERS: dict[str, Callable[[Path], str]] = {
    "rotate_log": oversized_log,
    "trash_old_logs": old_logs,
    "compact_database": bloated_sqlite,
    "compact_duckdb": bloated_duckdb,
    "clean_cache": old_cache,
    "free_lock": stale_lock,
    "pack_repository": garbage,
}
"""One maker for each playbook that changes files; it gives the key of the problem."""
NOT_OURS = ("data/jarvis", "data/journal", "data/spool", "data/store", "data/fixing.lock", "data/kept", "data/trash", "logs/auto_fixes.log", "data/metrics")


def picture(home: Path) -> dict[str, Any]:
    """Each file and link below `home` that is not Jarvis's own: its bytes, mode and time; each folder: its mode."""
    found: dict[str, Any] = {}
    for folder, folders, files in os.walk(home):
        for name in [*folders, *files]:
            path = Path(folder) / name
            relative = path.relative_to(home).as_posix()
            if relative.startswith(NOT_OURS) or (relative.startswith("logs/") and not relative.startswith("logs/app")):
                continue
            seen = path.lstat()
            if stat.S_ISLNK(seen.st_mode):
                found[relative] = os.readlink(path)
            elif stat.S_ISDIR(seen.st_mode):
                found[relative] = oct(seen.st_mode)
            else:
                found[relative] = (path.read_bytes(), oct(seen.st_mode), seen.st_mtime_ns)
    return found


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs between two pictures, by name; empty when they are the same."""
    return [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]

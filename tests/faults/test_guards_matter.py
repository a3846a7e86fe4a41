"""Take each guard out of a copy of the package, one at a time: a small probe must go red. A guard that nobody would miss guards nothing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from jarvis_lib.execution.sandbox import levels

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]

FENCE = """
from tests.facts import *; from tests.test_model_ledger import Book; from jarvis_lib.workspace import open_workspace; import sys, pathlib
from jarvis_lib.model.settings import template
home = pathlib.Path(sys.argv[1]); (home / "jarvis.toml").write_text(template()); place = open_workspace(home, actor="person:test")
book = Book(place); book.write(opened(place)); one = task(); book.write(added(place, one))
book.attempt(one, "a1", "failed"); book.write(claimed(place, one, "a2", n=2))
try:
    book.write(ended(place, one, "a1", "finished", []))
except Exception:
    sys.exit(0)
sys.exit(1)
"""
CLEAN = """
import os, sys; os.environ["DECOY_TOKEN"] = "x"
from jarvis_lib.execution.spec import clean_environment
sys.exit(int("DECOY_TOKEN" in clean_environment((), "a")))
"""
MASKED = """
import sys; from jarvis_lib.execution.secrets import Mask
sys.exit(int("hunter22" in Mask(["hunter22"]).text("the word is hunter22")))
"""
DIFF = """
import sys; from jarvis_lib.execution.proving.guards import guard; from jarvis_lib.execution.proving.tampering import Sides
from jarvis_lib.execution.repositories import Change
side = Sides(Change(".github/workflows/ci.yml", "", "A", 1, 0, False, "000000", "100644"), None, "on: push")
sys.exit(int(all(e.ok is not False for e in guard("Bug fixes", [side], largest=2000))))
"""
PUBLISH = """
import sys, pathlib, subprocess; from jarvis_lib.execution import repositories
top = pathlib.Path(sys.argv[1]); repo = top / "r"; g = lambda *w: subprocess.run(["git", "-C", str(repo), *w], check=True, capture_output=True)
repo.mkdir(); g("init", "-q", "-b", "main"); g("config", "user.name", "p"); g("config", "user.email", "p@x")
(repo / "a").write_text("1"); g("add", "."); g("commit", "-qm", "1")
hook = repo / ".git/hooks/reference-transaction"; hook.parent.mkdir(exist_ok=True); hook.write_text(f"#!/bin/sh\\ntouch {top}/hooked\\n"); hook.chmod(0o755)
copy = repositories.prepare(repo, top / "w", branch="jarvis/x"); (copy.path / "a").write_text("2")
for argv in repositories.inside_commands(copy, message="m", bundle=top / "b"):
    subprocess.run(argv, cwd=copy.path, check=True, capture_output=True)
found = repositories.collect(top / "b", repo, top / "q.git", base=copy.base, branch="jarvis/x"); (top / "hooked").unlink(missing_ok=True)
repositories.publish(top / "q.git", repo, branch="jarvis/x", commit=found.commit)
sys.exit(int((top / "hooked").exists()))
"""
CSP = """
import sys, pathlib, jarvis_lib
text = (pathlib.Path(jarvis_lib.__file__).parent / "report/templates/jarvis/index.html.j2").read_text()
sys.exit(int("default-src 'none'" not in text))
"""
CANARY = """
import sys, pathlib; from jarvis_lib.execution.sandbox import canary
sys.exit(int(canary.escape(pathlib.Path(sys.argv[1]) / "c", "strict").held is False))
"""
LOCK = """
import sys, pathlib, subprocess; from jarvis_lib.store import lock
path = pathlib.Path(sys.argv[1]) / "x.lock"
with lock.held(path, wait_s=1, what="It"):
    code = f"import pathlib; from jarvis_lib.store import lock\\nwith lock.held(pathlib.Path({str(path)!r}), wait_s=0.3, what='It'): pass"
    sys.exit(int(subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0))
"""
SYNCED = """
import os, sys, pathlib; from datetime import UTC, datetime; from jarvis_lib.model.fact import Fact; from jarvis_lib.store import spool
home = pathlib.Path(sys.argv[1]); (home / "data").mkdir(); seen = []; real = os.fsync
import stat
os.fsync = lambda fd: (seen.append(stat.S_ISDIR(os.fstat(fd).st_mode)), real(fd))[1]
spool.put(home, Fact("f" * 16, datetime.now(UTC), "person:x", "notice", {}))
sys.exit(int(not any(seen)))
"""

GUARDS = {
    "folder sync": (
        "store/spool.py",
        (
            ("        os.rename(temporary, final)\n        sync_folder(where)", "        os.rename(temporary, final)"),
            ("        sync_folder(os.path.dirname(made))", "        pass"),
        ),
        SYNCED,
    ),
    "attempt fence": (
        "model/attempt_rules.py",
        (
            ('if attempt["ended_at"] is not None:\n        raise', "if False:\n        raise"),
            (' or row["attempts"] != attempt["n"]', ""),
        ),
        FENCE,
    ),
    "clean environment": (
        "execution/spec.py",
        (("return {name: have[name] for name in names if name in have} | {TAG: attempt}", "return dict(have) | {TAG: attempt}"),),
        CLEAN,
    ),
    "mask": ("execution/secrets.py", (("data = data.replace(exact, MASK)", "pass"),), MASKED),
    "diff gate": ("execution/proving/guards.py", (("        _guarded(sides),\n", ""),), DIFF),
    "hooks off": ("execution/repositories/git.py", (('"core.hooksPath=/dev/null", ', ""),), PUBLISH),
    "content policy": ("report/templates/jarvis/index.html.j2", (("default-src 'none'", "default-src *"),), CSP),
    "flock": ("store/lock.py", (("fcntl.LOCK_EX", "fcntl.LOCK_SH"),), LOCK),
}


def _changed(tmp_path: Path, file: str = "", pairs: Sequence[tuple[str, str]] = ()) -> Path:
    """A copy of the package and the tests with one guard taken out."""
    copy = tmp_path / "copy"
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "jarvis_lib", copy / "jarvis_lib", ignore=ignore)
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=ignore)
    for old, new in pairs:
        path = copy / "jarvis_lib" / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"the guard is not where this test looks for it: {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    return copy


def probe(code: str, folder: Path, package: Path) -> int:
    folder.mkdir()
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(package), "HOME": str(folder), "TZ": "UTC"}
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=package, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    return done.returncode


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_a_guard_that_is_taken_out_is_missed(name: str, tmp_path: Path) -> None:
    file, pairs, code = GUARDS[name]
    assert probe(code, tmp_path / "whole", _changed(tmp_path / "a")) == 0
    assert probe(code, tmp_path / "without", _changed(tmp_path / "b", file, pairs)) == 1


@pytest.mark.skipif(bool(levels.machine().strict_why), reason="needs the strict sandbox")
def test_the_canary_of_the_whole_package_holds(tmp_path: Path) -> None:
    """That each guard of the sandbox is missed when it is taken out is tried in tests/test_sandbox.py."""
    assert probe(CANARY, tmp_path / "whole", ROOT) == 0

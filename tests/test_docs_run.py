"""Do the lines of the documentation run? Every call of `jarvis` in a shell block is typed, page by page and in its order, in a workspace that was lived in.

`ID` stands for a task in a state that the verb is for, and dates to come are moved to days to come. What a line cannot do there is named with its reason:
it is typed as a rehearsal, is refused with the sentence that names what only the reader has, or is left to the test that does it for real.
"""

import json
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue
from jarvis_lib.cli.entry import main
from tests.facts import added, claimed, ended, opened, passed, task
from tests.schemas import workspace
from tests.test_docs import PAGES, ROOT, calls, name_of, shell_lines

REHEARSED = ("demo", "overnight start", "overnight_runner start", "queue schedule --run", "cron install", "cron remove", "mcp install", "mcp remove")
"""Lines that begin so are typed with `--dry-run`: the demo and sessions, the person's cron table and other programs' settings have tests of their own."""
ELSEWHERE = {
    "": "jarvis alone is a name in a path or the help",
    "lab": "tests/browser/test_lab_browser.py",
    "lab --run-all": "tests/test_demo.py",
    "doctor --agent codex": "tests/agents/test_trial.py",
    "status --follow": "tests/test_habits.py",
    "status --follow --lines 20": "tests/test_habits.py",
    "cluster up --local 3": "tests/test_cluster.py",
}
"""Lines that are not typed here, and where they are."""
ONLY_THE_READERS = {
    "scheduler unpin k3f9x": "is not pinned",
    "problems explain crossing:mount:/": "There is no problem",
    "problems undo FIX": "There is no fix",
    "problems dismiss oversized_log:logs/app.log": "There is no problem",
    "problems fix service_down:web": "There is no problem",
    "patterns enable status_report --recipe notebooks/recipes/maintenance.ipynb": "There is no pattern",
    "patterns disable status_report": "There is no pattern",
    "patterns dismiss status_report": "There is no pattern",
    "patterns import git": "No repository is named",
    "improver accept i3f9a12bc": "There is no suggestion",
    "improver decline i3f9a12bc --reason 'on purpose'": "There is no suggestion",
    "improver undo i3f9a12bc": "There is no suggestion",
    "weekend select w3f9a1": "There is no weekend candidate",
    "weekend select w3f9a1 --phase build=6h --phase-command 'test=make test' --phase-check 'document=test -s docs/guide.md'": "There is no weekend candidate",
    "weekend start": "No build waits for its start",
    "weekend complete design": "No weekend build is started",
    "queue follow-up ID 'also handle empty lists'": "was not done by an agent",
    "overnight stop": "No session is open",
    "overnight stop --now": "No session is open",
    "undo --change 42": "There is no change 42",
    "delivery test email": "is not switched on",
    "store repair --from data/snapshots/20261124T060000-after.duckdb": "There is no file",
}
"""Lines about a problem, pattern, build or session that this workspace does not have, and what they are told."""
MAY_END_WITH = {"overnight is-overnight -q": (0, 1), "overnight_runner is-overnight": (0, 1), "problems scan --check": (0, 5)}
"""Lines whose exit code is their answer."""
STATE = {"approve": "asked", "decline": "asked", "accept": "review", "retry": "dropped", "undo": "shipped", "split": "large", "follow-up": "agent"}
SCRIPTS = ("notes.sh", "fix.sh", "test.sh", "tidy.sh", "clean.sh", "smoke.sh", "time_start.sh")
WITH_LINES = [page for page in PAGES if any(list(calls(line)) for line in shell_lines(page.read_text(encoding="utf-8")))]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """A home with a workspace that has tasks of each state, and the files that the pages name; the tasks' ids by state."""
    top = tmp_path_factory.mktemp("docs") / "home"
    home = top / "jarvis"
    place = workspace(home)
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns("tasks", ".ipynb_checkpoints"))
    for name in SCRIPTS:
        (home / name).write_text("#!/bin/sh\n")
        (home / name).chmod(0o755)
    (home / "TODO.md").write_text("- [ ] Water the plants\n")
    (top / "old-jarvis").mkdir()
    (top / "old-jarvis" / "build_queue.json").write_text(json.dumps({"tasks": [{"id": "b1", "title": "Old one", "status": "queued", "estimated_hours": 1}]}))
    subprocess.run(["git", "init", "-q", top / "shop"], check=True)
    subprocess.run(["git", "-C", top / "shop", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    night = datetime.now(UTC) - timedelta(hours=9)
    ids: dict[str, list[str]] = {}
    place.store.append(opened(place, at=night))
    for n in range(12):
        for state in ("asked", "queued", "dropped", "review", "shipped", "large") if n < 3 else ("queued",):
            one = task(f"{state} {n}", category="New features" if state == "asked" else "Documentation", hours=9 if state == "large" else 1)
            ids.setdefault(state, []).append(one.id)
            place.store.append(added(place, one, at=night - timedelta(hours=1)))
            if state in ("review", "shipped"):
                place.store.append(claimed(place, one, f"{state}{n}"), ended(place, one, f"{state}{n}", evidence=[passed()] if state == "shipped" else []))
            if state == "dropped":
                autonomous_queue.drop(place, one.id, now=place.now())
    place.store.append(place.fact("session.closed", session="s1", outcome="done", said="all done"))
    series = autonomous_queue.add(place, "Weekly", "", 0.5, "docs", "LOW", now=place.now(), command="true", every="mon 09:00")
    ids["series"] = [series.task.id]
    return top, ids


LONG = {"README.md", "docs/AUTONOMOUS_OPERATIONS.md", "docs/INTEGRATION_GUIDE.md"}
"""Up to half a minute of plans, weekends and pages each: typed by `make long`."""


@pytest.mark.parametrize("page", [pytest.param(p, marks=[pytest.mark.long] if name_of(p) in LONG else []) for p in WITH_LINES], ids=name_of)
def test_the_lines_of_a_page_run(
    page: Path, lived: tuple[Path, dict[str, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each ends with 0, or as is said above; what it answers is not looked at here."""
    top, ids = shutil.copytree(lived[0], tmp_path / "home", symlinks=True), {state: list(of) for state, of in lived[1].items()}
    monkeypatch.chdir(top / "jarvis")
    monkeypatch.setenv("HOME", str(top))
    wrong = []
    for line in shell_lines(page.read_text(encoding="utf-8")):
        for args in calls(line):
            said = shlex.join(args)
            if said in ELSEWHERE:
                continue
            code = main(typed(args, ids, top))
            told = capsys.readouterr().err
            good = code in MAY_END_WITH.get(said, (0,)) if said not in ONLY_THE_READERS else code in (3, 4) and ONLY_THE_READERS[said] in told
            if not good:
                wrong.append(f"{said}: exit {code}, {told.strip()}")
    assert wrong == []


def typed(args: list[str], ids: dict[str, list[str]], top: Path) -> list[str]:
    """The words as the reader would type them."""
    state = "series" if "--series" in args else next((STATE[w] for w in args[:2] if w in STATE), "queued")
    own = ids.get(state) or ids["queued"]
    words = [own.pop() if re.fullmatch("ID|k3f9x", w) else w for w in args]
    words = [str(top / w[2:]) if w.startswith("~/") else w for w in words]
    soon = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    to_come = [before in ("--until", "--due") or "due:" in word for before, word in zip(["", *words], words, strict=False)]
    words = [re.sub(r"\d{4}-\d\d-\d\d", soon, word) if later else word for word, later in zip(words, to_come, strict=True)]
    return [*words, "--dry-run"] if shlex.join(args).startswith(REHEARSED) and "--dry-run" not in words else words


def test_what_is_named_above_stands_in_a_page() -> None:
    """No exception outlives its line."""
    lines = {shlex.join(args) for page in WITH_LINES for line in shell_lines(page.read_text(encoding="utf-8")) for args in calls(line)}
    assert (set(ELSEWHERE) | set(ONLY_THE_READERS) | set(MAY_END_WITH)) - lines == set()
    assert all((ROOT / where).exists() for where in ELSEWHERE.values() if where.startswith("tests/"))
    assert [start for start in REHEARSED if not any(line.startswith(start) for line in lines)] == []

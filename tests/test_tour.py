"""Is the tour one story? Its page and its notebook have the same steps, and a new user who types the page gets what it says."""

import json
import re
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue
from jarvis_lib.cli.entry import main
from jarvis_lib.workspace import open_workspace
from tests.roomy import make_roomy
from tests.test_docs import ROOT, calls, shell_lines

PAGE = (ROOT / "docs" / "TOUR.md").read_text(encoding="utf-8")
NOTEBOOK = ROOT / "notebooks" / "00_start_here.ipynb"
STEP = re.compile(r"(?m)^## (\d+\. .+)$")


def test_the_page_and_the_notebook_have_the_same_steps_in_the_same_order() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    told = STEP.findall("\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown"))
    assert told == STEP.findall(PAGE) and len(told) == 10


def test_each_line_of_the_notebook_stands_in_the_page() -> None:
    """The page is the one whose lines are typed."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    lines = [line for c in cells if c["cell_type"] == "markdown" for line in shell_lines("".join(c["source"]))]
    assert len(lines) > 10 and [line for line in lines if line not in shell_lines(PAGE)] == []


@pytest.mark.long
def test_a_new_user_who_types_the_tour_gets_a_proved_task_and_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From step 4 on, each line as it stands, in a fresh home; the session is a real one, only the crontab is left alone."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("JARVIS_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    own, seen = "", {}
    for line in shell_lines(PAGE[PAGE.index("## 4.") :]):
        if line.startswith("cd "):
            monkeypatch.chdir(tmp_path / line.removeprefix("cd ~/"))
        for args in calls(line):
            if args[:1] == ["cron"] and args[-1] != "--dry-run":
                continue
            words = [own if w == "ID" else w.replace("~/", f"{tmp_path}/") if w.startswith("~/") else w for w in args]
            assert main(words) == 0, words
            told = capsys.readouterr().out
            if args[0] == "init":
                make_roomy(Path(words[1]))
            if args[0] == "add":
                own = re.findall(r"Added (\w{10}):", told)[-1]
            elif args[0] == "undo":
                assert not (Path("reports") / "hello.html").exists()
            elif args[0] == "accept":
                assert (Path("reports") / "hello.html").read_text() == "<h1>Hello</h1>\n"
            seen[" ".join(args)] = told
    assert "verified" in seen["show ID"] and "Hello" in seen["overnight brief --no-page"]
    place = open_workspace(Path.cwd(), actor="person:reader")
    (planned,) = [r for r in autonomous_queue.listing(place, now=place.now()) if r["id"] == own]
    assert planned["state"] == "queued" and own in seen["scheduler schedule"]

"""The private home of an agent outlives its call, so what one call leaves there must not lead the next one's trusted worker astray."""

import subprocess
from pathlib import Path

import pytest

from jarvis_lib.execution.agents.registry import adapter
from jarvis_lib.execution.agents.run import _put, copy_login


def test_links_that_a_call_left_in_its_home_are_not_followed_by_the_next(tmp_path: Path) -> None:
    """The file, the folder above it and a folder in place of a file: the person's files stay as they are, and the log-in goes where it belongs."""
    person, home = tmp_path / "person", tmp_path / "home"
    (person / ".claude").mkdir(parents=True)
    (person / ".claude" / ".credentials.json").write_text("the log-in")
    (person / ".bashrc").write_text("mine")
    home.mkdir()
    (home / ".claude").symlink_to(person / ".claude")
    (home / "prompt.txt").symlink_to(person / ".bashrc")
    assert copy_login(adapter("claude"), person, home) == [home / ".claude" / ".credentials.json"]
    _put(home, "prompt.txt", b"evil")
    assert (person / ".bashrc").read_text() == "mine" and (person / ".claude" / ".credentials.json").read_text() == "the log-in"
    assert not (home / ".claude").is_symlink() and (home / "prompt.txt").read_bytes() == b"evil" and not (home / "prompt.txt").is_symlink()
    (home / "prompt.txt").unlink()
    (home / "prompt.txt").mkdir()
    assert _put(home, "prompt.txt", b"again").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "kept"), [("claude", ".claude/projects/{slug}/5b1c0f7e-1111.jsonl"), ("codex", ".codex/sessions/2026/11/24/rollout-x-5b1c0f7e-1111.jsonl")]
)
def test_the_command_that_opens_a_session_by_hand_brings_the_session_and_nothing_else(name: str, kept: str, tmp_path: Path) -> None:
    """It is run here by a shell, with programs of these names that say how they were called."""
    home, person, copy, bin_ = (tmp_path / part for part in ("its home", "person", "copy it", "bin"))
    session = home / kept.format(slug="".join(c if c.isalnum() else "-" for c in str(copy)))
    for folder in (session.parent, person / ".codex", copy, bin_):
        folder.mkdir(parents=True, exist_ok=True)
    session.write_text("{}")
    (home / f".{name}" / "settings.json").write_text("hooks of an evil agent")
    (bin_ / name).write_text('#!/bin/sh\necho "$PWD|$*"\n')
    (bin_ / name).chmod(0o755)
    line = adapter(name).open_by_hand("5b1c0f7e-1111", copy, home)
    done = subprocess.run(["/bin/sh", "-c", line], env={"HOME": str(person), "PATH": f"{bin_}:/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert done.stdout.strip() in (f"{copy}|--resume 5b1c0f7e-1111", f"{copy}|resume 5b1c0f7e-1111"), done.stderr
    assert [p.relative_to(person) for p in person.rglob("*") if p.is_file()] == [session.relative_to(home)]
    assert adapter(name).open_by_hand("x; rm -rf ~", copy, home) == ""

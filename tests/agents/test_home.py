"""The private home of an agent outlives its call, so what one call leaves there must not lead the next one's trusted worker astray."""

from pathlib import Path

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

"""Settings for tests that run sessions: how full the disk and the memory of the machine are must not decide what they find."""

from pathlib import Path

from jarvis_lib.model.settings import template

ROOM = {"busy_share": "busy_share = 1.0", "disk_floor_gb": "disk_floor_gb = 0"}


def with_lines(text: str, lines: dict[str, str]) -> str:
    """Settings with whole lines replaced by their key."""
    return "\n".join(lines.get(line.split(" = ")[0], line) if " = " in line else line for line in text.splitlines()) + "\n"


def roomy(**lines: str) -> str:
    """The default settings for a machine that tests keep busy; `lines` replaces whole lines by their key."""
    return with_lines(template(), ROOM | lines)


def make_roomy(home: Path) -> None:
    """The same for a workspace that `jarvis init` made."""
    path = home / "jarvis.toml"
    path.write_text(with_lines(path.read_text(encoding="utf-8"), ROOM), encoding="utf-8")

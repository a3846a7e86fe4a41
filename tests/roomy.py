"""Settings for tests that run sessions: how full the disk and the memory of the machine are must not decide what they find."""

from jarvis_lib.model.settings import template

ROOM = {"busy_share": "busy_share = 1.0", "disk_floor_gb": "disk_floor_gb = 0"}


def roomy(**lines: str) -> str:
    """The default settings for a machine that tests keep busy; `lines` replaces whole lines by their key."""
    own = ROOM | lines
    return "\n".join(own.get(line.split(" = ")[0], line) if " = " in line else line for line in template().splitlines()) + "\n"

"""Which workspace is this? Finds `jarvis.toml` (JARVIS_HOME, or the nearest one upwards) and hands out a `Place`.

The composition root: the only module below the command line that reads the environment, and the public API of notebooks.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Refused

if TYPE_CHECKING:  # `add` imports this module, and has no time for what it does not call
    from zoneinfo import ZoneInfo

    from jarvis_lib.model.settings import Settings
    from jarvis_lib.store.place import Place

SETTINGS_FILE = "jarvis.toml"


def find_home(start: Path | None = None) -> Path:
    """The workspace's folder: JARVIS_HOME, else the nearest folder upwards from `start` (or here) with a jarvis.toml."""
    given = os.environ.get("JARVIS_HOME")
    if given and start is None:
        if not (Path(given) / SETTINGS_FILE).is_file():
            raise Refused(f"JARVIS_HOME is {given}, but there is no {SETTINGS_FILE}; make a workspace there with: jarvis init {given}", code="missing")
        return Path(given).resolve()
    begin = (start or Path.cwd()).resolve()
    for folder in (begin, *begin.parents):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    raise Refused(f"There is no {SETTINGS_FILE} in {begin} or above it; make a workspace with: jarvis init", code="missing")


def load_settings(home: Path) -> "Settings":
    """The settings of the workspace. Raises BadSettings with every mistake, or Refused when the file cannot be read."""
    from jarvis_lib.model.settings import parse

    path = home / SETTINGS_FILE
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read ({error}); move it away and write a new one with: jarvis init", code="failed") from error


def zone_of(settings: "Settings") -> "ZoneInfo":
    """The zone of the person: the one set, else the machine's, else UTC."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    name = settings.get("person", "zone") or os.environ.get("TZ", "").lstrip(":") or machine_zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def machine_zone() -> str:
    """The name of the machine's own zone, by which cron counts."""
    try:
        target = os.path.realpath("/etc/localtime")
    except OSError:
        return "UTC"
    return target.split("zoneinfo/", 1)[1] if "zoneinfo/" in target else "UTC"


def person() -> str:
    """Who acts, as facts name them."""
    import getpass

    try:
        return f"person:{getpass.getuser()}"
    except (KeyError, OSError, ImportError):
        return f"person:{os.getuid()}"


def utc_now() -> datetime:
    """The machine's clock; the one place that asks it for a workspace."""
    return datetime.now(UTC)


def open_workspace(home: Path | str | None = None, *, clock: Callable[[], datetime] | None = None, actor: str | None = None) -> "Place":
    """The workspace at `home`, or the nearest one. Nothing is opened yet; the store opens for each call."""
    from jarvis_lib.store.place import Place

    folder = find_home(Path(home)) if home else find_home()
    settings = load_settings(folder)
    return Place(folder, settings, zone_of(settings), actor or person(), clock or utc_now)

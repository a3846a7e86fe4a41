"""Was jarvis.toml changed while a session ran? Nothing that runs may change the policy of the next night, so it is put back."""

import os
from datetime import datetime
from pathlib import Path

from jarvis_lib.store.whole import write_whole


class SettingsGuard:
    """The workspace's jarvis.toml as it was when the session began, and a way back to it."""

    def __init__(self, home: Path) -> None:
        self.home, self.path = home, home / "jarvis.toml"
        self.content = self.path.read_bytes()
        self.seen = self._look()

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def put_back(self, now: datetime) -> str | None:
        """None when nothing changed; else where the changed file was set aside (relative to the workspace), the first one being back."""
        if self._look() == self.seen:
            return None
        if self.path.is_file() and not self.path.is_symlink() and self.path.read_bytes() == self.content:
            self.seen = self._look()
            return None
        aside = self.home / "data" / "kept" / f"settings-{now:%Y%m%dT%H%M%S%f}.toml"
        aside.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(self.path):
            os.replace(self.path, aside)
        write_whole(self.path, self.content)
        self.seen = self._look()
        return aside.relative_to(self.home).as_posix()

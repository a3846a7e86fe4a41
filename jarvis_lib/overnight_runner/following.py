"""What does the open session do, line by line? Each look tells what is new since the last: attempts that began or ended, and what they printed."""

from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.overnight_runner.looking import status
from jarvis_lib.store.place import Place

WIDE = 300
MOST = 64 * 1024
"""So much of one log is read in one look; what lies before is left out and said."""


class Follower:
    """The session as one watcher sees it. `over` is true when no session lives."""

    def __init__(self, place: Place, *, lines: int) -> None:
        self.place = place
        self.lines = lines
        self.over = False
        self._said = ""
        self._at: dict[str, int] = {}
        self._title: dict[str, str] = {}

    def look(self, *, now: datetime) -> list[str]:
        """What is new; the first look gives the last lines of each log."""
        data = status(self.place, now=now)
        self.over = not data["alive"]
        found = [data["said"]] if data["said"] != self._said else []
        self._said = data["said"]
        running = {one["log"] or one["task"]: one for one in data["running"]}
        for key in [k for k in self._at if k not in running]:
            found += self._new(key)
            found.append(f"[{self._title.pop(key)}] has ended")
            del self._at[key]
        for key, one in running.items():
            if key not in self._at:
                self._title[key] = shorten(f"{one['task'][:5]} {clean(one['title'])}", 40)
                found.append(f"[{self._title[key]}] runs: {one['said']}, log {one['log'] or 'none yet'}")
                self._at[key] = -1
            found += self._new(key)
        return found

    def _new(self, key: str) -> list[str]:
        path = self.place.home / key
        first = self._at[key] < 0
        text, self._at[key], skipped = read_from(path, max(self._at[key], 0), whole=first)
        own = [shorten(clean(line), WIDE) for line in text.splitlines() if line.strip()]
        if first:
            own = own[-self.lines :] if self.lines else []
        note = ["… (more was printed than is shown)"] if skipped and not first else []
        return [f"[{self._title[key]}] {line}" for line in [*note, *own]]


def read_from(path: Path, at: int, *, whole: bool = False) -> tuple[str, int, bool]:
    """(the whole lines behind `at`, where they end, whether some were skipped). `whole` takes a last line without its end, too."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            begin = at if at <= size else 0  # it was emptied
            skipped = size - begin > MOST
            begin = size - MOST if skipped else begin
            stream.seek(begin)
            data = stream.read(MOST)
    except OSError:
        return "", at, False
    end = data.rfind(b"\n") + 1
    if whole and end == 0:
        end = len(data)
    return data[:end].decode("utf-8", "replace"), begin + end, skipped


def tails(place: Place, running: list[dict[str, Any]], *, lines: int) -> list[dict[str, Any]]:
    """The running attempts, each with the last lines of its log as `tail`."""
    return [one | {"tail": _tail(place.home / one["log"], lines) if one["log"] else []} for one in running]


def _tail(path: Path, lines: int) -> list[str]:
    try:
        start = max(path.stat().st_size - MOST, 0)
    except OSError:
        return []
    text, _, _ = read_from(path, start, whole=True)
    return [shorten(clean(line), WIDE) for line in text.splitlines() if line.strip()][-lines:] if lines else []

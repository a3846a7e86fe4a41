"""`python -m tests.bench.calendars`: what 20,000 events cost, against icalendar's own parser, or the bytes alone, of the same file in the same run."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import icalendar

from jarvis_lib import context_scheduler
from jarvis_lib.doors import calendars
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.bench.timing import HEAD, Figure, compare
from tests.calendar_texts import large

NOW = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
COUNT = 20_000
FIRST_S, LATER_S, UNCHANGED_S = 10.0, 0.1, 0.005


def workspace(folder: Path, name: str, data: bytes) -> Place:
    home = folder / name
    home.mkdir()
    (home / "jarvis.toml").write_text('[calendar]\nfiles = ["my.ics"]\n[person]\nzone = "Europe/Berlin"\n')
    (home / "my.ics").write_bytes(data)
    return open_workspace(home, clock=lambda: NOW, actor="person:bench")


def timed(act: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        begin = time.process_time()
        act()
        return time.process_time() - begin

    return once


def figures(folder: Path) -> list[tuple[Figure, float]]:
    """Each figure with its goal in seconds of work."""
    found = []
    for share, repeating, endless in (("5 % repeat", 20, False), ("25 % repeat", 4, False), ("5 % repeat without end", 20, True)):
        data = large(COUNT, date(2019, 1, 1), repeating=repeating, endless=endless)
        place = workspace(folder, f"{repeating}-{endless}", data)
        parser = timed(lambda data=data: icalendar.Calendar.from_ical(data))  # type: ignore[misc]  # bound at once, for this turn
        raw = timed(lambda place=place: (place.home / "my.ics").read_bytes())  # type: ignore[misc]  # likewise
        first = timed(lambda place=place: calendars.refresh(place, now=NOW, anew=True))  # type: ignore[misc]  # likewise
        found.append((compare(f"first read, {share}", first, "icalendar's parser alone", parser, n=3), FIRST_S))
        calendars.refresh(place, now=NOW)
        unchanged = timed(lambda place=place: calendars.refresh(place, now=NOW))  # type: ignore[misc]  # likewise
        later = timed(lambda place=place: (calendars.refresh(place, now=NOW), context_scheduler.detect(place, now=NOW)))  # type: ignore[misc]  # likewise
        found.append((compare(f"a look when nothing has changed, {share}", unchanged, "reading its bytes", raw, n=15), UNCHANGED_S))
        found.append((compare(f"a look and `detect`, {share}", later, "reading its bytes", raw, n=15), LATER_S))
    return found


def main() -> None:
    print(HEAD.replace("| goal | |", "| goal, s of work | |"), flush=True)
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        for one, goal in figures(Path(folder)):
            met = "met" if one.own_s <= goal else f"MISSED by {one.own_s / goal - 1:.0%}"
            print(f"| {one.name} | {one.against} | {one.own_s * 1000:,.1f} | {one.base_s * 1000:,.1f} | {one.ratio:.4f} | {goal:g} | {met} | {one.n} |")
    print(f"\n{COUNT:,} events, Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians, processor time.")


if __name__ == "__main__":
    main()

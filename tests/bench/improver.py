"""`python -m tests.bench.improver`: how often does the look at Jarvis itself cry wolf, what does it find, and what does it cost?

Everything here is made up by seeded generators: worlds that are healthy, but only just; worlds with a shortfall of known size; weeks before and after.
"""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from jarvis_lib import self_improver
from jarvis_lib.doors.simulated.shortfalls import HEALTHY, PLANTED, simulate_shortfalls
from jarvis_lib.model.settings import template
from jarvis_lib.self_improver.effects import compared
from jarvis_lib.self_improver.measures import MEASURES, Observation, grouped
from jarvis_lib.self_improver.weaknesses import found
from jarvis_lib.workspace import open_workspace

UNTIL = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WORLDS = 400


def attempts(luck: Random, subject: str, p: float, *, days: int = 40) -> list[Observation]:
    """Some attempts each day; on one night of ten four times as many fail, and `p` is the mean of all."""
    made = []
    for day in range(days):
        today = p * (4 if luck.random() < 0.1 else 0.667)
        when = UNTIL - day * DAY - timedelta(minutes=1)
        made += [Observation("failures", subject, when, str(day), float(luck.random() < today), "", "") for _ in range(luck.randint(0, 5))]
    return made


def wolves(groups: int) -> float:
    """The share of healthy worlds (every group at the healthy end, 15 % failures) in which anything is called a weakness."""
    wrong = 0
    for world in range(WORLDS):
        luck = Random(world)
        own = [o for g in range(groups) for o in attempts(luck, f"group {g}", 0.15)]
        wrong += bool(found(grouped(own), now=UNTIL, seed=world))
    return wrong / WORLDS


def power(p: float, groups: int = 12) -> float:
    """The share of worlds in which one group of twelve that fails with `p` is found."""
    hits = 0
    for world in range(WORLDS // 4):
        luck = Random(world)
        own = [o for g in range(groups) for o in attempts(luck, f"group {g}", p if g == 0 else 0.05)]
        hits += any(w.subject == "group 0" for w in found(grouped(own), now=UNTIL, seed=world))
    return hits / (WORLDS // 4)


def verdicts(before: float, after: float) -> dict[str, float]:
    """Verdicts over worlds in which a share goes from `before` (28 days) to `after` (14 days), two observations a day."""
    told: dict[str, int] = {}
    for world in range(WORLDS):
        luck = Random(world)
        sides = []
        for p, days, gap in ((before, 28, 14), (after, 14, 0)):
            times = [UNTIL - (gap + i // 2) * DAY for i in range(2 * days)]
            sides.append([Observation("failures", "s", t, str(t.date()), float(luck.random() < p), "", "") for t in times])
        verdict = compared(MEASURES["failures"], sides[0], sides[1], days=(28, 14), seed=world).verdict
        told[verdict] = told.get(verdict, 0) + 1
    return {k: v / WORLDS for k, v in sorted(told.items())}


def planted(folder: Path) -> str:
    (folder / "jarvis.toml").write_text(template())
    place = open_workspace(folder, clock=lambda: UNTIL, actor="person:bench")
    simulate_shortfalls(place, until=UNTIL, seed=5)
    begin = time.process_time()
    with place.store.reading() as reader:
        keys = {w.key for w in self_improver.look(reader, place, now=UNTIL, seed=1).weaknesses}
    took = time.process_time() - begin
    wrong = len(keys - set(PLANTED))
    said = f"{len(keys & set(PLANTED))} of {len(PLANTED)} planted shortfalls found, {wrong} others ({len(HEALTHY)} healthy beside them)"
    return f"{said}; the look took {took:.2f} s of work"


def main() -> None:
    print(f"False alarms, {WORLDS} healthy worlds at the very end of healthy (goal: at most 5 %):")
    for groups in (1, 12, 40):
        print(f"  {groups:>2} groups: {wolves(groups):.1%}")
    print("One group of 12 that fails more often than 15 %, 40 days, 2.5 attempts a day: found in")
    for p in (0.2, 0.3, 0.4):
        print(f"  {p:.0%} failures: {power(p):.0%}")
    print("Verdicts over 28 days before and 14 after, 2 observations a day:")
    for before, after in ((0.4, 0.4), (0.4, 0.2), (0.4, 0.1), (0.2, 0.5)):
        print(f"  {before:.0%} -> {after:.0%}: " + ", ".join(f"{k} {v:.0%}" for k, v in verdicts(before, after).items()))
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        print(planted(Path(folder)))
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; all of it simulated.")


if __name__ == "__main__":
    main()

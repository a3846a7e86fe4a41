"""`python -m tests.soak --nights 365 --seed 7`: lives through that many nights and prints what was found. Exit 1 when anything did not hold."""

import argparse
import hashlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from jarvis_lib import overnight_runner
from jarvis_lib.model.fact import stamp
from jarvis_lib.model.prose import plural, size
from tests.soak.engine import FAULTS, shares
from tests.soak.life import NIGHT_FAULTS, Life
from tests.soak.morning import broken, weight

WEEK = 7


@dataclass
class Soak:
    """What a soak found: sentences of what did not hold, by day; seconds and bytes on the way."""

    broken: list[str] = field(default_factory=list)
    nights_s: list[float] = field(default_factory=list)
    weights: list[dict[str, int]] = field(default_factory=list)
    mornings: int = 0


def soak(life: Life, nights: int, *, say: Callable[[str], None], pages: bool = True) -> Soak:
    """Live so many nights. On Sundays the notebooks of the learners run, and on Mondays the brief's page is made, where `pages` says so."""
    found = Soak()
    for n in range(nights):
        day = life.first + timedelta(days=n)
        life.answer(day)
        life.add(day)
        if day.weekday() == 4:
            life.weekend(day)
        begin = time.perf_counter()
        happened = life.night(day, thinks=pages and day.weekday() == 6)
        found.nights_s.append(time.perf_counter() - begin)
        _morning(life, day + timedelta(days=1), found, page=pages and day.weekday() == 6)
        if n % 30 == 29 or n == nights - 1:
            say(f"  night {n + 1:>3} ({day}, {happened}): {statistics.median(found.nights_s[-30:]):.2f} s a night, {size(found.weights[-1]['data'])} in data/")
    return found


def _morning(life: Life, day: date, found: Soak, *, page: bool) -> None:
    """The brief of the morning, what must hold, and that the brief was made, which is where the next one's span begins."""
    place = life.at(life.local(day, 7))
    now = place.now()
    brief = overnight_runner.brief(place, as_of=now)
    found.broken += [f"{day}: {said}" for said in broken(place, brief, since=_begins(brief.since), whole=day.weekday() == 0)]
    if page:
        made = overnight_runner.make_brief(place, as_of=now)
        if made.suffix != ".html":
            found.broken.append(f"{day}: the page of the brief could not be made: {made.read_text().splitlines()[-1]}")
    else:
        digest = hashlib.sha256(brief.headline.encode()).hexdigest()
        place.store.write(place.fact("brief.made", kind="morning", as_of=stamp(now), path=f"reports/{day}.html", headline=brief.headline, sha256=digest))
    found.weights.append(weight(life.home))
    found.mornings += 1


def _begins(told: str) -> datetime:
    return datetime.fromisoformat(told) - timedelta(seconds=1)


def figures(life: Life, found: Soak) -> list[str]:
    """The figures of a soak, a line each."""
    with duckdb.connect(str(life.home / "data" / "jarvis.duckdb"), read_only=True) as con:

        def row(sql: str) -> tuple[object, ...]:
            return con.execute(sql).fetchall()[0]

        tasks = con.execute("SELECT state, count(*) FROM tasks GROUP BY 1 ORDER BY 2 DESC").fetchall()
        attempts, facts = row("SELECT count(*) FROM attempts")[0], row("SELECT count(*) FROM facts")[0]
        held, p80 = row(
            "SELECT count(*), avg(CAST(a.seconds / 3600 <= f.p80 AS INTEGER)) FROM attempts a JOIN foreseen f ON f.attempt = a.id WHERE a.outcome = 'finished'"
        )
        finished, promised, came = row(
            """
            SELECT count(*), avg(probability), avg(CAST(ended AS INTEGER)) FROM (
                SELECT f.probability, count(*) FILTER (WHERE a.ended_at IS NULL) = 0 AS ended
                FROM finishes f JOIN plans p ON p.id = f.plan AND p.session IS NOT NULL JOIN sessions s ON s.id = p.session AND s."window" = f."window"
                JOIN slots l ON l.plan = p.id AND l."window" = f."window"
                LEFT JOIN attempts a ON a.session = p.session AND a.task = l.task AND a.outcome = 'finished'
                GROUP BY f.plan, f."window", f.probability)
            """
        )
        board = con.execute("SELECT predictor, n, said, happened, skill, coverage FROM scoreboard ORDER BY predictor").fetchall()
        offered, taken = row("SELECT count(DISTINCT weekend) FROM weekend_suggestions")[0], row("SELECT count(*) FROM weekend_builds")[0]
    last, first = found.weights[-1], found.weights[min(WEEK, len(found.weights) - 1)]
    growth = (last["data"] - first["data"]) / max(len(found.weights) - WEEK, 1)
    lines = [
        f"{plural(found.mornings, 'morning')}, {plural(len(found.broken), 'violated invariant')}",
        f"tasks: {', '.join(f'{s} {n}' for s, n in tasks)}; {attempts} attempts, {facts} facts",
        f"attempts: {shares(life.engine.played, ('done', *FAULTS))}",
        f"nights: {shares(life.nights, ('worked', *NIGHT_FAULTS))}; answers that a rule refused: {sum(life.refusals.values())}",
        f"estimates: {held} foreseen attempts finished, {_share(p80)} within the p80",
        f"plans: {finished} nights promised {_share(promised)} on average to end all their tasks, {_share(came)} did",
        f"weekends: {offered} suggested, {taken} chosen",
        f"time per night: median {statistics.median(found.nights_s):.2f} s, longest {max(found.nights_s):.1f} s",
        f"store: database {size(last['database'])}, journal {size(last['journal'])}, data/ {size(last['data'])}; {size(int(growth))} more each night",
    ]
    scored = [f"  {p}: {n} scored, said {_share(s)}, happened {_share(h)}, skill {_number(k)}, 80 % interval held {_share(c)}" for p, n, s, h, k, c in board]
    return lines + (["predictions:", *scored] if scored else ["predictions: none was due"])


def _share(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, float) else "unknown"


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "unknown"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", type=float, default=0.05, help="share of attempts, and of nights, that go wrong")
    parser.add_argument("--no-pages", action="store_true", help="without the notebooks of Sundays and the pages of Mondays")
    parser.add_argument("--keep", type=Path, help="where the workspace is made and left; a folder that is not there yet")
    args = parser.parse_args()
    top = Path(tempfile.mkdtemp(prefix="jarvis-soak-"))
    home = args.keep or top / "life"
    begin = time.monotonic()
    print(f"{args.nights} nights, seed {args.seed}, {args.faults:.0%} faults")
    try:
        life = Life(home, seed=args.seed, faults=args.faults)
        found = soak(life, args.nights, say=lambda line: print(line, flush=True), pages=not args.no_pages)
        print("\n".join([*figures(life, found), *found.broken[:50], f"It took {time.monotonic() - begin:.0f} s."]))
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())

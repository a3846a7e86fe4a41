"""`python -m tests.soak --nights 365 --seed 7`: lives through that many nights and prints what was found. Exit 1 when anything did not hold."""

import argparse
import hashlib
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from jarvis_lib import overnight_runner
from jarvis_lib.model.fact import stamp
from jarvis_lib.model.prose import plural, size
from jarvis_lib.store.place import Place
from tests.soak.bounds import unbounded, weight
from tests.soak.engine import FAULTS, shares
from tests.soak.life import FIRST, NIGHT_FAULTS, Life, holiday
from tests.soak.morning import Lived, broken

WEEK = 7


@dataclass
class Soak:
    """What a soak found: sentences of what did not hold, by day; seconds and bytes on the way."""

    broken: list[str] = field(default_factory=list)
    nights_s: list[float] = field(default_factory=list)
    mornings_s: list[float] = field(default_factory=list)
    weights: list[dict[str, int]] = field(default_factory=list)
    mornings: int = 0
    stopped: bool = False


def soak(life: Life, nights: int, *, say: Callable[[str], None], pages: bool = True, found: Soak | None = None) -> Soak:
    """Live so many nights. On Sundays the notebooks of the learners run, and on Mondays the brief's page is made, where `pages` says so."""
    found = found or Soak()
    for n in range(nights):
        if found.stopped:
            say("It was asked to stop; what it found until then:")
            break
        day = life.first + timedelta(days=n)
        life.day(day)
        begin = time.perf_counter()
        happened = life.night(day, thinks=pages and day.weekday() == 6)
        found.nights_s.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        _morning(life, day + timedelta(days=1), found, page=pages and (life.daily_pages or day.weekday() == 6), say=say)
        found.mornings_s.append(time.perf_counter() - begin)
        if n % 30 == 29 or n == nights - 1:
            say(f"  night {n + 1:>3} ({day}, {happened}): {statistics.median(found.nights_s[-30:]):.2f} s a night, {size(found.weights[-1]['data'])} in data/")
    return found


def _morning(life: Life, day: date, found: Soak, *, page: bool, say: Callable[[str], None]) -> None:
    """The brief of the morning by its knock, which is where the next one's span begins; what was missed; and what must hold."""
    life.at(life.local(day, 7))

    def made(place: Place) -> str:
        now = place.now()
        if page:
            path = overnight_runner.make_brief(place, as_of=now)
            if path.suffix != ".html":
                found.broken.append(f"{day}: the page of the brief could not be made: {path.read_text().splitlines()[-1]}")
            return str(path)
        digest = hashlib.sha256(brief.headline.encode()).hexdigest()
        place.store.write(place.fact("brief.made", kind="morning", as_of=stamp(now), path=f"reports/{day}.html", headline=brief.headline, sha256=digest))
        return brief.headline

    brief = overnight_runner.brief(life.place(), as_of=life.clock.now)
    life.knock("report", lambda place: "written")
    life.knock("brief", made)
    life.note_missed()
    lived = Lived(life.first, day, life.zone, frozenset(life.skewed), frozenset(life.days_off), life.thought)
    said = broken(life.place(), brief, lived, since=_begins(brief.since), whole=day.weekday() == 0)
    found.weights.append(weight(life.home))
    said += unbounded(life.home, life.place().store.snapshot(), now=life.clock.now, keep_days=life.keep_days)
    found.broken += [f"{day}: {one}" for one in said]
    for one in said[:5]:
        say(f"  {day}: {one}")
    found.mornings += 1


def _begins(told: str) -> datetime:
    return datetime.fromisoformat(told).astimezone(UTC) - timedelta(seconds=1)


def figures(life: Life, found: Soak) -> list[str]:
    """The figures of a soak, a line each; none before its first morning."""
    if not found.mornings:
        return ["0 mornings"]
    with duckdb.connect(str(life.home / "data" / "jarvis.duckdb"), read_only=True) as con:

        def row(sql: str) -> tuple[object, ...]:
            return con.execute(sql).fetchall()[0]

        tasks = con.execute("SELECT state, count(*) FROM tasks GROUP BY 1 ORDER BY 2 DESC").fetchall()
        verdicts = con.execute("SELECT CASE verdict WHEN 'none' THEN outcome ELSE verdict END, count(*) FROM attempts GROUP BY 1 ORDER BY 2 DESC").fetchall()
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
        offered, begun, whole, said = row(
            """
            SELECT (SELECT count(DISTINCT weekend) FROM weekend_suggestions), count(*), count(*) FILTER (WHERE done = n), avg(chance)
            FROM (SELECT b.id, b.chance, count(*) AS n, count(*) FILTER (WHERE t.state IN ('shipped', 'accepted')) AS done
                FROM weekend_builds b JOIN weekend_phases p ON p.build = b.id JOIN tasks t ON t.id = p.task WHERE b.state = 'started' GROUP BY ALL)
            """
        )
        slots = con.execute("SELECT state, count(*) FROM cron_slots GROUP BY 1 ORDER BY 2 DESC").fetchall()
        windows = con.execute("SELECT kind, count(DISTINCT s.id), count(a.id) FROM sessions s LEFT JOIN attempts a ON a.session = s.id GROUP BY 1").fetchall()
        limits = row("SELECT count(*) FROM attempts WHERE outcome = 'limited'")[0]
        freed = row("SELECT coalesce(sum(attempts), 0), coalesce(sum(bytes), 0) FROM clearings")
        suggested = con.execute("SELECT state, count(*) FROM suggestions GROUP BY 1 ORDER BY 2 DESC").fetchall()
    last, first = found.weights[-1], found.weights[min(WEEK, len(found.weights) - 1)]
    growth = (last["data"] - first["data"]) / max(len(found.weights) - WEEK, 1)
    lines = [
        f"{plural(found.mornings, 'morning')}, {plural(len(found.broken), 'violated invariant')}",
        f"tasks: {', '.join(f'{s} {n}' for s, n in tasks)}; {attempts} attempts, {facts} facts",
        f"attempts: {', '.join(f'{v} {n}' for v, n in verdicts)}{_played(life)}",
        f"nights: {shares(life.nights, ('worked', *NIGHT_FAULTS))}; answers that a rule refused: {sum(life.refusals.values())}",
        f"estimates: {held} foreseen attempts finished, {_share(p80)} within the p80",
        f"plans: {finished} nights promised {_share(promised)} on average to end all their tasks, {_share(came)} did",
        f"sessions: {', '.join(f'{n} {kind} with {a} attempts' for kind, n, a in windows)}; {limits} attempts met the limit of an agent's account",
        f"slots: {', '.join(f'{s} {n}' for s, n in slots)}",
        f"weekends: {offered} suggested, {begun} builds started and {whole} done whole, said {_share(said)}",
        f"suggestions of routines: {', '.join(f'{s} {n}' for s, n in suggested) or 'none'}",
        f"time per night: median {statistics.median(found.nights_s):.2f} s, longest {max(found.nights_s):.1f} s{_aged(found.nights_s)}",
        f"store: database {size(last['database'])}, journal {size(last['journal'])}, data/ {size(last['data'])}; {size(int(growth))} more each night",
        f"for each fact: database {last['database'] / max(int(str(facts)), 1):.0f} bytes, journal {last['journal'] / max(int(str(facts)), 1):.0f} bytes; "
        f"removed because it was old: the files of {freed[0]} attempts, {size(int(str(freed[1])))}",
    ]
    scored = [f"  {p}: {n} scored, said {_share(s)}, happened {_share(h)}, skill {_number(k)}, 80 % interval held {_share(c)}" for p, n, s, h, k, c in board]
    return lines + (["predictions:", *scored] if scored else ["predictions: none was due"])


def _aged(nights_s: list[float]) -> str:
    """The first month after the first week against the last one."""
    if len(nights_s) < WEEK + 60:
        return ""
    early, late = (statistics.median(part) for part in (nights_s[WEEK : WEEK + 30], nights_s[-30:]))
    return f"; nights {WEEK + 1} to {WEEK + 30}: {early:.2f} s, the last 30: {late:.2f} s"


def _played(life: Life) -> str:
    return f"; played: {shares(life.engine.played, ('done', *FAULTS))}" if life.engine.played else ""


def _share(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, float) else "unknown"


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "unknown"


@contextmanager
def _simulated(args: argparse.Namespace) -> Iterator[Life]:
    top = Path(tempfile.mkdtemp(prefix="jarvis-soak-"))
    try:
        own = {"first": args.first, "away": holiday(args.nights, args.first), "keep_days": args.keep_days}
        yield Life(args.keep or top / "life", seed=args.seed, faults=args.faults, **own)
    finally:
        shutil.rmtree(top, ignore_errors=True)


@contextmanager
def _real(args: argparse.Namespace) -> Iterator[Life]:
    from tests.soak.real import installed, real_life

    print(f"agents: {', '.join(installed()) or 'none is installed (make agents), so none is tried'}")
    with real_life(seed=args.seed, faults=args.faults, away=holiday(args.nights)) as life:
        yield life


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=0, help="365 if not said otherwise; Ctrl-C ends it with the next morning, and its figures are printed")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", type=float, default=0.05, help="share of attempts, and of nights, that go wrong")
    parser.add_argument("--no-pages", action="store_true", help="without the notebooks of Sundays and the pages of Mondays")
    parser.add_argument("--first", type=date.fromisoformat, default=FIRST, help="the day on which it begins")
    parser.add_argument("--keep-days", type=int, default=90, help="[store] keep_attempts_days")
    parser.add_argument("--real", action="store_true", help="real notebooks, git and agents in compressed time, 20 nights if not said otherwise")
    parser.add_argument("--keep", type=Path, help="where the workspace is made and left; a folder that is not there yet")
    args = parser.parse_args()
    args.nights = args.nights or (20 if args.real else 365)
    begin, found = time.monotonic(), Soak()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(found, "stopped", True))
    print(f"{args.nights} {'real ' if args.real else ''}nights, seed {args.seed}, {args.faults:.0%} faults")
    with _real(args) if args.real else _simulated(args) as life:
        soak(life, args.nights, say=lambda line: print(line, flush=True), pages=not args.no_pages, found=found)
        print("\n".join([*figures(life, found), *found.broken[:50], f"It took {time.monotonic() - begin:.0f} s."]))
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())

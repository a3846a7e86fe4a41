"""What happened while you slept, is it proved, what needs you, and what comes next? The whole page as values, never empty.

`compose` only reads. The worst thing is told first; every build carries its proof; numbers carry their denominators and never
come from an earlier night without its date.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import clean, plural, spell
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import coming, occurrences
from jarvis_lib.report import coverage as covering
from jarvis_lib.report import headline as head
from jarvis_lib.report import health, learned, mending, needs, proof, tally, weeks
from jarvis_lib.report import outlook as looking
from jarvis_lib.report.budget import fit, words
from jarvis_lib.report.clock import day_of, span, time_of, when
from jarvis_lib.report.parts import PAGES, Brief, Card, FixRow, NewsRow, PlanRow, ProblemRow, RanRow
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.store import Reader

__all__ = ["Brief", "compose"]

Row = dict[str, Any]
ROWS, FIXES, PROBLEMS, PLACES, OMISSIONS, NEWS = 8, 6, 5, 6, 3, 5
LATE_FROM, LATE_AT_MOST = timedelta(minutes=30), timedelta(hours=12)
DECIDE = 185
"""The words of headline, line and cards together: a minute, less the few of the frame around them."""


def compose(reader: Reader, *, now: datetime, zone: ZoneInfo, settings: Settings, home: Path) -> Brief:
    """The brief of everything since the last one that was made before the newest session, as it stands at `now` (aware UTC).

    Works on an empty store, after a night in which nothing ran, while a session still runs and after one that died.
    """
    seen = _seen(reader, now=now, zone=zone, settings=settings, home=home)
    headline = head.headline(seen.night, zone)
    line = head.line(seen.night, headline)
    shown = fit(seen.cards[: needs.MOST], DECIDE - words(headline, line))
    return Brief(
        kicker=_kicker(seen.cover, zone, _late(reader, seen.cover, settings, zone)),
        headline=headline,
        line=line,
        tone=_tone(seen.night),
        good=seen.night.good,
        greeting=_greeting(settings),
        as_of=now.astimezone(zone).isoformat(timespec="seconds"),
        since=seen.cover.begins.astimezone(zone).isoformat(timespec="seconds"),
        needs=tuple(shown),
        needs_more=max(len(seen.cards) - needs.MOST, 0),
        needs_said="" if seen.cards else "Nothing needs you this morning.",
        shipped=tuple(seen.shipped[:ROWS]),
        shipped_more=max(len(seen.shipped) - ROWS, 0),
        not_shipped=tuple(seen.night.not_shipped[:ROWS]),
        not_shipped_more=max(len(seen.night.not_shipped) - ROWS, 0),
        running=tuple(seen.running[:ROWS]),
        ran_said="" if seen.ran or seen.running else _nothing_ran(seen.cover, zone),
        fixes=tuple(seen.fixes[:FIXES]),
        fixes_more=max(len(seen.fixes) - FIXES, 0),
        problems=tuple(seen.problems[:PROBLEMS]),
        problems_more=max(len(seen.problems) - PROBLEMS, 0),
        problems_said=_problems_said(seen.fixes, len(seen.problems)),
        plan=seen.plan.rows[:PLACES],
        plan_more=max(len(seen.plan.rows) - PLACES, 0),
        plan_said=seen.plan.said,
        tonight_said=seen.plan.tonight,
        omissions=seen.plan.omissions[:OMISSIONS],
        omissions_more=max(len(seen.plan.omissions) - OMISSIONS, 0),
        numbers=tuple(tally.numbers(reader, settings, now=now, zone=zone)),
        numbers_said=tuple(tally.footnotes(reader, settings, now=now, zone=zone)),
        system=tuple(health.lines(reader, seen.cover, settings, zone=zone, home=home)),
        night=seen.plan.night,
        days=tuple(weeks.day_bars(reader, zone, now.astimezone(zone).date() - timedelta(days=6), now=now)),
        band=weeks.band(settings),
        news=tuple(seen.told[:NEWS]),
        news_more=max(len(seen.told) - NEWS, 0),
        pages=tuple((PAGES[r["kind"]], r["path"]) for r in reader.rows("report.pages_between", since=seen.cover.since, now=now) if r["kind"] in PAGES),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read for the page, each list whole and in its order; how much of it is shown is decided later."""

    cover: covering.Coverage
    night: head.Night
    cards: Sequence[Card]
    ran: Sequence[RanRow]
    shipped: Sequence[RanRow]
    running: Sequence[PlanRow]
    fixes: Sequence[FixRow]
    problems: Sequence[ProblemRow]
    plan: looking.Outlook
    told: Sequence[NewsRow]


def _seen(reader: Reader, *, now: datetime, zone: ZoneInfo, settings: Settings, home: Path) -> _Seen:
    cover = covering.coverage(reader, now=now, zone=zone, home=home)
    between = {"since": cover.since, "now": now}
    endings = reader.rows("report.endings", **between)
    ran = proof.rows(endings, reader.rows("report.evidence_between", **between))
    open_problems = reader.rows("report.open_problems", now=now)
    refused = needs.cards([], reader.rows("report.additions_refused", **between), now=now, zone=zone)
    cards = needs.open_cards(reader, settings, now=now, zone=zone) + refused
    fixes = mending.fix_rows(reader.rows("report.fixes_between", **between), since=cover.since, now=now, zone=zone)
    running = proof.running(reader.rows("report.running", now=now), now=now, zone=zone) if cover.state == "running" else []
    night = _night(reader, cover, ran, endings, fixes, cards, len(running), settings, zone)
    problems = mending.problem_rows(open_problems)
    plan = looking.outlook(reader, settings, now=now, zone=zone)
    told = learned.news(reader, since=cover.since, now=now, zone=zone)
    best = sorted(night.shipped, key=lambda r: (not r.measured, -r.planned_hours))
    shipped = [*best, *(r for r in ran if r.status is proof.UNDONE)]
    return _Seen(cover, night, cards, ran, shipped, running, fixes, problems, plan, told)


def _night(
    reader: Reader,
    cover: covering.Coverage,
    ran: Sequence[RanRow],
    endings: Sequence[Row],
    fixes: Sequence[FixRow],
    cards: Sequence[Card],
    running: int,
    settings: Settings,
    zone: ZoneInfo,
) -> head.Night:
    states = {r["state"]: r["tasks"] for r in reader.rows("report.states", now=cover.until)}
    phases = reader.rows("report.phases_between", since=cover.since, now=cover.until)
    cuts = cuts_of(reader, cover.until - timedelta(days=2), cover.until + timedelta(days=16))
    return head.Night(
        cover=cover,
        shipped=[r for r in ran if r.status is proof.VERIFIED],
        undone=sum(r.status is proof.UNDONE for r in ran),
        not_shipped=sorted((r for r in ran if r.status not in (proof.VERIFIED, proof.UNDONE)), key=lambda r: r.status.tone != "bad"),
        due={e["task"]: e["due"] for e in endings if e["due"]},
        running=running,
        fixed=sum(f.fresh and f.status.tone == "ok" for f in fixes),
        fixes_failed=sum(f.fresh and f.status.tone == "bad" for f in fixes),
        needs=len(cards),
        escalated=sum(c.kind == "escalated" for c in cards),
        queued=states.get("queued", 0),
        asleep_s=sum(p["seconds"] or 0 for p in phases if p["name"] == "asleep"),
        room=looking.room(coming(settings.windows, zone, cover.until, "overnight", cuts=cuts), zone, now=cover.until),
    )


def _late(reader: Reader, cover: covering.Coverage, settings: Settings, zone: ZoneInfo) -> str:
    """How long after its night the first brief of a morning is made, when that is long: the machine slept, or nobody asked."""
    now = cover.until
    ends = [w.end for w in occurrences(settings.windows, zone, now - LATE_AT_MOST, now) if w.kind == "overnight" and w.end <= now]
    if not ends or now - ends[-1] < LATE_FROM or cover.begins >= ends[-1] or not cover.has_facts:
        return ""
    told = reader.one("report.brief_before", at=now)
    is_of_the_day = cover.newest is not None and (cover.newest["closed_at"] or now) > ends[-1]
    return "" if is_of_the_day or (told and told["as_of"] >= ends[-1]) else f", {spell((now - ends[-1]) / timedelta(hours=1))} late"


def _kicker(cover: covering.Coverage, zone: ZoneInfo, late: str) -> str:
    covers = f"covers {span(cover.begins, cover.until, zone)}" if cover.has_facts else "nothing is recorded yet"
    return f"Morning brief · {day_of(cover.until, zone)} · {covers} · made {time_of(cover.until, zone)}{late} ({zone.key})"


def _greeting(settings: Settings) -> str:
    name = clean(settings.get("person", "name"))[:40]
    return f"Good morning, {name}!" if name else "Good morning!"


def _tone(night: head.Night) -> str:
    if night.cover.state in ("died", "failed") or night.escalated:
        return "bad"
    if night.cover.state == "running":
        return "info"
    if night.not_shipped:
        return "bad" if not night.good and any(r.status.tone == "bad" for r in night.not_shipped) else "warn"
    if night.shipped or night.fixed:
        return "ok"
    return "warn" if night.queued and night.asleep_s else "info"


def _nothing_ran(cover: covering.Coverage, zone: ZoneInfo) -> str:
    if not cover.has_facts:
        return "No session has run here yet. Add a task: jarvis add -h. Look around: jarvis doctor."
    if cover.newest is None:
        return f"No session ran {span(cover.begins, cover.until, zone)}, so nothing was tried."
    if cover.state == "running":
        return "Nothing has ended yet."
    return f"No build was started in the session of {when(cover.newest['opened_at'], zone, now=cover.until)}."


def _problems_said(fixes: Sequence[FixRow], still_open: int) -> str:
    if not fixes and not still_open:
        return "No problem was fixed in this span, and none is open."
    watched = [f.watching for f in fixes if f.watching]
    words = [f.status.word for f in fixes]
    told = [f"{plural(len(watched), 'problem')} fixed and re-checked, 24 h check due {watched[-1]}"] if watched else []
    told += [f"{plural(words.count('held'), 'fix', 'fixes')} held a day"] if "held" in words else []
    told += [f"{plural(words.count('came back'), 'problem')} came back after a fix"] if "came back" in words else []
    told += [f"{plural(n, 'fix', 'fixes')} taken back" for n in [words.count("taken back by itself") + words.count("undone")] if n]
    told += [f"{plural(words.count('not fixed'), 'fix', 'fixes')} failed"] if "not fixed" in words else []
    return f"{'; '.join([*told, f'{still_open} open'])}."

"""How was the week from Monday to Sunday: are the goals met, were forecasts right, whom can one trust, what held and what was undone?

`compose_review` only reads. From Sunday noon on it tells the week that ends, before that the last whole one. Every share has its denominator.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import better, clean, plural, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.trust import Record, wilson
from jarvis_lib.model.window import DAYS
from jarvis_lib.report import tally, weeks
from jarvis_lib.report.clock import MONTHS, time_of, when
from jarvis_lib.report.parts import Status
from jarvis_lib.report.review_parts import Fate, Guard, Kind, Review, Score
from jarvis_lib.report.weekend_parts import WeekRow
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
LIMIT = 90
TRUST, FATES = 6, 6
WORSE = 1.25
MONTH = timedelta(weeks=8)
HELD, CAME_BACK, UNDONE = Status("✓", "held", "ok"), Status("!", "came back", "warn"), Status("↶", "undone", "warn")
_RECORD = ("key", "category", "repo", "recipe", "verified", "accepted", "undone", "refuted", "escalated", "widened_at", "narrowed_at", "why")
NO_MULTIPLIER = "No multiplier of output is shown: it would need your own estimate by hand before each task, and your attention; neither is recorded."


def compose_review(reader: Reader, *, now: datetime, zone: ZoneInfo, settings: Settings, home: Path) -> Review:
    """The review of the week that ends or ended last, as it stands at `now` (aware UTC); also of an empty store."""
    monday = monday_of(now, zone)
    spans = weeks.calendar_week(monday, zone, now=now)
    since, until = spans[0]
    goals, notes = weeks.rows(reader, settings, spans, zone=zone)
    guards = _guards(reader, spans)
    held, undone = _fates(reader, since, until, zone)
    scores, calibration_said = _calibration(reader, since, until)
    precision, precision_said = _precision(reader, since, until)
    kinds = _kinds(reader, since, until, zone)
    return Review(
        kicker=_kicker(monday, until, now, zone),
        headline=_headline(goals, undone),
        line=_line(goals, held, scores),
        tone=_tone(goals, guards, undone),
        as_of=now.astimezone(zone).isoformat(timespec="seconds"),
        week=monday.isoformat(),
        goals=tuple(goals),
        goals_said=(*notes, NO_MULTIPLIER),
        days=tuple(weeks.day_bars(reader, zone, monday, now=now)),
        band=weeks.band(settings),
        guards=tuple(guards),
        guards_said=_guards_said(guards),
        calibration=tuple(scores),
        calibration_said=calibration_said,
        precision=tuple(precision),
        precision_said=precision_said,
        trust=tuple(kinds[:TRUST]),
        trust_more=max(len(kinds) - TRUST, 0),
        trust_said=_trust_said(kinds, settings),
        held=tuple(held[:FATES]),
        held_more=max(len(held) - FATES, 0),
        undone=tuple(undone[:FATES]),
        undone_more=max(len(undone) - FATES, 0),
        fate_said="" if held or undone else "Nothing reached its seventh day this week, no fix was checked again, and nothing was undone.",
    )


def monday_of(now: datetime, zone: ZoneInfo) -> date:
    """The Monday of the week that is told: this one's from Sunday noon on, else the last one's."""
    local = now.astimezone(zone)
    own = local.date() - timedelta(days=local.weekday())
    return own if local.weekday() == 6 and local.hour >= 12 else own - timedelta(days=7)


# --- the head ------------------------------------------------------------------------------------------------------------


def _kicker(monday: date, until: datetime, now: datetime, zone: ZoneInfo) -> str:
    sunday = monday + timedelta(days=6)
    month = "" if monday.month == sunday.month else f" {MONTHS[monday.month - 1]}"
    so_far = f", so far {when(until, zone, now=now)}" if until == now else ""
    return f"Weekly review · {monday.day}{month} to {sunday.day} {MONTHS[sunday.month - 1]} {sunday.year}{so_far} ({zone.key})"


def _headline(goals: Sequence[WeekRow], undone: Sequence[Fate]) -> str:
    """`12 builds accepted (goal 14 to 21), 37.0 run hours (42 to 56); 1 undone`: counts beside their goals, no adjectives."""
    builds, hours = goals[0], goals[1]
    noun = "build" if builds.value == 1 else "builds"
    said = f"Week: {builds.said} {noun} accepted (goal {builds.goal}), {hours.said.removesuffix(' h')} run hours ({hours.goal.removesuffix(' h')})"
    more = [f"; {len(undone)} undone or came back", f"; {len(undone)} undone"] if undone else []
    return shorten(said + next((m for m in more if len(said) + len(m) <= LIMIT), ""), LIMIT)


def _line(goals: Sequence[WeekRow], held: Sequence[Fate], scores: Sequence[Score]) -> str:
    below = [r.name.lower() for r in goals[:4] if r.value < r.low]
    said = [f"Below the goal: {', '.join(below)}."] if below else ["Every goal of the week is met."]
    return " ".join([*said, *([f"{plural(len(held), 'thing')} held."] if held else []), *(f"{s.name}: {s.said}." for s in scores[:1])])


def _tone(goals: Sequence[WeekRow], guards: Sequence[Guard], undone: Sequence[Fate]) -> str:
    if any(g.is_worse for g in guards) or undone:
        return "warn"
    return "ok" if goals[0].value >= goals[0].low else "info"


# --- what keeps the goals honest -----------------------------------------------------------------------------------------


def _guards(reader: Reader, spans: Sequence[weeks.Span]) -> list[Guard]:
    """Shares of this week beside the median of the weeks before that have any data."""
    found = [_figures(reader, since, until) for since, until in spans]
    this, past = found[0], found[1:]
    made = [_guard(name, this[name], [p[name][0] for p in past if p[name][0] is not None]) for name in this]
    ages = [r["days"] for r in reader.rows("report.queue_ages", now=spans[0][1])]
    if ages:
        p90 = ages[min(len(ages) // 10, len(ages) - 1)]  # the oldest stand first
        made.append(Guard("Age of what is queued, 9 of 10 below", f"{p90:.1f} days ({plural(len(ages), 'task')})", "", False))
    return made


def _figures(reader: Reader, since: datetime, until: datetime) -> dict[str, tuple[float | None, str, bool]]:
    """Name -> (value or None, how it is said, whether more is worse)."""
    span = {"since": since, "now": until}
    fate = reader.one("report.shipped_fate", **span) or {}
    counted = tally.counts(reader, since, until)
    planned = [r["seconds"] / 3600 / r["planned_hours"] for r in reader.rows("report.planned_real", **span)]
    cost = [r["cost"] for r in reader.rows("report.calls_between", **span) if r["cost"] is not None]
    spent = counted["hours"] + counted["fruitless"]
    return {
        "Shipped builds that were accepted": _share(fate["accepted"], fate["shipped"], is_bad=False),
        "Shipped builds that were undone": _share(fate["undone"], fate["shipped"]),
        "Run hours without a result": _of(counted["fruitless"] / spent if spent else None, f"{counted['fruitless']:.1f} of {spent:.1f} h"),
        "Hours taken / planned, median": _of(median(planned) if planned else None, plural(len(planned), "task")),
        "Cost of an accepted hour": _of(sum(cost) / counted["hours"] if cost and counted["hours"] else None, f"{sum(cost):.2f} $ in all"),
    }


def _share(k: int, n: int, *, is_bad: bool = True) -> tuple[float | None, str, bool]:
    return (k / n if n else None), f"{k} of {n}", is_bad


def _of(value: float | None, said: str) -> tuple[float | None, str, bool]:
    return value, said, True


def _guard(name: str, found: tuple[float | None, str, bool], past: Sequence[float | None]) -> Guard:
    value, said, more_is_worse = found
    known = [p for p in past if p is not None]
    middle = median(known) if known else None
    if value is None:
        return Guard(name, "n/a (nothing to count)", _figure(name, middle), False)
    is_worse = middle is not None and (value > middle * WORSE if more_is_worse else value * WORSE < middle)
    return Guard(name, f"{_figure(name, value)} ({said})", _figure(name, middle), is_worse)


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}x" if "planned" in name else f"{value:.2f} $" if name.startswith("Cost") else f"{value:.0%}"


def _guards_said(guards: Sequence[Guard]) -> str:
    worse = [g.name[0].lower() + g.name[1:] for g in guards if g.is_worse]
    return f"Worse than usual by more than a quarter: {', '.join(worse)}." if worse else ""


# --- was it right? -------------------------------------------------------------------------------------------------------


def _calibration(reader: Reader, since: datetime, until: datetime) -> tuple[list[Score], str]:
    """How often the hours foreseen with 80 % held, this week and over 8 weeks, and how far the middle was off."""
    week = reader.rows("report.calibration", since=since, now=until)
    longer = reader.rows("report.calibration", since=until - MONTH, now=until)
    if not longer:
        return [], "No task that had a forecast has ended in the last 8 weeks, so there is nothing to compare."
    scores = [_hours_held("No longer than foreseen, this week", week)] if week else []
    scores.append(_hours_held("No longer than foreseen, 8 weeks", longer))
    whole = [r["actual_h"] / r["p50"] for r in longer if not r["at_least"]]
    if whole:
        scores.append(Score("Hours taken / foreseen, 8 weeks", len(whole), f"median {median(whole):.2f}x of {plural(len(whole), 'task')}"))
    return scores, "" if week else "No task that had a forecast ended this week."


def _hours_held(name: str, found: Sequence[Row]) -> Score:
    held = sum(bool(r["held_p80"]) for r in found)
    return Score(name, len(found), f"{held} of {len(found)}, 8 of 10 is the aim")


def _precision(reader: Reader, since: datetime, until: datetime) -> tuple[list[Score], str]:
    """Of what was foretold with 50 % or more, how much came; and how much of what ran without asking was wrong."""
    found: dict[str, list[Row]] = {}
    for row in reader.rows("predictions.resolved", since=since, until=until):
        found.setdefault(clean(row["predictor"]), []).append(row)
    scores = [_predictor(name, rows) for name, rows in sorted(found.items())]
    own = reader.one("report.automatic_between", since=since, now=until) or {"ran": 0, "wrong": 0}
    if own["ran"]:
        scores.append(Score("Ran without asking and was wrong", own["ran"], f"{own['wrong']} of {own['ran']} (refuted, undone or corrected)"))
    return scores, "" if scores else "No prediction resolved this week, and nothing ran without asking."


def _predictor(name: str, found: Sequence[Row]) -> Score:
    said = [r for r in found if r["p"] >= 0.5]
    came = sum(bool(r["happened"]) for r in said)
    brier, base = (sum(r[k] for r in found) / len(found) for k in ("brier", "base_brier"))
    skill = f"{better(1 - brier / base)} its simplest baseline" if base > 0 else "no baseline to compare with"
    precision = f"{came} of {len(said)} foretold came (at least {wilson(came, len(said)):.0%})" if said else "nothing was foretold with 50 % or more"
    return Score(name.replace("_", " ").capitalize(), len(found), f"{precision}; {skill}; {plural(len(found), 'prediction')}")


# --- trust, and what became of the work ----------------------------------------------------------------------------------


def _kinds(reader: Reader, since: datetime, until: datetime, zone: ZoneInfo) -> list[Kind]:
    """Every kind of work with a record; those that moved this week first."""
    found = []
    for row in reader.rows("autonomous_queue.trust"):
        record = Record(**{name: row[name] for name in _RECORD})
        moves = [("widened", record.widened_at), ("narrowed", record.narrowed_at)]
        moved = "; ".join(f"{word} {when(at, zone, now=until)}" for word, at in moves if at and since < at <= until)
        means = "it may run without asking" if record.widened_at else "it is asked for as [policy] says"
        found.append(Kind(clean(record.key).replace(" | ", ", "), _record_said(record), means, moved))
    return sorted(found, key=lambda k: not k.moved)


def _record_said(record: Record) -> str:
    against = [f"{count} {word}" for count, word in ((record.undone, "undone"), (record.refuted, "refuted"), (record.escalated, "escalated")) if count]
    counted = ", ".join([f"{record.accepted} accepted by you", *against])
    least = f"; at least {record.bound:.0%} are good" if record.bound >= 0.005 else ""
    return f"{plural(record.n, 'result')} counted: {counted}{least}"


def _trust_said(kinds: Sequence[Kind], settings: Settings) -> str:
    if not kinds:
        return "No kind of work has a record yet: it begins with the first verified result that you accept."
    is_on = settings.get("trust", "on")
    return "" if is_on else "Earned trust is off ([trust] on = false): records are kept, and nothing runs because of them."


def _fates(reader: Reader, since: datetime, until: datetime, zone: ZoneInfo) -> tuple[list[Fate], list[Fate]]:
    """(what held: builds on their seventh day and fixes on their second, what did not: undone builds, fixes that came back or were undone)."""
    span = {"since": since, "now": until}
    held = [Fate(HELD, f"{_title(r)}: accepted, and not undone for 7 days", _day(r["accepted_at"], zone)) for r in reader.rows("report.kept_between", **span)]
    undone = [Fate(UNDONE, f"{_title(r)} ({r['category']})", _day(r["undone_at"], zone)) for r in reader.rows("report.undone_between", **span)]
    for fix in reader.rows("report.fixes_between", **span):
        said = shorten(clean(fix["said"]), 110)
        if fix["undone_at"] is not None and since < fix["undone_at"] <= until:
            undone.append(Fate(UNDONE, said, _day(fix["undone_at"], zone)))
        elif fix["held"] and fix["checked_at"] and since < fix["checked_at"] <= until:
            held.append(Fate(HELD, f"{said}; its check was green again a day later", _day(fix["checked_at"], zone)))
        elif fix["verified"] and (fix["held"] is False or fix["came_back_at"]):
            undone.append(Fate(CAME_BACK, said, _day(fix["came_back_at"] or fix["checked_at"], zone)))
    return held, undone


def _title(row: Row) -> str:
    return shorten(clean(row["title"]), 80)


def _day(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{DAYS[local.weekday()]} {local.day} {time_of(at, zone)}"

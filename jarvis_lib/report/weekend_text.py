"""How is the weekend read on a terminal? The same values as the page, in plain lines."""

from collections.abc import Sequence

from jarvis_lib.model.prose import clean, lasting
from jarvis_lib.report.text import WIDTH, card_lines, wrapped
from jarvis_lib.report.weekend_parts import BuildRow, WeekendReport, WeekRow

BAR = 20


def weekend_text(report: WeekendReport, width: int = WIDTH) -> str:
    """The report as lines of at most `width` characters (command lines and file names are never broken). No escape sequences."""
    parts = [_head(report), _needs(report), _builds(report), _week(report), _estimates(report), _listed("Patterns", report.patterns_said, report.learned)]
    parts += [_next(report), _not_done(report)]
    return "\n\n".join("\n".join(wrapped(part, width)) for part in parts if part)


def _head(r: WeekendReport) -> list[str]:
    return [r.kicker, "", r.headline, *([r.line] if r.line else [])]


def _needs(r: WeekendReport) -> list[str]:
    if not r.needs:
        return [r.needs_said]
    lines = [f"Needs you before Monday ({len(r.needs) + r.needs_more}):"]
    for card in r.needs:
        lines += card_lines(card)
    return [*lines, *([f"  and {r.needs_more} more: jarvis inbox"] if r.needs_more else [])]


def _builds(r: WeekendReport) -> list[str]:
    if not r.builds:
        return [r.builds_said]
    lines = [f"The builds ({len(r.builds) + r.builds_more}):"]
    for b in r.builds:
        lines += _build(b)
    return [*lines, *([f"  and {r.builds_more} more: jarvis queue report"] if r.builds_more else [])]


def _build(b: BuildRow) -> list[str]:
    told = "; ".join(p.rstrip(".") for p in b.result[:2])
    lines = [f"  {b.status.sign} {b.title} ({b.status.word}): {told}. {b.hours}{f' ({b.accepted})' if b.accepted else ''}. [{b.task}]"]
    lines += [f"      for: {b.goal}"] if b.goal else []
    where = next((link.path for link in b.links if link.label != "log"), "")
    return [*lines, *([f"      evidence: {clean(where)}"] if where else [])]


def _week(r: WeekendReport) -> list[str]:
    lines = ["The week:"]
    for row in r.week:
        median = f", median of 4 weeks {row.median_said}" if row.median_said else ""
        lines.append(f"  {row.name:<19} {bar_of(row)} {row.said}, goal {row.goal}{median}")
    return [*lines, *(f"  {note}" for note in r.week_said)]


def bar_of(row: WeekRow) -> str:
    """`####----====---`: the count, and the goal's band as =."""
    cells = []
    for n in range(BAR):
        at = (n + 0.5) / BAR * row.top
        cells.append("#" if at <= row.value else "=" if row.low <= at <= row.high else "-")
    return f"[{''.join(cells)}]"


def _estimates(r: WeekendReport) -> list[str]:
    lines = [f"Estimates: {r.estimates_said}"]
    return [*lines, *(f"  {d.title}: {lasting(d.planned)} planned, {lasting(d.took)} taken" for d in r.dots if d.new)][:9]


def _listed(head: str, said: str, lines: Sequence[str]) -> list[str]:
    return [f"{head}: {said}"] if said and not lines else [f"{head}:", *(f"  {line}" for line in lines)]


def _next(r: WeekendReport) -> list[str]:
    lines = [f"Next week: {r.next_said}"]
    if r.nights:
        lines.append("  " + "  ".join(f"{n.when} {n.share:.0%}" for n in r.nights))
    lines += [f"  LATE {line}" for line in r.late]
    return [*lines, *([f"  and {r.late_more} more: jarvis scheduler list"] if r.late_more else [])]


def _not_done(r: WeekendReport) -> list[str]:
    lines = _listed("What it could not do", r.not_done_said, r.not_done)
    return [*lines, *([f"  and {r.not_done_more} more: jarvis weekend progress"] if r.not_done_more else [])]

"""How is the weekly review read on a terminal? The same values as the page, in plain lines."""

from jarvis_lib.report.parts import DayBar
from jarvis_lib.report.review_parts import Review
from jarvis_lib.report.text import WIDTH, wrapped
from jarvis_lib.report.weekend_text import bar_of


def review_text(review: Review, width: int = WIDTH) -> str:
    """The review as lines of at most `width` characters. No escape sequences."""
    parts = [_head(review), _goals(review), _days(review), _guards(review), _scores(review), _trust(review), _fates(review)]
    return "\n\n".join("\n".join(wrapped(part, width)) for part in parts if part)


def _head(r: Review) -> list[str]:
    return [r.kicker, "", r.headline, *([r.line] if r.line else [])]


def _goals(r: Review) -> list[str]:
    lines = ["Goals of the week:"]
    for row in r.goals:
        middle = f", median of 4 weeks {row.median_said}" if row.median_said else ""
        lines.append(f"  {row.name:<19} {bar_of(row)} {row.said}, goal {row.goal}{middle}")
    return [*lines, *(f"  {note}" for note in r.goals_said)]


def _days(r: Review) -> list[str]:
    return ["Run hours a day (accepted / ready / without a result):", "  " + "  ".join(f"{d.when} {day_said(d)}" for d in r.days)]


def day_said(day: DayBar) -> str:
    """`5.2/0.0/0.5`; a day without data is `-`."""
    return "-" if day.accepted is None else f"{day.accepted:.1f}/{day.ready or 0:.1f}/{day.fruitless or 0:.1f}"


def _guards(r: Review) -> list[str]:
    lines = ["What keeps the goals honest:"]
    lines += [f"  {'! ' if g.is_worse else ''}{g.name}: {g.said}{f', median of 4 weeks {g.median}' if g.median else ''}" for g in r.guards]
    return [*lines, *([f"  {r.guards_said}"] if r.guards_said else [])]


def _scores(r: Review) -> list[str]:
    lines = ["Was it right?", *(f"  {s.name}: {s.said}" for s in (*r.calibration, *r.precision))]
    return [*lines, *(f"  {said}" for said in (r.calibration_said, r.precision_said) if said)]


def _trust(r: Review) -> list[str]:
    lines = ["Trust:", *(f"  {k.name}: {k.said}; {k.means}{f'; {k.moved}' if k.moved else ''}" for k in r.trust)]
    lines += [f"  and {r.trust_more} more: jarvis trust list"] if r.trust_more else []
    return [*lines, *([f"  {r.trust_said}"] if r.trust_said else [])]


def _fates(r: Review) -> list[str]:
    lines = ["What held and what did not:", *(f"  {f.status.sign} {f.status.word} {f.when}: {f.said}" for f in (*r.undone, *r.held))]
    left = r.held_more + r.undone_more
    lines += [f"  and {left} more: jarvis queue report"] if left else []
    return [*lines, *([f"  {r.fate_said}"] if r.fate_said else [])]

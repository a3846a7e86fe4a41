"""How is the look at Jarvis itself told on a terminal? Suggestions with what to type, weaknesses, effects, decisions, and the scoreboard."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from jarvis_lib.cli.cards import indented
from jarvis_lib.model.prose import clean
from jarvis_lib.model.settings import toml

if TYPE_CHECKING:
    from jarvis_lib.self_improver import Suggestion, Suggestions

MOST = 20


def suggestion_lines(made: "Suggestions") -> list[str]:
    """Each suggestion: what would change, why, how it stands, when it would be gone, and what to type."""
    lines = [made.said]
    for s in made.suggestions:
        lines += ["", click.style(f"{s.id}  {clean(s.title)}", bold=True)]
        lines += indented(f"Why: {clean(s.why)} ({s.severity or 'unknown'} severity; trend: {s.trend or 'unknown'})")
        lines += indented(change_said(s))
        lines += indented(f"Gone when {s.gone_when}.") if s.gone_when else []
        lines += indented(s.how)
    return lines


def change_said(s: "Suggestion") -> str:
    """What accepting it would do."""
    c = s.change
    if "section" in c:
        return f"Changes jarvis.toml: [{c['section']}] {c['key']} from {toml(c['old'])} to {toml(c['new'])}. Put back by itself if it harms."
    if "lines" in c:
        return f"Yours to write, below {c['where']}: {'; '.join(c['lines'])}"
    if "command" in c:
        return f"{c['by_hand']} {c['command']}"
    return f"Becomes a task of yours ({c['category']}, {c['hours']:g} h)."


def stats_lines(data: dict[str, Any]) -> list[str]:
    """The figures, part by part; a part with nothing in it says so in one line."""
    lines = [data["said"]]
    lines += _part("Weaknesses", [_weakness(w) for w in data["weaknesses"]], "none is written down; jarvis improver suggest looks")
    lines += _part("Improvements", [_improvement(i) for i in data["improvements"]], "none yet")
    lines += _part("Decisions", [_decision(d) for d in data["decisions"] if d["of"]], "nothing was decided")
    lines += _part("Predictors", [_predictor(p) for p in data["scoreboard"]], "nothing was scored yet")
    lines += _part("Not measured", data["not_measured"], "")
    return lines


def _part(head: str, rows: Sequence[str], empty: str) -> list[str]:
    if not rows:
        return [f"{head}: {empty}."] if empty else []
    more = [f"  and {len(rows) - MOST} more (--json has all)"] if len(rows) > MOST else []
    return ["", click.style(head, bold=True), *(f"  {row}" for row in rows[:MOST]), *more]


def _weakness(w: dict[str, Any]) -> str:
    standing = f"closed: {clean(w['closed_said'])}" if w["state"] == "closed" else f"{w['severity']}, {w['trend']['word']}"
    return f"{clean(w['said'])} [{standing}]"


def _improvement(i: dict[str, Any]) -> str:
    return f"{i['id']}  {i['state']:<9} {clean(i['title'])}" + (f": {clean(i['said'])}" if i["said"] else "")


def _decision(d: dict[str, Any]) -> str:
    return f"{d['what']:<19} {d['share']:>4.0%}  ({d['count']} of {d['of']} {d['of_what']}; {d['low']:.0%} to {d['high']:.0%})"


def _predictor(p: dict[str, Any]) -> str:
    parts = [f"n={p['n']}"]
    parts += [f"error {p['brier']:.3f}, of the baseline {p['base_brier']:.3f}"] if p["brier"] is not None and p["base_brier"] is not None else []
    parts += [f"80% interval held {p['coverage']:.0%} (n={p['n_covered']})"] if p["coverage"] is not None else []
    parts += [f"precision {p['precision']:.0%} (n={p['n_said']})"] if p["precision"] is not None else []
    parts += [f"said {p['lead_h']:.0f} h ahead"] if p["lead_h"] is not None else []
    return f"{p['predictor']} ({p['estimator']}): {p['said']}; {', '.join(parts)}"

"""How is the brief read on a terminal? The same values as the page, in plain lines; a bad night is told first."""

import textwrap
from collections.abc import Iterator, Sequence

from jarvis_lib.model.prose import clean, plural
from jarvis_lib.report.parts import Brief, Card, FixRow, RanRow

WIDTH = 100


def brief_text(brief: Brief, width: int = WIDTH) -> str:
    """The brief as lines of at most `width` characters (command lines and file names are never broken). No escape sequences."""
    opening = _good(brief) if brief.good else _bad(brief)
    parts = [opening, _needs(brief), _mending(brief), _plan(brief), _news(brief), _numbers(brief), _system(brief), _closing(brief)]
    return "\n\n".join("\n".join(wrapped(part, width)) for part in parts if part)


def _good(brief: Brief) -> list[str]:
    lines = [f"{brief.greeting} Here's what shipped overnight:", *_builds(brief.shipped, brief.shipped_more)]
    if brief.running:
        lines += ["", "Still running:", *(f"  … {r.title}: {r.sentence}" for r in brief.running)]
    if brief.not_shipped:
        lines += ["", "What did not ship:", *_builds(brief.not_shipped, brief.not_shipped_more)]
    return [*lines, "", brief.headline, *([brief.line] if brief.line else []), brief.kicker]


def _bad(brief: Brief) -> list[str]:
    lines = [brief.kicker, "", brief.headline, *([brief.line] if brief.line else [])]
    if brief.ran_said:
        lines += [brief.ran_said]
    if brief.not_shipped:
        lines += ["", "What did not ship:", *_builds(brief.not_shipped, brief.not_shipped_more)]
    if brief.shipped:
        lines += ["", "What shipped:", *_builds(brief.shipped, brief.shipped_more)]
    if brief.running:
        lines += ["", "Still running:", *(f"  … {r.title}: {r.sentence}" for r in brief.running)]
    return lines


def _builds(rows: Sequence[RanRow], more: int) -> Iterator[str]:
    for r in rows:
        accepted = f" ({r.accepted})" if r.accepted == "accepted" else ""
        told = r.proof[:2] if r.status.tone == "ok" else r.proof
        word = "" if r.status.word == "shipped" else f" ({r.status.word})"
        yield f"  {r.status.sign} {r.title}{word}: {'; '.join(p.rstrip('.') for p in told)}. {r.time}{accepted}. [{r.task}]"
        where = next((link.path for link in r.links if link.label == "log"), "")
        if where and r.status.tone != "ok":
            yield f"      log: {clean(where)}"
    waiting = [r.task for r in rows if r.accepted.startswith("waits")]
    if waiting:
        yield f"  Take over: jarvis queue accept {waiting[0]}; or take back: jarvis undo {waiting[0]}"
    if more:
        yield f"  and {more} more: jarvis queue report"


def _needs(brief: Brief) -> list[str]:
    if not brief.needs:
        return [brief.needs_said]
    lines = [f"Needs you ({len(brief.needs) + brief.needs_more}):"]
    for card in brief.needs:
        lines += card_lines(card)
    return [*lines, *([f"  and {brief.needs_more} more: jarvis inbox"] if brief.needs_more else [])]


def card_lines(card: Card) -> list[str]:
    """One decision: what, what happens without it, and the lines to copy."""
    lines = [f"  {card.title}: {card.what} {card.evidence}", *([f"      Would go out: {card.draft}"] if card.draft else [])]
    lines += [f"      If you do nothing: {card.do_nothing}."]
    return [*lines, *(f"      $ {line}" for line in card.commands)]


def _mending(brief: Brief) -> list[str]:
    lines = [f"Problems: {brief.problems_said}"]
    for fix in brief.fixes:
        lines += _fix(fix)
    lines += [f"  {p.status.sign} {p.what} ({p.status.word}). {p.suggested}" for p in brief.problems]
    left = brief.fixes_more + brief.problems_more
    return [*lines, *([f"  and {left} more: jarvis problems list"] if left else [])]


def _fix(f: FixRow) -> list[str]:
    told = "; ".join(w for w in (f.check, f.watching and f"re-checked, 24 h check due {f.watching}") if w)
    word = "" if f.status.word == "fixed" else f"{f.status.word}: "
    return [f"  {f.status.sign} {word}{f.said}" + (f" ({told})" if told else ""), *([f"      $ {f.undo}"] if f.undo else [])]


def _plan(brief: Brief) -> list[str]:
    lines = [f"Today and tonight: {brief.plan_said}", *(f"  {r.when}  {r.title}: {r.sentence}{f' {r.ends}.' if r.ends else ''}" for r in brief.plan)]
    lines += [f"  {brief.tonight_said}"] if brief.tonight_said else []
    lines += [f"  not placed: {sentence}" for sentence in brief.omissions]
    left = brief.plan_more + brief.omissions_more
    return [*lines, *([f"  and {left} more: jarvis scheduler list"] if left else [])]


def _news(brief: Brief) -> list[str]:
    """Nothing without news."""
    lines = ["Learned and built ahead:"] if brief.news else []
    for row in brief.news:
        lines += [f"  {row.status.sign} {row.status.word}: {row.said}", *([f"      $ {row.command}"] if row.command else [])]
    return [*lines, *([f"  and {brief.news_more} more: jarvis patterns list, jarvis improver suggest"] if brief.news_more else [])]


def _numbers(brief: Brief) -> list[str]:
    lines = ["Numbers against the goals:"]
    lines += [f"  {n.name}: {n.day} in 24 h{f', goal {n.day_goal}' if n.day_goal else ''}; {n.week} in 7 days, goal {n.week_goal}" for n in brief.numbers]
    return [*lines, *(f"  {note}" for note in brief.numbers_said)]


def _system(brief: Brief) -> list[str]:
    pages = [f"  {title}: {path}" for title, path in brief.pages]
    return ["System:", *(f"  {line.name}: {line.said}" for line in brief.system), *(["Pages:", *pages] if pages else [])]


def _closing(brief: Brief) -> list[str]:
    if brief.needs:
        count = len(brief.needs) + brief.needs_more
        return [f"{plural(count, 'decision')} for you: `jarvis inbox`. Ready for more? `jarvis next`"]
    return ["Ready for more? `jarvis next`"]


def wrapped(lines: Sequence[str], width: int) -> Iterator[str]:
    """The lines in at most `width` characters; a command line or a single long word is never broken."""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line or "  $ " in line or len(line) <= width:
            yield line.rstrip()
        else:
            hang = " " * (indent + 4)
            yield from textwrap.wrap(line, width, initial_indent="", subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)

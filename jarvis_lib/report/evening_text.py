"""How is the evening check-in read on a terminal? The same values as the page, in a few plain lines."""

from jarvis_lib.report.evening_parts import Evening
from jarvis_lib.report.text import WIDTH, card_lines, wrapped


def evening_text(evening: Evening, width: int = WIDTH) -> str:
    """The check-in as lines of at most `width` characters (command lines are never broken). No escape sequences."""
    parts = [[evening.headline, evening.kicker], _needs(evening), [evening.today], _tonight(evening), _offers(evening)]
    return "\n\n".join("\n".join(wrapped(part, width)) for part in parts if part)


def _needs(e: Evening) -> list[str]:
    lines = [e.needs_said] if not e.needs else [f"Needs you before the night ({len(e.needs) + e.needs_more}):"]
    for card in e.needs:
        lines += card_lines(card)
    lines += [f"  and {e.needs_more} more: jarvis inbox"] if e.needs_more else []
    return [*lines, *([e.later_said] if e.later_said else [])]


def _tonight(e: Evening) -> list[str]:
    lines = [f"Tonight: {e.tonight_said}", *(f"  {t.when}  {t.title}{f' {t.said}' if t.said else ''}" for t in e.tonight)]
    lines += [f"  and {e.tonight_more} more: jarvis overnight plan"] if e.tonight_more else []
    return [*lines, *([e.too_much] if e.too_much else [])]


def _offers(e: Evening) -> list[str]:
    return [line for o in e.offers for line in (o.said, f"      $ {o.command}")]

"""How long may a page be before nobody reads it? Words are counted as a reader meets them; what is too long is cut, and stands whole behind a fold.

Command lines are copied and not read, so they do not count.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from jarvis_lib.report.parts import Brief, Card, FixRow, NewsRow, PlanRow, ProblemRow, RanRow
from jarvis_lib.report.proof import MEANS

TITLE, LEAST = 8, 5
"""Words of a card's title once cards must be cut, and those that its sentence keeps in any case."""
_ASIDE = len(("If", "you", "do", "nothing"))


def words(*texts: str) -> int:
    """How many words there are: what stands between blanks and has a letter or a digit in it."""
    return sum(any(c.isalnum() for c in word) for text in texts for word in text.split())


def first_words(text: str, count: int) -> str:
    """At most `count` words, the cut shown by an ellipsis."""
    if words(text) <= count:
        return text
    kept: list[str] = []
    for word in text.split():
        if words(*kept, word) > count:
            break
        kept.append(word)
    return f"{' '.join(kept).rstrip(',;:.')}…"


def length(card: Card) -> int:
    """The words of a card that are seen without opening anything."""
    return words(card.title, card.what, card.evidence, card.do_nothing) + _ASIDE


def fit(cards: Sequence[Card], room: int) -> list[Card]:
    """The cards in at most `room` words together (as far as LEAST allows). What was cut stands whole in `more`."""
    if sum(map(length, cards)) <= room:
        return list(cards)
    each = room // len(cards)
    return [_cut(card, each) for card in cards]


def _cut(card: Card, each: int) -> Card:
    if length(card) <= each:
        return card
    cut = replace(card, title=first_words(card.title, TITLE))
    if length(cut) > each:
        cut = replace(cut, evidence="")
    over = length(cut) - each
    if over > 0:
        cut = replace(cut, what=first_words(cut.what, max(words(cut.what) - over, LEAST)))
    whole = [old for old, new in ((card.title, cut.title), (card.what, cut.what), (card.evidence, cut.evidence)) if old != new]
    return replace(cut, more=" ".join(f"{text.rstrip('.')}." for text in whole))


# --- the whole page ------------------------------------------------------------------------------------------------------

WHOLE = 440
FRAME = 132
"""Words of the numbers and of the headings around everything: they are on every page."""
SHARES = {"ran": 0.5, "problems": 0.18, "plan": 0.22, "learned": 0.1}
"""How what is left is divided. What does not fit stands behind a fold, never away."""


def rooms(brief: Brief) -> dict[str, int]:
    """Section -> words that its rows may have before the rest is folded. What a section does not need, the others get."""
    alarms = sum(words(line.name, line.said) for line in brief.system if line.tone != "ok")
    decided = words(brief.kicker, brief.headline, brief.line, brief.needs_said) + sum(map(length, brief.needs))
    said = words(brief.ran_said, brief.problems_said, brief.plan_said, brief.tonight_said)
    left = max(WHOLE - FRAME - decided - alarms - said, 0)
    wanted = {name: sum(map(seen, rows)) for name, rows in _rows(brief).items()}
    given = {name: min(wanted[name], int(left * share)) for name, share in SHARES.items()}
    for name in SHARES:
        given[name] += min(wanted[name] - given[name], left - sum(given.values()))
    return given


def _rows(brief: Brief) -> dict[str, Sequence[Any]]:
    return {
        "ran": (*brief.not_shipped, *brief.shipped, *brief.running),
        "problems": (*brief.fixes, *brief.problems),
        "plan": (*brief.plan, *brief.omissions),
        "learned": brief.news,
    }


def seen(row: Any) -> int:
    """The words of one row of a table as it is shown: of a build, only the first PROOFS lines of its proof."""
    if isinstance(row, RanRow):
        return words(row.title, row.status.word, MEANS.get(row.status.word, ""), row.accepted, *row.proof[:PROOFS], row.time)
    if isinstance(row, FixRow):
        return words(row.status.word, row.said, row.check) + (6 if row.watching else 0)
    if isinstance(row, ProblemRow):
        return words(row.status.word, row.what, row.suggested)
    if isinstance(row, PlanRow):
        return words(row.when, row.title, row.sentence, row.ends)
    return words(row.status.word, row.said) if isinstance(row, NewsRow) else words(str(row)) + 2


PROOFS = 2


def unfolded(rows: Sequence[Any], room: int, *, least: int = 1) -> int:
    """How many of `rows` are shown before the fold: as many as fit into `room` words, but `least` in any case."""
    total, count = 0, 0
    for row in rows:
        total += seen(row)
        if total > room and count >= least:
            break
        count += 1
    return count

"""How long may a page be before nobody reads it? Words are counted as a reader meets them; what is too long is cut, and stands whole behind a fold.

Command lines are copied and not read, so they do not count.
"""

from collections.abc import Sequence
from dataclasses import replace

from jarvis_lib.report.parts import Card

TITLE, LEAST = 8, 5
"""Words of a card's title once cards must be cut, and those that its sentence keeps in any case."""
_ASIDE = len("If you do nothing".split())


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
    return replace(cut, more=" ".join(whole))

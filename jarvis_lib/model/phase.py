"""How is a large task divided? A template line of `[weekend.phases]` as values: `test 20: make test` is a name, a share of the hours and a check."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

NAME_LIMIT = 40
_LINE = re.compile(r"\s*(?P<name>[^\W\d][\w -]*?)\s+(?P<share>\d+(?:\.\d+)?)\s*%?\s*(?::\s*(?P<check>.*\S))?\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PhaseTemplate:
    """One phase of a category: its share of the hours (0 to 1), and the command that must exit 0 after it (empty for none)."""

    name: str
    share: float
    check: str = ""


def key_of(category: str) -> str:
    """The key of a category in `[weekend.phases]`: `New features` is `new_features`."""
    return re.sub(r"\W+", "_", category.casefold()).strip("_")


def read_template(lines: Sequence[str]) -> tuple[tuple[PhaseTemplate, ...], str]:
    """(the phases, what is wrong or an empty string). Shares add up to 100 and no name stands twice."""
    found = []
    for line in lines:
        parts = _LINE.fullmatch(line)
        if parts is None or len(parts["name"]) > NAME_LIMIT:
            return (), f'{line!r} is not a phase; write "name share" or "name share: check", for example "test 20: make test"'
        found.append(PhaseTemplate(parts["name"].casefold(), float(parts["share"]) / 100, parts["check"] or ""))
    names = [p.name for p in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        return (), f"the phase {twice[0]!r} stands twice"
    if not found:
        return (), 'needs at least one phase, for example ["build 100"]'
    total = sum(p.share for p in found) * 100
    if any(p.share <= 0 for p in found) or abs(total - 100) > 0.01:
        return (), f"the shares must be more than 0 and add up to 100, not {total:g}"
    return tuple(found), ""


def main_of(phases: Sequence[PhaseTemplate]) -> str:
    """The name of the phase that runs the task's own recipe: the largest share, the first of equals."""
    return max(phases, key=lambda p: p.share).name

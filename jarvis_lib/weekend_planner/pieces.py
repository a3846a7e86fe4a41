"""What can a weekend be made of? Open tasks with the hours that they will take, and the order in which they may be worked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from jarvis_lib.model.task import PRIORITIES
from jarvis_lib.weekend_planner.chances import Work
from jarvis_lib.weekend_planner.phases import Phase

_FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Piece:
    """One open task as a weekend sees it: the hours that it will take and where they come from, and what it still needs."""

    id: str
    title: str
    about: str
    state: str
    parked_kind: str
    priority: str
    category: str
    hours: float
    p50: float
    p80: float
    need_h: float
    why_h: str
    due: datetime | None
    added_at: datetime
    after: tuple[str, ...]
    changes: tuple[str, ...]
    resumable: bool
    project: str
    revision: int
    has_recipe: bool
    checks: int
    unblocks: int

    def work(self, spent_h: float = 0.0) -> Work:
        """The piece for the layout."""
        return Work(self.id, self.p50, self.p80, self.need_h, self.after, self.changes, self.resumable, spent_h)


def ready(pieces: Iterable[Piece]) -> dict[str, Piece]:
    """What may be in a build: queued, or waiting for nothing but a yes or a recipe; and all that it waits for may be in it too."""
    table = {p.id: p for p in sorted(pieces, key=lambda p: p.id) if _may(p)}
    while True:
        stuck = [i for i, p in table.items() if any(b not in table for b in p.after)]
        if not stuck:
            return table
        for i in stuck:
            del table[i]


def _may(piece: Piece) -> bool:
    return piece.state in ("queued", "proposed") or (piece.state == "parked" and piece.parked_kind in ("approval", "no_recipe"))


def in_order(ids: Iterable[str], table: Mapping[str, Piece]) -> list[str]:
    """Blockers before what waits for them; among the rest the soonest due, then by priority, then the one that waits longest."""
    own = set(ids)
    left = sorted(own, key=lambda i: urgency(table[i]))
    done: dict[str, None] = {}
    while left:
        # Without a following one there is a circle; the queue refuses those.
        following = next((i for i in left if all(b in done or b not in own for b in table[i].after)), left[0])
        done[following] = None
        left.remove(following)
    return list(done)


def urgency(piece: Piece) -> tuple[datetime, int, datetime, str]:
    """What goes first: the soonest due, then the highest priority, then the oldest."""
    return (piece.due or _FAR, -PRIORITIES[piece.priority], piece.added_at, piece.id)


def closure(task: str, table: Mapping[str, Piece]) -> set[str]:
    """The task and all of the table that it waits for."""
    found, open_ = set(), [task]
    while open_:
        i = open_.pop()
        if i not in found:
            found.add(i)
            open_ += [b for b in table[i].after if b in table]
    return found


def resized(pieces: Sequence[Piece], phases: Mapping[str, Phase]) -> list[Piece]:
    """The pieces with the hours of their phase, for a build whose main phase is shorter than its task."""
    return [
        replace(p, hours=phases[p.id].hours, p50=phases[p.id].p50, p80=phases[p.id].p80, need_h=p.need_h * phases[p.id].hours / p.hours)
        if p.id in phases and p.hours
        else p
        for p in pieces
    ]

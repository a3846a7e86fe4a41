"""How are a bar with its goal, columns of days and a plot of dots drawn without a chart program? As shapes whose colours are those of the page.

They follow light, dark and print by themselves; each has a table with the same numbers beside or below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from jarvis_lib.model.prose import hours, shorten
from jarvis_lib.report.parts import DayBar, NightBars
from jarvis_lib.report.weekend_parts import Dot, WeekRow

WIDTH = 220.0
SIDE = 300.0
WIDE, EDGE, ROW, LETTER = 640.0, 20.0, 26.0, 7.0
LEFT, BOTTOM = 46.0, 34.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar on a scale of WIDTH: its length, where the goal's band begins and how wide it is, and where the median stands (or None)."""

    length: float
    band_x: float
    band_width: float
    tick: float | None


@dataclass(frozen=True, slots=True)
class Plot:
    """Dots on two equal log axes: pixel places, the line on which both are equal, and the ticks with their words."""

    side: float
    left: float
    bottom: float
    dots: tuple[tuple[float, float, bool], ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Lanes:
    """The bars of a plan by lanes, with the word that fits into each (or none), and the times below them."""

    width: float
    height: float
    floor: float
    ticks: tuple[tuple[float, str], ...]
    bars: tuple[tuple[float, float, float, float, str, str], ...]


def lanes(night: NightBars) -> Lanes:
    """Each task as a bar of (x, y, width, height, whole title, title inside); hours run to the right, lanes downwards."""
    scale = (WIDE - 2 * EDGE) / night.hours
    bars = []
    for b in night.bars:
        x, width = round(b.start * scale + EDGE, 1), round(max(b.hours * scale - 2, 2.0), 1)
        room = int((width - 8) / LETTER)
        bars.append((x, b.lane * ROW + 3, width, ROW - 6, b.title, shorten(b.title, room) if room >= 4 else ""))
    floor = night.lanes * ROW
    return Lanes(WIDE, floor + 20, floor, tuple((round(h * scale + EDGE, 1), word) for h, word in night.ticks), tuple(bars))


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a column: whose hours it is (its style), and its rectangle."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """A column for each day on one scale of hours: the parts, the floor they stand on, the goal's band, the names below and the sums above."""

    width: float
    height: float
    left: float
    floor: float
    band_y: float
    band_height: float
    shapes: tuple[Block, ...]
    names: tuple[tuple[float, str], ...]
    totals: tuple[tuple[float, float, str], ...]


def columns(days: Sequence[DayBar], band: tuple[float, float]) -> Columns:
    """Accepted hours stand on the floor, ready ones on them, those without a result on top; a day without data has no column."""
    step, wide, floor_y = 36.0, 24.0, 130.0
    scale = (floor_y - 16) / max(band[1], *(d.total for d in days), 1.0)
    shapes, totals = [], []
    for n, day in enumerate(days):
        at = floor_y
        for kind, hours_taken in (("bar", day.accepted), ("ready", day.ready), ("lost", day.fruitless)):
            high = round((hours_taken or 0.0) * scale, 1)
            if high > 0:
                at = round(at - high, 1)
                shapes.append(Block(kind, LEFT + n * step + 6, at, wide, high))
        if day.total:
            totals.append((LEFT + n * step + 6 + wide / 2, round(at - 4, 1), f"{day.total:.1f}"))
    names = tuple((LEFT + n * step + 6 + wide / 2, d.when) for n, d in enumerate(days))
    top, low = round(floor_y - band[1] * scale, 1), round((band[1] - band[0]) * scale, 1)
    return Columns(LEFT + len(days) * step, floor_y + 20, LEFT, floor_y, top, low, tuple(shapes), names, tuple(totals))


def bar(row: WeekRow) -> Bar:
    """Where the shapes of one row go."""
    scale = WIDTH / row.top
    tick = None if row.median is None else round(row.median * scale, 1)
    return Bar(round(row.value * scale, 1), round(row.low * scale, 1), round((row.high - row.low) * scale, 1), tick)


def dot_plot(dots: Sequence[Dot]) -> Plot:
    """Planned hours to the right, hours that it took upwards; both axes are the same, in powers of ten."""
    logs = [(log10(d.planned), log10(d.took), d.new) for d in dots]
    low, high = floor(min(v for x, y, _ in logs for v in (x, y))), ceil(max(v for x, y, _ in logs for v in (x, y)))
    scale = SIDE / max(high - low, 1)
    placed = tuple((round(LEFT + (x - low) * scale, 1), round(SIDE - (y - low) * scale, 1), new) for x, y, new in logs)
    return Plot(SIDE, LEFT, BOTTOM, placed, tuple((round((n - low) * scale, 1), said(10.0**n)) for n in range(low, max(high, low + 1) + 1)))


def said(value: float) -> str:
    """A round number of hours as an axis says it."""
    if value >= 1:
        return f"{value:g} h"
    return hours(value) if value * 60 >= 1 else f"{value * 3600:.0f} s" if value * 3600 >= 1 else f"{value * 3600:g} s"

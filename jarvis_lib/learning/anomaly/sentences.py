"""What is strange about this reading? One short clause from the score that is rarest, for the person."""

from datetime import UTC, datetime

from jarvis_lib.learning.anomaly.readings import Floats
from jarvis_lib.learning.anomaly.scores import NAMES

TOO_OLD, NO_NUMBER, NO_PAST, USUAL = "not newer than the reading before", "no number, so a gap", "too few readings before it", "as usual"
PLAIN = 0.05
"""A reading whose rarest score has a larger p-value than this is as usual."""
FAR = 0.001


def clause(pvalues: Floats, raw: Floats, wall: float) -> str:
    """`pvalues` and `raw` in the order of NAMES; `wall` is the time on the wall."""
    rarest = min(range(len(NAMES)), key=lambda j: (pvalues[j], j))
    p, size = float(pvalues[rarest]), float(raw[rarest])
    if p > PLAIN:
        return USUAL
    name = NAMES[rarest]
    side = f"{'far ' if p <= FAR else ''}{'above' if size > 0 else 'below'}"
    match name:
        case "value":
            return f"{side} almost all readings so far"
        case "season":
            return f"{side} its usual level for {datetime.fromtimestamp(wall, UTC):%A %H:%M}"
        case "level":
            return f"{side} its level of the last days"
        case "shift":
            return f"{'rose' if size > 0 else 'fell'} by {number(abs(size))} on average"
        case "jump":
            return f"{'jumped' if size > 0 else 'fell'} by {number(abs(size))} in one step"
        case "flat":
            return f"has not changed for {span(size)}"
        case "gap":
            return f"a gap of {span(size)}"
        case _:
            return f"{side} what was forecast for it"


def number(size: float) -> str:
    """Short for a sentence: thousands are grouped from 100 on, else three digits that count."""
    return f"{size:,.0f}" if 100 <= size < 1e15 else f"{size:.3g}"


def span(seconds: float) -> str:
    """A duration in its largest usual unit."""
    for unit, length in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length or (unit == "h" and seconds >= length):
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"

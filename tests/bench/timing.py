"""Times of whole commands, interleaved with their baseline, so that a noisy machine disturbs both alike."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "JARVIS_HOME")}
"""Without byte code every import would be compiled anew, and the figures would be the compiler's."""


@dataclass(frozen=True)
class Figure:
    """A measured thing against its baseline: medians in seconds, their ratio, and the goal for it (0 for none)."""

    name: str
    against: str
    own_s: float
    base_s: float
    goal: float
    n: int

    @property
    def ratio(self) -> float:
        return self.own_s / self.base_s

    def row(self) -> str:
        met = "" if not self.goal else "met" if self.ratio <= self.goal else f"MISSED by {self.ratio / self.goal - 1:.0%}"
        goal = f"<= {self.goal:g}" if self.goal else "-"
        return f"| {self.name} | {self.against} | {self.own_s * 1000:,.1f} | {self.base_s * 1000:,.1f} | {self.ratio:.2f} | {goal} | {met} | {self.n} |"


HEAD = "| what | against | ms | baseline ms | ratio | goal | | n |\n|---|---|---|---|---|---|---|---|"


def command(argv: Sequence[str]) -> Callable[[], float]:
    """Seconds that a whole command takes; it must end with exit 0."""

    def run() -> float:
        begin = time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        return time.perf_counter() - begin

    return run


def compare(name: str, own: Callable[[], float], against: str, base: Callable[[], float], *, n: int, goal: float = 0.0) -> Figure:
    """Medians of `n` runs of both, taken in turns; one run of each first, which does not count."""
    own(), base()
    pairs = [(own(), base()) if i % 2 else tuple(reversed((base(), own()))) for i in range(n)]
    return Figure(name, against, statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs), goal, n)

"""Why so many hours? One sentence for each task, from how the person's estimates of that category turned out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jarvis_lib.learning.effort.history import Asked, History
from jarvis_lib.learning.effort.levels import PRIOR, SHOWN_AT, WEIGHT, groups, prior, quantiles
from jarvis_lib.model.prose import plural

OWN = 3
"""Tasks of a category from which it is named."""


@dataclass(frozen=True, slots=True)
class Habits:
    """By category (and "" for all) the factor estimate / actual, pulled towards the prior, and how many tasks stand behind it."""

    known: Mapping[str, tuple[float, int]]

    def sentences(self, tasks: Asked) -> list[str]:
        """One for each task."""
        return [self._sentence(c, bool(s)) for c, s in zip(tasks.words["category"].tolist(), tasks.stated.tolist(), strict=True)]

    def _sentence(self, category: str, stated: bool) -> str:
        missing = "" if stated else "no estimate, so taken as a task of the usual size; "
        if self.known[""][1] == 0:
            return f"{missing}no task has ended yet: of other people's tasks one in five takes more than {PRIOR[0.8]:g}x its estimate"
        named = category if category and self.known.get(category, (1.0, 0))[1] >= OWN else ""
        factor, n = self.known[named]
        what = named[0].lower() + named[1:] if named[1:2].islower() else named
        return f"{missing}you plan {factor:.1f}x of what {what or 'tasks'} {'takes' if named else 'take'}; {plural(n, 'task')}"


def habits(history: History) -> Habits:
    """The habits that `history` shows."""
    overall = float(groups(history).everything[SHOWN_AT[1]]) if len(history) else float(prior()[SHOWN_AT[1]])
    known = {"": (float(np.exp(-overall)), len(history))}
    categories, weights = history.words["category"], history.weights
    for category in sorted(set(categories.tolist()) - {""}):
        own = categories == category
        n = int(own.sum())
        middle = float(quantiles(history.error[own], weights[own], np.array([0.5]))[0])
        known[category] = (float(np.exp(-(n * middle + WEIGHT * overall) / (n + WEIGHT))), n)
    return Habits(known)

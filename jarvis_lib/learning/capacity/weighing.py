"""How much does each member count? As much as a rolling backtest on the series' own past says, starting from what holds for most series."""

import numpy as np

from jarvis_lib.learning.capacity.history import Floats, Steps
from jarvis_lib.learning.capacity.members import BOOSTED_FROM, bootstrap, trees, until

PRIOR = 0.1
"""The weight of the boosted member before anything is known of the series."""
TRUST = 0.1
"""How much loss (mean squared error of a probability) it takes to move the weight by one from the prior."""
TESTS, TEST_PATHS = 8, 120
MULTIPLES = (0.5, 1.0, 2.0)
SHARES = np.linspace(0, 1, 11)


def boosted_weight(known: Steps, gap: float, hours: Floats, *, rng: np.random.Generator, seed: int) -> float:
    """The share of the boosted member that would have served best at moments of the newest third; nothing after each moment is used for it.

    The trees of the backtest are fitted once, to what was known at the first of these moments.
    """
    n = len(known.values)
    steps = known.until(hours[-1])
    first = n - 1 - min(steps, n // 3)
    early = until(known, first)
    if len(early.values) < BOOSTED_FROM:
        return PRIOR
    fitted = trees(early, gap, steps, seed=seed)
    if fitted is None:
        return PRIOR
    losses = np.zeros(len(SHARES))
    asked = 0
    for row in np.linspace(first, n - 2 - (n - first) // 4, TESTS).astype(np.int64).tolist():
        then = until(known, row)
        watched = hours <= (n - 1 - row) * known.step
        if not watched.any():
            continue
        risen = np.maximum.accumulate(known.values[row + 1 :] - known.values[row])
        for multiple in MULTIPLES:
            wanted = gap * multiple
            plain = bootstrap(then, wanted, hours, rng=rng, paths=TEST_PATHS)
            own = fitted.curve(then, wanted, hours, plain)
            took = ((risen < wanted).sum() + 1) * known.step
            happened = took <= hours[watched]
            said = plain[watched] + SHARES[:, None] * (own - plain)[watched]
            losses += ((said - happened) ** 2).mean(axis=1)
            asked += 1
    return float(SHARES[np.argmin(losses / max(asked, 1) + TRUST * (SHARES - PRIOR) ** 2)])

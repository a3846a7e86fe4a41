"""Which routines does the person have, what does the coming day bring, and what is worth having ready before it is needed?

Promise: a routine is found on earlier days and checked on later ones, and is told with both; a probability is written before its day and scored after it,
beside the plain rate, and goes quiet where it is no better. Nothing queues itself unless the person enabled that very pattern with that very task, and
what was dismissed never comes back.
"""

from jarvis_lib.pattern_learner.events import import_, log, observed, purge
from jarvis_lib.pattern_learner.mined import Learned, Pattern, added, kind_of, learn, stats_of
from jarvis_lib.pattern_learner.predicting import Chance, chances
from jarvis_lib.pattern_learner.studying import study
from jarvis_lib.pattern_learner.verbs import disable, dismiss, enable, listed, predict, stats, suggest

__all__ = [
    "Chance",
    "Learned",
    "Pattern",
    "added",
    "chances",
    "disable",
    "dismiss",
    "enable",
    "import_",
    "kind_of",
    "learn",
    "listed",
    "log",
    "observed",
    "predict",
    "purge",
    "stats",
    "stats_of",
    "study",
    "suggest",
]

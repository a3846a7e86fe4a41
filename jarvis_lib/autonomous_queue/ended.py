"""Why did the session start nothing more? In numbers and in the words of the rule that kept a task out."""

import math
from collections.abc import Mapping

from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import clean, hours, plural, seconds, shorten

PREPARES_MIN = 3
"""What a session takes before it works: problems, patterns, plan."""


def why_nothing_more(passed: Mapping[str, str], kept_out: Mapping[str, str], tasks: Mapping[str, Candidate], *, left_h: float, advise: float = 0.0) -> str:
    """The reason of a session that ended with tasks left: what rules kept out, what is too long for `left_h`, else what stood against the first.

    `advise` is the share of a session in which work may start; with it the length is told that would do.
    """
    parts = [_kept(kept_out, tasks)] if kept_out else []
    rest = [tasks[i] for i in passed if i in tasks and i not in kept_out]
    long = sorted((c for c in rest if c.need_h > left_h), key=lambda c: (c.need_h, c.id))
    if long:
        others = f" ({plural(len(long) - 1, 'other needs', 'others need')} as much or more)" if len(long) > 1 else ""
        parts.append(f"{_named(long[0])} needs about {_about(long[0].need_h)} and {seconds(max(left_h, 0.0) * 3600)} are left{others}")
        parts += [f"try jarvis overnight start --for {_length(long[0].need_h, advise)}"] if advise else []
    elif not parts and rest:
        parts.append(f"{_named(rest[0])} may not start now: {_small(passed[rest[0].id])}")
    return "; ".join(parts) or "nothing that is left may start now"


def _kept(kept_out: Mapping[str, str], tasks: Mapping[str, Candidate]) -> str:
    """`no agent is switched on; …, which keeps out “Fix the login” and 2 more`: the commonest reason."""
    sentences = list(kept_out.values())
    most = max(dict.fromkeys(sentences), key=sentences.count)
    out = [i for i, sentence in kept_out.items() if sentence == most]
    first = _named(tasks[out[0]]) if out[0] in tasks else out[0]
    more = f" and {len(out) - 1} more" if len(out) > 1 else ""
    return f"{_small(most)}, which keeps out {first}{more}"


def _named(task: Candidate) -> str:
    return f"“{shorten(clean(task.title), 24)}”"


def _small(sentence: str) -> str:
    return (sentence[:1].lower() + sentence[1:]).rstrip(".")


def _about(need_h: float) -> str:
    return f"{math.ceil(need_h * 60)} min" if need_h < 1 else hours(need_h)


def _length(need_h: float, share: float) -> str:
    """A length for --for: the need, with what the end of a session and its beginning take."""
    minutes = math.ceil(math.ceil(need_h * 60) / share + PREPARES_MIN)
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m" if minutes % 60 else f"{minutes // 60}h"

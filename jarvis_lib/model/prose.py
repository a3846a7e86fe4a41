"""How values are said in sentences, and how foreign text is made harmless before anybody reads it."""

import re
from collections.abc import Iterable, Sequence

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
UNSEEN = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
"""Characters that change the direction of a text or that nobody sees, for a class of a regular expression: what is read is then not what is there."""
_CONTROL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200c\u200d\ufeff\ud800-\udfff{UNSEEN}]")


def clean(text: str, *, keep_lines: bool = False) -> str:
    """Text without ANSI sequences, control and direction characters; on one line unless `keep_lines`."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = _CONTROL.sub("", _ANSI.sub("", re.sub("\r\n|[\r\u2028\u2029]", "\n", text)))
    text = text.replace("\t", " ")
    return text.strip() if keep_lines else " ".join(text.split())


def shorten(text: str, width: int) -> str:
    """At most `width` characters, the cut shown by an ellipsis."""
    return text if len(text) <= width else text[: max(width - 1, 0)].rstrip() + "…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest in spelling, or None when nothing is near."""
    from difflib import get_close_matches

    table = {k.casefold(): k for k in known}
    found = get_close_matches(word.casefold(), table, n=1, cutoff=0.6)
    return table[found[0]] if found else None


def hint(word: str, known: Iterable[str]) -> str:
    """` Did you mean X?` or nothing, ready to stand behind a sentence."""
    near = nearest(word, known)
    return f" Did you mean {near!r}?" if near else ""


def listed(words: Sequence[str], joint: str = "and") -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}" if words else ""


def plural(count: int, noun: str, many: str | None = None) -> str:
    """`1 task`, `2 tasks`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def seconds(value: float) -> str:
    """A duration for people: `0.8 s`, `42 s`, `3 min 05 s`, `2 h 40`."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d}"


def hours(value: float) -> str:
    """Hours for people: minutes below one hour, one decimal above."""
    return f"{value * 60:.0f} min" if 0 < value < 1 else f"{value:.1f} h"


def spell(value: float) -> str:
    """Hours for people where they may be very few: seconds below one minute."""
    return seconds(value * 3600) if 0 < value < 1 / 60 else hours(value)


def lasting(value: float) -> str:
    """Hours as a clock says them: `12 s`, `7 min`, `1 h 08`, `2 h`; without seconds from a minute on."""
    if 0 < value * 3600 < 59.5:
        return seconds(value * 3600)
    minutes = round(value * 60)
    if 0 < minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes % 60 else f"{minutes // 60:,} h"


def size(count: float) -> str:
    """Bytes for people, in powers of 1,024: `512 B`, `1.5 MB`."""
    for unit in ("B", "KB", "MB", "GB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TB"


def chance(probability: float) -> str:
    """A probability from drawn nights: `84%`, and at the ends `over 99%` and `under 1%`, because nothing that is drawn is certain."""
    if probability > 0.99:
        return "over 99%"
    return "under 1%" if probability < 0.01 else f"{probability:.0%}"


def at_once(most: int, noun: str = "") -> str:
    """How many run side by side: `one at a time`, `up to 3 at once`, `up to 3 tasks at once`."""
    return "one at a time" if most == 1 else f"up to {most}{f' {noun}s' if noun else ''} at once"


def better(skill: float) -> str:
    """A skill (1 - error / error of the baseline) before the baseline's name: `12% better than`, `3% worse than`, `no better than`."""
    return "no better than" if round(skill, 2) == 0 else f"{abs(skill):.0%} {'better' if skill > 0 else 'worse'} than"

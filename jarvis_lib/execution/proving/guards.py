"""Did the result change anything that a task of its category may not change? The diff is read, not the words about it.

A guard that trips makes the result a question: the branch is kept, nothing ships. Values in, evidence out; nothing here runs anything.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from jarvis_lib.execution.proving.reading import (
    guarded,
    is_dependency,
    is_document,
    is_manifest,
    is_picture,
    is_test,
    public_names,
    same_but_for_docstrings,
    same_code_cells,
    tested,
)
from jarvis_lib.execution.proving.tampering import Sides, added_lines, shown, tampered, trip
from jarvis_lib.execution.repositories import Change
from jarvis_lib.execution.secrets import Mask
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import plural

_LINK, _SUBMODULE, _NONE = "120000", "160000", "000000"
_ASSIGNED = re.compile(r"(?i)\b\w*(password|passwd|secret|api_?key|access_?token|auth_?token|private_?key)\w*\b\s*[:=]\s*['\"]([^'\"\s]{12,})['\"]")
_UNQUOTED = re.compile(r"(?im)^[\s-]*[\w.-]*(password|passwd|secret|api_?key|access_?token|auth_?token|private_?key)[\w.-]*\s*[:=]\s*([^'\"\s#$<{]{12,})\s*$")
_PLAIN = (".yml", ".yaml", ".ini", ".cfg", ".conf", ".properties", ".env", ".tfvars")
_ENTROPY = 3.3
_BYTES_A_LINE = 200


def guard(category: str, sides: Sequence[Sides], *, largest: int, check_files: Sequence[str] = ()) -> list[Evidence]:
    """Evidence of kind guard: one for what is well, or one for each guard that tripped. `check_files` are those that the checks name."""
    rules = (
        _guarded(sides),
        _kinds(sides),
        _tests(sides),
        _secrets(sides),
        _dependencies(sides),
        _size(sides, largest),
        _category(category, sides),
        _named_by_checks(sides, check_files),
        tampered(sides),
    )
    tripped = [e for found in rules for e in found]
    if tripped:
        return tripped
    return [Evidence("guard", "diff", True, "nothing changed that a task of this category may not change")]


def history(added: str) -> list[Evidence]:
    """A guard over every line that any commit of the result added: what a later commit took away again would still come along with a merge."""
    return [trip("secrets", "one of its commits holds what looks like a secret", [])] if holds_secret(added) else []


def observed(sides: Sequence[Sides]) -> str:
    """The category that the diff itself shows: Documentation, Test coverage, or code (an empty string)."""
    if all(_only_documents(s) for s in sides):
        return "Documentation"
    return "Test coverage" if all(is_test(s.path) or _only_documents(s) for s in sides) else ""


def _all_paths(side: Sides) -> list[str]:
    return [side.path, *([side.change.old] if side.change.old else [])]


def _guarded(sides: Sequence[Sides]) -> list[Evidence]:
    groups: dict[str, list[str]] = {}
    for side in sides:
        for path in _all_paths(side):
            if guarded(path):
                groups.setdefault(guarded(path), []).append(path)
    return [trip(group, f"it changes {shown(paths)} ({group}), which no task may change without your look", paths) for group, paths in groups.items()]


def _kinds(sides: Sequence[Sides]) -> list[Evidence]:
    links = [s.path for s in sides if s.change.new_mode == _LINK]
    modules = [s.path for s in sides if _SUBMODULE in (s.change.new_mode, s.change.old_mode)]
    modes = [s.path for s in sides if _is_other_mode(s.change)]
    made = [s.path for s in sides if s.change.status == "A" and s.change.new_mode == "100755" and not is_test(s.path)]
    binaries = [s.path for s in sides if s.change.binary and s.change.status != "D" and not is_picture(s.path)]
    found = []
    for name, paths, said in (
        ("links", links, "it adds the link"),
        ("submodules", modules, "it changes the submodule"),
        ("modes", modes, "it changes the permissions of"),
        ("programs", made, "it adds a file that may be run:"),
        ("binaries", binaries, "it adds or changes what is no text:"),
    ):
        if paths:
            found.append(trip(name, f"{said} {shown(paths)}", paths))
    return found


def _is_other_mode(change: Change) -> bool:
    both = {change.old_mode, change.new_mode}
    return len(both) == 2 and not both & {_LINK, _SUBMODULE, _NONE}


def _tests(sides: Sequence[Sides]) -> list[Evidence]:
    """Tests that were deleted, skipped or made to say less. What moved from one test file to another is counted together."""
    own = [s for s in sides if any(is_test(p) for p in _all_paths(s))]
    gone = [s.path for s in own if s.change.status == "D"]
    before = [tested(s.change.old or s.path, s.before) for s in own if s.before is not None]
    after = [tested(s.path, s.after) for s in own if s.after is not None]
    fewer = sum(t.tests for t in before) > sum(t.tests for t in after)
    weaker = [s.path for s in own if _weaker(s)]
    found = []
    if gone and fewer:
        found.append(trip("tests deleted", f"it deletes tests: {shown(gone)}", gone))
    elif fewer:
        paths = [s.path for s in own]
        found.append(trip("fewer tests", f"{sum(t.tests for t in after)} tests are left of {sum(t.tests for t in before)} in {shown(paths)}", paths))
    if weaker:
        found.append(trip("tests weakened", f"it skips or weakens tests in {shown(weaker)}", weaker))
    settings = [s.path for s in sides if s.path.endswith("conftest.py")]
    if settings:
        found.append(trip("test settings", f"it changes {shown(settings)}, which decides what the tests do", settings))
    return found


def _weaker(side: Sides) -> bool:
    if side.before is None or side.after is None:
        return (
            side.after is not None
            and tested(side.path, side.after).always > 0
            and tested(side.path, side.after).asserts <= tested(side.path, side.after).always
        )
    old, new = tested(side.change.old or side.path, side.before), tested(side.path, side.after)
    if new.skips > old.skips or new.always > old.always or _tolerance(side):
        return True
    return new.tests <= old.tests and (new.asserts < old.asserts or new.exact < old.exact)


_TOLERANCE = re.compile(r"\b(?:rel|abs|rel_tol|abs_tol|delta|places|atol|rtol|tolerance|timeout)\s*=\s*([0-9.]+(?:e-?[0-9]+)?)")


def _tolerance(side: Sides) -> bool:
    """The same number of tolerances, and one of them is larger (for `places`: smaller)."""
    old, new = (_TOLERANCE.findall(text or "") for text in (side.before, side.after))
    return len(old) == len(new) and any(_number(b) > _number(a) for a, b in zip(old, new, strict=True))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _secrets(sides: Sequence[Sides]) -> list[Evidence]:
    paths = [s.path for s in sides if holds_secret("\n".join(added_lines(s)), plain=s.path.lower().endswith(_PLAIN))]
    return [trip("secrets", f"it writes what looks like a secret into {shown(paths)}", paths)] if paths else []


def holds_secret(text: str, *, plain: bool = False) -> bool:
    """Is there a key of a known form in the text, or a name of a secret with a value by chance? `plain`: values stand without quotes."""
    if Mask().text(text) != text:
        return True
    hits = [hit[1] for pattern in (_ASSIGNED, *((_UNQUOTED,) if plain else ())) for hit in pattern.findall(text)]
    return any(_entropy(value) >= _ENTROPY and not _is_placeholder(value) for value in hits)


def _entropy(text: str) -> float:
    """Shannon's entropy of the characters, in bits each."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _is_placeholder(text: str) -> bool:
    return bool(re.search(r"(?i)example|placeholder|change.?me|your[-_]|dummy|xxxx|<|\$\{|\{\{|test", text))


def _dependencies(sides: Sequence[Sides]) -> list[Evidence]:
    locks = [s.path for s in sides if is_dependency(s.path)]
    manifests = [s.path for s in sides if is_manifest(s.path)]
    paths = [*locks, *manifests]
    return [trip("dependencies", f"it changes {shown(paths)}, where dependencies and their versions stand", paths)] if paths else []


def _size(sides: Sequence[Sides], largest: int) -> list[Evidence]:
    total = sum(s.change.added + s.change.deleted for s in sides)
    if total > largest:
        return [trip("size", f"it changes {total:,} lines in {plural(len(sides), 'file')}, more than [repositories] largest_diff = {largest:,}", [])]
    long = [s.path for s in sides if sum(map(len, added_lines(s))) > largest * _BYTES_A_LINE]
    return [trip("size", f"it adds so much in few lines that nobody could read it: {shown(long)}", long)] if long else []


def _only_documents(side: Sides) -> bool:
    if side.path.endswith(".py") and side.before is not None and side.after is not None:
        return same_but_for_docstrings(side.before, side.after)
    if side.path.endswith(".ipynb") and side.before is not None and side.after is not None:
        return same_code_cells(side.before, side.after)
    return all(is_document(p) for p in _all_paths(side)) and not is_test(side.path)


def _category(category: str, sides: Sequence[Sides]) -> list[Evidence]:
    """What the category allows against what the diff shows; the stricter reading wins."""
    if category == "Documentation":
        other = [s.path for s in sides if not _only_documents(s)]
        if other:
            return [trip("documentation only", f"it says Documentation, but it changes code: {shown(other)}", other)]
    if category == "Test coverage":
        other = [s.path for s in sides if not is_test(s.path) and not _only_documents(s)]
        if other:
            return [trip("tests only", f"it says Test coverage, but it changes {shown(other)}", other)]
    if category in ("Bug fixes", "Performance optimization") and sides and observed(sides):
        return [trip("observed", f"it says {category}, but it changes nothing that runs: {shown([s.path for s in sides])}", [s.path for s in sides])]
    if category in ("Refactoring", "Bug fixes", "Performance optimization"):
        lost = sorted({n for s in sides if s.path.endswith(".py") and not is_test(s.path) for n in public_names(s.before or "")} - _offered(sides))
        if lost:
            return [trip("public names", f"it says {category}, but {shown(lost)} is gone from what the code offers", lost)]
    return []


def _offered(sides: Sequence[Sides]) -> set[str]:
    return {n for s in sides for n in public_names(s.after or "")}


def _named_by_checks(sides: Sequence[Sides], check_files: Sequence[str]) -> list[Evidence]:
    """A file of the checks that the task changed is taken from the base for the proof; that it was changed is told, and not held against tests."""
    touched = [s.path for s in sides if s.path in check_files and not is_test(s.path) and s.before is not None]
    return [trip("check files", f"it changes {shown(touched)}, which the checks are made of", touched)] if touched else []


def texts(mapping: Mapping[str, tuple[bytes | None, bytes | None]], changes: Sequence[Change]) -> list[Sides]:
    """The changes with their texts, from the bytes of both sides."""
    return [Sides(c, *(None if raw is None or c.binary else raw.decode("utf-8", "replace") for raw in mapping[c.path])) for c in changes]

"""Did the result change anything that a task of its category may not change? The diff is read, not the words about it.

A guard that trips makes the result a question: the branch is kept, nothing ships. Values in, evidence out; nothing here runs anything.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jarvis_lib.execution.proving.reading import (
    guarded,
    is_dependency,
    is_document,
    is_manifest,
    is_test,
    public_names,
    same_but_for_docstrings,
    tested,
)
from jarvis_lib.execution.repositories import Change
from jarvis_lib.execution.secrets import Mask
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean, listed, plural

_LINK, _SUBMODULE = "120000", "160000"
_SHOWN = 4
_ASSIGNED = re.compile(r"(?i)\b\w*(password|passwd|secret|api_?key|access_?token|auth_?token|private_?key)\w*\b\s*[:=]\s*['\"]([^'\"\s]{12,})['\"]")
_ENTROPY = 3.3


@dataclass(frozen=True, slots=True)
class Sides:
    """A changed file with its text before and after; None where it was not there, or is no text."""

    change: Change
    before: str | None
    after: str | None

    @property
    def path(self) -> str:
        return self.change.path


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
    )
    tripped = [e for found in rules for e in found]
    if tripped:
        return tripped
    return [Evidence("guard", "diff", True, "nothing changed that a task of this category may not change")]


def observed(sides: Sequence[Sides]) -> str:
    """The category that the diff itself shows: Documentation, Test coverage, or code (an empty string)."""
    if all(_only_documents(s) for s in sides):
        return "Documentation"
    return "Test coverage" if all(is_test(s.path) or _only_documents(s) for s in sides) else ""


def _trip(name: str, said: str, paths: Sequence[str]) -> Evidence:
    return Evidence("guard", name, False, said, {"paths": list(paths)})


def _shown(paths: Sequence[str]) -> str:
    more = [plural(len(paths) - _SHOWN, "more file")] if len(paths) > _SHOWN else []
    return listed([clean(p)[:100] for p in paths[:_SHOWN]] + more)


def _all_paths(side: Sides) -> list[str]:
    return [side.path, *([side.change.old] if side.change.old else [])]


def _guarded(sides: Sequence[Sides]) -> list[Evidence]:
    groups: dict[str, list[str]] = {}
    for side in sides:
        for path in _all_paths(side):
            if guarded(path):
                groups.setdefault(guarded(path), []).append(path)
    return [_trip(group, f"it changes {_shown(paths)} ({group}), which no task may change without your look", paths) for group, paths in groups.items()]


def _kinds(sides: Sequence[Sides]) -> list[Evidence]:
    links = [s.path for s in sides if s.change.new_mode == _LINK]
    modules = [s.path for s in sides if _SUBMODULE in (s.change.new_mode, s.change.old_mode)]
    modes = [s.path for s in sides if s.change.status == "M" and s.change.new_mode != s.change.old_mode and s.change.new_mode not in (_LINK, _SUBMODULE)]
    made = [s.path for s in sides if s.change.status == "A" and s.change.new_mode == "100755" and not is_test(s.path)]
    binaries = [s.path for s in sides if s.change.binary and s.change.status != "D" and not is_document(s.path)]
    found = []
    for name, paths, said in (
        ("links", links, "it adds the link"),
        ("submodules", modules, "it changes the submodule"),
        ("modes", modes, "it changes the permissions of"),
        ("programs", made, "it adds a file that may be run:"),
        ("binaries", binaries, "it adds or changes what is no text:"),
    ):
        if paths:
            found.append(_trip(name, f"{said} {_shown(paths)}", paths))
    return found


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
        found.append(_trip("tests deleted", f"it deletes tests: {_shown(gone)}", gone))
    elif fewer:
        paths = [s.path for s in own]
        found.append(_trip("fewer tests", f"{sum(t.tests for t in after)} tests are left of {sum(t.tests for t in before)} in {_shown(paths)}", paths))
    if weaker:
        found.append(_trip("tests weakened", f"it skips or weakens tests in {_shown(weaker)}", weaker))
    settings = [s.path for s in sides if s.path.endswith("conftest.py")]
    if settings:
        found.append(_trip("test settings", f"it changes {_shown(settings)}, which decides what the tests do", settings))
    return found


def _weaker(side: Sides) -> bool:
    if side.before is None or side.after is None:
        return (
            side.after is not None
            and tested(side.path, side.after).always > 0
            and tested(side.path, side.after).asserts <= tested(side.path, side.after).always
        )
    old, new = tested(side.change.old or side.path, side.before), tested(side.path, side.after)
    return new.skips > old.skips or new.always > old.always or (new.tests <= old.tests and new.asserts < old.asserts) or _tolerance(side)


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
    mask = Mask()
    paths = []
    for side in sides:
        known = set((side.before or "").splitlines())
        fresh = "\n".join(line for line in (side.after or "").splitlines() if line not in known)
        if mask.text(fresh) != fresh or any(_entropy(hit[1]) >= _ENTROPY and not _is_placeholder(hit[1]) for hit in _ASSIGNED.findall(fresh)):
            paths.append(side.path)
    return [_trip("secrets", f"it writes what looks like a secret into {_shown(paths)}", paths)] if paths else []


def _entropy(text: str) -> float:
    """Shannon's entropy of the characters, in bits each."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _is_placeholder(text: str) -> bool:
    return bool(re.search(r"(?i)example|placeholder|change.?me|your[-_]|dummy|xxxx|<|\$\{|\{\{|test", text))


def _dependencies(sides: Sequence[Sides]) -> list[Evidence]:
    locks = [s.path for s in sides if is_dependency(s.path)]
    manifests = [s.path for s in sides if is_manifest(s.path)]
    paths = [*locks, *manifests]
    return [_trip("dependencies", f"it changes {_shown(paths)}, where dependencies and their versions stand", paths)] if paths else []


def _size(sides: Sequence[Sides], largest: int) -> list[Evidence]:
    total = sum(s.change.added + s.change.deleted for s in sides)
    if total <= largest:
        return []
    return [_trip("size", f"it changes {total:,} lines in {plural(len(sides), 'file')}, more than [repositories] largest_diff = {largest:,}", [])]


def _only_documents(side: Sides) -> bool:
    if side.path.endswith(".py") and side.before is not None and side.after is not None:
        return same_but_for_docstrings(side.before, side.after)
    return all(is_document(p) for p in _all_paths(side)) and not is_test(side.path)


def _category(category: str, sides: Sequence[Sides]) -> list[Evidence]:
    """What the category allows against what the diff shows; the stricter reading wins."""
    if category == "Documentation":
        other = [s.path for s in sides if not _only_documents(s)]
        if other:
            return [_trip("documentation only", f"it says Documentation, but it changes code: {_shown(other)}", other)]
    if category == "Test coverage":
        other = [s.path for s in sides if not is_test(s.path) and not _only_documents(s)]
        if other:
            return [_trip("tests only", f"it says Test coverage, but it changes {_shown(other)}", other)]
    if category == "Refactoring":
        lost = sorted({n for s in sides if s.path.endswith(".py") and not is_test(s.path) for n in public_names(s.before or "")} - _offered(sides))
        if lost:
            return [_trip("public names", f"it says Refactoring, but {_shown(lost)} is gone from what the code offers", lost)]
    return []


def _offered(sides: Sequence[Sides]) -> set[str]:
    return {n for s in sides for n in public_names(s.after or "")}


def _named_by_checks(sides: Sequence[Sides], check_files: Sequence[str]) -> list[Evidence]:
    """A file of the checks that the task changed is taken from the base for the proof; that it was changed is told, and not held against tests."""
    touched = [s.path for s in sides if s.path in check_files and not is_test(s.path) and s.before is not None]
    return [_trip("check files", f"it changes {_shown(touched)}, which the checks are made of", touched)] if touched else []


def texts(mapping: Mapping[str, tuple[bytes | None, bytes | None]], changes: Sequence[Change]) -> list[Sides]:
    """The changes with their texts, from the bytes of both sides."""
    return [Sides(c, *(None if raw is None or c.binary else raw.decode("utf-8", "replace") for raw in mapping[c.path])) for c in changes]

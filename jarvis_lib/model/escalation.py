"""Must this stop at once? Security, data loss, a breaking change, cost over the limit: read in a diff and in what an agent says of its own work.

Pure functions over texts and changes. What is asked for beforehand is read by `policy`; this is about what turned out. A doubt about the data's
integrity halts the session.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean, listed


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a result: its path, whether it is gone, and the lines that were taken away and added."""

    path: str
    gone: bool
    removed: Sequence[str]
    added: Sequence[str]


_DATA_FILE = re.compile(r"(?i)\.(db|sqlite3?|duckdb|parquet|mdb|dump|bak)$")
_MIGRATION = re.compile(r"(?i)(^|/)(migrations?|alembic/versions)/[^/]+\.(py|sql|rb|js|ts)$")
_DROPS = re.compile(
    r"(?i)\b(drop\s+(table|database|schema|column)|truncate\s+table|delete\s+from\s+\w+\s*(;|$)|db\.drop_?(all|database)|\.dropDatabase\()|\brmtree\(\s*[\w.]*(data|backup|store|uploads)[\w.]*\s*[,)]"
)
_VERSION = re.compile(r"""^\s*"?version"?\s*[=:]\s*["'](\d+)\.\d+""")
_NOT = re.compile(r"(?i)\b(no|not|never|without|nothing|none|cannot|no longer)\b|n't\b")
_SECURITY_OFF = re.compile(
    r"(?i)\bverify\s*=\s*False\b|\bcheck_hostname\s*=\s*False\b|\bCERT_NONE\b|InsecureSkipVerify:\s*true|rejectUnauthorized:\s*false|NODE_TLS_REJECT_UNAUTHORIZED"
    r"|\b(csrf_exempt|permission_classes\s*=\s*\[\s*AllowAny|@login_not_required|authentication_classes\s*=\s*\[\s*\])|\bchmod\s+(-R\s+)?0?777\b"
    r"|Access-Control-Allow-Origin['\"]?\s*[:,]\s*['\"]\*"
)
_LOGIN = re.compile(r"(?i)(^|/)(auth|login|session|oauth|permissions?|security|crypto|password)[^/]*(/|\.(py|js|ts|go|rb|java|rs)$)")
_GUARD_REMOVED = re.compile(
    r"(?i)@(login_required|requires_auth|permission_required|jwt_required)\b|\b(check_password|verify_signature|authorize!?|authenticate)\("
)
_SAYS_LOSS = re.compile(
    r"(?i)\bI('ve| have)?\s+(accidentally|mistakenly|inadvertently)\s+\w*(delet|remov|overwr|drop|wip|eras)\w*"
    r"|\b(data|database|backup|table)s?\b[^.\n]{0,60}\b(was|were|is|are|has been|have been)\s+(lost|corrupt\w*|wiped|destroyed)\b"
    r"|\bI('ve| have)?\s+(deleted|dropped|wiped|erased|truncated)\s+(the|all|your)\s+"
    r"((production|whole|entire|live|user|customer)\s+)*(database|data|backups?)\b(?! class)"
    r"|\brm -rf?\b[^.\n]{0,40}\b(data|databases?|backups?)\b"
    r"|\bunable to (recover|restore)\b[^.\n]{0,60}\b(data|backup|files?)\b"
)
_SAYS_SECURITY = re.compile(
    r"(?i)\b(found|contains|exposes?|leaks?|leaked|hard-?coded)\b[^.\n]{0,60}"
    r"\b(credentials?|passwords?|api keys?|secret keys?|private keys?|access tokens?)\b"
    r"|\b(security )?vulnerabilit(y|ies)\b[^.\n]{0,60}\b(found|introduced|exploitable|critical)\b"
    r"|\b(disabled|turned off|switched off|bypassed)\b[^.\n]{0,40}\b(authentication|authorization|certificate)\b"
)
_SAYS_BREAKING = re.compile(
    r"(?i)\b(this|these|it) (is|are|will be|introduces?) (a )?breaking( api)? changes?\b|\bbackwards?[- ]incompatible\b|\bBREAKING CHANGE:"
)


def in_diff(changes: Sequence[FileChange]) -> list[Evidence]:
    """What the changes themselves say: one evidence of kind escalation for each reason, `detail.halt` where data may be in doubt."""
    found = []
    lost = [c.path for c in changes if c.gone and not _is_test(c.path) and (_DATA_FILE.search(c.path) or _MIGRATION.search(c.path))]
    if lost:
        found.append(_evidence("data loss", f"it deletes {_named(lost)}", paths=lost))
    drops = [c.path for c in changes if not _is_prose(c.path) and not _is_test(c.path) and any(_DROPS.search(line) for line in c.added)]
    if drops:
        found.append(_evidence("data loss", f"it adds commands that drop data, in {_named(drops)}", paths=drops))
    off = [c.path for c in changes if not _is_prose(c.path) and not _is_test(c.path) and any(_SECURITY_OFF.search(line) for line in c.added)]
    if off:
        found.append(_evidence("security", f"it turns a protection off, in {_named(off)}", paths=off))
    opened = [c.path for c in changes if _LOGIN.search(c.path) and _count(_GUARD_REMOVED, c.removed) > _count(_GUARD_REMOVED, c.added)]
    if opened:
        found.append(_evidence("security", f"it takes a check of who may do it away, in {_named(opened)}", paths=opened))
    majors = [c.path for c in changes if (was := _major(c.removed)) is not None and (now := _major(c.added)) is not None and now > was > 0]
    if majors:
        found.append(_evidence("breaking change", f"it raises the first number of the version, in {_named(majors)}", paths=majors))
    return found


def _major(lines: Sequence[str]) -> int | None:
    return next((int(hit[1]) for hit in map(_VERSION.match, lines) if hit), None)


def in_text(text: str) -> list[Evidence]:
    """What an agent says of its own work. A word that data is lost halts the session; that it is only a word is for the person to find out."""
    found = []
    for rule, pattern, halt in (("data loss", _SAYS_LOSS, True), ("security", _SAYS_SECURITY, False), ("breaking change", _SAYS_BREAKING, False)):
        hit = next((h for h in pattern.finditer(text) if not _is_denied(text, h)), None)
        if hit:
            found.append(_evidence(rule, f"its own words speak of it ({clean(' '.join(hit.group(0).split()))[:100]!r})", halt=halt))
    return found


def _is_denied(text: str, hit: re.Match[str]) -> bool:
    """Does its own clause say that it is not so?"""
    clause = re.split(r"[.;:,\n]", text[: hit.start()])[-1] + hit.group(0)
    return bool(_NOT.search(clause))


def in_cost(cost: float | None, limit: float) -> list[Evidence]:
    """A call that cost more than a task may; an unknown cost says nothing."""
    if cost is None or not limit or cost <= limit * 1.1:
        return []
    return [_evidence("cost", f"it cost {cost:.2f} $, and a task may cost {limit:.2f} $")]


def _evidence(rule: str, said: str, *, halt: bool = False, paths: Sequence[str] = ()) -> Evidence:
    detail: Mapping[str, object] = {"halt": halt, "paths": list(paths)}
    return Evidence("escalation", rule, False, f"{rule}: {said}", dict(detail))


def _count(pattern: re.Pattern[str], lines: Sequence[str]) -> int:
    return sum(bool(pattern.search(line)) for line in lines)


def _is_prose(path: str) -> bool:
    return path.lower().endswith((".md", ".rst", ".txt", ".adoc", ".html"))


def _is_test(path: str) -> bool:
    return bool(re.search(r"(^|/)(tests?|spec|__tests__|fixtures)/|(^|/)test_|_test\.|\.(test|spec)\.", path))


def _named(paths: Sequence[str]) -> str:
    return listed([clean(p)[:80] for p in paths[:3]] + ([f"{len(paths) - 3} more"] if len(paths) > 3 else []))

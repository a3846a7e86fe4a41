"""Written rules: may this task run without asking? One decision, with its reasons and the policy's hash.

The category is a claim. The words of the task and its recipe are read against it, and the stricter reading wins.
"""

import re
from dataclasses import asdict, dataclass

from jarvis_lib.model.asking import questions
from jarvis_lib.model.fact import digest
from jarvis_lib.model.task import Task
from jarvis_lib.model.trust import Record, Terms, trusted

ORDER = ("auto", "ask", "escalate", "refuse")


@dataclass(frozen=True, slots=True)
class Policy:
    """The `[policy]` section. Categories in neither list are asked for."""

    auto: tuple[str, ...]
    ask: tuple[str, ...]
    auto_accept: tuple[str, ...]
    cost_limit: float
    trust: Terms | None = None
    """`[trust]` while it is on."""

    @property
    def hash(self) -> str:
        """Of all that decides; while trust is off it is not part of it."""
        return digest({name: value for name, value in asdict(self).items() if value is not None})[:16]


@dataclass(frozen=True, slots=True)
class Decision:
    """`verdict` is auto, ask, escalate or refuse; `rule` names the rule that decided; `risk` is low, medium or high."""

    verdict: str
    rule: str
    reasons: tuple[str, ...]
    risk: str


_ESCALATE = (
    ("security", r"\b(security|vulnerabilit\w+|exploit\w*|credential\w*|password\w*|secret key|api[ -]?keys?|private key|cve-\d+)\b", "it speaks of security"),
    (
        "data loss",
        r"\bdata loss\b|\b(drop|truncate)\s+(table|database|schema)\b|\b(delete|wipe|erase|purge)\s+(all|every\w*|the (whole|entire|production))\b"
        r"|\brm\s+(-[\w-]+\s+)*(-\w*r\w*|--recursive)\b|\bmkfs\b|\bdd\s+if=",
        "it could lose data",
    ),
    ("breaking change", r"\bbreaking[ -]changes?\b|\bbackwards?[ -]incompatible\b|\bremove (the )?(public )?api\b", "it announces a breaking change"),
)
_STRICTER = (
    (
        "External actions",
        r"\b(e-?mail|tweet|publish|deploy|announce|notify)\b.{0,40}\b(to|customers?|users?|clients?|team|production|release)\b"
        r"|\b(send|post|upload)\b.{0,40}\b(e-?mail|message|slack|twitter|customers?|invoice|newsletter|to https?:)"
        r"|\bgit\s+push\b|\b(curl|wget|ssh|scp|rsync|twine|sendmail)\b|\bnpm\s+publish\b|\bkubectl\b|\bterraform\s+apply\b",
        "it acts outside this machine",
    ),
    (
        "Config changes",
        r"\b(change|edit|update|modify)\w*\b.{0,40}(\b(config(uration)?|settings|environment variables?|jarvis\.toml|crontab)|\.env)\b|\bcrontab\s+-",
        "it changes configuration",
    ),
    ("Config changes", r"\b(sudo|systemctl|apt(-get)? install|pip install|chmod|chown)\b", "it changes the machine"),
    (
        "New features",
        r"\b(add|build|create|implement)\w*\b.{0,30}\b(new )?(feature|endpoint|button|sign[- ]?up|checkout|payment)\b",
        "it reads like a new feature",
    ),
)
_HOUSEKEEPING = re.compile(
    r"(?i)\b(rotat\w+|compress\w*)\b.*\blogs?\b|\blogs?\b.*\b(rotat\w+|compress\w*)\b|\b(cache|temp(orary)?)\b.*\b(clean\w*|clear\w*|prun\w+)\b"
    r"|\b(clean\w*|clear\w*|prun\w+)\b.*\b(cache|temp(orary)?)\b|\b(vacuum|compact|optimi[sz]e|analy[sz]e|reindex)\w*\b.*\bdatabases?\b"
    r"|\bdatabases?\b.*\b(vacuum|compact|optimi[sz]|reindex)\w*|\bbackups?\b.*\bverif\w+|\bverif\w+\b.*\bbackups?\b|\bmaintenance\b"
)


def decide(task: Task, policy: Policy, record: Record | None = None) -> Decision:
    """The strictest of all readings of `task` under `policy`, with one reason for each reading that counted.

    A `record` that was widened and holds lets its own category through; words, questions and cost are read as ever.
    """
    readings = [_by_category(task, policy, record), *_by_words(task, policy), *_by_questions(task), *_by_cost(task, policy)]
    strictest = max(readings, key=lambda d: ORDER.index(d.verdict))
    reasons = [r for d in readings if d.verdict == strictest.verdict for r in d.reasons]
    return Decision(strictest.verdict, strictest.rule, tuple(dict.fromkeys(reasons)), strictest.risk)


def _by_category(task: Task, policy: Policy, record: Record | None) -> Decision:
    own = _by_own_category(task, policy)
    why = trusted(record, policy.trust)
    return Decision("auto", f"trust:{task.category}", (f"it runs without asking because {why}",), "medium") if own.verdict == "ask" and why else own


def _by_own_category(task: Task, policy: Policy) -> Decision:
    name = task.category
    rule = f"category:{name}"
    if name not in policy.auto:
        return Decision("ask", rule, (f"{name} needs your yes",), "medium")
    if name in ("Test coverage", "Refactoring") and not task.checks:
        return Decision("ask", rule, (f"{name} is automatic only with a check that proves it (--check)",), "medium")
    if name == "Infrastructure" and not _is_housekeeping(task):
        return Decision(
            "ask",
            rule,
            ("Infrastructure is automatic only for log rotation, cache and temp cleaning, database optimising and backup verification",),
            "medium",
        )
    return Decision("auto", rule, (f"{name} may run without asking",), "low")


def _is_housekeeping(task: Task) -> bool:
    own_recipe = task.recipe is None or task.recipe.origin == "default"
    return own_recipe and bool(_HOUSEKEEPING.search(f"{task.title}\n{task.description}"))


def _texts(task: Task) -> str:
    parts = [task.title, task.description]
    if task.recipe is not None:
        parts += [task.recipe.shell, " ".join(task.recipe.argv)]
    return "\n".join([*parts, *(c.command for c in task.checks), *(m.command for m in task.measures)])


def _by_words(task: Task, policy: Policy) -> list[Decision]:
    text = _texts(task)
    found = []
    for rule, pattern, why in _ESCALATE:
        hit = re.search(pattern, text, re.IGNORECASE)
        if hit:
            found.append(Decision("escalate", f"escalate:{rule}", (f"{why} ({' '.join(hit.group(0).split())[:40]!r})",), "high"))
    for category, pattern, why in _STRICTER:
        hit = re.search(pattern, text, re.IGNORECASE)
        if hit and category != task.category and category not in policy.auto:
            reason = f"{why} ({' '.join(hit.group(0).split())[:40]!r}), which counts as {category} whatever its category says"
            found.append(Decision("ask", f"reads-as:{category}", (reason,), "medium"))
    return found


def _by_questions(task: Task) -> list[Decision]:
    return [Decision("ask", f"question:{q.word}", (q.said,), "medium") for q in questions(task) if q.decisive]


def foreseen(task: Task) -> list[str]:
    """The questions that the night would have, each with what answers it; also those that may wait until the result is looked at."""
    return [q.said for q in questions(task)]


def _by_cost(task: Task, policy: Policy) -> list[Decision]:
    if task.cost is None or task.cost <= policy.cost_limit:
        return []
    return [Decision("escalate", "escalate:cost", (f"its cost {task.cost:g} is over the limit {policy.cost_limit:g}",), "high")]

"""What will this task ask in the night? Questions that can be foreseen when it is added, each with what answers it.

At night nobody answers, so a task that would need an answer waits for it beforehand (`decisive`), and the others are told.
"""

import re
from dataclasses import dataclass

from jarvis_lib.model.task import Task

_IRREVERSIBLE = re.compile(
    r"(?i)\bgit\s+push\b[^\n;|&]*(?:--force(?!-with-lease)\b|\s-f\b|--mirror|--delete)|\bgit\s+(?:reset\s+--hard|clean\s+-\w*[fdx]|filter-repo|filter-branch)\b"
    r"|\brm\s+(?:-[\w-]+\s+)*(?:-\w*r\w*|--recursive)\b|\bfind\b[^\n|;]*\s-delete\b|\bshred\b|\bmkfs\b|\bdd\s+(?:if|of)=|\btruncate\s+-s\s*0\b"
    r"|\bdrop\s+(?:table|database|schema|index)\b|\bdelete\s+from\s+\w+\s*(?:;|$|[\"'])|\btruncate\s+table\b"
    r"|\bkubectl\s+(?:delete|drain)\b|\bhelm\s+(?:uninstall|delete)\b|\bterraform\s+(?:destroy|apply)\b|\baws\s+s3\s+(?:rm|rb)\b|\bgsutil\s+rm\b"
    r"|\bdocker\s+(?:system|volume)\s+(?:prune|rm)\b|\b(?:curl|wget)\b[^\n|]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\b(?:npm|cargo|twine|gem|poetry|uv)\s+(?:publish|upload)\b"
    r"|\bsystemctl\s+(?:stop|disable)\b|\b(?:shutdown|reboot)\b|\bkill(?:all)?\s+-9\b|\bchmod\s+-R\b"
)
_SCOPE = (
    (r"\b(delete|remove|drop|purge|wipe)\w*\b.{0,40}\b(all|every\w*|old|unused|users?|files?|records?|tables?|data(base)?|branch\w*)\b", "what may be deleted"),
    (r"\b(publish|release|deploy|push)\w*\b.{0,40}\b(to|on|npm|pypi|production|live|package|site|version|it)\b", "what may be published"),
    (r"\bmigrat(e|es|ing|ion)\b.{0,60}\b(to|from|database|schema|data|users?|tables?)\b", "what is migrated, and how to go back"),
    (r"\brename\b.{0,20}\b(all|every\w*|throughout|everywhere)\b|\brewrite (the )?(whole|entire|everything)\b", "how far it goes"),
    (r"\b(all|every) (the )?(files?|modules?|tests|repositor\w+|packages|services)\b", "how far it goes"),
    (r"\b(in|on|the|to) (production|prod|live)\b", "what may happen in production"),
)
_LEAST_WORDS = 5
_VAGUE = re.compile(
    r"(?i)^\s*(fix|improve|clean|update|refactor|optimi[sz]e|make|do)\s*(it|this|things?|stuff|the (code|app|bugs?|project)|up|better|everything)?\s*[.!]?\s*$"
)


@dataclass(frozen=True, slots=True)
class Question:
    """`word` names its kind, `said` asks and says what answers it; a `decisive` one is answered before anything runs."""

    word: str
    said: str
    decisive: bool


def questions(task: Task) -> list[Question]:
    """What can be foreseen of this task, in the order in which it should be answered."""
    agent = task.recipe is not None and task.recipe.kind == "agent"
    found = _irreversible(task)
    if agent:
        found += [*_vague(task), *_scope(task)]
    if (agent or task.repo) and not task.no_change_expected and not task.checks and not task.measures:
        found.append(_unproved(task))
    return found


def _irreversible(task: Task) -> list[Question]:
    lines = [*(c.command for c in task.checks), *(m.command for m in task.measures)]
    if task.recipe is not None:
        lines += [task.recipe.shell, " ".join(task.recipe.argv)]
    hit = next((h for h in map(_IRREVERSIBLE.search, lines) if h), None)
    if hit is None:
        return []
    said = f"{' '.join(hit.group(0).split())[:60]!r} cannot be undone: should it run? Approve it (jarvis approve {_id(task)}), or change the command"
    return [Question("irreversible", said, decisive=True)]


def _vague(task: Task) -> list[Question]:
    words = f"{task.title} {task.description}".split()
    if task.description.strip() or (len(words) >= _LEAST_WORDS and not _VAGUE.match(task.title)):
        return []
    said = f"the goal is only {task.title[:60]!r}: what should be so afterwards? Say it with jarvis queue edit {_id(task)} --description '…'"
    return [Question("vague", said, decisive=True)]


def _scope(task: Task) -> list[Question]:
    text = f"{task.title}\n{task.description}"
    for pattern, what in _SCOPE:
        hit = re.search(pattern, text, re.IGNORECASE)
        if hit:
            spoken = " ".join(hit.group(0).split())[:60]
            said = f"it speaks of {spoken!r}: is it clear {what}? Say it in the description, and approve it: jarvis approve {_id(task)}"
            return [Question("scope", said, decisive=True)]
    return []


def _unproved(task: Task) -> Question:
    answer = {
        "Performance optimization": "--measure 'COMMAND'",
        "Documentation": "--check 'COMMAND', such as one that builds the documentation",
        "Bug fixes": "--check 'COMMAND' that fails today, unless it should write the failing test itself",
    }.get(task.category, "--check 'COMMAND'")
    return Question("no check", f"nothing would notice if it failed: give it jarvis queue edit {_id(task)} {answer}", decisive=False)


def _id(task: Task) -> str:
    return task.id or "ID"

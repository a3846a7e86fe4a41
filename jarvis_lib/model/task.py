"""Tasks: what somebody wants done, how it is done, and what would prove it."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jarvis_lib.model.fact import Refused, digest, moment, stamp
from jarvis_lib.model.prose import clean, hint, listed

PRIORITIES = {"CRITICAL": 5, "HIGH": 4, "MEDIUM": 3, "LOW": 2, "BACKLOG": 1}
"""Priority and its value; the seed's score is value / hours."""

CATEGORIES = (
    "Performance optimization",
    "New features",
    "Bug fixes",
    "Research/analysis",
    "Documentation",
    "Infrastructure",
    "Test coverage",
    "Refactoring",
    "External actions",
    "Config changes",
    "API integrations",
    "User-facing changes",
)

AGENTS = ("claude", "codex", "openclaw", "custom")
"""Coding agents that Jarvis has an adapter for."""

TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 20_000
LABEL_LIMIT = 60
HOURS_LIMIT = 200.0
_SPELLINGS = {
    "performance": "Performance optimization",
    "optimization": "Performance optimization",
    "optimisation": "Performance optimization",
    "performance optimisation": "Performance optimization",
    "new feature": "New features",
    "feature": "New features",
    "features": "New features",
    "bug": "Bug fixes",
    "bugs": "Bug fixes",
    "bugfix": "Bug fixes",
    "bug fix": "Bug fixes",
    "research": "Research/analysis",
    "analysis": "Research/analysis",
    "docs": "Documentation",
    "infra": "Infrastructure",
    "tests": "Test coverage",
    "testing": "Test coverage",
    "refactor": "Refactoring",
    "external": "External actions",
    "config": "Config changes",
    "configuration": "Config changes",
    "api": "API integrations",
    "user facing": "User-facing changes",
    "ui": "User-facing changes",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a task is done. `kind` is `notebook` (papermill), `command` or `agent` (a coding-agent CLI).

    A notebook has `notebook` (path relative to the workspace) and `parameters`; a command has `argv`, or `shell`
    (a line for `sh -c`). `cwd` is relative to the workspace, of a repository task to the top of its copy; `origin` says who chose it:
    `person` or `default`. An agent has `agent`, the name of its adapter, or none for the first of `[agent] order` that may work.
    """

    kind: str
    notebook: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    argv: tuple[str, ...] = ()
    shell: str = ""
    cwd: str = "."
    origin: str = "person"
    agent: str = ""

    def said(self) -> str:
        """The recipe in a few words."""
        if self.kind == "notebook":
            return f"notebook {self.notebook}"
        if self.kind == "agent":
            return f"agent {self.agent}" if self.agent else "agent"
        return f"command {self.shell or ' '.join(self.argv)}"


@dataclass(frozen=True, slots=True)
class Check:
    """A command that must exit 0 after the attempt. `wall_s` bounds it; a check that hangs has failed."""

    command: str
    name: str = ""
    wall_s: float = 300.0
    origin: str = "person"


@dataclass(frozen=True, slots=True)
class Measure:
    """A command whose last printed number is taken before and after.

    `{changed}` in the command stands for the first `changes` path: the kept copy for *before*, the live file for
    *after*, which lets both be run interleaved. `better` is `lower` or `higher`; `target` a least ratio, 0 for none.
    """

    command: str
    name: str = "measure"
    unit: str = "s"
    better: str = "lower"
    repeats: int = 7
    target: float = 0.0
    wall_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Task:
    """The content of a task as somebody stated it; its state stands in the store.

    `resumable`: it keeps its own progress, so it may be stopped at a window's end and gone on with in the next. `project` and `tags` are the
    person's own words, for grouping and for the hours in which it should run.

    `repo`: the task works in a copy of this git repository (absolute path), and its result is a branch. `network` and `secrets` (names) are what
    the person grants it. `no_change_expected`: a result without any change is no hollow one. `follows`: the task whose agent session and branch
    it goes on with. `needs`: what a machine must have to run it, such as `gpu=1` or `tag:big`. `every`: the rule by which it comes again, and `series`
    what all its occurrences have in common.
    """

    id: str
    title: str
    description: str
    hours: float
    category: str
    priority: str
    recipe: Recipe | None = None
    checks: tuple[Check, ...] = ()
    measures: tuple[Measure, ...] = ()
    changes: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    due: datetime | None = None
    cost: float | None = None
    wall_s: float | None = None
    resumable: bool = False
    project: str = ""
    tags: tuple[str, ...] = ()
    repo: str = ""
    network: bool = False
    secrets: tuple[str, ...] = ()
    no_change_expected: bool = False
    follows: str = ""
    needs: tuple[str, ...] = ()
    every: str = ""
    series: str = ""

    @property
    def claims(self) -> tuple[str, ...]:
        """What no other attempt may work on meanwhile: its declared paths, and its repository."""
        return (*self.changes, f"repo:{self.repo}") if self.repo else self.changes

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, which its content hash is taken from; a field that came later is left out while it is empty."""
        raw: dict[str, Any] = {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "hours": self.hours,
            "category": self.category,
            "priority": self.priority,
            "recipe": None,
            "checks": [_plain(c) for c in self.checks],
            "measures": [_plain(m) for m in self.measures],
            "changes": list(self.changes),
            "after": list(self.after),
            "due": stamp(self.due) if self.due else None,
            "cost": self.cost,
            "wall_s": self.wall_s,
        }
        if self.recipe is not None:
            raw["recipe"] = _plain(self.recipe) | {"argv": list(self.recipe.argv)}
            if not self.recipe.agent:
                del raw["recipe"]["agent"]
        # Left out while they say nothing, so that the hash of a task of before they existed, and its approval, hold.
        later = {"resumable": self.resumable, "project": self.project, "tags": list(self.tags), "repo": self.repo, "network": self.network}
        later |= {"secrets": list(self.secrets), "no_change_expected": self.no_change_expected, "follows": self.follows, "needs": list(self.needs)}
        later |= {"every": self.every, "series": self.series}
        return raw | {name: value for name, value in later.items() if value}


def task_from_json(raw: dict[str, Any]) -> Task:
    """The task in `raw`, as `Task.to_json` wrote it."""
    recipe = raw.get("recipe")
    return Task(
        id=raw["id"],
        title=raw["title"],
        description=raw["description"],
        hours=raw["hours"],
        category=raw["category"],
        priority=raw["priority"],
        recipe=Recipe(**(recipe | {"argv": tuple(recipe["argv"])})) if recipe else None,
        checks=tuple(Check(**c) for c in raw.get("checks", ())),
        measures=tuple(Measure(**m) for m in raw.get("measures", ())),
        changes=tuple(raw.get("changes", ())),
        after=tuple(raw.get("after", ())),
        due=moment(raw["due"]) if raw.get("due") else None,
        cost=raw.get("cost"),
        wall_s=raw.get("wall_s"),
        resumable=raw.get("resumable", False),
        project=raw.get("project", ""),
        tags=tuple(raw.get("tags", ())),
        repo=raw.get("repo", ""),
        network=raw.get("network", False),
        secrets=tuple(raw.get("secrets", ())),
        no_change_expected=raw.get("no_change_expected", False),
        follows=raw.get("follows", ""),
        needs=tuple(raw.get("needs", ())),
        every=raw.get("every", ""),
        series=raw.get("series", ""),
    )


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def category(word: str) -> str:
    """The category that `word` means: any case, common short forms. Refuses others with the list."""
    folded = " ".join(word.replace("-", " ").replace("_", " ").replace("/", " ").split()).casefold()
    for known in CATEGORIES:
        if folded == known.replace("/", " ").replace("-", " ").casefold():
            return known
    if folded in _SPELLINGS:
        return _SPELLINGS[folded]
    raise Refused(
        f"Unknown category {clean(word)[:60]!r}.{hint(word, CATEGORIES)} Categories: {', '.join(CATEGORIES)}.",
        code="usage",
    )


def priority(word: str) -> str:
    """The priority that `word` means, in any case. Refuses others with the list."""
    if word.strip().upper() in PRIORITIES:
        return word.strip().upper()
    raise Refused(
        f"Unknown priority {clean(word)[:60]!r}.{hint(word, PRIORITIES)} Priorities: {', '.join(PRIORITIES)}.",
        code="usage",
    )


def estimate(text: str | float) -> float:
    """Hours as a number above 0 and at most HOURS_LIMIT. Refuses NaN, zero, negative and far too long."""
    try:
        value = float(text)
    except ValueError:
        raise Refused(f"Hours must be a number, not {clean(str(text))[:40]!r}; for example 1.5.", code="usage") from None
    if not math.isfinite(value) or value <= 0:
        raise Refused(f"Hours must be more than 0, not {text}; for example 0.5 for half an hour.", code="usage")
    if value > HOURS_LIMIT:
        raise Refused(f"{value:g} hours do not fit any window (the limit is {HOURS_LIMIT:g}); split the task into parts.", code="usage")
    return value


def cost(value: float | None) -> float | None:
    """A cost of 0 or more, or None for unknown. Refuses NaN, infinity and less than 0."""
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise Refused(f"The cost must be a number of 0 or more, not {value}.", code="usage")
    return value


def title(text: str) -> str:
    """A title of one clean line, 1 to TITLE_LIMIT characters."""
    tidy = clean(text)
    if not tidy:
        raise Refused("The title is empty; say in a few words what should be done.", code="usage")
    if len(tidy) > TITLE_LIMIT:
        raise Refused(
            f"The title has {len(tidy):,} characters; the limit is {TITLE_LIMIT}. Put the rest into the description.",
            code="usage",
        )
    return tidy


def label(text: str, what: str) -> str:
    """A project or a tag: one clean line of at most LABEL_LIMIT characters."""
    tidy = clean(text)
    if not tidy or len(tidy) > LABEL_LIMIT:
        raise Refused(f"A {what} is 1 to {LABEL_LIMIT} characters long, not {len(tidy)}.", code="usage")
    return tidy


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NEED = re.compile(r"gpu=[0-9]{1,3}|memory=[0-9]{1,5}(\.[0-9]+)?(MB|GB)|tag:[A-Za-z0-9_.-]{1,40}")


def secret_name(text: str) -> str:
    """The name of a secret: that of an environment variable. Refuses a value in its place."""
    if not _NAME.fullmatch(text.strip()) or text.strip() == "JARVIS_HOME":
        raise Refused("--secret takes the name under which a secret is kept, such as GITHUB_TOKEN, and never the secret itself.", code="usage")
    return text.strip()


def need(text: str) -> str:
    """What a machine must have: `gpu=1`, `memory=8GB` or `tag:WORD`."""
    if not _NEED.fullmatch(text.strip()):
        raise Refused(f"{clean(text)[:40]!r} is no need of a task; write gpu=1, memory=8GB or tag:WORD.", code="usage")
    return text.strip()


def description(text: str) -> str:
    """Clean text of several lines, at most DESCRIPTION_LIMIT characters."""
    tidy = clean(text, keep_lines=True)
    if len(tidy) > DESCRIPTION_LIMIT:
        raise Refused(f"The description has {len(tidy):,} characters; the limit is {DESCRIPTION_LIMIT:,}.", code="usage")
    return tidy


_TEST_LINE = re.compile(r"(?im)^\s*tests?:\s*(\S.*)$")
_TARGET_LINE = re.compile(r"(?im)^\s*target:\s*([0-9]+(?:\.[0-9]+)?)\s*x\b")


def proposed_checks(text: str) -> tuple[tuple[str, ...], float | None]:
    """What a description proposes: the commands of its `Test: …` lines and the ratio of its `Target: 3x` line."""
    target = _TARGET_LINE.search(text)
    return tuple(m.strip() for m in _TEST_LINE.findall(text)), float(target.group(1)) if target else None


def content_hash(task: Task, files: dict[str, str]) -> str:
    """SHA-256 over what is approved: the task's content (without its id) and the hashes of the files it names."""
    content = task.to_json()
    del content["id"]
    return digest({"task": content, "files": files})


def shared_paths(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """The paths of `some` that are, hold or lie in one of `others`: two attempts may not change them at the same time."""
    rest = list(others)
    return sorted({p for p in some for o in rest if p == o or p.startswith(f"{o}/") or o.startswith(f"{p}/")})


def said_claims(claims: Iterable[str]) -> str:
    """The paths and repositories of claims, in words."""
    return listed([f"the repository {c.removeprefix('repo:')}" if c.startswith("repo:") else c for c in claims])


def size_class(hours: float) -> str:
    """Where a task belongs by size: `quick_win` (<= 2 h), `overnight` (<= 6), `work_hours` (<= 8), `weekend`."""
    if hours <= 2:
        return "quick_win"
    if hours <= 6:
        return "overnight"
    return "work_hours" if hours <= 8 else "weekend"

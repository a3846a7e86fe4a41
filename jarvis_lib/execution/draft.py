"""What does this `add` mean as a task: which recipe, which checks, which files? Everything wrong is refused here, before a write.

Promise: values in, task out. It reads the notebook that the task names and looks whether files exist; it writes nothing, knows no
store and loads nothing heavy, because `jarvis add` must answer in the time of a blink.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from jarvis_lib.execution.lines import checked, is_prose, needs_shell
from jarvis_lib.execution.offers import Offer, below, card_commands, card_paths, default_recipe, notebook_recipe, offers
from jarvis_lib.model import task as words
from jarvis_lib.model.fact import Refused, new_id
from jarvis_lib.model.prose import clean, hint, hours, listed, plural
from jarvis_lib.model.task import AGENTS, Check, Measure, Recipe, Task

if TYPE_CHECKING:
    from jarvis_lib.execution.offers import Sources


class Extras(TypedDict, total=False):
    """What may be said of a task beside its five words (title, description, hours, category, priority); what is left out is left open."""

    notebook: str | None
    parameters: Mapping[str, Any] | None
    command: str | None
    checks: Sequence[str]
    measures: Sequence[str]
    changes: Sequence[str]
    after: Sequence[str]
    due: datetime | None
    cost: float | None
    resumable: bool
    project: str
    tags: Sequence[str]
    repo: str | None
    agent: str | None
    network: bool
    secrets: Sequence[str]
    no_change_expected: bool
    needs: Sequence[str]
    follows: str
    every: str


def draft(
    home: Path,
    settings: "Sources",
    *,
    title: str,
    description: str,
    hours: str | float,
    category: str,
    priority: str,
    series: str = "",
    by_default: bool = True,
    id: str | None = None,
    **more: Unpack[Extras],
) -> Task:
    """The task that these words mean, complete with recipe, checks and measures. Raises Refused with one sentence.

    Without `notebook` and `command` it takes the default recipe of its category, or none (`why_no_recipe` says why). What the
    person gives of `checks`, `measures` or `changes` stands in place of what the recipe's own card promises of that kind.
    `after` holds whole ids; whether they exist is for the store to say. With `repo` it works in a copy of that git repository, and an agent does
    it unless a command is given; `agent` is the name of one, or `any`. `every` is a rule by which it comes again (`recurring.parse`). With
    `by_default` False a task that names no recipe has none.
    """
    _refuse_strange(more)
    where = repository(repo) if (repo := more.get("repo")) else ""
    notebook, command, agent = more.get("notebook"), more.get("command"), more.get("agent")
    _refuse_mixed(where, notebook, command, agent, more.get("changes", ()))
    top = Path(where) if where else home
    task = Task(
        id=id or new_id(),
        title=words.title(title),
        description=words.description(description),
        hours=words.estimate(hours),
        category=words.category(category),
        priority=words.priority(priority),
        repo=where,
        series=(series or new_id()) if more.get("every") else "",
    )
    task = _with_extras(home, top, task, more)
    if agent is not None or (where and command is None):
        return _proposed(top, replace(task, recipe=agent_recipe(agent or "any")))
    if not by_default and notebook is None and command is None:
        return _proposed(top, task)
    return _proposed(top, _with_recipe(top, settings, task, notebook, more.get("parameters") or {}, command))


def _refuse_strange(more: Extras) -> None:
    strange = more.keys() - Extras.__annotations__.keys()
    if strange:
        raise TypeError(f"a task has no {', '.join(sorted(strange))}")
    every = more.get("every", "")
    if every:
        from jarvis_lib.model.recurring import parse

        parse(every)
        if more.get("due") is not None:
            raise Refused("A task that comes again has no single due date; leave --due out, or --every.", code="usage")


def _with_extras(home: Path, top: Path, task: Task, more: Extras) -> Task:
    """`task` with what else was said of it, each in its tidy form. Commands are looked up below `top`, changed files below `home`."""
    project = more.get("project", "")
    return replace(
        task,
        checks=tuple(Check(checked(top, c, "check")) for c in more.get("checks", ())),
        measures=_own_measures(top, more.get("measures", ())),
        changes=below(home, more.get("changes", ())),
        after=tuple(dict.fromkeys(more.get("after", ()))),
        due=more.get("due"),
        cost=words.cost(more.get("cost")),
        resumable=bool(more.get("resumable")),
        project=words.label(project, "project") if project else "",
        tags=tuple(dict.fromkeys(words.label(t, "tag").casefold() for t in more.get("tags", ()))),
        network=bool(more.get("network")),
        secrets=tuple(dict.fromkeys(words.secret_name(n) for n in more.get("secrets", ()))),
        no_change_expected=bool(more.get("no_change_expected")),
        needs=tuple(dict.fromkeys(words.need(n) for n in more.get("needs", ()))),
        follows=more.get("follows", ""),
        every=" ".join(clean(more.get("every", "")).split()),
    )


def repository(path: str) -> str:
    """The whole path of the git repository at `path`. Refuses what is none."""
    full = os.path.realpath(os.path.expanduser(path))
    if not os.path.isdir(full):
        raise Refused(f"There is no folder {clean(path)[:120]}; --repo names a git repository of yours.", code="usage")
    if not os.path.exists(os.path.join(full, ".git")):
        raise Refused(f"{clean(path)[:120]} is not the top of a git repository; name the folder that holds its .git.", code="usage")
    return full


def agent_recipe(name: str) -> Recipe:
    """The recipe that has an agent do it: `any` for the first of `[agent] order` that may work. Refuses an unknown name."""
    if name != "any" and name not in AGENTS:
        raise Refused(f"There is no agent {clean(name)[:40]!r}.{hint(name, AGENTS)} Agents: {', '.join(AGENTS)}, or any.", code="usage")
    return Recipe("agent", agent="" if name == "any" else name)


def _refuse_mixed(repo: str, notebook: str | None, command: str | None, agent: str | None, changes: Sequence[str]) -> None:
    if agent is not None and (notebook is not None or command is not None):
        raise Refused("A task has one recipe: give --agent, --notebook or --command, not two of them.", code="usage")
    if repo and notebook is not None:
        raise Refused("A notebook works in the workspace; in a repository give --command or --agent.", code="usage")
    if repo and changes:
        raise Refused("In a repository everything that changes is seen, so leave --changes out.", code="usage")


def revise(home: Path, settings: "Sources", task: Task, **changes: Any) -> Task:
    """`task` with the given arguments of `draft` in place of its own; what its recipe's card had brought is worked out anew.

    An argument that is absent or None keeps what stands; an empty list clears it.
    """
    given = {k: v for k, v in changes.items() if v is not None}
    own = _arguments(home, task) | given
    if {"notebook", "command", "agent"} & set(given):
        own |= {k: given.get(k) for k in ("notebook", "command", "agent", "parameters")}
    elif "parameters" in given and task.recipe is not None and task.recipe.kind == "notebook":
        own |= {"notebook": task.recipe.notebook, "parameters": task.recipe.parameters | dict(given["parameters"])}
    redrafted = draft(home, settings, **own)
    kept = task.measures if "measures" not in given and own["measures"] else redrafted.measures
    return replace(redrafted, measures=kept, wall_s=task.wall_s)


def added(home: Path, task: Task) -> dict[str, Any]:
    """The data of a `task.added` fact: the content, and the hash over it with the bytes of the files that it names."""
    return {"task": task.to_json(), "content_hash": words.content_hash(task, _files(home, task))}


def _files(home: Path, task: Task) -> dict[str, str]:
    if task.recipe is None and not task.checks and not task.measures:
        return {}  # it names no command, so no file
    from jarvis_lib.execution.digests import files_of

    return files_of(home, task)


def said(task: Task) -> str:
    """`k3f9x2m1qa: Optimize database (2.0 h, Performance optimization, HIGH). Recipe: … (default). 1 check, 1 measure.`"""
    head = f"{task.id}: {task.title} ({hours(task.hours)}, {task.category}, {task.priority})."
    if task.recipe is None:
        return head
    recipe = task.recipe.notebook or task.recipe.shell or " ".join(task.recipe.argv) or task.recipe.said()
    where = f" in a copy of {task.repo}" if task.repo else ""
    return f"{head} Recipe: {recipe}{where} ({'default' if task.recipe.origin == 'default' else 'yours'}). {_said_proof(task)}"


def _said_proof(task: Task) -> str:
    if not task.checks and not task.measures:
        return "No check yet, so nothing would prove it: give one with --check."
    proof = [plural(len(task.checks), "check")] * bool(task.checks) + [plural(len(task.measures), "measure")] * bool(task.measures)
    proposed = sum(c.origin == "proposed" for c in task.checks)
    return f"{listed(proof)}{f' ({proposed} from its description)' if proposed else ''}."


def why_no_recipe(home: Path, settings: "Sources", task: Task) -> str:
    """Why `task` is parked without a recipe, and the one command that makes it runnable."""
    reasons = "; ".join(o.lacks for o in offers(home, settings, task.category)) or f"{task.category} has none in [recipes]"
    return f"No default recipe fits ({reasons}), so it will be parked. Make it runnable: jarvis queue edit {task.id} --command '…'"


def unused_proposals(home: Path, task: Task) -> list[str]:
    """`Test:` lines of the description that are prose rather than a command, so nothing can run them."""
    return [line for line in words.proposed_checks(task.description)[0] if is_prose(home, line)]


def command_recipe(home: Path, line: str) -> Recipe:
    """`line` as argv, or as a line for `sh -c` when it needs a shell. Refuses a command that cannot be found."""
    tidy = checked(home, line, "command")
    if needs_shell(tidy):
        return Recipe("command", shell=tidy)
    import shlex

    return Recipe("command", argv=tuple(shlex.split(tidy)))


def _with_recipe(home: Path, settings: "Sources", task: Task, notebook: str | None, given: Mapping[str, Any], command: str | None) -> Task:
    if notebook is not None and command is not None:
        raise Refused("A task has one recipe: give either --notebook or --command, not both.", code="usage")
    if notebook is None and given:
        raise Refused("Parameters (-p) belong to a notebook; name it with --notebook PATH.", code="usage")
    if command is not None:
        return replace(task, recipe=command_recipe(home, command))
    if notebook is not None:
        return _with_card(home, task, notebook_recipe(home, notebook, given))
    offer = default_recipe(home, settings, task.category)
    return _with_card(home, task, offer) if offer else task


def _with_card(home: Path, task: Task, offer: Offer) -> Task:
    """`task` with the recipe, and what its card promises where the person said nothing."""
    return replace(
        task,
        recipe=offer.recipe,
        changes=task.changes or below(home, card_paths(offer)),
        checks=task.checks or tuple(Check(**(c | {"origin": "default"})) for c in card_commands(offer, "checks")),
        measures=task.measures or tuple(Measure(**m) for m in card_commands(offer, "measures")),
    )


def _proposed(home: Path, task: Task) -> Task:
    """`task` with the `Test:` lines of its description as proposed checks and its `Target:` on the measures without one."""
    lines, target = words.proposed_checks(task.description)
    have = {c.command for c in task.checks}
    new = tuple(Check(line, origin="proposed") for line in lines if line not in have and not is_prose(home, line))
    measures = tuple(replace(m, target=target) if target and not m.target else m for m in task.measures)
    return replace(task, checks=task.checks + new, measures=measures)


def _own_measures(home: Path, lines: Sequence[str]) -> tuple[Measure, ...]:
    """Each with a name of its own, since its numbers are kept under that name."""
    tidy = [checked(home, line, "measure") for line in lines]
    return tuple(Measure(line, name="measure" if i == 1 else f"measure {i}") for i, line in enumerate(tidy, 1))


def _arguments(home: Path, task: Task) -> dict[str, Any]:
    """The arguments of `draft` that give `task` again, without what its recipe's card had brought."""
    promised = _promised(home, task)
    own = task.recipe if task.recipe and task.recipe.origin != "default" else None
    return {
        "id": task.id,
        "title": task.title,
        "description": task.description,
        "hours": task.hours,
        "category": task.category,
        "priority": task.priority,
        "notebook": own.notebook if own and own.kind == "notebook" else None,
        "parameters": own.parameters if own else {},
        "command": _line(own) if own and own.kind == "command" else None,
        "checks": [c.command for c in task.checks if c.origin == "person"],
        "measures": [m.command for m in task.measures if m.command not in {p.command for p in promised.measures}],
        "changes": [c for c in task.changes if c not in promised.changes],
        "after": list(task.after),
        "due": task.due,
        "cost": task.cost,
        "resumable": task.resumable,
        "project": task.project,
        "tags": list(task.tags),
        "repo": task.repo or None,
        "agent": (own.agent or "any") if own and own.kind == "agent" else None,
        "network": task.network,
        "secrets": list(task.secrets),
        "no_change_expected": task.no_change_expected,
        "needs": list(task.needs),
        "follows": task.follows,
        "every": task.every,
        "series": task.series,
    }


def _promised(home: Path, task: Task) -> Task:
    """`task` with nothing but what its recipe's card brings; a notebook that has gone brings nothing."""
    bare = replace(task, checks=(), measures=(), changes=())
    if task.recipe is None or task.recipe.kind != "notebook" or not (home / task.recipe.notebook).is_file():
        return bare
    return _with_card(home, bare, notebook_recipe(home, task.recipe.notebook, task.recipe.parameters))


def _line(recipe: Recipe) -> str:
    import shlex

    return recipe.shell or shlex.join(recipe.argv)

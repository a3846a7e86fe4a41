"""Which one concrete change could cure this weakness? Pure: from a weakness and the settings to a suggestion, or none.

A setting only from the short list of `model.improver_rules`; what touches the policy is a line that the person writes themselves; the rest is
a task with its evidence in the description.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jarvis_lib.model.improver_rules import EDITS, improvement_id, may_change
from jarvis_lib.model.prose import shorten
from jarvis_lib.model.settings import Settings, toml
from jarvis_lib.model.task import CATEGORIES
from jarvis_lib.model.window import SAID
from jarvis_lib.self_improver.weaknesses import Weakness

BY_HAND = "Write it into jarvis.toml yourself; Jarvis never does."
_RESERVES = (1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change for one weakness. `change` holds a setting (section, key, old, new), a task, or the line or command that the person uses."""

    id: str
    weakness: str
    kind: str
    title: str
    why: str
    change: dict[str, Any]
    measure: str
    subject: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as its fact carries it."""
        return asdict(self)


def propose(weak: Weakness, settings: Settings, *, overruns: Sequence[float]) -> Proposal | None:
    """The change that is suggested for `weak`. `overruns`: actual hours over the estimate, of the look's finished work."""
    maker = _MAKERS.get(weak.measure)
    made = maker(weak, settings, overruns) if maker else None
    if made is None:
        return None
    kind, about, title, change = made
    if kind in EDITS and may_change(change["section"], change["key"], change["old"], change["new"]):
        return None
    return Proposal(improvement_id(weak.key, kind, about), weak.key, kind, shorten(title, 160), weak.said, change, weak.measure, weak.subject)


Made = tuple[str, str, str, dict[str, Any]] | None


def _setting(kind: str, section: str, key: str, old: Any, new: Any, title: str) -> Made:
    return kind, f"{section}.{key}", title, {"section": section, "key": key, "old": old, "new": new}


def _task(kind: str, weak: Weakness, title: str, what: str, category: str, hours: float = 1.0) -> Made:
    rows = [f"- {e['at'][:10]} {e['ref']} {e['told']}".rstrip() for e in weak.evidence]
    description = "\n".join([what, "", weak.said, *rows, "", f"It is gone when {weak.test['said']}."])
    return kind, title, title, {"title": shorten(title, 160), "description": description, "category": category, "hours": hours, "priority": "MEDIUM"}


def _line(weak: Weakness, settings: Settings, category: str, to: str, title: str) -> Made:
    """The lines of `[policy]` with the category moved, as they would stand in the file."""
    other = "ask" if to == "auto" else "auto"
    moved = {to: [*settings.get("policy", to), category], other: [c for c in settings.get("policy", other) if c != category]}
    lines = [f"{name} = {toml(values)}" for name, values in sorted(moved.items())]
    return "rule", f"{category} -> {to}", title, {"where": "[policy]", "lines": lines, "by_hand": BY_HAND, "category": category, "to": to}


def _timeouts(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    old = settings.get("night", "reserve")
    if len(overruns) < 15:
        return None
    p80 = sorted(overruns)[math.ceil(0.8 * len(overruns)) - 1]
    new = round(min(max(math.ceil(p80 * 20) / 20, _RESERVES[0]), _RESERVES[1]), 2)
    if new < old + 0.1:
        return _task("task", weak, "Find out why tasks reach their deadline", "Many attempts are ended by their deadline.", "Research/analysis")
    title = f"Keep {new:g}x instead of {old:g}x of an estimate free for a task that no plan has seen"
    return _setting("setting", "night", "reserve", old, new, title)


def _unused(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    section = f"windows.{weak.subject}"
    if weak.subject not in SAID or not settings.get(section, "on"):
        return None
    title = f"Switch the window {SAID[weak.subject]} off, so that the plan counts on no hours that are not worked (or have cron start sessions in it)"
    return _setting("setting", section, "on", True, False, title)


def _skill(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    off = list(settings.get("predictors", "off"))
    if weak.subject in off:
        return None
    return _setting("predictor", "predictors", "off", off, [*off, weak.subject], f"Tell no more forecasts of {weak.subject}")


def _same_answer(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    category = weak.subject.partition(":")[2]
    if category in CATEGORIES and category in settings.get("policy", "ask"):
        if weak.value > 0.5:
            return _line(weak, settings, category, "auto", f"You always say yes to {category}: let it run without asking")
        what = f"Questions about {category} are nearly always answered with no. Find out who adds these tasks, and stop it there."
        return _task("task", weak, f"Stop proposing {category} that you decline", what, "Research/analysis")
    answer = "yes" if weak.value > 0.5 else "no"
    what = f"The rule {weak.subject} asks, and the answer is nearly always {answer}. Look whether the rule or the tasks should change."
    return _task("task", weak, f"Look at the rule {weak.subject}, which asks what you always answer with {answer}", what, "Research/analysis")


def _wrongly_auto(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    if weak.subject not in settings.get("policy", "auto"):
        return None
    return _line(weak, settings, weak.subject, "ask", f"Ask before {weak.subject} runs")


def _corrections(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    words = " ".join([weak.subject, *(e["told"] for e in weak.evidence)]).casefold()
    named = [c for c in settings.get("policy", "auto") if c.casefold() in words]
    if named and "approve" in words:
        return _line(weak, settings, named[0], "ask", f"Ask before {named[0]} runs, as you have said")
    return _task("check", weak, f"Add a check for what you correct again and again: {weak.subject}", "Turn the correction into a check.", "Test coverage")


def _failures(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    return _task("task", weak, f"Find out why attempts with {weak.subject} fail", "Look at the logs of these attempts and name the cause.", "Research/analysis")


def _hollow(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    what = "These attempts said that they were done and had changed nothing. Give the recipe a check that would have failed."
    return _task("check", weak, f"Add a check against empty results of {weak.subject}", what, "Test coverage")


def _unproved(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    what = "These results could not be verified, because nothing was given that proves them. Write a check that such tasks can name with --check."
    return _task("check", weak, f"Write a check for tasks of {weak.subject}", what, "Test coverage")


def _no_recipe(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    asked = weak.evidence[0]["told"] if weak.evidence else weak.subject
    what = "This was asked for again and again and has no recipe, so each time it waits. Write a notebook under notebooks/recipes/ that does it."
    return _task("recipe", weak, f"Write a recipe for: {asked}", what, "New features", 2.0)


def _by_hand(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    asked = weak.evidence[0]["told"] if weak.evidence else weak.subject
    title = f"Enable a pattern for what you add by hand again and again: {asked}"
    return "pattern", weak.subject, title, {"command": "jarvis patterns list", "by_hand": "Look whether it is learned as a routine, and enable it there."}


def _slow(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    return _task("task", weak, f"Make {weak.subject} faster", "It takes longer than [improver] allows.", "Performance optimization", 2.0)


def _forecast(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    what = "The forecast learns from every ending, and is still off here. Look whether these tasks should have a group (category, project) of their own."
    return _task("task", weak, f"Find out why the forecast misses {weak.subject}", what, "Research/analysis")


def _came_back(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    return _task("task", weak, f"Find the cause behind what {weak.subject} fixes again and again", "The fix holds for days only.", "Bug fixes", 2.0)


def _failed_calls(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    return _task("task", weak, f"Find out why {weak.subject} fails", "It has failed three times or more.", "Bug fixes")


def _unread(weak: Weakness, settings: Settings, overruns: Sequence[float]) -> Made:
    what = "The page is made and not read. Choose another time, another place, or fewer lines."
    return _task("task", weak, f"Make the {weak.subject} brief worth reading, or bring it elsewhere", what, "User-facing changes")


_MAKERS = {
    "forecast_bias": _forecast,
    "forecast_p80": _forecast,
    "failures": _failures,
    "hollow": _hollow,
    "unproved": _unproved,
    "timeouts": _timeouts,
    "same_answer": _same_answer,
    "unused": _unused,
    "unread": _unread,
    "slow": _slow,
    "slow_step": _slow,
    "skill": _skill,
    "came_back": _came_back,
    "wrongly_auto": _wrongly_auto,
    "corrections": _corrections,
    "failed_calls": _failed_calls,
    "no_recipe": _no_recipe,
    "by_hand": _by_hand,
}
